"""What waited for its columns alone is judged again once people accepted them, or a release knows them.

Called after what landed was judged. Its arrival is not noticed a second time: what was said of that stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, EntryKind
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch.feeds import columns, publishing
from bridgehead.watch.feeds.copied import batch_of, others
from bridgehead.watch.feeds.judging import UNREAD, Audited, Batch, audit, newer, verdict, worst_first
from bridgehead.watch.feeds.learning import learn
from bridgehead.watch.feeds.readable import read_as
from bridgehead.watch.feeds.said import About, about
from bridgehead.watch.feeds.standing import standing
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import ACTOR, Broken, recording


def waiting(connection: Connection, source: str, table: str) -> list[Row[Any]]:
    """Return the batches that wait for people, for their columns among other things, in their order."""
    rows = connection.execute(
        select(t.batch)
        .where(t.batch.c.source == source, t.batch.c.object == table, t.batch.c.state == "quarantined")
        .order_by(t.batch.c.first_seen_at)
    )
    return [row for row in rows if any(each.kind == "schema" for each in about(row.said).said)]


def ready(connection: Connection, supply: Supply) -> list[Row[Any]]:
    """Return those of them whose columns readers know now."""
    return [
        row
        for row in waiting(connection, supply.source, supply.table)
        if not columns.weigh(connection, supply, about(row.said).columns).apart
    ]


def again(supply: Supply, more: tuple[Broken, ...]) -> Iterator[Broken]:
    """Audit each of them anew, and let its verdict stand; yield what cannot be audited here."""
    boundary = supply.boundary
    if boundary.store.look(lambda connection: _otherwise(connection, supply)):
        boundary.ledger.append(lambda connection: _say(connection, supply))
    for row in boundary.store.look(lambda connection: ready(connection, supply)):
        batch = batch_of(supply, row)
        if not batch.files:
            words = f"Batch {batch.label} is copied on another machine, which has not judged it again yet."
            yield Broken(clause=f"copy of {row.name}", response="warn", words=words, where=supply.where())
            return
        audited = audit(supply, batch, others(supply), boundary.clock.now())
        boundary.ledger.append(_judging(supply, batch, audited, more))


def _otherwise(connection: Connection, supply: Supply) -> dict[str, About]:
    """Return what is to be said now of the batches that go on waiting, where that is not what was said:
    people have accepted since that a column is gone."""
    found = {}
    for row in waiting(connection, supply.source, supply.table):
        known = about(row.said)
        now = columns.weigh(connection, supply, known.columns)
        if now.apart and now.said != tuple(each for each in known.said if each.kind == "schema"):
            others = tuple(each for each in known.said if each.kind != "schema")
            found[row.name] = replace(known, said=(*now.said, *others))
    return found


def _say(connection: Connection, supply: Supply) -> Work:
    for name, told in _otherwise(connection, supply).items():
        connection.execute(update(t.batch).where(*_at(supply, name)).values(said=told.text()))
    return Work()


def _judging(supply: Supply, batch: Batch, audited: Audited, more: tuple[Broken, ...]) -> UnitOfWork:
    def work(connection: Connection) -> Work:
        row = next((one for one in ready(connection, supply) if one.name == batch.name), None)
        if row is None or not columns.are_as_read(connection, supply):
            return Work()  # somebody else was quicker, people decided, or the next look judges it
        before = about(row.said)
        stays = (each for each in before.said if each.kind not in ("clause", "schema", UNREAD))
        weighed = columns.weigh(connection, supply, before.columns)
        newest = publishing.merged(connection, supply, audited.newest)
        said = worst_first((*stays, *weighed.said, *audited.said))
        told = replace(before, said=said, newest=newest, read_as=read_as(connection, supply))
        as_of = newer(audited.newest.values()) or row.data_as_of
        state = verdict(told.said)
        now = stamp(supply.boundary.clock.now())
        connection.execute(
            update(t.batch)
            .where(*_at(supply, row.name))
            .values(state=state, said=told.text(), data_as_of=as_of, decided_at=now)
        )
        body: dict[str, Any] = {"batch": row.name, "rows": row.rows, "again": True}
        body["said"] = [each.words for each in told.said]
        drafts: tuple[Draft, ...] = ()
        if state == "published":
            one = publishing.Batch(
                name=row.name,
                label=batch.label,
                data_as_of=as_of,
                corrects=told.corrects,
                replaces=told.replaces,
            )
            made = publishing.publish(connection, supply, one)
            learn(connection, supply, row)
            body["snapshot"], drafts = made.snapshot.number, made.drafts
        columns.settled(connection, supply)
        fields = {"note": f"data:{supply.name}"}
        kind: EntryKind = "batch.published" if state == "published" else "batch.quarantined"
        entry = Draft(kind=kind, actor=ACTOR, fields=fields, body=body)
        look = recording(supply.boundary, standing(connection, supply, more))(connection)
        return Work(drafts=(entry, *drafts, *look.drafts), value=state)

    return work


def _at(supply: Supply, name: str) -> tuple[Any, ...]:
    return t.batch.c.source == supply.source, t.batch.c.object == supply.table, t.batch.c.name == name
