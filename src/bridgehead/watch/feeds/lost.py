"""Copies of what is published that readers here cannot read: whoever reads the table fails.

One is not on this machine; or another release declares other types, or people accepted other names, than the
copy was read by when it was published: then it is read again, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bridgehead.enforce.snapshots import newest, within
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch.feeds.published import copies
from bridgehead.watch.feeds.publishing import label_of
from bridgehead.watch.feeds.readable import read_as, unread
from bridgehead.watch.feeds.said import about
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.health import Broken


def lost(supply: Supply, _: tuple[Broken, ...]) -> Iterator[Broken]:
    """Yield that some batches of the newest snapshot cannot be read here, where that is so."""
    state, look = supply.boundary.state, supply.boundary.store.look
    found = look(lambda connection: _read(connection, supply))
    gone = [row.name for row in found if next(copies(state / row.file), None) is None]
    if gone:
        words = f"the copy of {_first(gone)} is not on this machine"
        yield Broken(clause="copies", response="warn", words=_told(words), where=supply.where())
    now = look(partial(read_as, supply=supply))
    others = [row for row in found if row.name not in gone and about(row.said).read_as != now]
    faults = {row.name: unread(supply, list(copies(state / row.file))) for row in others}
    if failing := [name for name, why in faults.items() if why]:
        words = f"{_first(failing)} as the charter declares it now ({faults[failing[0]]})"
        yield Broken(clause="declared", response="warn", words=_told(words), where=supply.where())
    if sound := [name for name, why in faults.items() if not why]:
        supply.boundary.ledger.append(lambda connection: _keep(connection, supply, sound, now))


def _told(why: str) -> str:
    return f"What is published cannot be read here: {why}."


def _first(names: list[str]) -> str:
    return label_of(names[0]) + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _read(connection: Connection, supply: Supply) -> list[Row[Any]]:
    found = newest(connection, supply.source, supply.table)
    if found is None:
        return []
    rows = select(t.batch.c.name, t.batch.c.file, t.batch.c.said)
    mine = within(supply.source, supply.table, found.number)
    return list(connection.execute(rows.where(mine).order_by(t.batch.c.enters)))


def _keep(connection: Connection, supply: Supply, sound: list[str], now: str) -> Work:
    """Write down as what copies were read: they need not be read again."""
    for row in _read(connection, supply):
        if row.name in sound:
            known = replace(about(row.said), read_as=now)
            mine = (t.batch.c.source == supply.source, t.batch.c.object == supply.table)
            connection.execute(
                update(t.batch).where(*mine, t.batch.c.name == row.name).values(said=known.text())
            )
    return Work()
