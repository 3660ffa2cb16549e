"""Columns that go by another name since a release was made, as people accepted.

In: what ``watch`` wrote down of a table's columns, and the names that people accepted. Out: for the columns
that a release names, what they are called where the data are. So a run that waited for the acceptance asks
under its own release, by the old name, and reads the new column. Never: guesses; a rename that nobody
accepted is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection, select

from bridgehead.declare.model import Source
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.sql.rights import Rights, TableRight
from bridgehead.store import tables as t

Stored = tuple[tuple[str, str], ...]


def as_stored(boundary: Boundary, name: str, source: Source, rights: Rights) -> Rights:
    """Return rights whose columns are read by the names they have now. The views of a wall name their own,
    and batches are each read by its own names (``snapshots.other_names``)."""
    if not source.contract or source.wall or all(table in source.feeds for table in rights.tables):
        return rights
    renamed = boundary.store.look(lambda connection: _renamed(connection, name))
    if not renamed:
        return rights
    return replace(
        rights,
        tables={
            table: right if table in source.feeds else _stored(right, renamed.get(table, {}))
            for table, right in rights.tables.items()
        },
    )


def _stored(right: TableRight, names: Mapping[str, str]) -> TableRight:
    known = (*(column.name for column in right.columns), *sorted(right.hidden))
    return replace(right, stored=tuple((name, names[name]) for name in known if name in names))


def _renamed(connection: Connection, source: str) -> dict[str, dict[str, str]]:
    """Return by table the old names of columns that are there by a new one, and not by the old."""
    rows = connection.execute(
        select(t.schema_seen.c.object, t.schema_seen.c.mapping, t.schema_seen.c.accepted).where(
            t.schema_seen.c.source == source, t.schema_seen.c.mapping != "{}"
        )
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        there = {name.casefold() for name, *_ in json.loads(row.accepted)}
        names = json.loads(row.mapping).items()
        found[row.object] = {
            old: new for old, new in names if new and new.casefold() in there and old.casefold() not in there
        }
    return {table: names for table, names in found.items() if names}
