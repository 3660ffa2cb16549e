"""What an undo makes of an effect: the group it is planned in, and the one outcome it ends with."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

Group = Literal["automatic", "approval", "impossible", "changed", "nothing", "unknown"]
GROUPS: tuple[Group, ...] = ("automatic", "approval", "impossible", "changed", "unknown", "nothing")
TAKEN_BACK: tuple[Group, ...] = ("automatic", "approval")
"""Groups whose effects are taken back once people agree to the plan."""

OUTCOMES = ("undone", "refused", "pending", "skipped", "person", "impossible", "unknown", "nothing")
"""Taken back; refused by a rule or by people; still to come; left because the record was changed since;
left to a person; cannot be taken back; nobody knows yet whether it happened; nothing to take back."""

_OF_GROUP = {"impossible": "impossible", "changed": "skipped", "nothing": "nothing", "unknown": "unknown"}
_OF_STATE = {"planned": "pending", "waiting": "pending"}


def outcome(group: str, item_state: str, undo_state: str) -> str:
    """Return what became of an effect: exactly one of ``OUTCOMES``.

    An item that nothing is done about stays ``planned``, unless something was learnt of it since.
    """
    if group not in TAKEN_BACK:
        return _OF_GROUP[group] if item_state == "planned" else item_state
    if undo_state == "refused":
        return "refused"
    return _OF_STATE.get(item_state, item_state)


def balance(items: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, Decimal]]:
    """Return by currency what was moved (taken back and remaining together), and what is unclear.

    ``items`` are an outcome, an amount as decimal text (empty where there is none), and a currency. What was
    taken back before, or never happened, moved nothing.
    """
    found: dict[str, dict[str, Decimal]] = {}
    for what, amount, currency in items:
        if not amount or what == "nothing":
            continue
        of = found.setdefault(
            currency, dict.fromkeys(("moved", "taken-back", "remaining", "unclear"), Decimal(0))
        )
        for part in _parts(what):
            of[part] += Decimal(amount)
    return found


def _parts(what: str) -> tuple[str, ...]:
    if what == "unknown":
        return ("unclear",)
    return ("moved", "taken-back" if what == "undone" else "remaining")
