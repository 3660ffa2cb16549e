"""The sweep for late looks: effects that are due to be asked about once more, one after the other.

Called by an engine, every few seconds. Never: looks at anything before its time, or twice at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bridgehead.enforce import late, recall
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.errors import StoreError
from bridgehead.store import Store

_log = logging.getLogger("bridgehead.looks")
EVERY = 5.0
"""Seconds between two sweeps of a worker."""
MOST = 20
"""Looks of one sweep: they come one after the other, so that no system is asked too much at once."""


class Looks:
    """The late looks of one engine: at most one sweep at a time."""

    def __init__(self, store: Store, clock: Clock, boundary: Callable[[str], Boundary]) -> None:
        self._store, self._clock, self._boundary = store, clock, boundary
        self._task: asyncio.Task[None] | None = None
        self._begun = -EVERY

    def begin(self) -> asyncio.Task[None] | None:
        """Begin a sweep where something is due and none is under way; return its task."""
        if self.under_way() or not late.due(self._store, stamp(self._clock.now()), 1):
            return None
        self._task = asyncio.create_task(self._sweep(), name="late looks")
        return self._task

    def begin_in_turn(self) -> bool:
        """Begin a sweep when its turn has come; return whether one is under way. Its faults are logged."""
        if self._clock.monotonic() - self._begun >= EVERY:
            self._begun = self._clock.monotonic()
            task = self.begin()
            if task is not None:
                task.add_done_callback(_log_fault)
        return self.under_way()

    def under_way(self) -> bool:
        """Say whether a sweep is under way."""
        return self._task is not None and not self._task.done()

    async def stop(self) -> None:
        """End a sweep that is under way; what it was at is looked at by others."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _sweep(self) -> None:
        await look_again(self._store, self._clock, self._boundary)


def _log_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.warning("late looks: %s", task.exception())


async def look_again(
    store: Store, clock: Clock, boundary: Callable[[str], Boundary], *, most: int = MOST
) -> int:
    """Look at the effects that are due; return how many. ``boundary`` gives that of a release.

    A look that breaks is put off and holds nobody up. Raises ``StoreError`` when nothing can be recorded.
    """
    found = late.due(store, stamp(clock.now()), most)
    for row in found:
        try:
            with store.reading() as connection:
                release = recall.release_of(connection, row.release, row)
            await late.look(boundary(release), row)
        except StoreError:
            raise
        except Exception as error:
            _log.warning("a late look at %s/%s is put off: %s", row.run, row.position, error)
            late.put_off(store, row, stamp(clock.now() + late.LEASE))
    return len(found)
