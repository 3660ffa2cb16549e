"""The batches of tables that come in some: what became of each, why, and who decides about those kept apart.

In: the rows that the intake writes. Out: one line for each batch, those that wait for people first, then the
newest. Never: looks at data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.enforce.boundary import Boundary
from bridgehead.store import tables as t
from bridgehead.watch.feeds.deciding import deciders
from bridgehead.watch.feeds.judging import keeps_apart
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.said import about

MOST = 50
"""Batches of one table that are listed, beside those that wait for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody said about a batch."""

    person: str
    answer: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Somebody who may decide about a batch that was kept apart, and as what."""

    person: str
    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """One batch. ``noticed`` is everything there is to say of it, ``fixes`` what to do about that.

    ``read`` says that new runs read it. ``people`` is how many must agree to release it, ``words`` what was
    said about it so far. ``changed``: its columns are not those that readers know, and nobody has accepted
    that: it cannot be published as it is.
    """

    source: str
    table: str
    name: str
    label: str
    state: str
    came_at: str
    rows: int | None
    bytes: int | None
    data_as_of: str
    read: bool
    noticed: tuple[str, ...]
    fixes: tuple[str, ...]
    people: int
    words: tuple[Word, ...]
    changed: bool = False

    @property
    def waits(self) -> bool:
        """Say whether people must decide about it."""
        return self.state == "quarantined"


def batches(
    connection: Connection, boundary: Boundary, only: str = "", *, waiting: bool = False
) -> tuple[BatchLine, ...]:
    """Return the batches of every feed, or of ``only`` (``source.table``); ``waiting``: those that wait for
    people."""
    lines = [
        line
        for source, declared in boundary.charter.sources.items()
        for table in declared.feeds
        if only in ("", f"{source}.{table}")
        for line in _of(connection, source, table, waiting=waiting)
    ]
    return tuple(sorted(lines, key=lambda line: (not line.waits, line.source, line.table)))


def one_batch(
    connection: Connection, boundary: Boundary, source: str, table: str, name: str
) -> BatchLine | None:
    """Return one batch by the name of its row; None where there is none."""
    row = connection.execute(
        select(t.batch).where(t.batch.c.source == source, t.batch.c.object == table, t.batch.c.name == name)
    ).first()
    declared = boundary.charter.sources.get(source)
    if row is None or declared is None or table not in declared.feeds:
        return None
    return _line(row)


def who_decides(boundary: Boundary) -> tuple[Decider, ...]:
    """Return who may release or discard a batch."""
    people = boundary.directory().people
    return tuple(
        Decider(person=who, name=people[who].name, why=why) for who, why in deciders(boundary).items()
    )


def _of(connection: Connection, source: str, table: str, *, waiting: bool) -> Iterator[BatchLine]:
    rows = connection.execute(
        select(t.batch)
        .where(t.batch.c.source == source, t.batch.c.object == table)
        .order_by(t.batch.c.first_seen_at.desc())
    ).all()
    for number, row in enumerate(rows):
        if row.state == "quarantined" or (number < MOST and not waiting):
            yield _line(row)


def _line(row: Row[Any]) -> BatchLine:
    known = about(row.said)
    return BatchLine(
        source=row.source,
        table=row.object,
        name=row.name,
        label=label_of(row.name),
        state=row.state,
        came_at=row.first_seen_at,
        rows=row.rows,
        bytes=row.bytes,
        data_as_of=row.data_as_of,
        read=row.enters is not None and row.leaves is None,
        noticed=tuple(each.words for each in known.said),
        fixes=tuple(dict.fromkeys(each.fix for each in known.said if each.fix)),
        people=known.people,
        words=tuple(Word(**each) for each in json.loads(row.decided_by)),
        changed=row.state == "quarantined"
        and any(each.kind == "schema" and keeps_apart(each) for each in known.said),
    )
