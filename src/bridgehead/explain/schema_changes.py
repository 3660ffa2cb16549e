"""Schemas that changed: what is open, since when, and by which names people agreed to read columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.enforce.boundary import Boundary
from bridgehead.explain.data_health import DOES
from bridgehead.explain.recorded import Recorded, entries_noted
from bridgehead.store import tables as t
from bridgehead.watch.schema_answering import ABOUT, digest
from bridgehead.watch.schema_change.accepted import read, row_of
from bridgehead.watch.schema_change.renames import renames
from bridgehead.watch.schema_change.schema import Schema, Table

_TOLD = {
    "column_removed": "{column} is gone",
    "column_added": "{column} came, and must have a value",
    "type_changed": "{column} is of another type: {before} before, {after} now",
    "null_allowed": "{column} may be without a value now",
    "null_forbidden": "{column} must have a value now",
}
APART = "its batch is kept apart; what was published before is read meanwhile"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLine:
    """One thing that changed: in words, who reads it (nobody here where empty), what that does."""

    words: str
    readers: tuple[str, ...]
    does: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A column that is not there any more. ``called`` is what it may be called now, ``why`` that is thought;
    ``named`` says that the release in force names it."""

    column: str
    called: str
    why: str
    named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person answered to a change, and the entry of it."""

    person: str
    answer: str
    reason: str
    at: str
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """The schema of a table beside the accepted one. ``digest`` is of what is open; empty where nothing is.

    ``gone`` are columns that are not there any more, ``came`` those that were not there before. ``mapping``
    are new names that people accepted, empty for what is gone. ``fed``: the table comes in batches.
    """

    source: str
    table: str
    since: str
    found_at: str
    digest: str
    lines: tuple[ChangeLine, ...]
    gone: tuple[Gone, ...]
    came: tuple[str, ...]
    fed: bool
    mapping: dict[str, str]
    accepted_at: str
    accepted_by: str
    said: tuple[Said, ...]


def changes(connection: Connection) -> list[dict[str, Any]]:
    """Return each table whose schema a look has seen, those with an open change first."""
    rows = connection.execute(
        select(t.schema_seen).order_by(
            t.schema_seen.c.since == "", t.schema_seen.c.source, t.schema_seen.c.object
        )
    )
    return [
        {
            "table": f"{row.source}.{row.object}",
            "since": row.since,
            "changes": json.loads(row.changes),
            "mapping": json.loads(row.mapping),
            "accepted_at": row.accepted_at,
            "accepted_by": row.accepted_by,
            "found_at": row.found_at,
        }
        for row in rows
    ]


def open_changes(connection: Connection) -> dict[str, str]:
    """Return since when a change is open, by ``source.table``."""
    return {one["table"]: one["since"] for one in changes(connection) if one["changes"]}


def one_change(connection: Connection, boundary: Boundary, source: str, table: str) -> ChangeView | None:
    """Return how the schema of a table stands; None where no look has seen it."""
    declared = boundary.charter.sources.get(source)
    row = row_of(connection, source, table)
    if row is None or declared is None or table not in declared.tables:
        return None
    found, opened = json.loads(row.changes), row.changes != "[]"
    before, now = read(table, row.accepted), read(table, row.found)
    fed = table in declared.feeds
    return ChangeView(
        source=source,
        table=table,
        since=row.since,
        found_at=row.found_at,
        digest=digest(row) if opened else "",
        lines=tuple(_line(one, fed) for one in found),
        gone=tuple(_gone(before, now, set(declared.tables[table].columns))) if opened else (),
        came=tuple(one.name for one in now.columns if before.column(one.name) is None) if opened else (),
        fed=fed,
        mapping=json.loads(row.mapping),
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_by,
        said=tuple(_said(connection, boundary, f"{source}.{table}", row)),
    )


def _line(one: dict[str, Any], fed: bool) -> ChangeLine:
    told = _TOLD.get(one["kind"])
    holds = fed and one["response"] == "hold"
    return ChangeLine(
        words=told.format(**one) if told else one["words"],
        readers=tuple(one["readers"]),
        does=APART if holds else DOES.get(one["response"], DOES["hold"]),
    )


def _gone(before: Table, now: Table, named: set[str]) -> Iterator[Gone]:
    proposed = {one.before: one for one in renames(Schema(tables=(before,)), Schema(tables=(now,)))}
    for one in before.columns:
        if now.column(one.name) is not None:
            continue
        rename = proposed.get(one.name)
        yield Gone(
            column=one.name,
            called=rename.after if rename is not None else "",
            why=rename.words if rename is not None else "",
            named=one.name in named,
        )


def _said(connection: Connection, boundary: Boundary, name: str, row: Row[Any]) -> Iterator[Said]:
    """Yield what people answered to the change that is open, else who accepted the schema in force."""
    kind, begin = ("finding.raised", row.since) if row.since else ("finding.cleared", row.accepted_at)
    for entry in entries_noted(connection, boundary.ledger, kind, f"{ABOUT}{name}", begin):
        if not entry.said("reason"):
            continue
        if entry.said("digest", digest(row)) == digest(row):  # of an earlier change nothing is said here
            yield _as_said(entry)


def _as_said(entry: Recorded) -> Said:
    return Said(
        person=str(entry.envelope.get("actor", "")).rpartition(":")[2],
        answer=entry.said("answer", "accepted"),
        reason=entry.said("reason"),
        at=entry.time,
        entry=entry.index,
    )
