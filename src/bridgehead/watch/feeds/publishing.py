"""A batch becomes part of what new runs read: a snapshot is added, in the unit that says so in the ledger.

Snapshots are never changed. A batch that holds the whole table takes the place of the one before, one with
new rows is added, one that corrects another takes that one's place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from bridgehead.enforce.snapshots import Snapshot, newest
from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t
from bridgehead.watch.feeds.judging import newer
from bridgehead.watch.feeds.said import About, Said, about
from bridgehead.watch.feeds.supply import Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch to be published: the name of its row, what its sender calls it, the newest moment in it, and
    the label of one that it ``corrects``, where it does."""

    name: str
    label: str
    data_as_of: str
    corrects: str = ""


def publish(connection: Connection, supply: Supply, batch: Batch) -> Snapshot:
    """Add a snapshot with a batch; what waited for people and is overtaken by it is set aside."""
    before = newest(connection, supply.source, supply.table)
    if supply.feed.holds == "all":
        kept: tuple[str, ...] = ()
    else:
        corrected = {batch.label, batch.corrects}
        kept = tuple(name for name in (before.batches if before else ()) if label_of(name) not in corrected)
    as_of = batch.data_as_of
    if before is not None and supply.feed.holds == "new":
        as_of = newer((before.data_as_of, as_of))
    found = Snapshot(
        number=before.number + 1 if before else 1,
        at=stamp(supply.boundary.clock.now()),
        batches=(*kept, batch.name),
        data_as_of=as_of,
    )
    connection.execute(
        insert(t.snapshot).values(
            source=supply.source,
            object=supply.table,
            number=found.number,
            at=found.at,
            batches=json.dumps(list(found.batches), separators=(",", ":")),
            data_as_of=found.data_as_of,
        )
    )
    _overtake(connection, supply, batch)
    return found


def label_of(name: str) -> str:
    """Return what the sender calls the batch of a row."""
    return name.rpartition("@")[0]


def _overtake(connection: Connection, supply: Supply, batch: Batch) -> None:
    """Set aside what waits for people and is not needed any more: the batch that is published holds all of
    it, or was sent in its place."""
    rows = connection.execute(
        select(t.batch.c.name, t.batch.c.said).where(
            t.batch.c.source == supply.source,
            t.batch.c.object == supply.table,
            t.batch.c.state == "quarantined",
            t.batch.c.name != batch.name,
        )
    ).all()
    for row in rows:
        if supply.feed.holds == "new" and label_of(row.name) not in (batch.label, batch.corrects):
            continue
        known = about(row.said)
        one = Said(
            kind="overtaken", words=f"Batch {batch.label} came after it and was published in its place."
        )
        told = About(said=(*known.said, one), newest=known.newest, people=known.people)
        connection.execute(
            update(t.batch)
            .where(
                t.batch.c.source == supply.source,
                t.batch.c.object == supply.table,
                t.batch.c.name == row.name,
            )
            .values(state="set aside", said=told.text(), decided_at=stamp(supply.boundary.clock.now()))
        )
