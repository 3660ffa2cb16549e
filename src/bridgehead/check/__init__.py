"""Is a deployment ready? Rules over the folder alone, each with its reason and its fix.

In: a ``Deployment``. Out: findings; one that blocks stops a release.
Never: runs the folder's code, connects to anything, averages findings into a score.
"""

from bridgehead.check.readiness import blocks, readiness, rules
from bridgehead.check.rule import Rule

__all__ = ["Rule", "blocks", "readiness", "rules"]
