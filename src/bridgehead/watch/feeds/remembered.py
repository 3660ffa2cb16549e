"""What is remembered of a feed between two looks: its arrivals, and what was taken from its drop folder.

::

    known = load(connection, "bureau", "applications")
    feed, said = look(known.feed, declared, now)
    save(connection, replace(known, feed=feed), at=now, next_look=next_look(feed, declared, now))

Both within one unit of the ledger: units do not run side by side, on no machine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t
from bridgehead.watch import stored
from bridgehead.watch.arrivals.folder import FolderState
from bridgehead.watch.arrivals.state import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """All that is known of the feed of a table: of its arrivals, and of its drop folder."""

    source: str
    table: str
    feed: Feed
    folder: FolderState = field(default_factory=FolderState)


def load(connection: Connection, source: str, table: str) -> Remembered:
    """Return what is remembered; of a new feed, nothing. Raises ``StoreError`` (BH-WAT-040)."""
    row = connection.execute(
        select(t.feed.c.state).where(t.feed.c.source == source, t.feed.c.object == table)
    ).first()
    if row is None:
        return Remembered(source=source, table=table, feed=Feed(feed=f"{source}.{table}"))
    state = json.loads(row.state)
    return Remembered(
        source=source,
        table=table,
        feed=stored.read(Feed, state["feed"]),
        folder=stored.read(FolderState, state["folder"]),
    )


def save(
    connection: Connection, known: Remembered, *, at: datetime, next_look: datetime | None = None
) -> None:
    """Write it down. ``next_look`` is when something is to be said though nothing comes; None leaves it."""
    state = {"feed": stored.plain(known.feed), "folder": stored.plain(known.folder)}
    values = {"state": json.dumps(state, separators=(",", ":"), sort_keys=True), "looked_at": stamp(at)}
    if next_look is not None:
        values["next_look_at"] = stamp(next_look)
    place = (t.feed.c.source == known.source, t.feed.c.object == known.table)
    if connection.execute(update(t.feed).where(*place).values(**values)).rowcount == 0:
        connection.execute(insert(t.feed).values(source=known.source, object=known.table, **values))
