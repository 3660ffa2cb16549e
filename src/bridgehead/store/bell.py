"""The bell: engines hear at once that something has become due, instead of at their next look.

``ring`` in the transaction that makes it due; whoever is ``listening`` is told once it is committed. On
PostgreSQL every process hears it (LISTEN and NOTIFY), on SQLite this one. Never: carries anything. What is
due stands in the rows, and engines look at them again and again: a ring that nobody heard costs one such
interval, no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from bridgehead.store.statement import execute

_log = logging.getLogger("bridgehead.bell")
Heard = Callable[[], None]
_CHANNEL = "bridgehead_due"
_RUNG = "bridgehead.rung"
LISTEN_AGAIN = 1.0
"""Seconds until a connection to listen on is asked for again, after it was lost or refused."""


def ring(connection: Connection) -> None:
    """Say, once this transaction is committed, that something has become due."""
    if connection.dialect.name == "postgresql":
        execute(connection, f"NOTIFY {_CHANNEL}", None).close()
    else:
        connection.info[_RUNG] = True


class Bell:
    """The bell of one store: who listens to it here, and how it is heard from elsewhere."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ears: list[Heard] = []

    def committed(self, connection: Connection) -> None:
        """Sound for this process where the transaction that was just committed has rung; from any thread."""
        if connection.info.pop(_RUNG, False):
            for ear in list(self._ears):
                ear()

    @asynccontextmanager
    async def listening(self, heard: Heard) -> AsyncIterator[None]:
        """Have ``heard`` called in this event loop whenever it has rung, as long as this context lasts.

        No fault raises anything here: while there is nothing to hear, engines look as often as ever.
        """
        task = asyncio.create_task(self._listen(heard), name="bell")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self, heard: Heard) -> None:
        if self._engine.dialect.name != "postgresql":
            await self._listen_here(heard)
        while True:
            try:
                await self._listen_to_all(heard)
            except DBAPIError:
                pass  # the database is away: whoever writes or reads says so
            except Exception as error:  # whatever it is: nobody else would notice that nobody listens
                _log.warning("not listening for %.0f s: %s", LISTEN_AGAIN, error)
            await asyncio.sleep(LISTEN_AGAIN)

    async def _listen_here(self, heard: Heard) -> None:
        loop = asyncio.get_running_loop()

        def ear() -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody is at work any more
                loop.call_soon_threadsafe(heard)

        self._ears.append(ear)
        try:
            await loop.create_future()
        finally:
            self._ears.remove(ear)

    async def _listen_to_all(self, heard: Heard) -> None:
        line = _Line()
        try:
            connection = await asyncio.to_thread(line.open, self._engine)
            heard()  # for what became due while nobody listened
            await _until_lost(connection, heard)
        finally:
            line.close()


class _Line:
    """A connection to listen on. It is closed also where nobody waits any more until it is open."""

    def __init__(self) -> None:
        self._lock = Lock()  # protects both below: a thread opens, the event loop closes
        self._closed = False
        self._connection: Connection | None = None

    def open(self, engine: Engine) -> Connection:
        connection = engine.connect()
        with self._lock:
            self._connection, gone = connection, self._closed
        if gone:
            self.close()
        else:
            connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
        return connection

    def close(self) -> None:
        with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


async def _until_lost(connection: Connection, heard: Heard) -> None:
    """Return when the connection is lost. It is read by the event loop: no thread waits for it."""
    loop = asyncio.get_running_loop()
    lost = loop.create_future()
    driver: Any = connection.connection.dbapi_connection
    fault: Any = connection.dialect.loaded_dbapi.Error

    def readable() -> None:
        rung = False
        try:
            driver.pgconn.consume_input()
            while driver.pgconn.notifies() is not None:
                rung = True
        except fault:
            loop.remove_reader(socket)
            lost.set_result(None)
        if rung:
            heard()

    socket = driver.fileno()
    loop.add_reader(socket, readable)
    try:
        await lost
    finally:
        loop.remove_reader(socket)
