"""The data of a house are looked at again and again while it works; what is found decides the next call.

Several workers may do so beside each other: each source is looked at by whoever comes first when it is due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection, select

from bridgehead.assemble.house import House
from bridgehead.declare.model import Source, seconds
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.store import tables as t
from bridgehead.watch.health import Look, recording

PAUSE = 5.0
"""Seconds between two looks at what is due."""
_log = logging.getLogger("bridgehead.watch")


async def keep_watch(house: House) -> None:
    """Look at every source that is due, until cancelled.

    What cannot be written down is tried again. Work goes on meanwhile; what was not looked at counts as
    broken once the last look is too old.
    """
    while True:
        await watch_once(house)
        await asyncio.sleep(PAUSE)


async def watch_once(house: House) -> None:
    """Look at every source that is due, each in the order of the charter."""
    try:
        for source in await asyncio.to_thread(lambda: list(due(house))):
            await asyncio.to_thread(look_at, house, source)
    except BridgeheadError as error:
        _log.warning("data were not looked at: %s", error)


def look_at(house: House, source: str) -> list[Look]:
    """Look at a source now, write down what was found, and return it.

    Raises ``StoreError`` or ``LedgerError`` where it cannot be written down.
    """
    from bridgehead.watch.look import looks  # duckdb: only where there is a contract

    boundary = house.boundary
    found = list(looks(boundary, source))
    for look in found:
        house.ledger.append(recording(boundary, look))
    return found


def watched(house: House) -> list[str]:
    """Return the names of the sources that have a contract."""
    return [name for name, source in house.deployment.charter.sources.items() if source.contract]


def due(house: House) -> Iterator[str]:
    """Yield the sources of which a table was not looked at for half the time that a look counts."""
    for name in watched(house):
        source = house.deployment.charter.sources[name]
        if house.store.look(partial(_is_due, house=house, name=name, source=source)):
            yield name


def _is_due(connection: Connection, house: House, name: str, source: Source) -> bool:
    rows = connection.execute(
        select(t.looked_at.c.object, t.looked_at.c.checked_at).where(t.looked_at.c.source == name)
    )
    at = {row.object: row.checked_at for row in rows}
    oldest = min((at.get(table, "") for table in source.tables), default="")
    half = timedelta(seconds=seconds(source.check_every) / 2)
    return oldest <= stamp(house.clock.now() - half)
