"""The schema a person accepted, the one a look found, and what the difference does to who reads the table.

In: a table as its place describes it, known before a row is read. Out: broken clauses beside those of the
contract. The first look accepts what it finds; a change that only adds is accepted by itself, and recorded;
any other stays open until a person accepts it (``accepting``). A column is read by whoever may query it where
the charter names it, and by nobody here where it does not: no governed query can name another column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bridgehead.declare.model import Charter
from bridgehead.kernel.canonical import canonical_bytes, recordable
from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t
from bridgehead.watch.checks.engine import Native
from bridgehead.watch.contract.model import Table as Promised
from bridgehead.watch.schema_change.compare import compare
from bridgehead.watch.schema_change.definition import read_part
from bridgehead.watch.schema_change.readers import Judged, Reads, classified
from bridgehead.watch.schema_change.renames import Rename, renames
from bridgehead.watch.schema_change.schema import Column, Schema, Table

ANYBODY = "whoever may query it"
RESPONSES = {
    "hold": "hold",
    "hold writes": "hold",
    "rows to a person": "toPerson",
    "warn": "warn",
    "notify": "record",
    "record": "record",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A change nobody has accepted yet: the clause it breaks, what that does, and in words what to do."""

    clause: str
    response: str
    words: str


def table_of(name: str, native: Sequence[Native]) -> Table:
    """Return a table as schemas are compared: types in one spelling, whatever the place calls them."""
    return Table(name=name, columns=tuple(_column(one) for one in native))


def _column(one: Native) -> Column:
    read = read_part(f"c {one.type}", "postgres")
    kind = read.column.type if read is not None and read.column is not None else one.type.lower()
    return Column(name=one.name, type=kind, nullable=one.nullable)


def plain(table: Table) -> str:
    """Return a table as canonical JSON."""
    return canonical_bytes([[one.name, one.type, one.nullable] for one in table.columns]).decode()


def read(name: str, text: str) -> Table:
    """Return the table that ``plain`` wrote."""
    return Table(
        name=name,
        columns=tuple(Column(name=one, type=kind, nullable=null) for one, kind, null in json.loads(text)),
    )


def row_of(connection: Connection, source: str, table: str) -> Row[Any] | None:
    """Return what is known of a table's schema."""
    where = (t.schema_seen.c.source == source, t.schema_seen.c.object == table)
    return connection.execute(select(t.schema_seen).where(*where)).first()


def mapping(connection: Connection, source: str) -> dict[str, dict[str, str]]:
    """Return the new names of columns that people accepted, by table and old name."""
    rows = connection.execute(select(t.schema_seen).where(t.schema_seen.c.source == source))
    return {row.object: {old: new for old, new in json.loads(row.mapping).items() if new} for row in rows}


