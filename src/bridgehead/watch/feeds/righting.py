"""A clock that was ahead is put right: what it saw came before what is to come, and none is missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select, update

from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.righted import is_ahead, righted
from bridgehead.watch.feeds import remembered
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import ahead_of


def right(supply: Supply) -> None:
    """Let no batch of a feed, and nothing learned of it, be of a time that has not come; mostly there is
    nothing to do. Raises ``StoreError`` or ``LedgerError`` where it cannot be written down."""
    boundary = supply.boundary
    if boundary.store.look(lambda connection: _is_off(connection, supply)):
        boundary.ledger.append(lambda connection: _righted(connection, supply))


def _is_off(connection: Connection, supply: Supply) -> bool:
    limit = ahead_of(supply.boundary.clock.now())
    known = remembered.load(connection, supply.source, supply.table)
    return bool(_later(connection, supply, limit)) or is_ahead(known.feed, unstamp(limit))


def _later(connection: Connection, supply: Supply, limit: str) -> list[str]:
    """Return the batches that came after a moment, in their order."""
    rows = connection.execute(
        select(t.batch.c.name)
        .where(
            t.batch.c.source == supply.source,
            t.batch.c.object == supply.table,
            t.batch.c.first_seen_at > limit,
        )
        .order_by(t.batch.c.first_seen_at)
    )
    return [row.name for row in rows]


def _last_before(connection: Connection, supply: Supply, limit: str) -> datetime:
    """Return when the last batch came that is not of a time that has not come."""
    mine = (t.batch.c.source == supply.source, t.batch.c.object == supply.table)
    last = connection.execute(
        select(func.max(t.batch.c.first_seen_at)).where(*mine, t.batch.c.first_seen_at <= limit)
    ).scalar()
    return unstamp(last) if last else datetime.min.replace(tzinfo=UTC)


def _righted(connection: Connection, supply: Supply) -> Work:
    now = supply.boundary.clock.now()
    limit = ahead_of(now)
    begin = max(now, _last_before(connection, supply, limit))  # batches have an order
    for number, name in enumerate(_later(connection, supply, limit), start=1):
        place = (t.batch.c.source == supply.source, t.batch.c.object == supply.table, t.batch.c.name == name)
        at = begin + timedelta(microseconds=number)
        connection.execute(update(t.batch).where(*place).values(first_seen_at=stamp(at)))
        connection.execute(
            update(t.batch).where(*place, t.batch.c.decided_at > limit).values(decided_at=stamp(at))
        )
    _counted_then(connection, supply, stamp(now), limit)
    known = remembered.load(connection, supply.source, supply.table)
    feed = righted(known.feed, now, unstamp(limit))
    remembered.save(connection, replace(known, feed=feed), at=now, next_look=now)
    return Work()


def _counted_then(connection: Connection, supply: Supply, now: str, limit: str) -> None:
    """Let what was counted by that clock be counted now: batches are counted since the last one that was."""
    here, frames = t.profile.c, t.baseline.c
    mine = (here.source == supply.source, here.object == supply.table, here.at > limit)
    connection.execute(update(t.profile).where(*mine, here.day > now[:10]).values(day=now[:10]))
    connection.execute(update(t.profile).where(*mine).values(at=now))
    own = (frames.source == supply.source, frames.object == supply.table, frames.made_at > limit)
    connection.execute(update(t.baseline).where(*own).values(made_at=now))
