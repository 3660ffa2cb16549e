"""Backups: everything a deployment needs to go on elsewhere, in one folder that can be checked.

In: a store at work, its state folder. Out: a backup with a manifest of digests; a restored state folder and
store, verified and stopped. Never: overwrites anything, restores what does not verify, lets a restored
deployment act before its owner says so and before what may have happened since the backup is settled.
"""
