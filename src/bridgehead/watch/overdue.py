"""Batches that are late or did not come become broken clauses of their table: readers are held back by them.

::

    house.ledger.append(looking(boundary, promised))

A batch that is late is said to its readers. One that counts as missing does what the contract says, once the
last good one is older than ``bridgeheadMaxStaleness`` (at once where that is not declared); until then it is
said. What was learned in less than eight weeks is said, and holds nothing back. Never: decides when a batch
is due; that is ``watch.arrivals``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.entry import Draft
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.watch import kept, upstream
from bridgehead.watch.arrivals import Noticed, look
from bridgehead.watch.arrivals.righted import righted
from bridgehead.watch.arrivals.slots import ESCALATES_AT, late_now, sure
from bridgehead.watch.arrivals.state import Feed, Miss
from bridgehead.watch.cadence import Promised
from bridgehead.watch.health import ACTOR, Broken, Look, ahead_of, told

SCOPE = "arrival."
MISSING, LEARNING, LATE, SHORT, LOOK = (
    f"{SCOPE}{name}" for name in ("missing", "unsure", "late", "short", "look")
)
STALE = "lastGood"
"""What a batch that is missing does by itself: reads go on and say so, what can be taken back is left to a
person, what cannot is refused."""
AGAIN = timedelta(minutes=1)
"""When a feed is looked at again that could not be."""
_DAYS_SAID = 5


def looking(boundary: Boundary, promised: Promised) -> UnitOfWork:
    """Return the unit that looks at a feed now, and writes down what that changes for its readers."""

    def work(connection: Connection) -> Work:
        feed = kept.state(connection, promised.source, promised.table)
        return Work(drafts=looked(connection, boundary, promised, feed))

    return work


def looked(
    connection: Connection,
    boundary: Boundary,
    promised: Promised,
    feed: Feed,
    *,
    until: datetime | None = None,
    said: tuple[Noticed, ...] = (),
) -> tuple[Draft, ...]:
    """Look at a feed, keep it, write down what is broken; return the entries about it.

    ``until`` is up to when to look where rows that may be a batch are still coming; ``said`` is what was
    noticed of it just before.
    """
    now = boundary.clock.now()
    before = kept.looked_at(connection, promised.source, promised.table)
    feed = righted(feed, now, unstamp(ahead_of(now)))
    feed, more = look(feed, promised.declared, min(until or now, now))
    good = kept.last_good(connection, feed, promised.source, promised.table)
    turns = _turns_stale(promised, feed, good, now)
    kept.keep(connection, promised, feed, now, also=turns)
    found = Look(
        source=promised.source,
        table=promised.table,
        at=now,
        broken=tuple(
            _broken(promised, feed, good, now, holds_all=_holds_all(boundary, promised), coming=until)
        ),
        scope=SCOPE,
    )
    drafts = told(connection, boundary, found, before)
    return (*drafts, *_woken(boundary, feed, (*said, *more)), *upstream.laid(connection, boundary))


def not_looked(boundary: Boundary, source: str, table: str, words: str, where: str) -> UnitOfWork:
    """Return the unit that writes down that nobody could look whether batches came: as if none did."""

    def work(connection: Connection) -> Work:
        now = boundary.clock.now()
        broken = Broken(clause=LOOK, response=STALE, words=words, where=where)
        found = Look(source=source, table=table, at=now, broken=(broken,), whole=False, scope=SCOPE)
        before = kept.looked_at(connection, source, table)
        kept.put_off(connection, source, table, now + AGAIN)
        drafts = told(connection, boundary, found, before)
        return Work(drafts=(*drafts, *upstream.laid(connection, boundary)))

    return work


def forgetting(boundary: Boundary, source: str, table: str) -> UnitOfWork:
    """Return the unit that drops a feed of which the contract promises nothing any more."""

    def work(connection: Connection) -> Work:
        kept.forget(connection, source, table)
        found = Look(source=source, table=table, at=boundary.clock.now(), scope=SCOPE)
        drafts = told(connection, boundary, found, None)
        return Work(drafts=(*drafts, *upstream.laid(connection, boundary)))

    return work


def missing(feed: Feed, *, holds_all: bool) -> tuple[Miss, ...]:
    """Return the misses that the data show: where a batch holds all rows, a later one makes up for them."""
    if not holds_all:
        return feed.missed
    latest = max(feed.delivered, default=None)
    return tuple(miss for miss in feed.missed if latest is None or miss.key > latest)


def _holds_all(boundary: Boundary, promised: Promised) -> bool:
    feed = boundary.charter.sources[promised.source].feeds.get(promised.table)
    return feed is not None and feed.holds == "all"


def _broken(
    promised: Promised,
    feed: Feed,
    good: datetime | None,
    now: datetime,
    *,
    holds_all: bool,
    coming: datetime | None,
) -> Iterator[Broken]:
    misses = missing(feed, holds_all=holds_all)
    counted = tuple(miss for miss in misses if sure(feed, promised.declared, miss))
    if counted:
        fresh = _is_fresh(promised, good, now)
        yield Broken(
            clause=MISSING,
            response="warn" if fresh else promised.response or STALE,
            readers={} if fresh else promised.readers,
            words=f"{_did_not_come(feed, counted)} {_age(promised, good, fresh=fresh)}".strip(),
            where=promised.where,
        )
    elif misses:
        words = f"{_did_not_come(feed, misses)} This was learned in less than eight weeks, and may be wrong."
        yield Broken(clause=LEARNING, response="warn", words=words, where=promised.where)
    late = late_now(feed, promised.declared, now)
    # Rows that were there when the batch was due are it, though more of them may still come.
    if late is not None and (coming is None or coming > late.late):
        words = f"The batch of {late.day} is late: it was due by {_minute(late.late)}."
        words = f"{words} It counts as missing from {_minute(late.missing)}."
        yield Broken(clause=LATE, response="warn", words=words, where=promised.where)
    if feed.short:
        response = promised.response or "quarantine"
        yield Broken(
            clause=SHORT, response=response, readers=promised.readers, words=feed.short, where=promised.where
        )


def _did_not_come(feed: Feed, misses: tuple[Miss, ...]) -> str:
    days = [miss.day.isoformat() for miss in misses]
    shown = ", ".join(days[-_DAYS_SAID:])
    more = f" and {len(days) - _DAYS_SAID} before" if len(days) > _DAYS_SAID else ""
    words = (
        f"The batch of {shown} did not come." if len(days) == 1 else f"Batches did not come: {shown}{more}."
    )
    row = in_a_row(feed)
    return f"{words} {row} misses in a row." if row > 1 else words


def in_a_row(feed: Feed) -> int:
    """Return how many misses follow each other now, of the feed or of one of its slots."""
    return max([feed.in_row, *(slot.in_row for slot in feed.slots if slot.status == "active")])


def _is_fresh(promised: Promised, good: datetime | None, now: datetime) -> bool:
    limit = promised.fresh_seconds
    return limit is not None and good is not None and now - good <= timedelta(seconds=limit)


def _turns_stale(promised: Promised, feed: Feed, good: datetime | None, now: datetime) -> datetime | None:
    """Return when the last good batch becomes too old, where one is missing meanwhile."""
    if promised.fresh_seconds is None or good is None or not feed.missed:
        return None
    at = good + timedelta(seconds=promised.fresh_seconds, microseconds=1)
    return at if at > now else None


def _age(promised: Promised, good: datetime | None, *, fresh: bool) -> str:
    if good is None:
        return "None has come yet."
    if fresh:
        return f"The last good one is of {_minute(good)}, which is recent enough."
    return f"The last good one is of {_minute(good)}" + (
        ", which is too old." if promised.fresh_seconds is not None else "."
    )


def _minute(at: datetime) -> str:
    return f"{stamp(at)[:10]} {stamp(at)[11:16]} UTC"


def _woken(boundary: Boundary, feed: Feed, said: tuple[Noticed, ...]) -> Iterator[Draft]:
    """Yield an entry for each moment at which a person is to be woken, and who that is."""
    owner, again = boundary.directory().owner, in_a_row(feed) >= ESCALATES_AT
    for each in said:
        if not each.page:
            continue
        who = (
            list(dict.fromkeys((owner.person, owner.deputy, *owner.escalation))) if again else [owner.person]
        )
        body = {"words": each.words, "fix": each.fix, "who": who, "escalated": again}
        yield Draft(kind="finding.raised", actor=ACTOR, fields={"note": f"page:{each.feed}"}, body=body)
