"""The engine for many machines: each segment is one dbos workflow on one PostgreSQL store.

dbos decides where and when a segment runs; our journal decides what has happened. So a segment has no dbos
steps, its id is ``RUN:segN``, its arguments are ids, its application version is a constant (releases are
ours), and nothing in dbos's tables is ever unpickled. Which workers live, and what becomes of a dead one's
segments, is ``upkeep``'s: no service beside the database is needed.

The only file that imports dbos; import it where a shared store is worked on, and nowhere else (1.7 s of CPU).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dbos import DBOS, DBOSClient
from dbos._serialization import DBOSPortableJSONSerializer, DefaultSerializer

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.errors import ConfigError, EngineError, LedgerError, StoreError
from bridgehead.record import Ledger
from bridgehead.run import dbos_rows, segments, workers
from bridgehead.run.carry import SUSPECT, Carrier
from bridgehead.run.dbos_rows import QUEUE
from bridgehead.run.embedded import taken
from bridgehead.run.looks import Looks
from bridgehead.run.pulse import Pulse
from bridgehead.run.schedules import Schedules
from bridgehead.run.segments import Segment
from bridgehead.run.sickness import NotHere
from bridgehead.run.together import Together
from bridgehead.run.upkeep import Upkeep
from bridgehead.store import Store
from bridgehead.store.health import OF_THE_ENGINE
from bridgehead.store.machines import AT_WORK, Held

_log = logging.getLogger("bridgehead.worker")
APPLICATION, VERSION = "bridgehead", "bridgehead-1"
POLL = 0.1
"""Seconds between looks for due segments that no bell has told of, and of dbos into its queue."""
AT_ONCE = 0.001
"""Seconds dbos waits before a look once it was told that there is something."""
BATCH = 200
"""Segments handed over in one transaction."""
DISPATCHES = 100
"""How often dbos may start one segment. Ours is the narrower limit, which counts deaths without progress
(``carry.MAX_ALONE``): a long run that was restarted often is no poison."""


class Leaving(BaseException):
    """Ends a dbos workflow without an outcome: somebody else carries the segment on.

    Not an ``Exception``: dbos would record it as the end of the workflow.
    """


def _refuse(*_: Any) -> Any:
    raise EngineError(
        "BH-RUN-031",
        "a row of the engine holds pickled data, which could run anything",
        means="It was not read. Bridgehead never writes such rows.",
        fix="Find out who writes to the schema `dbos` of this database.",
    )


# What dbos falls back to for rows that say so themselves, whatever serializer it was given.
DefaultSerializer.deserialize = _refuse  # type: ignore[method-assign,assignment]  # replaced on purpose
DefaultSerializer.serialize = _refuse  # type: ignore[method-assign,assignment]  # replaced on purpose


class DbosEngine:
    """One worker: carries up to ``concurrency`` segments of a shared store side by side."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        clock: Clock,
        *,
        boundary: Callable[[str], Boundary],
        active: Callable[[], Boundary],
        schedules: Schedules,
        name: str,
        concurrency: int = 8,
    ) -> None:
        self._store, self._clock = store, clock
        self.name, self._concurrency = name, concurrency
        self._active, self._schedules = active, schedules
        self._carrier = Carrier(store, ledger, clock, boundary=boundary, active=active, name=name)
        self._looks = Looks(store, clock, boundary)
        self._woken = asyncio.Event()
        self._lock = threading.Lock()  # protects ``_under_way``
        self._begin()

    def _begin(self) -> None:
        """Be a new worker: made for each start, see docs/decisions/0007-engines.md."""
        self._boot = f"{self.name}.{secrets.token_hex(6)}"
        self._together = Together()
        self._carrier.begin()
        self._stopping = threading.Event()
        self._take_at_most: Callable[[int], None] = lambda concurrency: None  # dbos is not launched yet
        self._under_way: Counter[str] = Counter()
        self._queued = threading.Event()
        self._upkeep = Upkeep(
            self._store,
            self._clock,
            self._boot,
            active=self._active,
            schedules=self._schedules,
            queue=self,
        )

    # --- the port ---

    async def work(self, *, until_idle: bool = False) -> None:
        """Carry runs forward for ever, or until nothing is due and nothing is under way on any worker.

        Cancelled, it hears what is in the air before it ends; cancelled once more, it ends at once. Raises
        ``ConfigError``: BH-RUN-008 when an embedded engine works on this store, BH-RUN-032 when this process
        is a worker already.
        """
        self._held = held = Held(self._store, AT_WORK, shared=True)
        if not held.taken:
            raise taken("the embedded engine of another process")
        try:
            self._loop = asyncio.get_running_loop()
            _claim_process(self)
            self._begin()
            self._pulse = Pulse(self._store, self._clock, self._boot, held, self.under_way)
            try:
                await self._launched()
                self._pulse.start()
                self._upkeep.start()
                async with self._store.bell.listening(self.wake):
                    await self._feed(until_idle)
            finally:
                try:
                    await self._drain()
                finally:
                    await self._leave()
                    _process.clear()
        finally:
            held.release()

    def wake(self) -> None:
        """Hand over what is due now instead of at the next poll."""
        self._woken.set()

    # --- what upkeep asks of the queue ---

    def under_way(self) -> set[str]:
        """Return the engine's ids of the segments this process is at work on."""
        with self._lock:
            return set(self._under_way)

    def recover(self, workers: list[str]) -> None:
        """Put everything these workers have under way back into the queue; harmless when repeated."""
        DBOS._recover_pending_workflows(workers)

    def requeue(self, segment: str) -> None:
        """Put one segment of this worker, which nobody here is at work on, back into the queue."""
        _instance()._sys_db.reenqueue_for_recovery(segment, [self._boot], QUEUE)

    # --- start and end ---

    async def _launched(self) -> None:
        """Launch, to the end also where this is cancelled: its thread would go on beside us."""
        launching = asyncio.create_task(asyncio.to_thread(self._launch))
        try:
            await asyncio.shield(launching)
        except asyncio.CancelledError:
            await asyncio.gather(launching, return_exceptions=True)
            raise

    def _launch(self) -> None:
        workers.join(self._store, self._boot, self.name, self._concurrency)
        logging.getLogger("dbos").setLevel(logging.WARNING)
        url = self._store.url.set(drivername="postgresql")
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": url.render_as_string(hide_password=False),
                "application_version": VERSION,
                "executor_id": self._boot,
                "serializer": DBOSPortableJSONSerializer(),
                # A paused worker that revives waits in a thread for whoever took its segments over.
                "max_executor_threads": 2 * self._concurrency + 4,
                "sys_db_pool_size": max(4, min(self._concurrency + 2, OF_THE_ENGINE - 1)),
                "log_level": "ERROR",
                "run_admin_server": False,
                "enable_otlp": False,
            }  # type: ignore[typeddict-unknown-key]  # read by dbos, and missing in its type
        )
        DBOS.workflow(name="bridgehead.segment", max_recovery_attempts=DISPATCHES)(_segment)
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        with self._store.writing() as connection:
            dbos_rows.refuse_pickle(connection)
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._concurrency,
            polling_interval_sec=AT_ONCE,  # what its thread does before is ``_until_queued``'s to say
            on_conflict="always_update",
        )
        self._take_at_most = _own_pace(self._until_queued)
        self._take_at_most(self._concurrency)
        self._client = DBOSClient(
            system_database_engine=self._store.engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    async def _drain(self) -> None:
        """Take nothing more from the queue, send nothing more, and hear what was sent."""
        self._stopping.set()
        self._take_at_most(0)
        await self._carrier.in_the_air.drain()

    async def _leave(self) -> None:
        """End in order: what is under way here is carried on elsewhere, from where its journal is."""
        await self._looks.stop()
        for task in self._together.tasks():
            task.cancel()
        await asyncio.gather(*self._together.tasks(), return_exceptions=True)
        await asyncio.to_thread(self._upkeep.stop)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        await asyncio.to_thread(self._pulse.stop)
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(self._hand_back)

    def _hand_back(self) -> None:
        """Let others carry on at once what was under way here: nobody died."""
        with self._store.writing() as connection:
            released = segments.release(connection, self._boot)
            dbos_rows.forget(connection, [dbos_rows.name_of(run, number) for run, number in released])
        workers.leave(self._store, self._boot)

    # --- from our rows into the queue ---

    async def _feed(self, until_idle: bool) -> None:
        while True:
            self._woken.clear()
            try:
                handed = await asyncio.to_thread(self._hand_over)
                # Looks of several workers share the work: each is leased to one of them.
                looking = self._looks.begin_in_turn()
                if until_idle and not handed and not looking and await asyncio.to_thread(self._idle):
                    return
            except StoreError:
                handed = 0  # the database is away; it comes back, or an operator stops this worker
            if handed < BATCH:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL)

    def _hand_over(self) -> int:
        """Put due segments into the queue: our row and dbos's, in one transaction."""
        if not self._held.taken or not segments.any_due(self._store, self._clock):
            return 0
        with self._store.writing() as connection:
            found = segments.hand_over(connection, self._clock, BATCH)
            for segment in found:
                options: Any = {
                    "workflow_name": "bridgehead.segment",
                    "queue_name": QUEUE,
                    "workflow_id": dbos_rows.name_of(segment.run, segment.number),
                    "app_version": VERSION,
                }
                self._client.enqueue_in_transaction(connection, options, segment.run, segment.number)
        if found:
            self._queued.set()
        return len(found)

    def _until_queued(self) -> None:
        """Wait until a segment was put into the queue here, or as long as between two looks."""
        self._queued.wait(POLL)
        self._queued.clear()

    def _idle(self) -> bool:
        soon = stamp(self._clock.now() + timedelta(seconds=60))
        return segments.idle(self._store, soon)

    # --- from the queue to the end of a segment: on a thread of dbos ---

    def carry(self, run: str, number: int) -> None:
        """Carry a segment to its end. What the database cannot do now is tried again when it can."""
        name = dbos_rows.name_of(run, number)
        with self._lock:
            self._under_way[name] += 1
        told: set[str] = set()
        try:
            while not self._stopping.is_set():
                try:
                    if self._held.taken:
                        return self._once(run, number)
                except (StoreError, LedgerError) as error:  # nothing can be recorded now
                    if error.code not in told:
                        told.add(error.code)
                        _log.warning("%s is tried again every second: %s", name, error)
                self._stopping.wait(1.0)
            raise Leaving
        finally:
            with self._lock:
                self._under_way[name] -= 1
                self._under_way += Counter()  # drops what is at zero

    def _once(self, run: str, number: int) -> None:
        try:
            segment = segments.take(self._store, self._boot, run, number)
            if segment is None:
                return
            asyncio.run_coroutine_threadsafe(self._carried(segment), self._loop).result()
        except segments.Beside as beside:
            self._give_back(run, number)
            raise Leaving from beside
        except NotHere as error:
            self._give_back(run, number, stamp(self._clock.now() + timedelta(seconds=error.pause)))
            raise Leaving from error
        except (concurrent.futures.CancelledError, RuntimeError) as error:  # the loop is stopped
            raise Leaving from error
        self._loop.call_soon_threadsafe(self.wake)

    def _give_back(self, run: str, number: int, due_at: str = "") -> None:
        """Make a segment ready again for whoever can carry it: our row, and none in the queue any more."""
        with self._store.writing() as connection:
            if segments.give_back(connection, self._boot, run, number, due_at=due_at):
                dbos_rows.forget(connection, [dbos_rows.name_of(run, number)])

    async def _carried(self, segment: Segment) -> None:
        task = asyncio.current_task()
        assert task is not None  # inside a coroutine there is one
        task.set_name(dbos_rows.name_of(segment.run, segment.number))
        async with self._together.entered(alone=segment.fruitless >= SUSPECT):
            await self._carrier.carry(segment)


