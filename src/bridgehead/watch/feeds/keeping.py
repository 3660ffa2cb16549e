"""How long copies of batches are kept: while somebody reads them, and then for ``retention.bodies``.

Read are the newest snapshot, and each that a run has pinned which has not ended. What waits for its verdict,
or for people, is kept. Of what goes, the row and the entries stay: what it was, and what became of it. A copy
that no row names is nobody's: its process ended before it wrote one, or the batch had gone already.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select, update

from bridgehead.declare.model import seconds
from bridgehead.enforce.snapshots import members, newest
from bridgehead.kernel.clock import stamp
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch.feeds.landing import copies_in
from bridgehead.watch.feeds.supply import Supply

UNFINISHED_FOR = timedelta(days=1)
"""After so long nobody finishes a copy any more: the process that began it has ended."""


def sweep(supply: Supply) -> None:
    """Remove the copies that nobody reads or will read."""
    boundary = supply.boundary
    if boundary.store.look(lambda connection: _of_no_use(connection, supply)):
        gone = boundary.ledger.append(lambda connection: _forgotten(connection, supply)).value
        for file in gone:
            shutil.rmtree(boundary.state / file, ignore_errors=True)
    for copy in _nobodys(supply):
        shutil.rmtree(copy, ignore_errors=True)


def _nobodys(supply: Supply) -> list[Path]:
    """Return copies that no row names, and that nobody is about to write one for."""
    boundary = supply.boundary
    before = (boundary.clock.now() - UNFINISHED_FOR).timestamp()
    old = [copy for copy in copies_in(supply.place) if _changed(copy) < before]
    if not old:
        return []
    named = boundary.store.look(lambda connection: _named(connection, supply))
    return [copy for copy in old if str(copy.relative_to(boundary.state)) not in named]


def _changed(copy: Path) -> float:
    try:
        return copy.stat().st_mtime
    except FileNotFoundError:  # whoever copies beside this one has finished it
        return float("inf")


def _named(connection: Connection, supply: Supply) -> frozenset[str]:
    files = select(t.batch.c.file).where(
        t.batch.c.source == supply.source, t.batch.c.object == supply.table, t.batch.c.file != ""
    )
    return frozenset(connection.execute(files).scalars())


def _forgotten(connection: Connection, supply: Supply) -> Work:
    """Take the copies out of their rows first: a row never names a folder that is gone."""
    found = _of_no_use(connection, supply)
    connection.execute(
        update(t.batch)
        .where(
            t.batch.c.source == supply.source,
            t.batch.c.object == supply.table,
            t.batch.c.name.in_(list(found)),
        )
        .values(file="")
    )
    still = _named(connection, supply)  # the same bytes, judged anew, are read from the same copy
    return Work(value=[file for file in found.values() if file not in still])


def _of_no_use(connection: Connection, supply: Supply) -> dict[str, str]:
    """Return the batches whose copies may go, with the copies."""
    kept = seconds(supply.boundary.charter.retention.bodies)
    before = stamp(supply.boundary.clock.now() - timedelta(seconds=kept))
    rows = connection.execute(
        select(t.batch.c.name, t.batch.c.file).where(
            t.batch.c.source == supply.source,
            t.batch.c.object == supply.table,
            t.batch.c.state.in_(("published", "set aside", "replaced", "discarded")),
            t.batch.c.file != "",
            t.batch.c.decided_at < before,
        )
    ).all()
    if not rows:
        return {}
    read = _read(connection, supply)
    return {row.name: row.file for row in rows if row.name not in read}


def _read(connection: Connection, supply: Supply) -> set[str]:
    """Return the batches that somebody reads, or may."""
    found = newest(connection, supply.source, supply.table)
    numbers = {found.number} if found is not None else set()
    pinned = (
        select(t.snapshot_of_run.c.number)
        .join(t.run, t.run.c.id == t.snapshot_of_run.c.run)
        .where(
            t.snapshot_of_run.c.source == supply.source,
            t.snapshot_of_run.c.object == supply.table,
            t.run.c.status.in_(("running", "waiting")),
        )
        .distinct()
    )
    numbers |= set(connection.execute(pinned).scalars())
    return {name for number in numbers for name in members(connection, supply.source, supply.table, number)}
