"""A folder in git becomes a ``Charter``: load, model, lock, schema.

In: a deployment folder. Out: a checked ``Charter`` and the folder's digest (its release).
Never: runs the folder's code, connects to anything, guesses what was not written.
"""

from bridgehead.declare.deployment import Deployment
from bridgehead.declare.faults import CharterErrors
from bridgehead.declare.limit import Limit, limit
from bridgehead.declare.lines import Lines
from bridgehead.declare.load import load
from bridgehead.declare.lock import load_release, snapshot
from bridgehead.declare.model import Charter

__all__ = [
    "Charter",
    "CharterErrors",
    "Deployment",
    "Limit",
    "Lines",
    "limit",
    "load",
    "load_release",
    "snapshot",
]
