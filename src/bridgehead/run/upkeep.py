"""What keeps a shared store going: dead workers' segments, overdue questions, schedules, old rows.

Every worker does this on a thread of its own, for ever; what one of them suffices for is done by whoever
holds the sweeper's lock at that moment. A fault of the database ends nothing: it is tried again at the next
beat; nor does a duty that cannot be done hold up the others. Called by the dbos engine only. Never: carries a
segment.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from bridgehead.enforce import approve, incidents
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import StoreError
from bridgehead.run import dbos_rows, segments, workers
from bridgehead.run.schedules import Schedules
from bridgehead.store import Store
from bridgehead.store.machines import SWEEPER, alone

_log = logging.getLogger("bridgehead.upkeep")
CLEAN = 600.0
"""Seconds between two clearings of old rows."""


class Queue(Protocol):
    """What upkeep needs of the engine's queue (``dbos_engine.DbosEngine``)."""

    def under_way(self) -> set[str]:
        """Return the ids of the segments this process is at work on."""

    def recover(self, workers: list[str]) -> None:
        """Put back what these workers have under way."""

    def requeue(self, segment: str) -> None:
        """Put back a segment of this worker that nobody is at work on."""


class Upkeep:
    """The upkeep of one worker."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        boot: str,
        *,
        active: Callable[[], Boundary],
        schedules: Schedules,
        queue: Queue,
    ) -> None:
        self._store, self._clock, self._boot = store, clock, boot
        self._active, self._schedules, self._queue = active, schedules, queue
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="upkeep", daemon=True)
        self._in_sight_since: float | None = None
        self._missing: set[str] = set()
        self._cleaned = clock.monotonic()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; harmless where it never began."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.wait(workers.BEAT if self._in_sight_since is not None else 1.0):
            try:
                self._once()
            except Exception as error:  # whatever it is: upkeep goes on, and says what stands in its way
                self._in_sight_since = None
                _log.warning("upkeep: %s", error)

    def _once(self) -> None:
        self._find_lost()
        if self._in_sight_since is None:
            self._in_sight_since = self._clock.monotonic()
        with self._store.writing() as connection:
            elected = alone(connection, SWEEPER)
            if elected:
                self._recover_dead()
        if elected:
            self._sweep()

    def _find_lost(self) -> None:
        """Put back what dbos says is under way here and nobody is at work on, at two looks in a row: it was
        taken from the queue as the database went away."""
        with self._store.reading() as connection:
            ours = {name for name, worker in dbos_rows.pending(connection) if worker == self._boot}
        missing = ours - self._queue.under_way()
        for segment in missing & self._missing:
            self._queue.requeue(segment)
        self._missing = missing

    def _sweep(self) -> None:
        duties = [self._refuse_poisoned, self._restart_stranded, self._questions, self._schedules.sweep]
        if self._clock.monotonic() - self._cleaned >= CLEAN:
            duties.append(self._clean)
        for duty in duties:
            try:
                duty()
            except StoreError:
                raise
            except Exception as error:  # this machine may not have the active release, others may
                _log.warning("upkeep: %s: %s", duty.__name__, error)

    def _questions(self) -> None:
        approve.sweep(self._active())

    def _recover_dead(self) -> None:
        # After a silence of the database everybody looks dead: judge once all had time to say otherwise.
        if self._clock.monotonic() - (self._in_sight_since or 0.0) < workers.DEAD:
            return
        with self._store.reading() as connection:
            alive = workers.alive(connection)
            dead = {worker for _, worker in dbos_rows.pending(connection)} - alive
        if dead:
            self._queue.recover(sorted(dead))

    def _refuse_poisoned(self) -> None:
        with self._store.writing() as connection:
            found = dbos_rows.poisoned(connection)
            dbos_rows.forget(connection, found)
        for name in found:
            words = "A row of the engine's queue held pickled data. It was removed unread; the run goes on."
            self._tell(name.partition(":")[0][:40], "BH-RUN-031", words)

    def _restart_stranded(self) -> None:
        """Hand over anew what the engine lost or ended without us: its rows were altered, or it gave up."""
        with self._store.writing() as connection:
            found = dbos_rows.stranded(connection)
            dbos_rows.forget(connection, _names(found))
            for segment in found:
                gave_up = segment.status != "missing"
                segments.return_to_ready(connection, segment.run, segment.number, fruitless=int(gave_up))
        for segment in found:
            if segment.status != "missing":
                words = f"The engine took segment {segment.number} for {segment.status}; it had not ended."
                self._tell(segment.run, "BH-RUN-033", words)

    def _tell(self, run: str, code: str, words: str) -> None:
        active = self._active()
        active.ledger.append(incidents.of_run(active, run, code, words))

    def _clean(self) -> None:
        """Clear away what is over, in transactions short enough that nobody waits for them."""
        found = dbos_rows.AT_ONCE
        while found == dbos_rows.AT_ONCE and not self._stopping.is_set():
            with self._store.writing() as connection:
                old = dbos_rows.old(connection)
                dbos_rows.forget(connection, old)
            found = len(old)
        self._cleaned = self._clock.monotonic()


def _names(found: Sequence[dbos_rows.Stranded]) -> list[str]:
    return [dbos_rows.name_of(segment.run, segment.number) for segment in found]
