"""Which run goes on next: a segment is one stretch of a run, from being woken to waiting again.

Called by the engine only, many times a second; the statements are compiled once.
Never: runs anything, or knows what a run has done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, or_, select, true, update

from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.errors import EngineError
from bridgehead.store import Store
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

_CLAIMED = t.segment.alias()
_UNDER_WAY = select(_CLAIMED.c.run).where(_CLAIMED.c.state == "claimed")
_WITH_RUN = select(t.segment, t.run.c.release, t.run.c.crossings).join(t.run, t.run.c.id == t.segment.c.run)
_STILL_OURS = Statement(
    select(t.segment.c.number)
    .where(
        t.segment.c.run == bindparam("of_run"),
        t.segment.c.number == bindparam("at_number"),
        t.segment.c.state == "claimed",
        t.segment.c.attempts == bindparam("at_attempt"),
        t.segment.c.boot == bindparam("by_boot"),
    )
    # INVARIANT: whoever takes it over waits until what we are recording is committed, and then sees it.
    .with_for_update(read=True)
)
_AT_WORK = select(_CLAIMED.c.run).where(or_(_CLAIMED.c.state == "claimed", _CLAIMED.c.state == "queued"))
# Two of a run may be ready: one that was given back, and one that an answer has woken meanwhile.
_EARLIER = exists().where(
    _CLAIMED.c.run == t.segment.c.run, _CLAIMED.c.number < t.segment.c.number, _CLAIMED.c.state == "ready"
)
_READY = (
    _WITH_RUN.where(
        t.segment.c.state == "ready",
        t.segment.c.due_at <= bindparam("now"),
        t.segment.c.run.not_in(_AT_WORK),
        ~_EARLIER,
    )
    .order_by(t.segment.c.due_at, t.segment.c.run, t.segment.c.number)
    .limit(bindparam("most"))
    .with_for_update(of=t.segment, skip_locked=True)
)
# All of its run: whoever takes another one waits, and sees that this one is taken.
_TO_TAKE = (
    _WITH_RUN.where(t.segment.c.run == bindparam("of_run"), t.segment.c.state != "ended")
    .order_by(t.segment.c.number)
    .with_for_update(of=t.segment)
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
    boot: str = ""


class Within:
    """Which segments an engine carries: all of a store, or those of the runs that ``only`` selects by id."""

    def __init__(self, only: Select[Any] | None = None) -> None:
        theirs = true() if only is None else t.segment.c.run.in_(only)
        # At most one segment of a run at a time.
        ready = (t.segment.c.state == "ready") & t.segment.c.run.not_in(_UNDER_WAY) & theirs
        self.due = Statement(
            _WITH_RUN.where(ready, t.segment.c.due_at <= bindparam("now"))
            .order_by(t.segment.c.due_at, t.segment.c.run, t.segment.c.number)
            .limit(bindparam("most"))
        )
        self.next = Statement(select(t.segment.c.due_at).where(ready).order_by(t.segment.c.due_at).limit(1))
        self.theirs = theirs


ALL = Within()


class Beside(Exception):
    """Another segment of the run is under way: this one comes after it."""


class Superseded(EngineError):
    """Somebody else carries the segment now; nothing more of this attempt may be recorded."""


def still_ours(connection: Connection, segment: Segment) -> None:
    """Raise ``Superseded`` (BH-RUN-030) in a transaction that belongs to an attempt taken over meanwhile."""
    found = _STILL_OURS.first(
        connection,
        of_run=segment.run,
        at_number=segment.number,
        at_attempt=segment.attempt,
        by_boot=segment.boot,
    )
    if found is None:
        raise Superseded(
            "BH-RUN-030",
            f"segment {segment.number} of {segment.run} was taken over by another process",
            means="This one was paused or cut off for too long; what it still has to say is dropped.",
        )


def claim_due(store: Store, clock: Clock, boot: str, most: int, within: Within = ALL) -> list[Segment]:
    """Claim segments that are due, for this boot; at most one of a run at a time."""
    rows = store.look(lambda connection: within.due.all(connection, now=stamp(clock.now()), most=most))
    if not rows:
        return []
    with store.writing() as connection:
        return [claimed for row in rows if (claimed := _claimed(connection, row, boot)) is not None]


def any_due(store: Store, clock: Clock) -> bool:
    """Say whether a segment waits to be carried: a look that costs little, and may be out of date."""
    return bool(store.look(lambda connection: ALL.due.all(connection, now=stamp(clock.now()), most=1)))


def claim(store: Store, boot: str, segment: Segment) -> Segment | None:
    """Claim this segment; return it as it is now, or None where it is not there to be claimed."""
    with store.writing() as connection:
        row = connection.execute(_WITH_RUN.where(*_is(segment))).first()
        return None if row is None else _claimed(connection, row, boot)


def recover(store: Store, within: Within = ALL) -> list[Segment]:
    """Make the segments whose process died ready again; return them.

    Only for whoever holds the worker's lock: then nobody is at work on any of them.
    """
    found = []
    with store.writing() as connection:
        # Where several workers shared this store before: their queue is not ours.
        queued, claimed = t.segment.c.state == "queued", t.segment.c.state == "claimed"
        connection.execute(update(t.segment).where(queued, within.theirs).values(state="ready"))
        for row in connection.execute(_WITH_RUN.where(claimed, within.theirs)).all():
            fruitless = row.fruitless + 1 if row.crossings == row.reached else 0
            segment = _segment(row, fruitless=fruitless)
            connection.execute(
                update(t.segment).where(*_is(segment)).values(state="ready", boot="", fruitless=fruitless)
            )
            found.append(segment)
    return found


def hand_over(connection: Connection, clock: Clock, most: int) -> list[Segment]:
    """Mark due segments as handed to a queue that several workers share; return them.

    In the caller's transaction, which also puts them into that queue. At most one of a run at a time; two
    workers that do this at once hand over different ones.
    """
    rows = connection.execute(_READY, {"now": stamp(clock.now()), "most": most}).all()
    for row in rows:
        connection.execute(
            update(t.segment)
            .where(t.segment.c.run == row.run, t.segment.c.number == row.number)
            .values(state="queued")
        )
    return [_segment(row) for row in rows]


def take(store: Store, boot: str, run: str, number: int) -> Segment | None:
    """Claim a segment that was handed over, or take it over from a process that died or was cut off.

    Returns None where there is nothing left to do: it has ended, or its run has. Raises ``Beside``.
    """
    with store.writing() as connection:
        found = {row.number: row for row in connection.execute(_TO_TAKE, {"of_run": run})}
        row = found.pop(number, None)
        if row is None:
            return None
        if any(other.state == "claimed" for other in found.values()):
            raise Beside
        died = _has_died(connection, row, boot)
        fruitless = (row.fruitless + 1 if row.crossings == row.reached else 0) if died else row.fruitless
        segment = _segment(row, attempt=row.attempts + 1, fruitless=fruitless, boot=boot)
        connection.execute(
            update(t.segment)
            .where(*_is(segment))
            .values(
                state="claimed",
                boot=boot,
                attempts=segment.attempt,
                reached=row.crossings,
                fruitless=fruitless,
            )
        )
        _RUNNING.run(connection, of_run=run)
    return segment


def _has_died(connection: Connection, row: Row, boot: str) -> bool:
    """Say whether the process that had a segment died: not ours, which only lost sight of the database for a
    while, and none that ended in order."""
    if row.state != "claimed" or row.boot == boot:
        return False
    left = select(t.worker.c.left_at).where(t.worker.c.boot == row.boot)
    return connection.execute(left).scalar() is None


def give_back(connection: Connection, boot: str, run: str, number: int, *, due_at: str = "") -> bool:
    """Make a segment ready again that this boot took, or could not take: nobody died. ``due_at`` (RFC 3339)
    puts it off. Returns False where it is another's by now."""
    ours = or_(t.segment.c.state == "queued", (t.segment.c.state == "claimed") & (t.segment.c.boot == boot))
    changed = connection.execute(
        update(t.segment)
        .where(t.segment.c.run == run, t.segment.c.number == number, ours)
        .values({"state": "ready", "boot": ""} | ({"due_at": due_at} if due_at else {}))
    )
    return changed.rowcount == 1


