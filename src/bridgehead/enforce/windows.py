"""How long an unclear effect is left alone, asked about and repeated. Pure: a declaration and times go in.

Whether ``settle`` is long enough is the one number nobody can prove; everything here is counted from it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bridgehead.declare.model import ActionRule, seconds
from bridgehead.kernel.clock import unstamp

PATIENCE = 10
"""Settle windows, after the first, in which a system that is down is asked again before a person is: whoever
does not answer the probe is often not there for the person either, and is back by then. Also how often a call
is repeated with its key before somebody is told."""


def ready_at(rule: ActionRule, called_at: str) -> datetime:
    """Return when an unclear call has either happened or never will."""
    return unstamp(called_at) + timedelta(seconds=seconds(rule.send_budget) + seconds(rule.settle))


def ask_again_at(rule: ActionRule, called_at: str, now: datetime) -> datetime | None:
    """Return when to ask a system again that did not answer, or None once a person must be asked."""
    ready = ready_at(rule, called_at)
    window = ready - unstamp(called_at)
    again = now + max(window / 2, timedelta(seconds=1))
    return again if again <= ready + PATIENCE * window else None


def may_repeat(rule: ActionRule, first_called_at: str | None, now: datetime, attempts: int = 0) -> bool:
    """Say whether the other side still drops a second call with our key, if it is claimed ``now``.

    ``first_called_at`` is the earliest moment at which the first call can have been made; None where nobody
    knows. A call is sent within its send budget: it must not come after the key is forgotten.
    """
    if not rule.key_argument or rule.repeats != "dropped" or attempts > PATIENCE:
        return False
    if not rule.key_lifetime:
        return True
    sent_by = now + timedelta(seconds=seconds(rule.send_budget))
    lifetime = timedelta(seconds=seconds(rule.key_lifetime))
    return first_called_at is not None and sent_by < unstamp(first_called_at) + lifetime
