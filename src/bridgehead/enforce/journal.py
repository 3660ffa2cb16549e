"""The journal: one row for each crossing of a run, written together with its ledger entry.

States: ``asked`` waits for people; ``intent`` may be sent again, nothing is on its way; ``claimed``
may be on its way; ``unknown`` nobody knows yet; ``done``, ``refused``, ``failed`` are final. An effect
leaves ``claimed`` and ``unknown`` by proof, or is claimed again with its key, and in no other way. A row
is claimed in ``claim`` and gets its end in ``ending``; ``rows`` is the SQL. Here is what it begins with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from bridgehead.enforce import arguments, rows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.kernel.canonical import canonical_bytes, recordable
from bridgehead.kernel.decision import Refuse
from bridgehead.kernel.entry import Written
from bridgehead.kernel.errors import EngineError
from bridgehead.store.statement import Row


class Denied(Exception):
    """Rolls a claim or an outcome back: something changed between the look and the commit."""

    def __init__(self, refuse: Refuse) -> None:
        super().__init__(refuse.words())
        self.refuse = refuse


class Unclear(Exception):
    """Rolls back what would say that an effect did not happen which may have; ``called_at`` is when."""

    def __init__(self, called_at: str) -> None:
        super().__init__(called_at)
        self.called_at = called_at


class SettledElsewhere(EngineError):
    """Somebody else, a person or another process, has said meanwhile how an effect ended, or what it is."""

    def __init__(self, crossing: Crossing) -> None:
        super().__init__(
            "BH-RUN-004",
            f"the crossing at {crossing.position} of {crossing.run.id} was settled by someone else",
            means="What is recorded stays; this answer comes second and changes nothing.",
        )


def new_row(boundary: Boundary, crossing: Crossing, now: str) -> dict[str, Any]:
    """Return the columns every new row starts with."""
    action = crossing.action
    return {
        "run": crossing.run.id,
        "position": crossing.position,
        "action_digest": crossing.asked_digest,
        "kind": action.kind,
        "target": recordable(action.target),
        "effect": action.effect,
        "outward": int(action.outward),
        "effect_key": crossing.key,
        "record": record_name(boundary, crossing) or "",
        "undoes": crossing.undoes.name if crossing.undoes else "",
        "started_at": now,
    }


def record_name(boundary: Boundary, crossing: Crossing, facts: Mapping[str, Any] | None = None) -> str | None:
    """Return the business record an action changes, with the system and the bindings it lives in.

    Empty where it changes none. None where it cannot be named, or not yet: its name is one of the ``facts``.
    """
    rule = crossing.rule(boundary)
    if rule is None or not rule.record or crossing.action.effect == "read":
        return ""
    value = arguments.follow(rule.record, arguments=crossing.action.arguments, facts=facts)
    if value is None:
        return None
    bound = boundary.charter.servers[rule.server].bound
    world = [crossing.run.bindings.get(name, "") for name in sorted(bound.values())]
    place = hashlib.sha256(canonical_bytes(world)).hexdigest()[:12]
    return recordable(f"{rule.server}/{place}/{value}")  # a model may name anything


def begun(earlier: Row | None) -> bool:
    """Say whether the crossing of a row was claimed before, or is presumed to have been, and is counted."""
    return earlier is not None and earlier.called_at is not None


def unclear(earlier: Row | None) -> bool:
    """Say whether the row is that of an effect which may have happened: nobody has heard the answer."""
    return earlier is not None and earlier.effect != "read" and earlier.state in ("claimed", "unknown")


def require_clear(earlier: Row | None) -> None:
    """Raise ``Unclear`` where an effect may have happened."""
    if earlier is not None and unclear(earlier):
        raise Unclear(earlier.called_at)


def require_current(crossing: Crossing, earlier: Row | None) -> None:
    """Raise ``SettledElsewhere`` where somebody has changed what is asked since the crossing was read."""
    known = crossing.edit.entry if crossing.edit is not None else None
    if earlier is not None and earlier.edit_entry != known:
        raise SettledElsewhere(crossing)


def count(connection: Connection, crossing: Crossing, *, effect: bool = True) -> None:
    """Count a crossing against its run's limits; reads made only to decide another do not count."""
    if crossing.evidence_of:
        return
    has_effect = effect and crossing.action.effect != "read"
    rows.count(connection, crossing.run.id, int(has_effect))


def point(crossing: Crossing, column: str) -> Callable[[Connection, tuple[Written, ...]], None]:
    """Return the step that stores the index of the first entry in a column of the row."""

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        rows.point(connection, crossing.run.id, crossing.position, column, written[0].index)

    return then
