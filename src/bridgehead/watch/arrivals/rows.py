"""Batches of a table of a database: rows that came since the last look, by a column that only grows.

Rows that were there before the first look are no batch: nobody knows when they came. Rows that come one by
one are one batch once a minute passed without more, or a quarter of an hour did anyhow.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bridgehead.watch.arrivals.event import Arrival
from bridgehead.watch.arrivals.state import Feed, Rows

SETTLES = timedelta(minutes=1)
"""Rows of a table are a batch when for so long no more have come."""
LONGEST = timedelta(minutes=15)
"""How long rows may go on coming before they count as a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a look at a table found: its newest value as JSON (empty: no rows), and the rows beyond
    ``beyond``, the newest value known before, with the days they are for where these are told."""

    beyond: str
    newest: str
    rows: int
    days: tuple[date, ...] = ()


def taken(feed: Feed, found: Found, now: datetime, column: str = "") -> tuple[Feed, Arrival | None]:
    """Return the feed after a look at its table, and the batch that has come, once it is whole. ``column`` is
    where its values are from.

    A look that began from another newest value than the feed's says nothing: somebody else was quicker.
    """
    rows = feed.table
    if rows is None:
        return replace(feed, table=Rows(newest=found.newest, column=column)), None
    if found.beyond != rows.newest:
        return feed, None
    if not found.rows:
        return replace(feed, table=Rows(newest=rows.newest, column=column)), None
    since = rows.since or now
    still = (found.newest, found.rows) == (rows.pending, rows.rows) and rows.changed is not None
    if not _whole(rows, now, since, still=still):
        changed = rows.changed if still else now
        coming = replace(
            rows, pending=found.newest, rows=found.rows, since=since, changed=changed, column=column
        )
        return replace(feed, table=coming), None
    arrival = Arrival(
        feed=feed.feed, batch=str(json.loads(found.newest)), at=since, rows=found.rows, about=found.days
    )
    return replace(feed, table=Rows(newest=found.newest, column=column)), arrival


def _whole(rows: Rows, now: datetime, since: datetime, *, still: bool) -> bool:
    return now - since >= LONGEST or (still and rows.changed is not None and now - rows.changed >= SETTLES)
