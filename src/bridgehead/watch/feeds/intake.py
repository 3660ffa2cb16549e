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

from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.errors import LedgerError, StoreError, WatchError
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.watch.breach import not_looked
from bridgehead.watch.feeds import (
    keeping,
    landing,
    rechecking,
    remembered,
    righting,
    totals,
)
from bridgehead.watch.feeds.arriving import land_all
from bridgehead.watch.feeds.counting import count_batches
from bridgehead.watch.feeds.lost import lost
from bridgehead.watch.feeds.queue import to_judge
from bridgehead.watch.feeds.standing import standing
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.feeds.verdicts import judge_all
from bridgehead.watch.health import Broken, Look, recording
from bridgehead.watch.promised import baseline_of, contract_of
from bridgehead.watch.schema_change.accepted import by_new_names, mapping


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
            return known, bool(to_judge(connection, source, table)), bool(waiting)

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
    for step in (land_all, judge_all, rechecking.again, lost):
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
