"""The columns of a batch beside those that its table's readers know, before it is published.

In: columns as the files of a batch describe them, kept in its row. Out: what keeps the batch apart, or goes
with it, in words that say who reads what and what may be a rename; what people may accept
(``schema_change.accepted``). Never: applies a rename that nobody accepted, looks at rows.

The columns of the first batch that is published are the accepted ones. A batch that only adds is published,
and its columns are accepted then. What a batch changes stays open while it waits for people.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from bridgehead.enforce.snapshots import last_in, newest
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import ApprovalError
from bridgehead.store import tables as t
from bridgehead.watch.checks.files import Format
from bridgehead.watch.feeds.judging import keeps_apart
from bridgehead.watch.feeds.said import Said, about
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import ACTOR
from bridgehead.watch.schema_change import accepted
from bridgehead.watch.schema_change.schema import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What a batch's columns do: what is ``said`` of them, words of what only adds, the open changes to keep,
    and the ``columns`` as they would be accepted."""

    said: tuple[Said, ...] = ()
    grown: tuple[str, ...] = ()
    changes: str = "[]"
    columns: str = ""

    @property
    def apart(self) -> bool:
        """Say whether they keep the batch from being published."""
        return any(keeps_apart(each) for each in self.said)


def weigh(connection: Connection, supply: Supply, columns: str) -> Weighed:
    """Return what columns, as ``accepted.plain`` writes them, do to who reads the table; of unknown ones, and
    of the first, nothing."""
    row = accepted.row_of(connection, supply.source, supply.table)
    if row is None or not columns:
        return Weighed()
    charter, found = supply.boundary.charter, _typed(row, supply, columns)
    seen = accepted.weighed(connection, charter, supply.source, row, found)
    where = supply.where().removeprefix(f"{supply.boundary.deployment.folder}/")
    gone = (
        one for one in accepted.awaited(charter, supply.source, found, row) if not _goes_by(row, found, one)
    )
    said = tuple(
        Said(kind="schema", clause=one.clause, words=one.words, response=one.response, where=where)
        for one in (*seen.opened, *gone)
    )
    return Weighed(said=said, grown=seen.grown, changes=seen.changes, columns=accepted.plain(found))


def _typed(row: Row[Any], supply: Supply, columns: str) -> Table:
    """Return the columns of a batch, of the types that are accepted where its files say nothing of types."""
    known = {one.name.casefold(): one.type for one in accepted.read(supply.table, row.accepted).columns}
    found = accepted.read(supply.table, columns)
    typed = (replace(one, type=one.type or known.get(one.name.casefold(), "")) for one in found.columns)
    return replace(found, columns=tuple(typed))


def _goes_by(row: Row[Any], found: Table, one: accepted.Open) -> bool:
    """Say whether a column that the charter names is read by the new name that people accepted for it."""
    name = json.loads(row.mapping).get(one.clause.rpartition(".")[2], "")
    return bool(name) and found.column(name) is not None


def of_batch(connection: Connection, supply: Supply, found: Table | None, format: Format | None) -> str:
    """Return the columns of a batch as they are kept in its row, beside those that are accepted now.

    Only Parquet says of what type a column is. In JSON a column is a key that records have: one that none of
    them has may be a column without a value, and is taken as gone only where another has come.
    """
    if found is None:
        return ""
    columns = found.columns if format == "parquet" else tuple(replace(one, type="") for one in found.columns)
    row = accepted.row_of(connection, supply.source, supply.table)
    known = accepted.read(found.name, row.accepted).columns if row is not None else ()
    names = {one.name.casefold() for one in columns}
    if format == "json" and names <= {one.name.casefold() for one in known}:
        columns += tuple(one for one in known if one.name.casefold() not in names)
    return accepted.plain(Table(name=found.name, columns=columns))


