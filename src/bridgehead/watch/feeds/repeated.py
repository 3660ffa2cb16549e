"""The same bytes again under the same name: a batch of its own that is set aside, and says so.

A file of one name that is written anew every day may well hold what it held before. Of a table of which each
batch holds all rows, and whose last batch that is, it is the batch that was due: nothing changed. Otherwise
it fills no place: it was sent again. Where only people know what it is, it is theirs to decide (``afresh``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert

from bridgehead.enforce.snapshots import last_in, newest
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.event import Arrival, days_of
from bridgehead.watch.arrivals.folder import FolderState
from bridgehead.watch.arrivals.watching import repeated
from bridgehead.watch.feeds import afresh, remembered
from bridgehead.watch.feeds.judging import of_arrival
from bridgehead.watch.feeds.landing import Landed
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.said import About
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import ACTOR


def is_known(folder: FolderState, landed: Landed) -> bool:
    """Say whether these very files were taken: somebody else was quicker."""
    known = {(one.name, one.size, one.changed) for one in folder.taken}
    return all((one.name, one.size, one.changed) in known for one in landed.taken)


def is_put_to_people(
    connection: Connection, supply: Supply, landed: Landed, before: Sequence[Row[Any]]
) -> bool:
    """Say whether a batch that holds the bytes of those ``before`` is judged, and not set aside."""
    earlier, days = _judged(before), [day.isoformat() for day in days_of(landed.label)]
    if not earlier.rows and earlier.rows is not None:
        return False
    return afresh.why(connection, supply, landed.label, earlier.content, days) is not None


def set_aside(
    connection: Connection, supply: Supply, landed: Landed, before: Sequence[Row[Any]], at: datetime
) -> tuple[Draft, ...]:
    """Write down a batch that holds the bytes of those ``before``, and what that is for its feed; return the
    entry about it. No copy is kept of it."""
    earlier = _judged(before)
    arrival = Arrival(
        feed=supply.name,
        batch=landed.label,
        at=at,
        rows=earlier.rows,
        size=landed.size,
        content=earlier.content,
        about=days_of(landed.label),
    )
    known = remembered.load(connection, supply.source, supply.table)
    last = _read(connection, supply)
    stays = last is not None and last.name == earlier.name
    feed, noticed = repeated(known.feed, supply.declared, arrival, unchanged=stays)
    remembered.save(connection, replace(known, feed=feed), at=at, next_look=at)
    told = About(said=of_arrival(noticed))
    name = name_of(landed, before)
    connection.execute(
        insert(t.batch).values(
            source=supply.source,
            object=supply.table,
            name=name,
            first_seen_at=stamp(at),
            about=json.dumps([day.isoformat() for day in arrival.about]),
            rows=arrival.rows,
            bytes=landed.size,
            content=arrival.content,
            state="set aside",
            said=told.text(),
            decided_at=stamp(at),
        )
    )
    body = {
        "batch": name,
        "rows": arrival.rows,
        "bytes": landed.size,
        "content": arrival.content,
        "said": [each.words for each in told.said],
    }
    return (Draft(kind="batch.repeated", actor=ACTOR, fields={"note": f"data:{supply.name}"}, body=body),)


def is_unchanged(connection: Connection, supply: Supply, arrival: Arrival) -> bool:
    """Say whether a batch is the whole table again under its own name, holding the rows that are read now."""
    last = _read(connection, supply)
    if last is None or label_of(last.name) != arrival.batch:
        return False
    return bool(arrival.content) and last.content == arrival.content[:64]


def _read(connection: Connection, supply: Supply) -> Row[Any] | None:
    """Return the batch that is the whole table now; None where each holds a part, or there is none."""
    found = newest(connection, supply.source, supply.table)
    if supply.feed.holds != "all" or found is None:
        return None
    return last_in(connection, supply.source, supply.table, found.number)


def name_of(landed: Landed, before: Sequence[Row[Any]]) -> str:
    """Return the name of the row of a batch; ``before`` are those of the same bytes."""
    return f"{landed.name}.{len(before)}" if before else landed.name


def _judged(before: Sequence[Row[Any]]) -> Row[Any]:
    """Return the last of them that was judged by itself and stands, or else the first."""
    stand = [row for row in before if row.state not in ("set aside", "discarded")]
    return stand[-1] if stand else before[0]
