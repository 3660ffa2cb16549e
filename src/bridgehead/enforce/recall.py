"""A crossing as it was recorded, for whoever settles it outside its run: a person, or the late look.

In: rows and entries. Out: the crossing with its run, or None where its content was erased. Never: changes
anything.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, bindparam, select

from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.kernel.action import Action
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.principal import Principal
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

OUTSIDE = 0
"""The segment of what is done about a run and not by it."""

_RUN = Statement(select(t.run).where(t.run.c.id == bindparam("run")))


def run_row(connection: Connection, run: str) -> Row | None:
    """Return the row of a run, or None."""
    return _RUN.first(connection, run=run)


def has_ended(row: Row) -> bool:
    """Say whether a run has come to its end, and will not go on."""
    return bool(row.status in ("done", "failed", "stopped"))


def chain(row: Row, boundary: Boundary) -> Principal:
    """Return who a run acts as: its agent, on behalf of its human."""
    human = boundary.charter.people.get(row.on_behalf)
    sponsor = Principal(id=row.on_behalf, kind="human", name=human.name if human else row.on_behalf)
    return Principal(id=row.agent, kind="agent", name=row.agent, on_behalf_of=sponsor)


def state_outside(row: Row, boundary: Boundary, attempt: int) -> RunState:
    """Return a run as the boundary wants it, for a crossing that is none of its segments' own."""
    return RunState(
        id=row.id,
        release=row.release,
        workflow=row.workflow,
        principal=chain(row, boundary),
        bindings=json.loads(row.bindings),
        segment=OUTSIDE,
        attempt=attempt,
        subject=row.subject,
        kind=row.kind,
    )


def content(connection: Connection, boundary: Boundary, row: Row) -> dict[str, Any] | None:
    """Return what was recorded with an intent: arguments, facts, inverse; None once it was erased."""
    if row.intent_entry is None:
        return None
    try:
        body: dict[str, Any] = boundary.ledger.body(connection, row.intent_entry)
    except LedgerError:
        return None
    return body


def crossing_of(row: Row, run: RunState, body: dict[str, Any] | None) -> Crossing:
    """Return the crossing of a row, from its recorded content; without arguments where that was erased."""
    action = Action(
        kind=row.kind,
        target=row.target,
        arguments=body["arguments"] if body is not None else {},
        effect=row.effect,
        outward=bool(row.outward),
    )
    return Crossing(run=run, position=row.position, action=action)
