"""What a batch teaches that waited, and is published now: its rows are usual ones from here on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.kernel.clock import unstamp
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.watching import read_after_all
from bridgehead.watch.feeds import remembered
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.said import about
from bridgehead.watch.feeds.supply import Supply


def learn(connection: Connection, supply: Supply, row: Row[Any]) -> None:
    """Let the feed of a batch count its rows. A correction of what was read already teaches none, nor does a
    batch without any."""
    place = (t.feed.c.source == supply.source, t.feed.c.object == supply.table)
    looked_at = connection.execute(select(t.feed.c.looked_at).where(*place)).scalar()
    if not row.rows or looked_at is None or _was_read(connection, supply, row):
        return
    known = remembered.load(connection, supply.source, supply.table)
    days = [date.fromisoformat(day) for day in json.loads(row.about)]
    day = max(days, default=unstamp(row.first_seen_at).date())
    feed = read_after_all(known.feed, day, row.rows)
    remembered.save(connection, replace(known, feed=feed), at=unstamp(looked_at))


def _was_read(connection: Connection, supply: Supply, row: Row[Any]) -> bool:
    """Say whether what a batch corrects was published: its rows have been counted."""
    label = about(row.said).corrects
    names = select(t.batch.c.name).where(
        t.batch.c.source == supply.source,
        t.batch.c.object == supply.table,
        t.batch.c.enters.is_not(None),
        t.batch.c.name != row.name,
    )
    return bool(label) and any(label_of(name) == label for name in connection.execute(names).scalars())
