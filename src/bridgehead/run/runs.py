"""Rows of runs and their segments: start one, claim what is due, end or park it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from bridgehead.enforce.boundary import Boundary, RunState
from bridgehead.enforce.park import Park
from bridgehead.enforce.stop import wake
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.ids import new_id
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import Store
from bridgehead.store import tables as t

ENGINE = "service:engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of a run, from being woken to waiting again.

    ``attempt`` counts from 1. ``fruitless`` counts the starts before this one, in a row, that ended with
    their process and without a new crossing.
    """

    run: str
    number: int
    attempt: int
    release: str
    fruitless: int = 0


def start(
    boundary: Boundary,
    *,
    workflow: str,
    input: Mapping[str, Any],
    bindings: Mapping[str, str],
    title: str = "",
    on_behalf: str = "",
    key: str = "",
) -> str:
    """Start a run under the boundary's release; return its id.

    ``key`` makes starting safe to repeat: the same key gives the same run. Raises ``EngineError``
    (BH-RUN-006 unknown workflow, BH-RUN-007 bindings missing or unknown).
    """
    declared = boundary.charter.workflows.get(workflow)
    if declared is None:
        raise EngineError(
            "BH-RUN-006",
            f"no workflow {workflow!r} is declared",
            fix=f"Choose one of: {', '.join(boundary.charter.workflows)}.",
        )
    given = {name for name in bindings if not name.startswith("model:")}
    if given != set(declared.bindings):
        raise EngineError(
            "BH-RUN-007",
            f"workflow {workflow!r} wants the bindings {sorted(declared.bindings)}, got {sorted(given)}",
            fix="Give each with --bind NAME=VALUE.",
        )
    run_id = f"run_{hashlib.sha256(key.encode()).hexdigest()[:26]}" if key else new_id("run", boundary.clock)
    sponsor = on_behalf or boundary.charter.agents[declared.agent].sponsor
    now = stamp(boundary.clock.now())

    def work(connection: Connection) -> Work:
        if connection.execute(select(t.run.c.id).where(t.run.c.id == run_id)).first() is not None:
            return Work(drafts=(), value=run_id)
        connection.execute(
            insert(t.run).values(
                id=run_id,
                release=boundary.deployment.digest,
                workflow=workflow,
                title=title or workflow,
                agent=declared.agent,
                on_behalf=sponsor,
                bindings=canonical_bytes(dict(bindings)).decode(),
                input_entry=-1,  # set below, once the entry has its index
                status="running",
                created_at=now,
            )
        )
        connection.execute(insert(t.segment).values(run=run_id, number=1, state="ready", due_at=now))
        draft = Draft(
            kind="run.started",
            actor=f"agent:{declared.agent}",
            on_behalf=f"human:{sponsor}",
            run=run_id,
            fields={"release": boundary.deployment.digest, "note": workflow},
            body={"input": dict(input), "title": title or workflow},
        )

        def then(connection: Connection, written: Any) -> None:
            connection.execute(update(t.run).where(t.run.c.id == run_id).values(input_entry=written[0].index))

        return Work(drafts=(draft,), value=run_id, then=then)

    return str(boundary.ledger.append(work).value)


def claim_due(store: Store, clock: Clock, boot: str, most: int) -> list[Segment]:
    """Claim segments that are due, for this boot; at most one of a run at a time."""
    now = stamp(clock.now())
    busy = select(t.segment.c.run).where(t.segment.c.state == "claimed")
    with store.reading() as connection:
        rows = connection.execute(
            select(t.segment, t.run.c.release, t.run.c.crossings)
            .join(t.run, t.run.c.id == t.segment.c.run)
            .where(t.segment.c.state == "ready", t.segment.c.due_at <= now, t.segment.c.run.not_in(busy))
            .order_by(t.segment.c.due_at, t.segment.c.run, t.segment.c.number)
            .limit(most)
        ).all()
    if not rows:
        return []
    with store.writing() as connection:
        return [claimed for row in rows if (claimed := _claimed(connection, row, boot)) is not None]


def _claimed(connection: Connection, row: Row[Any], boot: str) -> Segment | None:
    segment = Segment(
        run=row.run,
        number=row.number,
        attempt=row.attempts + 1,
        release=row.release,
        fruitless=row.fruitless + 1 if row.attempts and row.crossings == row.reached else 0,
    )
    changed = connection.execute(
        update(t.segment)
        .where(t.segment.c.run == row.run, t.segment.c.number == row.number, t.segment.c.state == "ready")
        .values(
            state="claimed",
            boot=boot,
            attempts=segment.attempt,
            reached=row.crossings,
            fruitless=segment.fruitless,
        )
    )
    if changed.rowcount != 1:
        return None
    connection.execute(
        update(t.run)
        .where(t.run.c.id == row.run, t.run.c.status == "waiting")
        .values(status="running", waiting_for="")
    )
    return segment