def by_new_names(table: Promised, names: Mapping[str, str]) -> Promised:
    """Return a table of the contract in which columns are found by the names people accepted for them."""
    if not names:
        return table
    columns = (replace(one, physical=names.get(one.name, one.physical)) for one in table.columns)
    return replace(table, columns=tuple(columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What the columns of a table do to who reads it: what is ``opened``, with a text of the changes to keep,
    and words of what only adds, ``grown``."""

    opened: tuple[Open, ...] = ()
    grown: tuple[str, ...] = ()
    changes: str = "[]"


def weighed(connection: Connection, charter: Charter, source: str, row: Row[Any], found: Table) -> Weighed:
    """Return what is different about ``found`` from what ``row`` has as accepted. Writes nothing."""
    before = _of_known_types(read(found.name, row.accepted), found)
    judged = _judged(connection, charter, source, row, before, found)
    proposed = renames(Schema(tables=(before,)), Schema(tables=(found,)))
    opened = [(one, _open(one, source, proposed)) for one in judged if RESPONSES[one.response] != "record"]
    return Weighed(
        opened=tuple(said for _, said in opened),
        grown=() if opened else tuple(one.finding().words for one in judged),
        changes=_changes(opened),
    )


def _of_known_types(before: Table, found: Table) -> Table:
    """Return the accepted columns, of the types found where nobody knew a type when they were accepted."""
    now = {one.name.casefold(): one.type for one in found.columns}
    typed = (replace(one, type=one.type or now.get(one.name.casefold(), "")) for one in before.columns)
    return replace(before, columns=tuple(typed))


def met(
    connection: Connection, charter: Charter, source: str, found: Table, at: str
) -> tuple[tuple[Open, ...], tuple[str, ...]]:
    """Write down the schema a look found; return what is open, and words of what was accepted by itself."""
    row, now = row_of(connection, source, found.name), plain(found)
    if row is None:
        values = {
            "accepted": now,
            "accepted_at": at,
            "accepted_by": "the first look",
            "found": now,
            "found_at": at,
        }
        connection.execute(insert(t.schema_seen).values(source=source, object=found.name, **values))
        return (), ()
    seen = weighed(connection, charter, source, row, found)
    values = {"found": now, "found_at": at, "changes": seen.changes, "since": ""}
    if seen.opened:
        values["since"] = row.since or at
    elif seen.grown:
        values |= {"accepted": now, "accepted_at": at, "accepted_by": "a look: it breaks nobody"}
    keep(connection, source, found.name, values)
    return (*seen.opened, *awaited(charter, source, found, row)), seen.grown


def _judged(
    connection: Connection, charter: Charter, source: str, row: Row[Any], before: Table, found: Table
) -> tuple[Judged, ...]:
    changes = compare(Schema(tables=(before,)), Schema(tables=(found,)))
    names = {old: new for old, new in json.loads(row.mapping).items() if new}
    return classified(changes, readers(connection, charter, source, found.name, names))


def readers(
    connection: Connection, charter: Charter, source: str, table: str, names: Mapping[str, str]
) -> Mapping[str, Reads]:
    """Return who reads a table: workflows whose runs did or that say they rest on it, else anybody. A column
    is read by its name in the charter and by the one in ``names`` that people accepted for it."""
    declared = charter.sources[source].tables[table].columns
    columns = frozenset(
        f"{table}.{name}" for column in declared for name in (column, names.get(column)) if name
    )
    rows = connection.execute(
        select(t.run.c.workflow).distinct()
        .join(t.reading, t.reading.c.run == t.run.c.id)
        .where(t.reading.c.source == source, t.reading.c.object == table)
    )  # fmt: skip
    known = {row.workflow for row in rows}
    known |= {name for name, flow in charter.workflows.items() if f"{source}.{table}" in flow.rests_on}
    return {name: Reads(columns=columns) for name in sorted(known) or [ANYBODY]}


def _open(one: Judged, source: str, proposed: Sequence[Rename]) -> Open:
    change = one.change
    words = one.finding().words
    rename = next((each for each in proposed if each.column and each.before == change.column), None)
    if change.kind == "column_removed" and rename is not None:
        scale = ", on another scale: which unit is it?" if rename.scaled else ""
        words += (
            f" Perhaps it is called {rename.after} now ({rename.score:.0%}: {rename.words}){scale}. If so: "
            f"`bridgehead watch accept-change {source}.{change.table} "
            f"--renamed {rename.before}={rename.after}`."
        )
    clause = ".".join(part for part in ("schema", change.kind, change.column) if part)
    return Open(clause=clause, response=RESPONSES[one.response], words=recordable(words))


def awaited(charter: Charter, source: str, found: Table, row: Row[Any]) -> Iterator[Open]:
    """Yield what waits for a release: columns the charter names, accepted as gone or under another name."""
    known = json.loads(row.mapping)
    for column in charter.sources[source].tables[found.name].columns:
        if column in known and found.column(column) is None:
            now = known[column]
            told = f"is called {now} now" if now else "is not there any more"
            where = f"sources.{source}.tables.{found.name}.columns"
            words = (
                f"{column} {told}, as {row.accepted_by} accepted. Its readers wait for a release that says "
                f"so: change `{where}` in charter.yaml and the contract, and activate it."
            )
            yield Open(clause=f"schema.release.{column}", response="hold", words=recordable(words))


def _changes(opened: Sequence[tuple[Judged, Open]]) -> str:
    told = [
        {
            "kind": one.change.kind,
            "column": one.change.column,
            "before": one.change.before,
            "after": one.change.after,
            "class": one.kind,
            "response": said.response,
            "readers": list(one.readers),
            "words": said.words,
        }
        for one, said in opened
    ]
    return canonical_bytes(told).decode()


def keep(connection: Connection, source: str, table: str, values: Mapping[str, Any]) -> None:
    """Write what is known of a table's schema now."""
    where = (t.schema_seen.c.source == source, t.schema_seen.c.object == table)
    connection.execute(update(t.schema_seen).where(*where).values(**values))


def accept(
    connection: Connection, source: str, table: str, names: Mapping[str, str], by: str, at: Any
) -> dict[str, str]:
    """Write that what was found last is accepted; return every name that stands for another now."""
    row = row_of(connection, source, table)
    assert row is not None  # the caller looked
    before, there = read(table, row.accepted), read(table, row.found)
    gone = {one.name: names.get(one.name, "") for one in before.columns if there.column(one.name) is None}
    before_that = {old: names.get(new, new) for old, new in json.loads(row.mapping).items()}
    known = {**before_that, **gone}
    known = {old: new if there.column(new) else "" for old, new in known.items() if not there.column(old)}
    values = {
        "accepted": row.found,
        "accepted_at": stamp(at),
        "accepted_by": by,
        "since": "",
        "changes": "[]",
        "mapping": canonical_bytes(known).decode(),
    }
    keep(connection, source, table, values)
    return known