_process: list[DbosEngine] = []
"""The engine of this process: dbos is one for each process, too."""


def _segment(run: str, number: int) -> None:
    """The one dbos workflow: a segment, from the queue to its end."""
    if not _process:
        raise Leaving
    _process[0].carry(run, number)


def _claim_process(engine: DbosEngine) -> None:
    if _process:
        raise ConfigError(
            "BH-RUN-032",
            "this process is a worker of a shared store already",
            means="One process works for one deployment on PostgreSQL.",
            fix="Start another process for the other deployment.",
        )
    _process.append(engine)


def _own_pace(until_queued: Callable[[], None]) -> Callable[[int], None]:
    """Return what sets how many segments this worker takes, as soon as there are any.

    dbos keeps one number for all workers of a queue, and reads it again before each look into the queue, on
    the thread that looks: that is where the thread waits.
    """
    rows = _instance()._sys_db
    ours, read = rows.get_queue(QUEUE), rows.get_queue
    ours._polling_interval_sec = AT_ONCE

    def paced(name: str, **more: Any) -> Any:
        if name != QUEUE:
            return read(name, **more)
        until_queued()
        return ours

    def take_at_most(concurrency: int) -> None:
        ours._worker_concurrency = concurrency

    rows.get_queue = paced
    return take_at_most


def _instance() -> Any:
    from dbos._dbos import _get_dbos_instance

    return _get_dbos_instance()
