"""Looks at several sources, of which none keeps the others waiting: a mount may hang for hours.

::

    looks = Looks(house, look_once)
    looks.begin(["bank", "bureau"])         # not at those that are being looked at still
    await looks.settled()                   # each is done with, or was given up

Looks begin in order, and one that is done within seconds is done with before the next begins. One that takes
longer goes on beside the others, in a thread that does not keep the process from ending. What hangs for
longer than ``LONGEST`` is said to its readers as any look that failed, and nobody looks at it again before
its thread has come back; what that has found then counts.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bridgehead.assemble.house import House
from bridgehead.watch.breach import NOT_LOOKED
from bridgehead.watch.health import Broken, Look, recording

HOLDS_UP = 5.0
"""Seconds for which a look keeps the next one waiting."""
LONGEST = 600.0
"""Seconds after which a look hangs: the checks of one table may take as long."""
AGAIN = timedelta(minutes=1)
"""For how long it counts that a look hung. Another machine may reach what this one does not."""
Found = TypeVar("Found")
_log = logging.getLogger("bridgehead.watch")


class Looks:
    """The looks under way at the sources of a house: at each source one at most."""

    def __init__(
        self, house: House, look: Callable[[House, str], object], longest: float | None = None
    ) -> None:
        self._house, self._look = house, look
        self._longest = LONGEST if longest is None else longest
        self._turn = asyncio.Lock()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._settled: dict[str, asyncio.Event] = {}

    def begin(self, sources: Iterable[str]) -> None:
        """Look at these sources, but for those at which a look is under way."""
        for source in sources:
            if source not in self._under_way:
                self._settled[source] = asyncio.Event()
                self._under_way[source] = asyncio.create_task(self._one(source))

    async def settled(self) -> None:
        """Wait until every look under way is done, or was given up."""
        await asyncio.gather(*(each.wait() for each in list(self._settled.values())))

    def leave(self) -> None:
        """Wait for none of them any more."""
        for task in list(self._under_way.values()):
            task.cancel()

    async def _one(self, source: str) -> None:
        looking: asyncio.Task[object] | None = None
        try:
            async with self._turn:
                began = self._house.clock.now()
                work = aside(self._look, self._house, source, name=f"watch {source}")
                looking = asyncio.create_task(work)
                await asyncio.wait([looking], timeout=min(HOLDS_UP, self._longest))
            await asyncio.wait([looking], timeout=max(self._longest - HOLDS_UP, 0.0))
            if not looking.done():
                await aside(given_up, self._house, source, began, self._longest)
                self._settled[source].set()
                await looking
        finally:
            if looking is not None:
                looking.cancel()
            del self._under_way[source]
            self._settled.pop(source).set()


def given_up(house: House, source: str, began: datetime, longest: float) -> None:
    """Write down that a look which began at a moment hangs: whoever looked later knows better."""
    boundary = house.boundary
    where = boundary.where("sources", source, "contract").removeprefix(f"{boundary.deployment.folder}/")
    words = f"It could not be looked at within {longest:g} s: whatever holds it gives no answer."
    hangs = Broken(clause="look", response=NOT_LOOKED, words=words, where=where)
    until = house.clock.now() + AGAIN
    _log.error("no answer from source %s within %g s", source, longest)
    for table in boundary.charter.sources[source].tables:
        look = Look(source=source, table=table, at=began, broken=(hangs,), whole=False, until=until)
        house.ledger.append(recording(boundary, look))


async def aside(work: Callable[..., Found], *given: Any, name: str = "watch") -> Found | None:
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

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done


def _tell(done: asyncio.Future[Found | None], found: Found | None) -> None:
    if not done.done():  # who waited may have been cancelled
        done.set_result(found)
