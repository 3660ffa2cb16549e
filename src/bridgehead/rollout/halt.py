"""Bring the runs that are to be taken back to rest: stopped, or settled as far as anybody can.

A run in the middle of something is not cut off: neither it nor any run of a release that is taken back may
begin anything new (``enforce.limits``), so it comes to its next action and ends there. An effect nobody heard
back from is settled first, by the run itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bridgehead.enforce import approve
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.park import Park
from bridgehead.kernel.clock import unstamp
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork, joined
from bridgehead.rollout.releases import Releases
from bridgehead.run import leftovers, runs
from bridgehead.run.segments import Segment
from bridgehead.store import tables as t

LOOKS, BETWEEN = 100, 0.1
"""How often, and after how many seconds, a run at work is looked at before the undo goes to sleep itself."""
AGAIN = 5.0
"""Seconds it then sleeps."""
OPEN = ("running", "waiting")


async def bring_to_rest(releases: Releases, scope: str, target: str) -> None:
    """Stop every open run of a release, or one run. Raises ``Park`` while one of them is under way.

    Runs of a release that only a person can settle stay as they are: they are listed, and their release
    cannot act. A run that is taken back by itself is stopped all the same, and what is unclear of it stays a
    person's.
    """
    boundary = releases.active()
    for _ in range(LOOKS):
        due = await _stop_all(releases, boundary, scope, target)
        now = boundary.clock.now()
        if not due:
            return
        if min(due) > now:  # nothing to do before that moment: an effect is being settled
            raise Park("undo:rest", until=min(due))
        await asyncio.sleep(BETWEEN)
    raise Park("undo:rest", until=boundary.clock.now() + timedelta(seconds=AGAIN))


async def _stop_all(releases: Releases, boundary: Boundary, scope: str, target: str) -> list[datetime]:
    """Stop what is at rest; return when to look again at each of the others."""
    column = t.run.c.id if scope == "run" else t.run.c.release
    with boundary.store.reading() as connection:
        rows = connection.execute(
            select(t.run)
            .where(column == target, t.run.c.kind == "case", t.run.c.status.in_(OPEN))
            .order_by(t.run.c.created_at)
        ).all()
        looks = [(row, _under_way(connection, row, boundary.clock.now())) for row in rows]
    due = []
    for row, again in looks:
        if again is None and (scope == "run" or not row.waiting_for.startswith("person:")):
            again = await _stop(releases, boundary, row)
        if again is not None:
            due.append(again)
    return due


def _under_way(connection: Connection, row: Row[Any], now: datetime) -> datetime | None:
    """Return when to look at a run again, or None where it is at rest."""
    segments = connection.execute(
        select(t.segment.c.state, t.segment.c.due_at).where(
            t.segment.c.run == row.id, t.segment.c.state != "ended"
        )
    ).all()
    if any(segment.state != "ready" for segment in segments):
        return now
    if not segments or not leftovers.unclear(connection, row.id):
        return None
    return min(unstamp(segment.due_at) for segment in segments)


async def _stop(releases: Releases, active: Boundary, row: Row[Any]) -> datetime | None:
    """Stop a run that is at rest; return when to look again where it has begun something meanwhile."""
    boundary = releases.boundary_of(row.release)
    with boundary.store.reading() as connection:
        open_questions = (
            connection.execute(
                select(t.approval.c.id).where(t.approval.c.run == row.id, t.approval.c.state == "open")
            )
            .scalars()
            .all()
        )
        last = connection.execute(
            select(func.max(t.segment.c.number)).where(t.segment.c.run == row.id)
        ).scalar_one()
        segment = Segment(run=row.id, number=last or 0, attempt=0, release=row.release)
        now = runs.row_of(connection, row.id)
        state = runs.state_of(now, segment, runs.principal_of(active.directory().people, now))
    why = "its release is being taken back"
    units = [approve.withdrawing(boundary, approval, why) for approval in open_questions]
    units.append(leftovers.taken_back(boundary, state, segment))
    stopped = (await boundary.ledger.commit(_at_rest(row, joined(units)))).value
    return None if stopped else boundary.clock.now()


def _at_rest(row: Row[Any], stopping: UnitOfWork) -> UnitOfWork:
    """Return the unit that stops a run, or does nothing and returns False where it has begun something."""

    def work(connection: Connection) -> Work:
        status = connection.execute(select(t.run.c.status).where(t.run.c.id == row.id)).scalar_one()
        if status not in OPEN:
            return Work(value=True)  # it has come to its end meanwhile, and keeps it
        claimed = connection.execute(
            select(t.segment.c.number).where(
                t.segment.c.run == row.id, t.segment.c.state.not_in(("ready", "ended"))
            )
        ).first()
        return Work(value=False) if claimed is not None else replace(stopping(connection), value=True)

    return work