def recover(store: Store) -> int:
    """Make the segments that were claimed and never ended ready again; return how many.

    Only for whoever holds the worker's lock: then nobody is at work on any of them, be it that its
    process died or that its engine was stopped and started again.
    """
    with store.writing() as connection:
        changed = connection.execute(
            update(t.segment).where(t.segment.c.state == "claimed").values(state="ready", boot="")
        )
    return int(changed.rowcount)


def next_due(store: Store) -> str | None:
    """Return when the next segment is due (RFC 3339), or None."""
    with store.reading() as connection:
        row = connection.execute(
            select(t.segment.c.due_at)
            .where(t.segment.c.state == "ready")
            .order_by(t.segment.c.due_at)
            .limit(1)
        ).first()
    return None if row is None else str(row[0])


def row_of(connection: Connection, run: str) -> Row[Any]:
    """Return the row of a run. Raises ``EngineError`` (BH-RUN-013) when there is none."""
    row = connection.execute(select(t.run).where(t.run.c.id == run)).first()
    if row is None:
        raise EngineError("BH-RUN-013", f"there is no run {run}", fix="`bridgehead runs` lists them.")
    return row


def state_of(connection: Connection, segment: Segment, principal: Principal) -> RunState:
    """Return the run of a segment as the boundary wants it."""
    row = row_of(connection, segment.run)
    return RunState(
        id=row.id,
        release=row.release,
        workflow=row.workflow,
        principal=principal,
        bindings=json.loads(row.bindings),
        segment=segment.number,
        attempt=segment.attempt,
        subject=row.subject,
    )


def park(clock: Clock, segment: Segment, why: Park) -> Callable[[Connection], Work]:
    """Return the work that ends a segment whose run waits, unless what it waits for has already come."""

    def work(connection: Connection) -> Work:
        _end_segment(connection, segment)
        if why.until is not None:
            wake(connection, [segment.run], stamp(why.until))
        elif _came_already(connection, why):
            wake(connection, [segment.run], stamp(clock.now()))
        connection.execute(
            update(t.run)
            .where(t.run.c.id == segment.run)
            .values(status="waiting", waiting_for=why.waiting_for)
        )
        draft = Draft(
            kind="run.parked",
            actor=ENGINE,
            run=segment.run,
            fields={"segment": segment.number, "note": why.waiting_for, "release": segment.release},
        )
        return Work(drafts=(draft,))

    return work


def end(clock: Clock, segment: Segment, status: str, body: Mapping[str, Any]) -> Callable[[Connection], Work]:
    """Return the work that ends a run: ``done`` with its result, ``failed`` with what happened."""

    def work(connection: Connection) -> Work:
        _end_segment(connection, segment)
        connection.execute(
            update(t.run)
            .where(t.run.c.id == segment.run)
            .values(status=status, waiting_for="", ended_at=stamp(clock.now()))
        )
        subject = connection.execute(select(t.run.c.subject).where(t.run.c.id == segment.run)).scalar_one()
        draft = Draft(
            kind="run.ended",
            actor=ENGINE,
            run=segment.run,
            fields={"segment": segment.number, "outcome": {"state": status}, "release": segment.release},
            body=dict(body),
            subject=subject,
        )

        def then(connection: Connection, written: Any) -> None:
            connection.execute(
                update(t.run).where(t.run.c.id == segment.run).values(result_entry=written[0].index)
            )

        return Work(drafts=(draft,), then=then)

    return work


def open_runs(connection: Connection, release: str) -> int:
    """Return how many runs of a release have not ended."""
    return len(
        connection.execute(
            select(t.run.c.id).where(
                t.run.c.release == release, or_(t.run.c.status == "running", t.run.c.status == "waiting")
            )
        ).all()
    )


def _end_segment(connection: Connection, segment: Segment) -> None:
    connection.execute(
        update(t.segment)
        .where(t.segment.c.run == segment.run, t.segment.c.number == segment.number)
        .values(state="ended")
    )


def _came_already(connection: Connection, why: Park) -> bool:
    """A vote or a lifted stop may commit between the look and the park; nothing may sleep through it."""
    kind, _, name = why.waiting_for.partition(":")
    if kind == "stop":
        row = connection.execute(select(t.stop.c.lifted_at).where(t.stop.c.id == name)).first()
        return row is not None and row.lifted_at is not None
    if name:
        return False
    state = connection.execute(select(t.approval.c.state).where(t.approval.c.id == kind)).scalar_one_or_none()
    return state is not None and state != "open"


def seconds_until(due: str, now: datetime) -> float:
    """Return the seconds from now to a due time, not below zero."""
    return max((datetime.fromisoformat(due) - now).total_seconds(), 0.0)
