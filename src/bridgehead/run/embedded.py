"""The embedded engine: one process. Starts each segment once, soon, and again if its process died.

A run that waits is a row; nothing of it stays in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Select

from bridgehead.enforce import approve
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.errors import ConfigError, StoreError
from bridgehead.record import Ledger
from bridgehead.run import segments
from bridgehead.run.carry import SUSPECT, Carrier
from bridgehead.run.looks import Looks
from bridgehead.run.schedules import Schedules
from bridgehead.run.segments import Segment
from bridgehead.run.sickness import NotHere
from bridgehead.store import Store
from bridgehead.store.machines import AT_WORK, Held

_log = logging.getLogger("bridgehead.worker")
POLL = 0.1
"""Seconds between looks at the table for what no bell has told: on SQLite, answers given in another process.
A look costs about 0.2 ms of CPU, however many runs wait."""
SWEEP = 5.0
"""Seconds between sweeps: for questions whose time is over, schedules that are due, and effects to be asked
about once more."""


class EmbeddedEngine:
    """Carries the runs of one store forward, ``concurrency`` segments side by side.

    With ``only``, a query for run ids, it carries those and leaves everything else as it is: runs whose
    process died, questions whose time is over, schedules, effects to be asked about once more.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        clock: Clock,
        *,
        boot: str,
        boundary: Callable[[str], Boundary],
        active: Callable[[], Boundary],
        schedules: Schedules,
        lock: Path,
        concurrency: int = 8,
        only: Select[Any] | None = None,
    ) -> None:
        self._store, self._clock = store, clock
        self._boot, self._active = boot, active
        name = socket.gethostname()
        self._carrier = Carrier(store, ledger, clock, boundary=boundary, active=active, name=name)
        self._looks = Looks(store, clock, boundary)
        self._schedules = schedules
        self._lock_path, self._concurrency = lock, concurrency
        self._everything = only is None
        self._within = segments.Within(only) if only is not None else segments.ALL
        self._lock: TextIO | None = None
        self._held: Held | None = None
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._suspects: list[Segment] = []
        self._trial: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Look at the table now instead of at the next poll."""
        self._woken.set()

    async def work(self, *, until_idle: bool = False) -> None:
        """Carry runs forward for ever, or until nothing is due and nothing is under way.

        Raises ``ConfigError`` (BH-RUN-008) when another process works on this store. Cancelled, it hears
        what is in the air before it ends; cancelled once more, it ends at once.
        """
        self._take_lock()
        self._carrier.begin()
        try:
            died = segments.recover(self._store, self._within)
            self._suspects = [segment for segment in died if segment.fruitless >= SUSPECT]
            async with self._store.bell.listening(self.wake):
                await self._loop(until_idle)
        finally:
            try:
                await self._carrier.in_the_air.drain()
            finally:
                try:
                    await self._leave()
                finally:
                    self._release_lock()

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Where that fails they count as died, and are found at the next start.
        with contextlib.suppress(StoreError), self._store.writing() as connection:
            segments.release(connection, self._boot)

    async def _loop(self, until_idle: bool) -> None:
        swept = self._clock.monotonic() - SWEEP
        while True:
            self._woken.clear()
            if self._clock.monotonic() - swept >= SWEEP:
                if self._holds_lock() and self._everything:
                    await self._sweep()
                swept = self._clock.monotonic()
            self._begin_due()
            if until_idle and not self._tasks and not self._due_soon():
                return
            await self._pause()

    async def _sweep(self) -> None:
        """Do each duty. One that cannot be done is said, and tried at the next sweep."""
        for duty in (self._questions, self._due_schedules, self._look_again):
            try:
                await duty()
            except StoreError:
                raise
            except Exception as error:  # e.g. a release another process activated cannot be read here
                _log.warning("sweep: %s: %s", duty.__name__.strip("_"), error)

    async def _questions(self) -> None:
        await approve.sweep_beside(self._active())

    async def _due_schedules(self) -> None:
        """Start what is due, beside the event loop; cancelled, it ends before the store may be closed."""
        sweeping = asyncio.create_task(asyncio.to_thread(self._schedules.sweep))
        try:
            await asyncio.shield(sweeping)
        except asyncio.CancelledError:
            await asyncio.wait([sweeping])
            raise

    async def _look_again(self) -> None:
        """Ask once more about effects that ended long ago, beside the runs, but never beside a suspect."""
        looking = None if self._suspects or self._on_trial() else self._looks.begin()
        if looking is not None:
            self._tasks.add(looking)
            looking.add_done_callback(self._tasks.discard)

    def _holds_lock(self) -> bool:
        """Look whether nobody else may work on a shared store: the lock falls when its server restarts."""
        if self._held is None or self._held.keep():
            return True
        _log.warning("another engine works on this store: this one takes nothing until it is gone")
        return False

    def _begin_due(self) -> None:
        if (self._held is not None and not self._held.taken) or self._on_trial():
            return
        room = self._concurrency - len(self._tasks)
        if room > 0:
            for segment in segments.claim_due(self._store, self._clock, self._boot, room, self._within):
                self._begin(segment)

    def _on_trial(self) -> bool:
        """Carry on the suspects first, one after the other, each alone; return whether one is under way."""
        while self._suspects and not self._tasks:
            segment = segments.claim(self._store, self._boot, self._suspects.pop())
            if segment is not None:
                self._trial = self._begin(segment)
        return self._trial is not None and not self._trial.done()

    def _begin(self, segment: Segment) -> asyncio.Task[None]:
        task = asyncio.create_task(self._segment(segment), name=f"{segment.run}:{segment.number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _due_soon(self) -> bool:
        """A segment that settles, or waits for a moment that is near, is still work to do."""
        due = segments.next_due(self._store, self._within)
        return due is not None and due <= stamp(self._clock.now() + timedelta(seconds=60))

    async def _pause(self) -> None:
        waits = [asyncio.create_task(self._woken.wait())]
        done, _ = await asyncio.wait(
            [*waits, *self._tasks], timeout=self._nap(), return_when=asyncio.FIRST_COMPLETED
        )
        for wait in waits:
            wait.cancel()
        for task in done:
            if task not in waits and not task.cancelled() and task.exception() is not None:
                raise task.exception() or AssertionError

    def _nap(self) -> float:
        due = segments.next_due(self._store, self._within)
        if due is None or len(self._tasks) >= self._concurrency or self._on_trial():
            return POLL
        return min(POLL, segments.seconds_until(due, self._clock.now()) or 0.005)

    async def _segment(self, segment: Segment) -> None:
        try:
            await self._carrier.carry(segment)
        except NotHere as error:
            due_at = stamp(self._clock.now() + timedelta(seconds=error.pause))
            with self._store.writing() as connection:
                segments.give_back(connection, self._boot, segment.run, segment.number, due_at=due_at)
        self.wake()

    def _take_lock(self) -> None:
        self._lock = self._lock_path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise taken(owner) from error
        self._take_shared_lock()
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(f"pid {os.getpid()}, boot {self._boot}")
        self._lock.flush()

    def _take_shared_lock(self) -> None:
        """Several machines may hold a shared store open: there the file beside us says too little."""
        if self._store.shared:
            self._held = Held(self._store, AT_WORK, shared=False)
            if not self._held.taken:
                self._release_lock()
                raise taken("on this machine or another")

    def _release_lock(self) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None
        if self._lock is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(self._lock, fcntl.LOCK_UN)
            self._lock.close()
            self._lock = None


def require_free(lock: Path) -> None:
    """Raise ``ConfigError`` (BH-RUN-008) where another process of this machine holds the lock to work."""
    with lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise taken(file.read().strip() or "unknown") from error


def taken(owner: str) -> ConfigError:
    """Return the fault of a store that somebody else works on."""
    return ConfigError(
        "BH-RUN-008",
        f"another process works on this store already ({owner})",
        means="The embedded engine is one process; a second one would do the same work twice.",
        fix="Stop that process, or use its console and command line. For several workers on one PostgreSQL "
        "store: pip install 'bridgehead[dbos]', and `bridgehead worker`.",
    )