def return_to_ready(connection: Connection, run: str, number: int, *, fruitless: int) -> None:
    """Make a segment ready that its queue lost or gave up, counting so many deaths more against it."""
    connection.execute(
        update(t.segment)
        .where(t.segment.c.run == run, t.segment.c.number == number, t.segment.c.state != "ended")
        .values(state="ready", boot="", fruitless=t.segment.c.fruitless + fruitless)
    )


def idle(store: Store, soon: str) -> bool:
    """Say whether nothing is under way on any worker and nothing will be due until ``soon`` (RFC 3339)."""
    with store.reading() as connection:
        at_work = or_(t.segment.c.state == "queued", t.segment.c.state == "claimed")
        due = (t.segment.c.state == "ready") & (t.segment.c.due_at <= soon)
        return connection.execute(select(t.segment.c.run).where(or_(at_work, due)).limit(1)).first() is None


def release(connection: Connection, boot: str) -> list[tuple[str, int]]:
    """Give back what this boot has under way, and return it: the engine is stopped, nobody died."""
    ours = (t.segment.c.state == "claimed", t.segment.c.boot == boot)
    found = connection.execute(select(t.segment.c.run, t.segment.c.number).where(*ours)).all()
    connection.execute(update(t.segment).where(*ours).values(state="ready", boot=""))
    return [(row.run, row.number) for row in found]


def _claimed(connection: Connection, row: Row, boot: str) -> Segment | None:
    segment = _segment(row, attempt=row.attempts + 1, boot=boot)
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


def _segment(row: Row, *, attempt: int = 0, fruitless: int | None = None, boot: str = "") -> Segment:
    return Segment(
        run=row.run,
        number=row.number,
        attempt=attempt or row.attempts,
        release=row.release,
        fruitless=row.fruitless if fruitless is None else fruitless,
        boot=boot,
    )


def _is(segment: Segment) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return t.segment.c.run == segment.run, t.segment.c.number == segment.number


def next_due(store: Store, within: Within = ALL) -> str | None:
    """Return when the next segment is due (RFC 3339), or None."""
    row = store.look(within.next.first)
    return None if row is None else str(row[0])


def seconds_until(due: str, now: datetime) -> float:
    """Return the seconds from now to a due time, not below zero."""
    return max((datetime.fromisoformat(due) - now).total_seconds(), 0.0)
