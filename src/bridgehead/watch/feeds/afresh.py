"""What was here before, and is kept apart for people all the same, instead of being set aside as sent again.

- A whole table that holds what it held in an earlier batch, and not what is read now: it may have gone back,
  or somebody sent an old file. Only people know. Of an earlier day than what is read, it is an old file.
- What people discarded: sent again, it is the way back from a discard that was a mistake.

What waits for people already is not asked about twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from bridgehead.enforce.snapshots import last_in, newest
from bridgehead.kernel.canonical import recordable
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.event import Arrival, Noticed
from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.arrivals.watching import observe
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.said import BACK, DISCARDED, Said
from bridgehead.watch.feeds.supply import Supply


def why(
    connection: Connection, supply: Supply, label: str, content: str, about: Sequence[str]
) -> Said | None:
    """Return why a batch whose ``content`` was here before is put to people; None where it is set aside.
    ``about`` are the days it is about."""
    held = _holding(connection, supply, content)
    if not held or any(row.state == "quarantined" for row in held):
        return None
    if all(row.state == "discarded" for row in held):
        return _discarded(label, held[-1])
    if supply.feed.holds != "all":
        return None
    found = newest(connection, supply.source, supply.table)
    read = last_in(connection, supply.source, supply.table, found.number) if found is not None else None
    if read is None or read.content == content[:64]:
        return None
    return None if _is_older(about, json.loads(read.about)) else _back(label, held[-1], read)


def observed(
    connection: Connection,
    supply: Supply,
    name: str,
    arrival: Arrival,
    before: Feed,
    *,
    unchanged: bool,
    after_itself: bool,
) -> tuple[Feed, Feed, tuple[Noticed, ...], tuple[Said, ...]]:
    """Return the feed before and after a batch whose row is ``name``, what was noticed of it, and why it is
    put to people where it was here before. ``unchanged`` as in ``observe``; ``after_itself``: the
    batch before it had its very keys."""
    feed, noticed = observe(before, supply.declared, arrival, unchanged=unchanged)
    if not _landed_before(name) and not any(each.kind == "duplicate" for each in noticed):
        return before, feed, noticed, ()
    apart = why(
        connection, supply, arrival.batch, arrival.content, [day.isoformat() for day in arrival.about]
    )
    if apart is None:
        return before, feed, noticed, ()
    if apart.kind == BACK:
        return before, feed, tuple(each for each in noticed if each.kind != "duplicate"), (apart,)
    # What people discarded is nobody's data: it was not here before, and its keys were not either.
    before = replace(before, batches=tuple(one for one in before.batches if one.content != arrival.content))
    if after_itself:
        arrival = replace(arrival, overlap=None)
    return (before, *observe(before, supply.declared, arrival), (apart,))


def landed_again(connection: Connection, supply: Supply, name: str) -> Sequence[Row[Any]]:
    """Return every batch of the very bytes that ``name`` stands for, in the order in which they came."""
    like = t.batch.c.name.startswith(f"{name}.", autoescape=True)
    rows = select(t.batch).where(*_place(supply), or_(t.batch.c.name == name, like))
    return connection.execute(rows.order_by(t.batch.c.first_seen_at)).all()


def _landed_before(name: str) -> bool:
    """Say whether the row of a batch that waits for its verdict is not the first of its very bytes."""
    return "." in name.rpartition("@")[2]


def _holding(connection: Connection, supply: Supply, content: str) -> Sequence[Row[Any]]:
    """Return the batches that were judged, each by itself, and hold what this one does."""
    if not content:
        return ()
    mine = select(t.batch).where(*_place(supply), t.batch.c.content == content[:64])
    judged = mine.where(t.batch.c.state.in_(("published", "quarantined", "replaced", "discarded")))
    return connection.execute(judged.order_by(t.batch.c.first_seen_at)).all()


def _is_older(about: Sequence[str], read: Sequence[str]) -> bool:
    return bool(about) and bool(read) and max(about) < max(read)


def _discarded(label: str, earlier: Row[Any]) -> Said:
    words = f"Batch {label} holds exactly what {_called(earlier)} held, which was discarded."
    return Said(
        kind=DISCARDED, words=recordable(words), fix="Discard it again, or release it if that was a mistake."
    )


def _back(label: str, earlier: Row[Any], read: Row[Any]) -> Said:
    words = (
        f"Batch {label} holds exactly what {_called(earlier)} held, and what is read is "
        f"{_called(read)}. Either the table went back, or an old file was sent again."
    )
    fix = "Release it if the table went back; otherwise discard it."
    return Said(kind=BACK, words=recordable(words), fix=fix)


def _called(row: Row[Any]) -> str:
    return f"{label_of(row.name)} of {row.first_seen_at[:10]}"


def _place(supply: Supply) -> tuple[Any, ...]:
    return t.batch.c.source == supply.source, t.batch.c.object == supply.table
