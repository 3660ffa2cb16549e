"""The one thread of this process that appends. Many callers share each of its commits.

A batch is whatever queued while the last commit ran: an idle ledger commits at once, a busy one in
groups, and nobody has to tune a delay. A caller hears of success only after COMMIT.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from bridgehead.kernel.errors import BridgeheadError, LedgerError, StoreError
from bridgehead.record.batch import MAX_ENTRIES, Appender, Unit
from bridgehead.record.merkle import Tree
from bridgehead.record.unit import Receipt, UnitOfWork
from bridgehead.store.faults import LOST

LOST_CONNECTIONS = 2
"""How many lost connections in a row a batch outlives. Each time the store waits for its server."""


class _Waiting(NamedTuple):
    """A unit in the queue and who waits for it: a thread, a task of an event loop, or nobody."""

    unit: Unit
    thread: Future[None] | None = None
    task: asyncio.Future[None] | None = None


class Writer:
    """Takes units of work from any thread or event loop and commits them in order.

    ``committed`` is called on the writer's thread after each commit that grew the log, once its
    callers have been told, with the size before and the tree after.
    """

    def __init__(self, appender: Appender, committed: Callable[[int, Tree], None]) -> None:
        self._appender = appender
        self._committed = committed
        self._queue: deque[_Waiting] = deque()
        # Protects the queue and ``_closing``; the thread sleeps on it while there is nothing to do.
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="ledger-writer", daemon=True)
        self._thread.start()

    def append(self, work: UnitOfWork, *, exclusive: bool = False) -> Receipt:
        """Commit a unit and wait for it. Raises what the unit raised, or ``StoreError``."""
        if threading.current_thread() is self._thread:
            raise LedgerError(
                "BH-REC-015",
                "a unit of work tried to append to the ledger it is being written to",
                means="It would wait for itself forever.",
                fix="Return further drafts from the same unit.",
            )
        unit, done = Unit(work, exclusive), Future[None]()
        self._put(_Waiting(unit, thread=done))
        done.result()
        return _answer(unit)

    def append_all(self, works: Sequence[UnitOfWork]) -> list[Receipt]:
        """Commit units together and wait for all of them. Raises what the first that failed raised; the
        others are committed."""
        waiting = [(Unit(work), Future[None]()) for work in works]
        for unit, done in waiting:
            self._put(_Waiting(unit, thread=done))
        for _, done in waiting:
            done.result()
        return [_answer(unit) for unit, _ in waiting]

    async def commit(self, work: UnitOfWork) -> Receipt:
        """Commit a unit without blocking the event loop. A cancelled caller's unit is still written."""
        unit, done = Unit(work), asyncio.get_running_loop().create_future()
        self._put(_Waiting(unit, task=done))
        await done
        return _answer(unit)

    def later(self, work: UnitOfWork) -> None:
        """Queue a unit that nobody waits for."""
        self._put(_Waiting(Unit(work)))

    def close(self) -> None:
        """Commit what is queued, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _put(self, waiting: _Waiting) -> None:
        with self._wake:
            if self._closing and threading.current_thread() is not self._thread:
                raise LedgerError(
                    "BH-REC-016", "the ledger is closed", means="Nothing was written.", fix="Open it again."
                )
            self._queue.append(waiting)
            self._wake.notify()

    def _loop(self) -> None:
        while batch := self._next():
            taken, before, tree = self._commit([waiting.unit for waiting in batch])
            again = [waiting for waiting in batch[:taken] if waiting.unit.again]
            with self._wake:
                self._queue.extendleft(reversed([*again, *batch[taken:]]))
            _tell([waiting for waiting in batch[:taken] if not waiting.unit.again])
            if tree is not None and tree.size > before:
                self._committed(before, tree)

    def _next(self) -> list[_Waiting]:
        """Return what is queued, waiting for it; nothing once the writer is closed and empty."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            return [self._queue.popleft() for _ in range(min(len(self._queue), MAX_ENTRIES))]

    def _commit(self, units: Sequence[Unit]) -> tuple[int, int, Tree | None]:
        try:
            taken, before, tree = self._repeated(units)
        except BaseException as error:  # nothing may end this thread: its callers would wait forever
            for unit in units:
                unit.receipt, unit.error, unit.again = None, _for_one_caller(error), False
            return len(units), 0, None
        return taken, before, tree

    def _repeated(self, units: Sequence[Unit]) -> tuple[int, int, Tree]:
        """Commit, once more where the connection was lost and it is certain that nothing was committed."""
        for _ in range(LOST_CONNECTIONS):
            try:
                return self._appender.commit(units)
            except StoreError as error:
                if error.code != LOST:
                    raise
        return self._appender.commit(units)


def _answer(unit: Unit) -> Receipt:
    if unit.error is not None:
        raise unit.error
    assert unit.receipt is not None  # set before anyone is told
    return unit.receipt


def _tell(batch: Sequence[_Waiting]) -> None:
    """Tell everyone who waits; each event loop is woken once, since waking one costs a system call."""
    tasks: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiting in batch:
        if waiting.thread is not None:
            waiting.thread.set_result(None)
        elif waiting.task is not None:
            tasks.setdefault(waiting.task.get_loop(), []).append(waiting.task)
    for loop, done in tasks.items():
        try:
            loop.call_soon_threadsafe(_settle, done)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more, and the units are durable


def _settle(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        if not task.done():  # its caller may have been cancelled
            task.set_result(None)


def _for_one_caller(error: BaseException) -> BaseException:
    """Return an error of its own for each caller, so that tracebacks do not pile up on one object."""
    if isinstance(error, BridgeheadError) and type(error) in (StoreError, LedgerError):
        own = type(error)(error.code, error.what, means=error.means, fix=error.fix, where=error.where)
    else:
        own = StoreError(
            "BH-REC-017",
            f"the ledger could not commit: {error}",
            means="Nothing of this batch was written.",
            fix="The cause is below; a report with it helps.",
        )
    own.__cause__ = error
    return own
