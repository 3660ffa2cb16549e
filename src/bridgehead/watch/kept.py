"""What is remembered of a feed, in the store: read and written in the transaction that uses it.

Whoever takes a batch in calls ``judged`` in the transaction that writes the batch down, so that what was
learned of a feed and what came of it never part.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.event import Arrival, Noticed
from bridgehead.watch.arrivals.rows import SETTLES
from bridgehead.watch.arrivals.slots import next_due, next_look
from bridgehead.watch.arrivals.state import Ahead, Feed
from bridgehead.watch.arrivals.watching import observe
from bridgehead.watch.feeds import remembered
from bridgehead.watch.health import ahead_of

if TYPE_CHECKING:
    from bridgehead.watch.cadence import Promised


def state(connection: Connection, source: str, table: str) -> Feed:
    """Return what is remembered of a feed; nothing learned yet where nobody has looked.

    Raises ``StoreError`` (BH-WAT-040) where it cannot be read.
    """
    return remembered.load(connection, source, table).feed


def looked_at(connection: Connection, source: str, table: str) -> str | None:
    """Return when it was looked at last, as text; None where nobody has."""
    found: str | None = connection.execute(select(t.feed.c.looked_at).where(*_place(source, table))).scalar()
    return found


def next_at(connection: Connection, source: str, table: str) -> datetime | None:
    """Return when it is to be looked at next; None where nothing is awaited."""
    found = connection.execute(select(t.feed.c.next_look_at).where(*_place(source, table))).scalar()
    return unstamp(found) if found else None


def keep(
    connection: Connection, promised: Promised, feed: Feed, now: datetime, also: datetime | None = None
) -> None:
    """Write down what is known of a feed, and when to look at it next; ``also`` is another moment to look."""
    feed = replace(feed, upstream=promised.upstream, ahead=_ahead(feed, promised))
    later = [at for at in (next_look(feed, promised.declared), also, _settled(feed)) if at is not None]
    known = replace(remembered.load(connection, promised.source, promised.table), feed=feed)
    remembered.save(connection, known, at=now)
    place = _place(promised.source, promised.table)
    connection.execute(update(t.feed).where(*place).values(next_look_at=stamp(min(later)) if later else ""))


def written(value: object) -> str:
    """Return a value as JSON that is the same for equal ones."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def put_off(connection: Connection, source: str, table: str, until: datetime) -> None:
    """Let a feed that cannot be looked at be looked at again later."""
    connection.execute(update(t.feed).where(*_place(source, table)).values(next_look_at=stamp(until)))


def judged(
    connection: Connection, promised: Promised, arrival: Arrival, now: datetime
) -> tuple[Noticed, ...]:
    """Return what there is to say of a batch that has come, and remember that it came."""
    feed = state(connection, promised.source, promised.table)
    feed, said = observe(feed, promised.declared, arrival)
    # Looked at again at once: what the batch ends, its readers need not wait for.
    keep(connection, promised, feed, now, also=now)
    return said


def forget(connection: Connection, source: str, table: str) -> None:
    """Drop what is remembered of a feed that nobody promises any more."""
    connection.execute(delete(t.feed).where(*_place(source, table)))


def known(connection: Connection, source: str) -> tuple[str, ...]:
    """Return the tables of a source of which anything is remembered."""
    rows = connection.execute(select(t.feed.c.object).where(t.feed.c.source == source))
    return tuple(sorted(row.object for row in rows))


def due(connection: Connection, now: datetime) -> dict[str, list[str]]:
    """Return the tables that are to be looked at by now, by their source."""
    at, found = t.feed.c.next_look_at, dict[str, list[str]]()
    is_off = t.feed.c.looked_at > ahead_of(now)  # by a clock that was ahead, and so is what it waits for
    rows = connection.execute(
        select(t.feed.c.source, t.feed.c.object).where(at != "", or_(at <= stamp(now), is_off))
    )
    for row in rows:
        found.setdefault(row.source, []).append(row.object)
    return found


def last_good(connection: Connection, feed: Feed, source: str, table: str) -> datetime | None:
    """Return of when the last good batch is: the newest moment in it, else when it came; None without one."""
    found = connection.execute(
        select(t.snapshot.c.data_as_of, t.snapshot.c.at)
        .where(t.snapshot.c.source == source, t.snapshot.c.object == table)
        .order_by(t.snapshot.c.number.desc())
        .limit(1)
    ).first()
    if found is not None:
        return moment(found.data_as_of) or unstamp(found.at)
    newest = moment(json.loads(feed.table.newest)) if feed.table is not None and feed.table.newest else None
    return newest or (feed.seen[-1].at if feed.seen else None)


def moment(value: object) -> datetime | None:
    """Return the moment that a value of a database names, taken for UTC; None for what names none."""
    if not isinstance(value, str) or len(value) < len("2026-11-22 00:00"):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _ahead(feed: Feed, promised: Promised) -> Ahead | None:
    found = next_due(feed, promised.declared)
    if found is None:
        return None
    return Ahead(day=found.day, slot=found.slot, late=found.late, missing=found.missing)


def _settled(feed: Feed) -> datetime | None:
    """Return when rows that are coming may be all there."""
    rows = feed.table
    if rows is None or rows.changed is None:
        return None
    return rows.changed + SETTLES


def _place(source: str, table: str) -> tuple[ColumnElement[bool], ...]:
    return t.feed.c.source == source, t.feed.c.object == table
