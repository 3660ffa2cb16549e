"""Rows of runs and their segments: start one, claim what is due, end or park it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from bridgehead.declare.model import Person
from bridgehead.enforce import health, lanes
from bridgehead.enforce.boundary import Boundary, RunState
from bridgehead.enforce.park import Park
from bridgehead.enforce.stop import wake
from bridgehead.kernel.canonical import canonical_bytes, recordable
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.ids import new_id
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.run.segments import Segment
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

ENGINE = "service:engine"
_RUN = Statement(select(t.run).where(t.run.c.id == bindparam("of_run")))
_GIVEN = ("id", "release", "workflow", "title", "agent", "on_behalf")
_ADD_RUN = Statement(
    insert(t.run).values(
        {name: bindparam(name) for name in (*_GIVEN, "bindings", "created_at", "schedule")}
        | {"status": "running", "input_entry": -1}  # set once the entry has its index
    )
)
_BEGUN = Statement(
    update(t.run).where(t.run.c.id == bindparam("of_run")).values(input_entry=bindparam("entry"))
)
_PARKED = Statement(
    update(t.run)
    .where(t.run.c.id == bindparam("of_run"), or_(t.run.c.status == "running", t.run.c.status == "waiting"))
    .values(status="waiting", waiting_for=bindparam("now_for"))
)
_ENDED = Statement(
    update(t.run)
    .where(t.run.c.id == bindparam("of_run"))
    .values(status=bindparam("now_status"), waiting_for="", ended_at=bindparam("now_ended_at"))
)
_RESULT = Statement(
    update(t.run).where(t.run.c.id == bindparam("of_run")).values(result_entry=bindparam("entry"))
)
_END_SEGMENT = Statement(
    update(t.segment)
    .where(t.segment.c.run == bindparam("of_run"), t.segment.c.number == bindparam("at_number"))
    .values(state="ended")
)
_END_SEGMENTS = Statement(
    update(t.segment)
    .where(t.segment.c.run == bindparam("of_run"), t.segment.c.state != "ended")
    .values(state="ended")
)
_STATE = Statement(
    select(t.release.c.stopped_by).where(
        t.release.c.digest == bindparam("release"), t.release.c.state == "stopped"
    )
)
_MARK_RESTORED = Statement(
    update(t.run)
    .where(t.run.c.id == bindparam("of_run"))
    .values(restored_at=bindparam("since"), backup_at=bindparam("backup"))
)
_RESTORED = Statement(
    select(
        func.min(t.restored.c.taken_at).label("taken_at"), func.max(t.restored.c.restored_at).label("at")
    ).where(t.restored.c.restored_at > bindparam("since"))
)
REPEATS_FOR = timedelta(days=14)
"""How long after a restore a run with a key may be one that was started before: queues keep no message
longer."""
_APPROVAL = Statement(select(t.approval.c.state).where(t.approval.c.id == bindparam("approval")))


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

    ``key`` makes starting safe to repeat: the same key gives the same run. After a restore it may have run
    before, so its effects are settled before they are sent (``enforce.presumed``). Raises ``EngineError``
    (BH-RUN-006 unknown workflow, BH-RUN-007 bindings missing or unknown, BH-RUN-015 the release was undone).
    """
    unit = starting(
        boundary,
        workflow=workflow,
        input=input,
        bindings=bindings,
        title=title,
        on_behalf=on_behalf,
        key=key,
    )
    return str(boundary.ledger.append(unit).value)


def starting(
    boundary: Boundary,
    *,
    workflow: str,
    input: Mapping[str, Any],
    bindings: Mapping[str, str],
    title: str = "",
    on_behalf: str = "",
    key: str = "",
    schedule: str = "",
) -> UnitOfWork:
    """Return the unit that starts a run, whose value is the run's id; ``schedule`` is what started it."""
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
        if _RUN.first(connection, of_run=run_id) is not None:
            return Work(drafts=(), value=run_id)
        if _STATE.first(connection, release=boundary.deployment.digest) is not None:
            raise _stopped(boundary.deployment.digest)
        _ADD_RUN.run(
            connection,
            id=run_id,
            release=boundary.deployment.digest,
            workflow=workflow,
            title=recordable(title) or workflow,
            agent=declared.agent,
            on_behalf=sponsor,
            bindings=canonical_bytes(dict(bindings)).decode(),
            created_at=now,
            schedule=schedule,
        )
        if key and not schedule:  # a schedule starts nothing that was due before a restore
            _mark_restored(connection, boundary.clock, run_id)
        wake(connection, [run_id], now)
        draft = Draft(
            kind="run.started",
            actor=f"agent:{declared.agent}",
            on_behalf=f"human:{sponsor}",
            run=run_id,
            fields={"release": boundary.deployment.digest, "note": workflow},
            body={"input": dict(input), "title": title or workflow},
        )

        def then(connection: Connection, written: Any) -> None:
            _BEGUN.run(connection, of_run=run_id, entry=written[0].index)

        return Work(drafts=(draft,), value=run_id, then=then)

    return work


