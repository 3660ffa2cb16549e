"""The journal: one row for each crossing of a run, written together with its ledger entry.

States: ``asked`` waits for people; ``intent`` may be sent again, nothing is on its way; ``claimed``
may be on its way; ``unknown`` nobody knows yet; ``done``, ``refused``, ``failed`` are final. A row is
claimed in ``claim`` and gets its end in ``ending``; ``rows`` is the SQL. Here is what it begins with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from bridgehead.enforce import arguments, rows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.decision import Refuse
from bridgehead.kernel.entry import Written
from bridgehead.store.statement import Row


class Denied(Exception):
    """Rolls a claim or an outcome back: something changed between the look and the commit."""

    def __init__(self, refuse: Refuse) -> None:
        super().__init__(refuse.words())
        self.refuse = refuse


def new_row(boundary: Boundary, crossing: Crossing, now: str) -> dict[str, Any]:
    """Return the columns every new row starts with."""
    action = crossing.action
    return {
        "run": crossing.run.id,
        "position": crossing.position,
        "action_digest": crossing.asked_digest,
        "kind": action.kind,
        "target": action.target,
        "effect": action.effect,
        "outward": int(action.outward),
        "effect_key": crossing.key,
        "record": record_name(boundary, crossing),
        "undoes": crossing.undoes.name if crossing.undoes else "",
        "started_at": now,
    }


def record_name(boundary: Boundary, crossing: Crossing) -> str:
    """Return the business record an action changes, with the system and the bindings it lives in."""
    rule = crossing.rule(boundary)
    if rule is None or not rule.record or crossing.action.effect == "read":
        return ""
    value = arguments.follow(rule.record, arguments=crossing.action.arguments)
    bound = boundary.charter.servers[rule.server].bound
    world = [crossing.run.bindings.get(name, "") for name in sorted(bound.values())]
    place = hashlib.sha256(canonical_bytes(world)).hexdigest()[:12]
    return f"{rule.server}/{place}/{value}"


def begun(earlier: Row | None) -> bool:
    """Say whether the crossing of a row was claimed before, and is counted."""
    return earlier is not None and earlier.attempt > 0


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
