"""How many calls a system takes at once and in a stretch of time, over all workers together.

Whoever claims a call enters the lane in the same transaction. Where it is full, the run gets a place in its
queue and waits as a row, not as a thread; the place is kept for it, so that a newcomer does not overtake.
INVARIANT: units of work of one ledger are committed one after the other, so looking and entering cannot be
overtaken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from bridgehead.declare.model import Lanes, McpServer, per, seconds
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.park import Park
from bridgehead.enforce.stop import wake
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Statement

CALLS = 3
"""Tries one claimed call may make (``execute.TRIES``), each with its own deadline."""
KEPT = timedelta(seconds=60)
"""How long a place is kept for a run whose turn has come: longer than a worker takes to get to it."""
LOOK_AGAIN = timedelta(seconds=5)
"""When a run looks again where a call that holds the lane is overdue and nobody tells it."""
_use = t.lane_use
_DROP = Statement(delete(_use).where(_use.c.run == bindparam("of_run"), _use.c.place == ""))


class Full(Exception):
    """Rolls a claim back: the lane takes no further call now."""


@dataclass(frozen=True, slots=True)
class _Lane:
    """The lane of a crossing: its name, its limits, and how long one call can hold it."""

    name: str
    limits: Lanes
    hold: timedelta

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=per(self.limits.rate)[1] if self.limits.rate else 0.0)

    def rows(self, *more: ColumnElement[bool]) -> list[ColumnElement[bool]]:
        return [_use.c.lane == self.name, *more]


def enter(connection: Connection, boundary: Boundary, crossing: Crossing, now: datetime) -> None:
    """Let a call in, in the transaction of its claim. Raises ``Full``."""
    lane = _lane(boundary, crossing)
    if lane is None:
        return
    _tidy(connection, lane, now)
    kept = _kept(connection, lane, crossing.run.id, now)
    if kept is not None and kept.due_at > stamp(now):
        raise Full
    before = 0 if kept is not None else _queue_length(connection, lane, now)
    if lane.limits.concurrency and _at_work(connection, lane, now) + before >= lane.limits.concurrency:
        raise Full
    if kept is None and _next_slot(connection, lane, now) > now:
        raise Full
    _drop_place(connection, lane, crossing.run.id)
    _write(connection, lane, crossing.run.id, f"{crossing.position}@{stamp(now)}", now, now + lane.hold)


async def queue_up(boundary: Boundary, crossing: Crossing) -> Park:
    """Keep a place in the lane for the run; return until when it waits.

    A late look belongs to no segment of its run, which may have ended: it keeps no place, and comes again.
    """
    lane = _lane(boundary, crossing)
    assert lane is not None  # only a lane can have been full
    if not crossing.run.segment:
        return Park(f"lane:{lane.name}", until=boundary.clock.now() + LOOK_AGAIN)

    def work(connection: Connection) -> Work:
        now = boundary.clock.now()
        kept = _kept(connection, lane, crossing.run.id, now)
        due = unstamp(kept.due_at) if kept is not None else _next_slot(connection, lane, now)
        if kept is None:
            _drop_place(connection, lane, crossing.run.id)
            _write(connection, lane, crossing.run.id, "", due, due + KEPT)
        return Work(value=due if due > now else now + LOOK_AGAIN)

    receipt = await boundary.ledger.commit(work)
    return Park(f"lane:{lane.name}", until=receipt.value)


def leave(connection: Connection, boundary: Boundary, crossing: Crossing) -> None:
    """Free the place of a call that is over, and wake whoever is next."""
    lane = _lane(boundary, crossing)
    if lane is None or not lane.limits.concurrency:
        return
    now = boundary.clock.now()
    connection.execute(
        update(_use)
        .where(*lane.rows(_use.c.run == crossing.run.id, _use.c.place.like(f"{crossing.position}@%")))
        .values(free_at=stamp(now))
    )
    free = lane.limits.concurrency - _at_work(connection, lane, now)
    waiting = select(_use.c.run).where(*lane.rows(*_waiting(now))).order_by(_use.c.due_at).limit(max(free, 0))
    wake(connection, [str(run) for run in connection.execute(waiting).scalars()], stamp(now))


def drop_places(connection: Connection, run: str) -> None:
    """Give up the places in queues that are kept for a run, which has ended."""
    _DROP.run(connection, of_run=run)


def _lane(boundary: Boundary, crossing: Crossing) -> _Lane | None:
    rule = crossing.rule(boundary)
    server: McpServer | None = boundary.charter.servers.get(rule.server) if rule is not None else None
    if rule is None or server is None or server.lanes is None:
        return None
    hold = CALLS * (seconds(rule.deadline or server.deadline) + 3.0)
    return _Lane(f"server:{rule.server}", server.lanes, timedelta(seconds=hold))


def _waiting(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the condition of places whose turn has come."""
    return _use.c.place == "", _use.c.due_at <= stamp(now), _use.c.free_at > stamp(now)


def _kept(connection: Connection, lane: _Lane, run: str, now: datetime) -> Any:
    rows = lane.rows(_use.c.run == run, _use.c.place == "", _use.c.free_at > stamp(now))
    return connection.execute(select(_use.c.due_at).where(*rows)).first()


def _queue_length(connection: Connection, lane: _Lane, now: datetime) -> int:
    return _count(connection, lane.rows(*_waiting(now)))


def _at_work(connection: Connection, lane: _Lane, now: datetime) -> int:
    return _count(connection, lane.rows(_use.c.place != "", _use.c.free_at > stamp(now)))


def _count(connection: Connection, conditions: list[ColumnElement[bool]]) -> int:
    return int(connection.execute(select(func.count()).select_from(_use).where(*conditions)).scalar_one())


def _next_slot(connection: Connection, lane: _Lane, now: datetime) -> datetime:
    """Return when the rate next has room: a window that slides over the calls let in and the places given."""
    if not lane.limits.rate:
        return now
    number, period = per(lane.limits.rate)[0], lane.period
    rows = lane.rows(_use.c.due_at > stamp(now - period))
    latest = select(_use.c.due_at).where(*rows).order_by(_use.c.due_at.desc()).offset(number - 1).limit(1)
    found = connection.execute(latest).scalar()
    return now if found is None else max(now, unstamp(found) + period)


def _drop_place(connection: Connection, lane: _Lane, run: str) -> None:
    connection.execute(delete(_use).where(*lane.rows(_use.c.run == run, _use.c.place == "")))


def _write(connection: Connection, lane: _Lane, run: str, place: str, due: datetime, free: datetime) -> None:
    connection.execute(
        insert(_use).values(lane=lane.name, run=run, place=place, due_at=stamp(due), free_at=stamp(free))
    )


def _tidy(connection: Connection, lane: _Lane, now: datetime) -> None:
    over = (_use.c.due_at <= stamp(now - lane.period), _use.c.free_at <= stamp(now))
    connection.execute(delete(_use).where(*lane.rows(*over)))
