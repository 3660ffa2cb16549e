"""A copied batch gets its verdict, with all that follows from it, in one unit: steps 2 and 3 of the flow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bridgehead.enforce.snapshots import last_in, newest
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, EntryKind
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.event import Arrival
from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.arrivals.watching import kept_apart
from bridgehead.watch.feeds import (
    afresh,
    columns,
    publishing,
    remembered,
    repeated,
    resent,
)
from bridgehead.watch.feeds.copied import batch_of, others
from bridgehead.watch.feeds.judging import (
    Audited,
    Batch,
    State,
    as_of,
    audit,
    count,
    of_arrival,
    verdict,
    worst_first,
)
from bridgehead.watch.feeds.learning import learn
from bridgehead.watch.feeds.queue import to_judge
from bridgehead.watch.feeds.readable import read_as
from bridgehead.watch.feeds.said import About, Said
from bridgehead.watch.feeds.standing import standing
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import ACTOR, Broken, recording

_ENTRIES: Mapping[State, EntryKind] = {
    "published": "batch.published",
    "quarantined": "batch.quarantined",
    "set aside": "batch.repeated",
}


def judge_all(supply: Supply, more: tuple[Broken, ...]) -> Iterator[Broken]:
    """Audit every batch that has landed, in order, and let its verdict stand."""
    boundary = supply.boundary
    for row in boundary.store.look(lambda c: to_judge(c, supply.source, supply.table)):
        batch = batch_of(supply, row)
        if not batch.files:
            words = (
                f"Batch {batch.label} is copied on another machine, which has not judged it yet; later ones "
                "wait. If that machine or its copy is gone, let the sender drop it again."
            )
            yield Broken(clause=f"batch {row.name}", response="warn", words=words, where=supply.where())
            return
        known = boundary.store.look(lambda c: remembered.load(c, supply.source, supply.table))
        arrival, keys = count(supply, batch, known.folder.keys)
        audited = audit(supply, batch, others(supply), boundary.clock.now())
        arrival = replace(arrival, segments=audited.segments, segmented_by=supply.segmented_by)
        if arrival.rows is None:
            arrival = replace(arrival, rows=audited.rows)
        if instead := resent.replaced(supply, batch, arrival):
            arrival = replace(arrival, replaces=publishing.label_of(instead[-1]), overlap=None)
        boundary.ledger.append(_judging(supply, batch, arrival, keys, audited, instead, more))


def _judging(
    supply: Supply,
    batch: Batch,
    arrival: Arrival,
    keys: tuple[int, ...],
    audited: Audited,
    instead: tuple[str, ...],
    more: tuple[Broken, ...],
) -> UnitOfWork:
    """Return the unit in which a batch gets its verdict, with all that follows from it. ``instead`` of which
    other batches it comes."""

    def work(connection: Connection) -> Work:
        landed = to_judge(connection, supply.source, supply.table)
        if not landed or landed[0].name != batch.name:
            return Work()  # somebody else was quicker, or has the batch before this one still to judge
        if not columns.are_as_read(connection, supply):
            return Work()  # the next look judges it
        known = remembered.load(connection, supply.source, supply.table)
        stays = repeated.is_unchanged(connection, supply, arrival)
        before, feed, noticed, apart = afresh.observed(
            connection,
            supply,
            batch.name,
            arrival,
            known.feed,
            unchanged=stays,
            after_itself=keys == known.folder.keys,
        )
        corrects = _corrected(before, arrival) if any(e.kind == "correction" for e in noticed) else ""
        shown = columns.of_batch(connection, supply, audited.columns, batch.format)
        weighed = columns.weigh(connection, supply, shown)
        older = _older(connection, supply, arrival)
        told = About(
            said=worst_first((*apart, *older, *of_arrival(noticed), *weighed.said, *audited.said)),
            newest=publishing.merged(connection, supply, audited.newest),
            people=2 if supply.criticality == "critical" else 1,
            columns=shown,
            corrects=corrects,
            replaces=instead,
            read_as=read_as(connection, supply),
        )
        state = verdict(told.said)
        _decide(connection, supply, batch, arrival, told, state, as_of(arrival, audited))
        if state == "quarantined":
            feed = kept_apart(before, feed)
        folder = replace(known.folder, keys=keys)
        # What it ends, its readers need not wait for: the feed is looked at again at once.
        now = supply.boundary.clock.now()
        remembered.save(connection, replace(known, feed=feed, folder=folder), at=batch.at, next_look=now)
        number, drafts = 0, tuple[Draft, ...]()
        if state == "quarantined" and weighed.apart:
            columns.opened(connection, supply, weighed)
        if state == "published":
            made = publishing.publish(
                connection,
                supply,
                publishing.Batch(
                    name=batch.name,
                    label=batch.label,
                    data_as_of=as_of(arrival, audited),
                    corrects=corrects,
                    replaces=instead,
                ),
            )
            number, drafts = made.snapshot.number, made.drafts
            if corrects and (row := _row(connection, supply, batch.name)) is not None:
                learn(connection, supply, row)
        columns.settled(connection, supply)
        entry = _entry(supply, batch, arrival, told, state, number)
        look = recording(supply.boundary, standing(connection, supply, more))(connection)
        return Work(drafts=(entry, *drafts, *look.drafts), value=state)

    return work


def _decide(
    connection: Connection,
    supply: Supply,
    batch: Batch,
    arrival: Arrival,
    told: About,
    state: State,
    data_as_of: str,
) -> None:
    connection.execute(
        update(t.batch)
        .where(*_at(supply, batch.name))
        .values(
            state=state,
            about=json.dumps([day.isoformat() for day in arrival.about]),
            rows=arrival.rows,
            content=arrival.content[:64],
            said=told.text(),
            data_as_of=data_as_of,
            decided_at=stamp(supply.boundary.clock.now()),
        )
    )


def _entry(supply: Supply, batch: Batch, arrival: Arrival, told: About, state: State, number: int) -> Draft:
    body = {
        "batch": batch.name,
        "rows": arrival.rows,
        "bytes": arrival.size,
        "content": arrival.content,
        "said": [each.words for each in told.said],
        **({"snapshot": number} if number else {}),
    }
    return Draft(kind=_ENTRIES[state], actor=ACTOR, fields={"note": f"data:{supply.name}"}, body=body)


def _older(connection: Connection, supply: Supply, arrival: Arrival) -> Iterator[Said]:
    """Yield what keeps back a whole table of an earlier day than the one that is published."""
    found = newest(connection, supply.source, supply.table)
    if supply.feed.holds != "all" or found is None or not arrival.about:
        return
    row = last_in(connection, supply.source, supply.table, found.number)
    days = [date.fromisoformat(day) for day in json.loads(row.about)]
    if days and max(arrival.about) < max(days):
        words = (
            f"Batch {arrival.batch} is about {max(arrival.about)}; what is published is about {max(days)} "
            "already."
        )
        yield Said(kind="older", words=words, fix="Discard it, unless the table is to go back to that day.")


def _corrected(feed: Feed, arrival: Arrival) -> str:
    """Return the label of the batch that one corrects: as ``arrivals.duplicates`` finds it."""
    if arrival.replaces:
        return arrival.replaces
    same = (
        old.batch
        for old in reversed(feed.batches)
        if old.batch == arrival.batch or (arrival.keys and old.keys == arrival.keys)
    )
    return next(same, "")


def _row(connection: Connection, supply: Supply, name: str) -> Row[Any] | None:
    return connection.execute(select(t.batch).where(*_at(supply, name))).first()


def _at(supply: Supply, name: str) -> tuple[Any, ...]:
    return t.batch.c.source == supply.source, t.batch.c.object == supply.table, t.batch.c.name == name
