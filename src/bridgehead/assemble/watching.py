"""The data of a house are looked at again and again while it works; what is found decides the next call.

Several workers do so beside each other: a source is looked at by whoever finds it due, which may be two at a
time, and the later look counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection, select

from bridgehead.assemble.house import House
from bridgehead.assemble.looking import Looks, aside
from bridgehead.declare.model import Source, seconds
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch import alive, kept, upstream
from bridgehead.watch.accuracy.estimating import due as due_estimates
from bridgehead.watch.accuracy.estimating import estimable, estimating
from bridgehead.watch.accuracy.hearing import retired, retiring
from bridgehead.watch.health import Look, ahead_of, forgetting, recording

PAUSE = 5.0
"""Seconds between two looks at what is due."""
_log = logging.getLogger("bridgehead.watch")


async def keep_watch(house: House) -> None:
    """Look at every source that is due, until cancelled.

    What cannot be written down is tried again. Work goes on meanwhile; what was not looked at counts as
    broken once the last look is too old. A source that gives no answer keeps no other one waiting.
    """
    looks = Looks(house, look_once)
    try:
        while True:
            try:
                await _begin(house, looks)
            except Exception:  # no thread to be had, say: the watch goes on as soon as there is one
                _log.exception("nobody looked at the data just now")
            await asyncio.sleep(PAUSE)
    finally:
        looks.leave()


async def watch_once(house: House, looks: Looks | None = None) -> None:
    """Look at every source that is due, and take in what came meanwhile, each in the order of the charter,
    until every look is done, or hangs.

    Never raises: what cannot be looked at is broken by that, and what cannot be written down is tried again.
    """
    own = looks or Looks(house, look_once)
    await _begin(house, own)
    await own.settled()
    if looks is None:
        own.leave()


async def _begin(house: House, looks: Looks) -> None:
    for work in (_forget, _retire, _estimate):
        await aside(work, house)
    wanted = await aside(_wanted, house)
    if wanted is not None:
        looks.begin(wanted)
        await aside(alive.beat, house.store, house.clock)


def _wanted(house: House) -> list[str]:
    """Return the sources that somebody must look at, or into whose folders."""
    sources, now_due, late = house.deployment.charter.sources, set(due(house)), awaited(house)
    return [name for name in watched(house) if name in now_due or name in late or sources[name].feeds]


def look_once(house: House, source: str) -> None:
    """Look at a source where that is due, take in what came, and see whether what is due came.

    Never raises; what cannot be written down is tried again.
    """
    for work in (_look_if_due, _take_in_what_came, _look_for_what_is_due):
        try:
            work(house, source)
        except BaseException:  # a library may panic: the next step is none of its business
            _log.exception("the data of %s were not looked at", source)


def _look_if_due(house: House, source: str) -> None:
    if _due(house, source):
        look_at(house, source)


def _take_in_what_came(house: House, source: str) -> None:
    if _came(house, source):
        take_in(house, source)


def _look_for_what_is_due(house: House, source: str) -> None:
    if tables := awaited(house).get(source):
        look_for_batches(house, source, tables)


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
    yield from (name for name in watched(house) if _came(house, name))


def _came(house: House, source: str) -> bool:
    from bridgehead.watch.feeds import intake

    return bool(house.deployment.charter.sources[source].feeds) and intake.waits(house.boundary, source)


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
    yield from (name for name in watched(house) if _due(house, name))


def _due(house: House, name: str) -> bool:
    source = house.deployment.charter.sources[name]
    return house.store.look(partial(_is_due, house=house, name=name, source=source))


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
