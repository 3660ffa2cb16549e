"""A folder in git becomes a ``Charter``: load, model, lock, schema.

In: a deployment folder. Out: a checked ``Charter`` and the folder's digest (its release).
Never: runs the folder's code, connects to anything, guesses what was not written.
"""
