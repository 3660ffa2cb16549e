"""The data of a house are looked at again and again while it works; what is found decides the next call.

Several workers do so beside each other: a source is looked at by whoever finds it due, which may be two at a
time, and the later look counts.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from bridgehead.assemble.house import House
from bridgehead.declare.model import Source, seconds
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch import kept, upstream
from bridgehead.watch.accuracy.estimating import due as due_estimates
from bridgehead.watch.accuracy.estimating import estimable, estimating
from bridgehead.watch.accuracy.hearing import retired, retiring
from bridgehead.watch.health import Look, ahead_of, forgetting, recording

PAUSE = 5.0
"""Seconds between two looks at what is due."""
Found = TypeVar("Found")
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
    """Look at every source that is due, and take in what came meanwhile, each in the order of the charter.

    Never raises: what cannot be looked at is broken by that, and what cannot be written down is tried again.
    """
    await _aside(_forget, house)
    await _aside(_retire, house)
    await _aside(_estimate, house)
    for source in await _aside(lambda: list(due(house))) or ():
        await _aside(look_at, house, source)
    for source in await _aside(lambda: list(came(house))) or ():
        await _aside(take_in, house, source)
    for source, tables in (await _aside(lambda: awaited(house)) or {}).items():
        await _aside(look_for_batches, house, source, tables)


async def _aside(work: Callable[..., Found], *given: Any) -> Found | None:
    """Return what ``work`` returns, in a thread that nobody waits for when the process is told to end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Found | None] = loop.create_future()

    def run() -> None:
        found = None
        try:
            found = work(*given)
        except BaseException:  # a library may panic, and who waits here would wait for ever
            _log.exception("data were not looked at")
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_tell, done, found)

    threading.Thread(target=run, name="watch", daemon=True).start()
    return await done


def _tell(done: asyncio.Future[Found | None], found: Found | None) -> None:
    if not done.done():  # who waited may have been cancelled
        done.set_result(found)


def _forget(house: House) -> None:
    """Drop what is known of tables that the active release does not watch, where there are any."""
    with house.store.reading() as connection:
        rows = connection.execute(select(t.looked_at.c.source, t.looked_at.c.object)).all()
    charter, known = house.deployment.charter, watched(house)
    if any(row.source not in known or row.object not in charter.sources[row.source].tables for row in rows):
        house.ledger.append(forgetting(house.boundary))
        house.ledger.append(lambda connection: Work(drafts=_laid(connection, house)))


def _laid(connection: Connection, house: House) -> tuple[Draft, ...]:
    """Close the incidents about what nobody watches any more."""
    from bridgehead.watch.distributions import judging

    return (*upstream.laid(connection, house.boundary), *judging.laid(connection, house.boundary))


def _retire(house: House) -> None:
    """Close the incidents about the accuracy of releases that are not active any more, if there are any."""
    boundary = house.boundary
    with house.store.reading() as connection:
        found = retired(connection, boundary)
    if found:
        house.ledger.append(retiring(boundary))


def _estimate(house: House) -> None:
    """Write down what the confidence of each workflow suggests, where that is due."""
    boundary = house.boundary
    if not estimable(boundary):
        return
    with house.store.reading() as connection:
        found = due_estimates(connection, boundary)
    for workflow in found:
        house.ledger.append(estimating(boundary, workflow))


def look_at(house: House, source: str) -> list[Look]:
    """Look at a source now, write down what was found, and return it.

    Raises ``StoreError`` or ``LedgerError`` where it cannot be written down.
    """
    from bridgehead.watch.distributions.days import Days
    from bridgehead.watch.look import looks  # duckdb: only where there is a contract

    boundary = house.boundary
    fed = take_in(house, source)  # first: others may refer to what is published now
    days = Days(boundary, source)
    found = list(looks(boundary, source, days.take))
    for look in found:
        house.ledger.append(recording(boundary, look))
    for unit in days.units:
        house.ledger.append(unit)
    look_for_batches(house, source)
    return [*fed, *found]


def take_in(house: House, source: str) -> list[Look]:
    """Take in the batches that came for a source, and return what is known of the tables that come in some.

    Raises ``StoreError`` or ``LedgerError`` where it cannot be written down.
    """
    from bridgehead.watch.feeds import intake

    if not house.deployment.charter.sources[source].feeds:
        return []
    return intake.take_in(house.boundary, source)


def came(house: House) -> Iterator[str]:
    """Yield the sources for which a batch came that was not taken in yet."""
    for name in watched(house):
        if house.deployment.charter.sources[name].feeds:
            from bridgehead.watch.feeds import intake

            if intake.waits(house.boundary, name):
                yield name


def look_for_batches(house: House, source: str, only: Collection[str] | None = None) -> None:
    """Look now whether the batches of a source's tables came that are due, and write down what was found.

    ``only`` some of its tables, if given.
    Raises ``StoreError`` or ``LedgerError`` where it cannot be written down.
    """
    from bridgehead.watch.awaited import units

    fault: Exception | None = None
    for unit in units(house.boundary, source, only):
        try:
            house.ledger.append(unit)
        except Exception as error:  # one table that cannot be written down hides no other one
            fault = error
    if fault is not None:
        raise fault


def awaited(house: House) -> dict[str, list[str]]:
    """Return the tables of which a batch may be late, missing or there by now, by their source."""
    with house.store.reading() as connection:
        found = kept.due(connection, house.clock.now())
    known = watched(house)
    return {source: tables for source, tables in found.items() if source in known}


def watched(house: House) -> list[str]:
    """Return the names of the sources that have a contract."""
    return [name for name, source in house.deployment.charter.sources.items() if source.contract]


def due(house: House) -> Iterator[str]:
    """Yield the sources of which a table was not looked at for half the time that a look counts, of which
    what was found counts no more, or whose last look was made by a clock that was ahead."""
    for name in watched(house):
        source = house.deployment.charter.sources[name]
        if house.store.look(partial(_is_due, house=house, name=name, source=source)):
            yield name


def _is_due(connection: Connection, house: House, name: str, source: Source) -> bool:
    found = connection.execute(select(t.looked_at).where(t.looked_at.c.source == name))
    rows = [row for row in found if row.object in source.tables]
    at = {row.object: row.checked_at for row in rows}
    now = house.clock.now()
    if any(row.good_until <= stamp(now) for row in rows):
        return True
    if any(row.checked_at > ahead_of(now) for row in rows):
        return True
    oldest = min((at.get(table, "") for table in source.tables), default="")
    half = timedelta(seconds=seconds(source.check_every) / 2)
    return oldest <= stamp(now - half)
