"""A crossing as it was recorded, for whoever settles it outside its run: a person, or the late look.

In: rows and entries. Out: the crossing with its run, or None where its content was erased. Never: changes
anything.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, select

from bridgehead.enforce import rows
from bridgehead.enforce.boundary import Boundary, Crossing, RunState, Undoes
from bridgehead.kernel.action import Action
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.principal import Principal
from bridgehead.record.entries import envelope_of
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
    """Return who a run acts as: its agent, on behalf of its human; an undo as whoever ordered it."""
    human = boundary.charter.people.get(row.on_behalf)
    sponsor = Principal(id=row.on_behalf, kind="human", name=human.name if human else row.on_behalf)
    if row.kind == "undo":
        return sponsor
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


def release_of(connection: Connection, of_run: str, row: Row) -> str:
    """Return the release whose rules decided about an effect: its run's (``of_run``), but for what takes
    another back, which may have been decided by those of the effect it takes back."""
    if not row.undoes or row.intent_entry is None:
        return of_run
    return str(envelope_of(connection, row.intent_entry)["release"])


def decided_under(connection: Connection, run: str, position: str) -> str | None:
    """Return the release whose rules decide what is said about the effect at a position; None where there is
    none."""
    row, of_run = rows.find(connection, run, position), run_row(connection, run)
    if row is None or of_run is None:
        return None
    return release_of(connection, of_run.release, row)


def in_its_place(connection: Connection, row: Row, run: RunState) -> RunState:
    """Return the run with the bindings and the subject an effect was made with: for what takes another back,
    those of that effect's run."""
    made = run_row(connection, row.undoes.partition("/")[0]) if row.undoes else None
    if made is None:
        return run
    return replace(
        run, workflow=made.workflow, bindings=json.loads(made.bindings), subject=made.subject or run.subject
    )


def taken_back(connection: Connection, row: Row) -> Undoes | None:
    """Return the effect that this one takes back, or None."""
    run, _, position = row.undoes.partition("/")
    found = rows.find(connection, run, position) if row.undoes else None
    return None if found is None else Undoes(run=run, position=position, key=found.effect_key)


def crossing_of(
    row: Row, run: RunState, body: dict[str, Any] | None, undoes: Undoes | None = None
) -> Crossing:
    """Return the crossing of a row, from its recorded content; without arguments where that was erased."""
    action = Action(
        kind=row.kind,
        target=row.target,
        arguments=body["arguments"] if body is not None else {},
        effect=row.effect,
        outward=bool(row.outward),
    )
    return Crossing(run=run, position=row.position, action=action, undoes=undoes)
