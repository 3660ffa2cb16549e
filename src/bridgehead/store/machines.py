"""What only a database that several machines share can do: one clock for all of them, one lock for all.

Used where ``Store.shared``; PostgreSQL only.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import StoreError
from bridgehead.store.faults import in_our_words, is_lost
from bridgehead.store.session import Store

SWEEPER = 0x6272_6964_0001
"""Held, for one transaction, by whoever sweeps."""
AT_WORK = 0x6272_6964_0002
"""Held while work is done on the store: shared by workers, alone by the embedded engine."""
_ALIVE = text("select 1")


def moment(connection: Connection) -> datetime:
    """Return the time as the database tells it: every machine is judged by the same clock."""
    found: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    return found


def alone(connection: Connection, lock: int) -> bool:
    """Take a lock until this transaction ends; return False where somebody else has it."""
    return bool(connection.execute(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": lock}).scalar())


def ahead(store: Store, clock: Clock) -> float:
    """Return how many seconds the clock of this machine is ahead of the database's; negative: behind.

    What the way there and back took is not held against it.
    """
    before = clock.now()
    with store.reading() as connection:
        there = moment(connection)
    after = clock.now()
    return max((before - there).total_seconds(), 0.0) + min((after - there).total_seconds(), 0.0)


class Held:
    """A lock that is held as long as this process is connected: it falls with the process, and with the
    server. So whoever relies on it looks now and then whether it is there (``keep``).

    Raises ``StoreError``. ``taken`` says whether it was held when it was last looked at.
    """

    def __init__(self, store: Store, lock: int, *, shared: bool) -> None:
        self._store, self._lock = store, lock
        self._function = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
        self._connection: Any = None
        self.taken = False
        self._take()

    def keep(self) -> bool:
        """Return whether it is held; where the connection was lost it is taken again, if nobody has it."""
        if self._connection is not None:
            try:
                self._connection.execute(_ALIVE)
                return self.taken
            except DBAPIError:
                self._drop()
        with suppress(StoreError):  # the server is away: nobody holds anything
            self._take()
        return self.taken

    def _take(self) -> None:
        self.taken = False
        try:
            with in_our_words():
                self._connection = self._connected()
                self.taken = bool(
                    self._connection.execute(
                        text(f"select {self._function}(:lock)"), {"lock": self._lock}
                    ).scalar()
                )
        except BaseException:
            self._drop()  # a broken connection would fail at every look from now on
            raise
        if not self.taken:
            self.release()

    def _drop(self) -> None:
        connection, self._connection, self.taken = self._connection, None, False
        if connection is not None:
            _close(connection)

    def _connected(self) -> Connection:
        """Return a connection that is alive: those of the pool may be older than the server."""
        engine = self._store.engine.execution_options(isolation_level="AUTOCOMMIT")
        found = engine.connect()
        try:
            found.execute(_ALIVE)
        except DBAPIError as error:
            found.close()
            if not is_lost(error):
                raise
            engine.dispose()
            found = engine.connect()
        return found

    def release(self) -> None:
        """Give it back; harmless when repeated."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(DBAPIError):  # the server is gone, and its locks with it
            # In so many words: a server may notice only later that a connection was closed.
            connection.execute(text("select pg_advisory_unlock_all()"))
        _close(connection)


def _close(connection: Connection) -> None:
    with suppress(DBAPIError):
        connection.invalidate()
        connection.close()
