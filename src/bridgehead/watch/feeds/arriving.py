"""What is complete in a drop folder is copied and written down as a batch, once: step 1 of the flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, func, insert, select

from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch.arrivals.folder import still_of_use
from bridgehead.watch.feeds import (
    afresh,
    landing,
    remembered,
    repeated,
    totals,
)
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import Broken


def land_all(supply: Supply, _: tuple[Broken, ...]) -> Iterator[Broken]:
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
