"""Take in what came: landed, judged, then published, quarantined or set aside. The flow.

::

    looks = take_in(boundary, "bureau")

1 complete files of the drop folder are copied, a row for each batch · 2 every copy is audited, in the order
in which batches came · 3 in one unit of the ledger its row gets its verdict, the snapshot moves where it is
published, the feed remembers it, and its readers are told · 4 what waited for its columns alone is judged
again where they are known now. A process that ends between any two of these leaves work for the next look,
and nothing half. Workers beside each other do each batch once: units follow one another, and the second finds
it done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.snapshots import last_in, newest
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.entry import Draft, EntryKind
from bridgehead.kernel.errors import LedgerError, StoreError, WatchError
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.event import Arrival
from bridgehead.watch.arrivals.folder import still_of_use
from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.arrivals.watching import kept_apart
from bridgehead.watch.breach import not_looked
from bridgehead.watch.feeds import (
    afresh,
    columns,
    keeping,
    landing,
    publishing,
    rechecking,
    remembered,
    repeated,
    resent,
    righting,
    totals,
)
from bridgehead.watch.feeds.copied import batch_of, others
from bridgehead.watch.feeds.counting import count_batches
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
from bridgehead.watch.feeds.lost import lost
from bridgehead.watch.feeds.readable import read_as
from bridgehead.watch.feeds.said import About, Said
from bridgehead.watch.feeds.standing import standing
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import ACTOR, Broken, Look, recording
from bridgehead.watch.promised import baseline_of, contract_of
from bridgehead.watch.schema_change.accepted import by_new_names, mapping

_ENTRIES: Mapping[State, EntryKind] = {
    "published": "batch.published",
    "quarantined": "batch.quarantined",
    "set aside": "batch.repeated",
}


def take_in(boundary: Boundary, source: str) -> list[Look]:
    """Take in what came for each feed of a source; return what is known of their tables then.

    Raises ``StoreError`` or ``LedgerError`` where it cannot be written down; what was not is tried again.
    """
    return [_one(boundary, source, table) for table in boundary.charter.sources[source].feeds]


def waits(boundary: Boundary, source: str) -> bool:
    """Say whether there is anything to take in, or to judge again: a cheap look at names."""
    for table, feed in boundary.charter.sources[source].feeds.items():

        def read(connection: Connection, table: str = table) -> tuple[Any, bool, bool]:
            known = remembered.load(connection, source, table)
            waiting = rechecking.waiting(connection, source, table)
            return known, bool(_landed(connection, source, table)), bool(waiting)

        known, landed, waiting = boundary.store.look(read)
        if waiting and _known_now(boundary, source, table):
            return True
        drop = boundary.home / feed.folder
        try:
            beside = totals.named_in(boundary, source, table)
            seen = landing.look(drop, feed.files, feed.complete_by, known.folder, beside)
        except WatchError:
            continue  # said at the next look
        if landed or seen.complete:
            return True
    return False


def _known_now(boundary: Boundary, source: str, table: str) -> bool:
    """Say whether a batch that waited for its columns need not wait any more."""
    try:
        supply = _supply(boundary, source, table)
    except WatchError:
        return False  # said at the next look
    return bool(boundary.store.look(lambda connection: rechecking.ready(connection, supply)))


def _one(boundary: Boundary, source: str, table: str) -> Look:
    try:
        supply = _supply(boundary, source, table)
    except Exception as error:  # whatever it was: nobody knows what was promised
        failed = not_looked(boundary, source, error)
        look = Look(source=source, table=table, at=boundary.clock.now(), broken=(failed,), whole=False)
        boundary.ledger.append(recording(boundary, look))
        return look
    righting.right(supply)
    more: list[Broken] = []
    for step in (_land_all, _judge_all, rechecking.again, lost):
        try:
            more += step(supply, tuple(more))
        except (StoreError, LedgerError):
            raise
        except Exception as error:
            more.append(not_looked(boundary, source, error))
    found: Look = boundary.ledger.append(_looking(supply, tuple(more))).value
    count_batches(supply)
    keeping.sweep(supply)
    return found


def _supply(boundary: Boundary, source: str, table: str) -> Supply:
    """Return a feed with its contract, whose columns are found by the names that people accepted."""
    names = boundary.store.look(partial(mapping, source=source))
    contract = contract_of(boundary, source)
    tables = tuple(by_new_names(one, names.get(one.name, {})) for one in contract.tables)
    return Supply(
        boundary=boundary,
        source=source,
        table=table,
        contract=replace(contract, tables=tables),
        baseline=baseline_of(boundary, source),
        names=names.get(table, {}),
    )


def _looking(supply: Supply, more: tuple[Broken, ...]) -> UnitOfWork:
    def work(connection: Connection) -> Work:
        look = standing(connection, supply, more)
        return replace(recording(supply.boundary, look)(connection), value=look)

    return work


def _land_all(supply: Supply, _: tuple[Broken, ...]) -> Iterator[Broken]:
    """Copy every complete batch that is new; yield what its sender did not complete."""
    boundary = supply.boundary
    known = boundary.store.look(lambda c: remembered.load(c, supply.source, supply.table))
    feed = supply.feed
    beside = totals.named(supply.contract, supply.table)
    seen = landing.look(supply.drop, feed.files, feed.complete_by, known.folder, beside)
    for each in seen.complete:
        found = landing.land(supply.drop, each, supply.place)
        if found is not None:
            boundary.ledger.append(_landing(supply, found, seen.names))
    for name, why in seen.awaited:
        words = f"The batch of {name} is not complete: {why}. It is not read before it is."
        yield Broken(clause=f"landing {name}", response="warn", words=words, where=supply.where())


def _landing(supply: Supply, landed: landing.Landed, there: frozenset[str]) -> UnitOfWork:
    """Return the unit that writes a copied batch down, once, and what was taken for it. ``there`` are the
    names in the drop folder."""

    def work(connection: Connection) -> Work:
        now = supply.boundary.clock.now()
        known = remembered.load(connection, supply.source, supply.table)
        if repeated.is_known(known.folder, landed):
            return Work()
        names = {one.name for one in landed.taken}
        others = tuple(one for one in known.folder.taken if one.name not in names)
        taken = still_of_use((*others, *landed.taken), there)
        folder = replace(known.folder, taken=taken)
        remembered.save(connection, replace(known, folder=folder), at=now)
        before = afresh.landed_again(connection, supply, landed.name)
        if any(row.state == "landed" for row in before):
            return Work()
        last = connection.execute(
            select(func.max(t.batch.c.first_seen_at)).where(
                t.batch.c.source == supply.source, t.batch.c.object == supply.table
            )
        ).scalar()
        at = max(now, unstamp(last) + timedelta(microseconds=1)) if last else now  # batches have an order
        if before and not repeated.is_put_to_people(connection, supply, landed, before):
            return Work(drafts=repeated.set_aside(connection, supply, landed, before, at))
        written = landed.promised.written if landed.promised else None
        connection.execute(
            insert(t.batch).values(
                source=supply.source,
                object=supply.table,
                name=repeated.name_of(landed, before),
                first_seen_at=stamp(at),
                source_time=stamp(written) if written else "",
                bytes=landed.size,
                file=str(landed.folder.relative_to(supply.boundary.state)),
                state="landed",
            )
        )
        return Work()

    return work


def _judge_all(supply: Supply, more: tuple[Broken, ...]) -> Iterator[Broken]:
    """Audit every batch that has landed, in order, and let its verdict stand."""
    boundary = supply.boundary
    for row in boundary.store.look(lambda c: _landed(c, supply.source, supply.table)):
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
        landed = _landed(connection, supply.source, supply.table)
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


def _landed(connection: Connection, source: str, table: str) -> list[Row[Any]]:
    """Return the batches that wait for their verdict, in their order."""
    return list(
        connection.execute(
            select(t.batch)
            .where(t.batch.c.source == source, t.batch.c.object == table, t.batch.c.state == "landed")
            .order_by(t.batch.c.first_seen_at)
        )
    )


def _row(connection: Connection, supply: Supply, name: str) -> Row[Any] | None:
    return connection.execute(select(t.batch).where(*_at(supply, name))).first()


def _at(supply: Supply, name: str) -> tuple[Any, ...]:
    return t.batch.c.source == supply.source, t.batch.c.object == supply.table, t.batch.c.name == name