def published(connection: Connection, supply: Supply, columns: str) -> tuple[Draft, ...]:
    """Write down that a batch with these columns is published; return the entry of what it added."""
    row, now = accepted.row_of(connection, supply.source, supply.table), _now(supply)
    if not columns:
        return ()
    if row is None:
        values = {"accepted": columns, "accepted_at": now, "accepted_by": "the first batch"}
        values |= {"found": columns, "found_at": now, "source": supply.source, "object": supply.table}
        connection.execute(insert(t.schema_seen).values(**values))
        return ()
    found = weigh(connection, supply, columns)
    if found.said:  # it goes with the batch, and stays open
        opened(connection, supply, found)
        return ()
    if found.columns == row.accepted:
        return ()
    values = {"accepted": found.columns, "accepted_at": now, "accepted_by": "a batch: it breaks nobody"}
    if not row.since:
        values |= {"found": found.columns, "found_at": now}
    accepted.keep(connection, supply.source, supply.table, values)
    if not found.grown:
        return ()
    body = {"words": " ".join(found.grown), "owner": supply.boundary.directory().owner.person}
    note = f"schema:{supply.name}"
    return (Draft(kind="finding.raised", actor=ACTOR, fields={"note": note}, body=body),)


def opened(connection: Connection, supply: Supply, found: Weighed) -> None:
    """Write down what is open about the columns of a batch, for people to accept."""
    row = accepted.row_of(connection, supply.source, supply.table)
    if row is None or found.changes == "[]":
        return
    values = {"found": found.columns, "found_at": _now(supply), "changes": found.changes}
    values["since"] = row.since or _now(supply)
    accepted.keep(connection, supply.source, supply.table, values)


def settled(connection: Connection, supply: Supply) -> None:
    """Let stand open what the batch changes that came last, of those that wait and the one that is read; what
    no batch changes any more is open no more."""
    row = accepted.row_of(connection, supply.source, supply.table)
    if row is None or not row.since:
        return
    found = weigh(connection, supply, _last(connection, supply))
    if found.changes != "[]":
        opened(connection, supply, found)
        return
    values = {"found": row.accepted, "found_at": _now(supply), "changes": "[]", "since": ""}
    accepted.keep(connection, supply.source, supply.table, values)


def _last(connection: Connection, supply: Supply) -> str:
    """Return the columns of the last batch that waits because of them, else of the last one that is read."""
    rows = connection.execute(
        select(t.batch.c.name, t.batch.c.state, t.batch.c.said)
        .where(t.batch.c.source == supply.source, t.batch.c.object == supply.table)
        .order_by(t.batch.c.first_seen_at.desc())
    ).all()
    for row in rows:
        known = about(row.said)
        if row.state == "quarantined" and any(each.kind == "schema" for each in known.said):
            return known.columns
    read = newest(connection, supply.source, supply.table)
    if read is None:
        return ""
    return about(last_in(connection, supply.source, supply.table, read.number).said).columns


def still_open(connection: Connection, supply: Supply) -> frozenset[str]:
    """Return the clauses of changes that nobody has accepted yet."""
    row = accepted.row_of(connection, supply.source, supply.table)
    told = json.loads(row.changes) if row is not None else []
    return frozenset(
        ".".join(part for part in ("schema", one["kind"], one["column"]) if part) for one in told
    )


def are_as_read(connection: Connection, supply: Supply) -> bool:
    """Say whether columns are called what they were when a batch was read, outside of this transaction. Where
    people accepted another name since, it is to be read again: nobody has looked at that column."""
    return accepted.mapping(connection, supply.source).get(supply.table, {}) == supply.names


def require_accepted(connection: Connection, supply: Supply, columns: str) -> None:
    """Raise ``ApprovalError`` (BH-WAT-118) where readers do not know the columns of a batch: those that are
    gone would read as empty."""
    found = weigh(connection, supply, columns)
    if found.apart:
        raise ApprovalError(
            "BH-WAT-118",
            f"its columns are not those that readers know: {found.said[0].words}",
            means="Nothing was published: readers would find a column empty that is only called otherwise.",
            fix=f"Accept the change first (`bridgehead watch accept-change {supply.name}`), or discard it.",
        )


def _now(supply: Supply) -> str:
    return stamp(supply.boundary.clock.now())
