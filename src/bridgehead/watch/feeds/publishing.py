"""A batch becomes part of what new runs read: a snapshot is added, in the unit that says so in the ledger.

Snapshots are never changed. A batch that holds the whole table takes the place of the one before, one with
new rows is added, one that corrects another takes that one's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from bridgehead.enforce.snapshots import Snapshot, last_in, newest
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.store import tables as t
from bridgehead.watch.feeds import columns
from bridgehead.watch.feeds.judging import newer
from bridgehead.watch.feeds.said import Said, about
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import ACTOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch to be published: the name of its row, what its sender calls it, the newest moment in it, the
    label of one that it ``corrects``, and the names of those that it ``replaces``, where it does."""

    name: str
    label: str
    data_as_of: str
    corrects: str = ""
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The ``snapshot`` that was added, and the entries of what followed from it."""

    snapshot: Snapshot
    drafts: tuple[Draft, ...] = ()


def publish(connection: Connection, supply: Supply, batch: Batch) -> Published:
    """Add a snapshot with a batch, and accept the columns it adds; what waited for people and is overtaken by
    it is replaced."""
    before = newest(connection, supply.source, supply.table)
    as_of = batch.data_as_of
    if before is not None and supply.feed.holds == "new":
        as_of = newer((before.data_as_of, as_of))
    found = Snapshot(
        number=before.number + 1 if before else 1,
        at=stamp(supply.boundary.clock.now()),
        data_as_of=as_of,
    )
    _move(connection, supply, batch, found.number)
    connection.execute(
        insert(t.snapshot).values(
            source=supply.source,
            object=supply.table,
            number=found.number,
            at=found.at,
            data_as_of=found.data_as_of,
        )
    )
    grown = columns.published(connection, supply, about(_row(connection, supply, batch.name).said).columns)
    replaced = tuple(_overtake(connection, supply, batch))
    return Published(snapshot=found, drafts=(*grown, *replaced))


def merged(connection: Connection, supply: Supply, newest_in_it: Mapping[str, str]) -> dict[str, str]:
    """Return the newest moments of the table with a batch in it, by freshness clause."""
    found = newest(connection, supply.source, supply.table)
    if supply.feed.holds == "all" or found is None:
        return dict(newest_in_it)
    before = about(last_in(connection, supply.source, supply.table, found.number).said).newest
    return {key: newer((before.get(key, ""), value)) for key, value in newest_in_it.items()}


def _move(connection: Connection, supply: Supply, batch: Batch, number: int) -> None:
    """Let a batch enter with a snapshot, and those leave whose place it takes."""
    here = (t.batch.c.source == supply.source, t.batch.c.object == supply.table)
    there = (*here, t.batch.c.enters.is_not(None), t.batch.c.leaves.is_(None))
    leaving = update(t.batch).where(*there).values(leaves=number)
    if supply.feed.holds == "new":
        corrected = [label for label in {batch.label, batch.corrects} if label]
        like = or_(*(t.batch.c.name.startswith(f"{label}@", autoescape=True) for label in corrected))
        names = connection.execute(select(t.batch.c.name).where(*there, like)).scalars()
        leaving = leaving.where(t.batch.c.name.in_([one for one in names if label_of(one) in corrected]))
    connection.execute(leaving)
    connection.execute(update(t.batch).where(*here, t.batch.c.name == batch.name).values(enters=number))


def label_of(name: str) -> str:
    """Return what the sender calls the batch of a row."""
    return name.rpartition("@")[0]


def _row(connection: Connection, supply: Supply, name: str) -> Row[Any]:
    return connection.execute(
        select(t.batch).where(
            t.batch.c.source == supply.source, t.batch.c.object == supply.table, t.batch.c.name == name
        )
    ).one()


def _overtake(connection: Connection, supply: Supply, batch: Batch) -> Iterator[Draft]:
    """Close what waits for people, came before and is not needed any more, as replaced: the batch that is
    published holds all of it, or was sent in its place. Yield the entries that say so."""
    came = _row(connection, supply, batch.name).first_seen_at
    rows = connection.execute(
        select(t.batch.c.name, t.batch.c.said).where(
            t.batch.c.source == supply.source,
            t.batch.c.object == supply.table,
            t.batch.c.state == "quarantined",
            t.batch.c.first_seen_at < came,
        )
    ).all()
    for row in rows:
        sent_again = label_of(row.name) in (batch.label, batch.corrects) or row.name in batch.replaces
        if supply.feed.holds == "new" and not sent_again:
            continue
        known = about(row.said)
        one = Said(
            kind="overtaken", words=f"Batch {batch.label} came after it and was published in its place."
        )
        connection.execute(
            update(t.batch)
            .where(
                t.batch.c.source == supply.source,
                t.batch.c.object == supply.table,
                t.batch.c.name == row.name,
            )
            .values(
                state="replaced",
                said=replace(known, said=(*known.said, one)).text(),
                decided_at=stamp(supply.boundary.clock.now()),
            )
        )
        yield Draft(
            kind="batch.replaced",
            actor=ACTOR,
            fields={"note": f"data:{supply.name}"},
            body={"batch": row.name, "by": batch.name, "said": [each.words for each in known.said]},
        )
