"""Runs: the workflow API, journal replay, and two engines behind one port.

In: a workflow function of a release, and a case. Out: a run, carried to its end across waits,
crashes and restarts. Never: performs anything itself; every call goes through ``enforce.perform``.
"""
