"""Copies of what is published that are not on this machine: whoever reads the table here fails."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from bridgehead.enforce.snapshots import newest, within
from bridgehead.store import tables as t
from bridgehead.watch.feeds.published import copies
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import Broken


def lost(supply: Supply, _: tuple[Broken, ...]) -> Iterator[Broken]:
    """Yield that some batches of the newest snapshot have no files here, where that is so."""
    state = supply.boundary.state
    found = supply.boundary.store.look(lambda connection: _read(connection, supply))
    gone = [name for name, file in found if next(copies(state / file), None) is None]
    if not gone:
        return
    first = f"{label_of(gone[0])}" + (f" and {len(gone) - 1} more" if len(gone) > 1 else "")
    words = f"What is published cannot be read here: the copy of {first} is not on this machine."
    yield Broken(clause="copies", response="warn", words=words, where=supply.where())


def _read(connection: Connection, supply: Supply) -> list[tuple[str, str]]:
    found = newest(connection, supply.source, supply.table)
    if found is None:
        return []
    batches = select(t.batch.c.name, t.batch.c.file).where(within(supply.source, supply.table, found.number))
    return [(row.name, row.file) for row in connection.execute(batches.order_by(t.batch.c.enters))]
