"""Sent again, and whole: a batch that holds all rows of others that were kept apart takes their place.

Of a table whose batches add up, the rows of a part and of the whole cannot both be read. So a batch of the
same day that holds every row (by its key) of one that waits for people is a correction of that one: it is
checked like any other, and once it is published the other is closed as replaced.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.store import tables as t
from bridgehead.watch.arrivals.event import Arrival
from bridgehead.watch.arrivals.reading import hashes
from bridgehead.watch.feeds.copied import batch_of
from bridgehead.watch.feeds.judging import COUNTED_BYTES, Batch
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.supply import Supply


def replaced(supply: Supply, batch: Batch, arrival: Arrival) -> tuple[str, ...]:
    """Return the names of the batches that wait for people and all of whose rows are in ``batch``."""
    if supply.feed.holds != "new":
        return ()
    waiting = supply.boundary.store.look(lambda connection: _waiting(connection, supply))
    waiting = [row for row in waiting if label_of(row.name) != batch.label and _same_day(row, arrival)]
    if not waiting:
        return ()
    whole = _rows(supply, batch)
    return tuple(row.name for row in waiting if _is_in(_rows(supply, batch_of(supply, row)), whole))


def _waiting(connection: Connection, supply: Supply) -> Sequence[Row[Any]]:
    return connection.execute(
        select(t.batch)
        .where(
            t.batch.c.source == supply.source,
            t.batch.c.object == supply.table,
            t.batch.c.state == "quarantined",
        )
        .order_by(t.batch.c.first_seen_at)
    ).all()


def _same_day(row: Row[Any], arrival: Arrival) -> bool:
    """Say whether both may be about one day: what names none may be about any."""
    days = set(json.loads(row.about))
    return not days or not arrival.about or bool(days & {day.isoformat() for day in arrival.about})


def _is_in(part: frozenset[int], whole: frozenset[int]) -> bool:
    """Say whether all of a part is in the whole; an empty part is in nothing: it says nothing of a day."""
    return bool(part) and part <= whole


def _rows(supply: Supply, batch: Batch) -> frozenset[int]:
    if sum(path.stat().st_size for path in batch.paths) > COUNTED_BYTES:
        return frozenset()
    parts = [(name, path.read_bytes()) for name, path in batch.files]
    return hashes(parts, supply.key)