def _mark_restored(connection: Connection, clock: Clock, run: str) -> None:
    """Mark a run with a key that may have been started between a backup and its restore, and done much."""
    found = _RESTORED.first(connection, since=stamp(clock.now() - REPEATS_FOR))
    if found is not None and found.at is not None:
        _MARK_RESTORED.run(connection, of_run=run, since=found.at, backup=found.taken_at)


def row_of(connection: Connection, run: str) -> Row:
    """Return the row of a run. Raises ``EngineError`` (BH-RUN-013) when there is none."""
    row = _RUN.first(connection, of_run=run)
    if row is None:
        raise EngineError("BH-RUN-013", f"there is no run {run}", fix="`bridgehead runs` lists them.")
    return row


def state_of(row: Row, segment: Segment, principal: Principal) -> RunState:
    """Return the run of a segment, from its row, as the boundary wants it."""
    return RunState(
        id=row.id,
        release=row.release,
        workflow=row.workflow,
        principal=principal,
        bindings=json.loads(row.bindings),
        segment=segment.number,
        attempt=segment.attempt,
        subject=row.subject,
        backup_at=row.backup_at or "",
        restored_at=row.restored_at or "",
        kind=row.kind,
    )


def principal_of(people: Mapping[str, Person], row: Row) -> Principal:
    """Return who acts in a run: an agent on somebody's behalf, or the person who ordered an undo."""
    known = people.get(row.on_behalf)
    person = Principal(id=row.on_behalf, kind="human", name=known.name if known else row.on_behalf)
    if row.kind == "undo":
        return person
    return Principal(id=row.agent, kind="agent", name=row.agent, on_behalf_of=person)


def park(clock: Clock, segment: Segment, why: Park) -> Callable[[Connection], Work]:
    """Return the work that ends a segment whose run waits, unless what it waits for has already come."""

    def work(connection: Connection) -> Work:
        _END_SEGMENT.run(connection, of_run=segment.run, at_number=segment.number)
        if _came_already(connection, why, segment.run):
            wake(connection, [segment.run], stamp(clock.now()))
        elif why.until is not None:
            wake(connection, [segment.run], stamp(why.until))
        _PARKED.run(connection, of_run=segment.run, now_for=why.waiting_for)
        draft = Draft(
            kind="run.parked",
            actor=ENGINE,
            run=segment.run,
            fields={"segment": segment.number, "note": why.waiting_for, "release": segment.release},
        )
        return Work(drafts=(draft,))

    return work


def end(clock: Clock, segment: Segment, status: str, body: Mapping[str, Any]) -> Callable[[Connection], Work]:
    """Return the work that ends a run: ``done`` with its result, ``failed`` with what happened.

    Every segment of it ends: one may be ready already, woken by an answer that came during this one. Its
    places in lanes are free for others.
    """

    def work(connection: Connection) -> Work:
        _END_SEGMENTS.run(connection, of_run=segment.run)
        lanes.drop_places(connection, segment.run)
        _ENDED.run(connection, of_run=segment.run, now_status=status, now_ended_at=stamp(clock.now()))
        subject = row_of(connection, segment.run).subject
        draft = Draft(
            kind="run.ended",
            actor=ENGINE,
            run=segment.run,
            fields={"segment": segment.number, "outcome": {"state": status}, "release": segment.release},
            body=dict(body),
            subject=subject,
        )

        def then(connection: Connection, written: Any) -> None:
            _RESULT.run(connection, of_run=segment.run, entry=written[0].index)

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


def _stopped(release: str) -> EngineError:
    return EngineError(
        "BH-RUN-015",
        f"release {release[:12]} was stopped by an undo, and there is none before it that could take over",
        means="Nothing was started.",
        fix="Correct the folder and activate it: `bridgehead up`.",
    )


def _came_already(connection: Connection, why: Park, run: str) -> bool:
    """A vote, a lifted stop or mended data may commit between the look and the park; nothing may sleep
    through it."""
    kind, _, name = why.waiting_for.partition(":")
    if kind == "stop":
        row = connection.execute(select(t.stop.c.lifted_at).where(t.stop.c.id == name)).first()
        return row is not None and row.lifted_at is not None
    if kind == "data":
        return not health.held_by(connection, name, run)
    if name:
        return False
    row = _APPROVAL.first(connection, approval=kind)
    return row is not None and row.state != "open"
