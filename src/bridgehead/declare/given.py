"""What every deployment has without writing it: the group ``owner`` and the approval rule ``undo``.

A charter that writes one of them itself keeps its own.
"""

from __future__ import annotations

from typing import Any

OWNER = "owner"
"""The group of the owner and the deputy."""
UNDO = "undo"
"""The approval rule that is asked about the plan of an undo."""

_RULE = {
    "question": "What was done is to be taken back.",
    "who": OWNER,
    "within": "72h",
    "valid_for": "72h",
}


def with_given(value: Any) -> Any:
    """Return a written charter with what every deployment has; what is odd is told where it is validated."""
    if not isinstance(value, dict):
        return value
    groups, approvals, people, owner = (
        value.get(name, {}) for name in ("groups", "approvals", "people", "owner")
    )
    if not all(isinstance(part, dict) for part in (groups, approvals, people, owner)):
        return value
    given = {**value, "approvals": {UNDO: _RULE, **approvals}}
    if OWNER in groups:
        return given
    answerable = {owner.get("person"), owner.get("deputy")}
    members = {name: _member(person) for name, person in people.items() if name in answerable}
    description = {"description": "The owner and the deputy."}
    return given | {"groups": {**groups, OWNER: description}, "people": {**people, **members}}


def _member(person: Any) -> Any:
    if not isinstance(person, dict) or not isinstance(person.get("groups", []), list):
        return person
    return {**person, "groups": [*person.get("groups", []), OWNER]}
