"""When an effect that ended is asked about once more: a due time on its row, nothing else.

Called by the journal as it records an end. Never: asks anything itself (``late`` does).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bridgehead.declare.model import ActionRule, seconds
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.outcome import Done, Failed

TIMES = 10
"""The late look comes after this many settle windows: what lands later than that, nobody expects."""

BELIEVED = frozenset({"BH-ENF-010", "BH-ENF-013", "BH-ENF-015"})
"""Failures that are not looked at again: nothing was connected, the other system itself said no where the
charter declares that its no changes nothing, or it was too late to send. A connection that was refused is
looked at: that nothing went out is a driver's claim, and something between may have passed it on."""


def due(boundary: Boundary, crossing: Crossing, outcome: Done | Failed, now: datetime) -> str | None:
    """Return when to look at this effect again (RFC 3339), or None for never."""
    rule = crossing.rule(boundary)
    if rule is None or crossing.action.effect == "read" or not looked_at(rule):
        return None
    if isinstance(outcome, Failed) and (
        outcome.fault.effect_state == "unknown" or outcome.fault.code in BELIEVED
    ):
        return None
    return stamp(now + wait(rule))


def looked_at(rule: ActionRule) -> bool:
    """Say whether effects of an action are looked at again: it has a probe, and ``late`` is not off."""
    return rule.probe is not None and rule.late


def wait(rule: ActionRule) -> timedelta:
    """Return how long after its end an effect is looked at again."""
    return timedelta(seconds=TIMES * seconds(rule.settle))
