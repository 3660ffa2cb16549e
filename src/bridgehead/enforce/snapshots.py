"""What a run reads of a table that comes in batches: the snapshot that was newest when it first read it.

In: a query that is being claimed. Out: the folders its tables are read from, and as of when the data are that
a crossing rests on. Never: looks at data, moves a snapshot that a run has pinned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select

from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.store import tables as t

FEEDS = "feeds"
"""The part of the state folder that holds copies of batches: ``feeds/SOURCE/TABLE/DIGEST``."""
STEP = 4
Name = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a table held once a batch was published: its number, when that was, the newest moment in it.
    ``members`` names its batches, which may be thousands."""

    number: int
    at: str
    data_as_of: str


def newest(connection: Connection, source: str, table: str) -> Snapshot | None:
    """Return the snapshot that new runs read; None before the first."""
    row = connection.execute(
        select(t.snapshot)
        .where(t.snapshot.c.source == source, t.snapshot.c.object == table)
        .order_by(t.snapshot.c.number.desc())
        .limit(1)
    ).first()
    return _snapshot(row) if row is not None else None


def pinned(connection: Connection, run: str, source: str, table: str) -> Snapshot | None:
    """Return the snapshot that a run reads; None where it has read none of the table yet."""
    row = connection.execute(
        select(t.snapshot)
        .join(
            t.snapshot_of_run,
            (t.snapshot_of_run.c.source == t.snapshot.c.source)
            & (t.snapshot_of_run.c.object == t.snapshot.c.object)
            & (t.snapshot_of_run.c.number == t.snapshot.c.number),
        )
        .where(
            t.snapshot_of_run.c.run == run,
            t.snapshot_of_run.c.source == source,
            t.snapshot_of_run.c.object == table,
        )
    ).first()
    return _snapshot(row) if row is not None else None


def _snapshot(row: Row[tuple[object, ...]]) -> Snapshot:
    return Snapshot(number=row.number, at=row.at, data_as_of=row.data_as_of)


def within(source: str, table: str, number: int) -> ColumnElement[bool]:
    """Return what is true of the batches of a snapshot: they have entered, and not left."""
    left = or_(t.batch.c.leaves.is_(None), t.batch.c.leaves > number)
    return and_(t.batch.c.source == source, t.batch.c.object == table, t.batch.c.enters <= number, left)


def members(connection: Connection, source: str, table: str, number: int) -> tuple[str, ...]:
    """Return the names of a snapshot's batches, in the order in which they were published."""
    names = select(t.batch.c.name).where(within(source, table, number)).order_by(t.batch.c.enters)
    return tuple(connection.execute(names).scalars())


def last_in(connection: Connection, source: str, table: str, number: int) -> Row[Any]:
    """Return the row of the batch with which a snapshot was made."""
    place = (t.batch.c.source == source, t.batch.c.object == table, t.batch.c.enters == number)
    return connection.execute(select(t.batch).where(*place)).one()


def pin(
    connection: Connection, boundary: Boundary, crossing: Crossing, tables: Iterable[Name]
) -> Mapping[str, tuple[str, ...]] | Refuse:
    """Pin what a query reads, in the transaction of its claim; return the folders of each table, by its name.

    A table of which nothing was published yet is refused: no rows would be an answer.
    """
    folders: dict[str, tuple[str, ...]] = {}
    for source, table in tables:
        if table not in boundary.charter.sources[source].feeds:
            continue
        found = pinned(connection, crossing.run.id, source, table)
        if found is None:
            found = newest(connection, source, table)
            if found is None:
                return _nothing(boundary, source, table)
            connection.execute(
                insert(t.snapshot_of_run).values(
                    run=crossing.run.id,
                    source=source,
                    object=table,
                    number=found.number,
                    at=stamp(boundary.clock.now()),
                )
            )
        folders[table] = folders_of(connection, source, table, found)
    return folders


def folders_of(connection: Connection, source: str, table: str, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the folders of a snapshot's batches, in their order, relative to the state folder."""
    files = select(t.batch.c.file).where(within(source, table, snapshot.number)).order_by(t.batch.c.enters)
    return tuple(connection.execute(files).scalars())


def other_names(
    connection: Connection, source: str, tables: Iterable[str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return by table and column the other names by which people accepted that it goes: a batch may have it
    by any of them. Tables without such a column are left out."""
    rows = connection.execute(select(t.schema_seen).where(t.schema_seen.c.source == source))
    known = {row.object: json.loads(row.mapping) for row in rows}
    found = {table: _by_column(known[table]) for table in tables if table in known}
    return {table: names for table, names in found.items() if names}


def _by_column(mapping: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return for each name all others that stand for the same column. ``mapping`` holds old names by the new
    one, or by nothing where the column is gone."""
    same: dict[str, list[str]] = {}
    for old, new in mapping.items():
        if new:
            same.setdefault(new, [new]).append(old)
    return {name: tuple(one for one in names if one != name) for names in same.values() for name in names}


def _nothing(boundary: Boundary, source: str, table: str) -> Refuse:
    words = f"No batch of {source}.{table} was published yet, so there is nothing to read."
    where = boundary.where("sources", source, "tables", table, "feed")
    return Refuse(step=STEP, reasons=(Reason(rule="data.unpublished", words=words, source=where),))


def as_of(
    connection: Connection, boundary: Boundary, crossing: Crossing, tables: Iterable[Name]
) -> dict[str, dict[str, str | int]]:
    """Return as of when the data are that a crossing rests on, by ``source.table``, where that is known: the
    newest moment in them, and for a table that comes in batches the number of its snapshot."""
    found: dict[str, dict[str, str | int]] = {}
    for source, table in tables:
        declared = boundary.charter.sources.get(source)
        if declared is not None and table in declared.feeds:
            snapshot = pinned(connection, crossing.run.id, source, table) or newest(connection, source, table)
            if snapshot is not None:
                found[f"{source}.{table}"] = {"at": snapshot.data_as_of, "snapshot": snapshot.number}
            continue
        at = connection.execute(
            select(t.looked_at.c.data_as_of).where(
                t.looked_at.c.source == source, t.looked_at.c.object == table
            )
        ).scalar()
        if at:
            found[f"{source}.{table}"] = {"at": at}
    return found
