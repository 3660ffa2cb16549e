"""Which run goes on next: a segment is one stretch of a run, from being woken to waiting again.

Called by the engine only, many times a second; the statements are compiled once.
Never: runs anything, or knows what a run has done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from bridgehead.kernel.clock import Clock, stamp
from bridgehead.store import Store
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

_CLAIMED = t.segment.alias()
_UNDER_WAY = select(_CLAIMED.c.run).where(_CLAIMED.c.state == "claimed")
_WITH_RUN = select(t.segment, t.run.c.release, t.run.c.crossings).join(t.run, t.run.c.id == t.segment.c.run)
_DUE = Statement(
    _WITH_RUN.where(
        t.segment.c.state == "ready",
        t.segment.c.due_at <= bindparam("now"),
        t.segment.c.run.not_in(_UNDER_WAY),  # at most one segment of a run at a time
    )
    .order_by(t.segment.c.due_at, t.segment.c.run, t.segment.c.number)
    .limit(bindparam("most"))
)
_NEXT = Statement(
    select(t.segment.c.due_at)
    .where(t.segment.c.state == "ready", t.segment.c.run.not_in(_UNDER_WAY))
    .order_by(t.segment.c.due_at)
    .limit(1)
)
_CLAIM = Statement(
    update(t.segment)
    .where(
        t.segment.c.run == bindparam("of_run"),
        t.segment.c.number == bindparam("at_number"),
        t.segment.c.state == "ready",
        t.segment.c.run.not_in(_UNDER_WAY),  # two may be ready once a process has died
    )
    .values(
        state="claimed",
        boot=bindparam("by_boot"),
        attempts=bindparam("at_attempt"),
        reached=bindparam("now_reached"),
    )
)
_RUNNING = Statement(
    update(t.run)
    .where(t.run.c.id == bindparam("of_run"), t.run.c.status == "waiting")
    .values(status="running", waiting_for="")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of a run, from being woken to waiting again.

    ``attempt`` counts from 1. ``fruitless`` counts the starts before this one, in a row, that ended with
    the death of their process and without a new crossing.
    """

    run: str
    number: int
    attempt: int
    release: str
    fruitless: int = 0


def claim_due(store: Store, clock: Clock, boot: str, most: int) -> list[Segment]:
    """Claim segments that are due, for this boot; at most one of a run at a time."""
    with store.reading() as connection:
        rows = _DUE.all(connection, now=stamp(clock.now()), most=most)
    if not rows:
        return []
    with store.writing() as connection:
        return [claimed for row in rows if (claimed := _claimed(connection, row, boot)) is not None]


def claim(store: Store, boot: str, segment: Segment) -> Segment | None:
    """Claim this segment; return it as it is now, or None where it is not there to be claimed."""
    with store.writing() as connection:
        row = connection.execute(_WITH_RUN.where(*_is(segment))).first()
        return None if row is None else _claimed(connection, row, boot)


def recover(store: Store) -> list[Segment]:
    """Make the segments whose process died ready again; return them.

    Only for whoever holds the worker's lock: then nobody is at work on any of them.
    """
    found = []
    with store.writing() as connection:
        for row in connection.execute(_WITH_RUN.where(t.segment.c.state == "claimed")).all():
            fruitless = row.fruitless + 1 if row.crossings == row.reached else 0
            segment = _segment(row, fruitless=fruitless)
            connection.execute(
                update(t.segment).where(*_is(segment)).values(state="ready", boot="", fruitless=fruitless)
            )
            found.append(segment)
    return found


def release(store: Store, boot: str) -> None:
    """Give back what this boot has under way: the engine is stopped, nobody died."""
    with store.writing() as connection:
        connection.execute(
            update(t.segment)
            .where(t.segment.c.state == "claimed", t.segment.c.boot == boot)
            .values(state="ready", boot="")
        )


def _claimed(connection: Connection, row: Row, boot: str) -> Segment | None:
    segment = _segment(row, attempt=row.attempts + 1)
    claimed = _CLAIM.run(
        connection,
        of_run=row.run,
        at_number=row.number,
        by_boot=boot,
        at_attempt=segment.attempt,
        now_reached=row.crossings,
    )
    if claimed != 1:
        return None
    _RUNNING.run(connection, of_run=row.run)
    return segment


def _segment(row: Row, *, attempt: int = 0, fruitless: int | None = None) -> Segment:
    return Segment(
        run=row.run,
        number=row.number,
        attempt=attempt or row.attempts,
        release=row.release,
        fruitless=row.fruitless if fruitless is None else fruitless,
    )


def _is(segment: Segment) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return t.segment.c.run == segment.run, t.segment.c.number == segment.number


def next_due(store: Store) -> str | None:
    """Return when the next segment is due (RFC 3339), or None."""
    with store.reading() as connection:
        row = _NEXT.first(connection)
    return None if row is None else str(row[0])


def seconds_until(due: str, now: datetime) -> float:
    """Return the seconds from now to a due time, not below zero."""
    return max((datetime.fromisoformat(due) - now).total_seconds(), 0.0)
