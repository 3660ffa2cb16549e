"""What only a database that several machines share can do: one clock for all of them, one lock for all.

Used where ``Store.shared``; PostgreSQL only.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bridgehead.store.faults import in_our_words
from bridgehead.store.session import Store

SWEEPER = 0x6272_6964_0001
"""Held, for one transaction, by whoever sweeps."""
AT_WORK = 0x6272_6964_0002
"""Held while work is done on the store: shared by workers, alone by the embedded engine."""


def moment(connection: Connection) -> datetime:
    """Return the time as the database tells it: every machine is judged by the same clock."""
    found: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    return found


def alone(connection: Connection, lock: int) -> bool:
    """Take a lock until this transaction ends; return False where somebody else has it."""
    return bool(connection.execute(text("select pg_try_advisory_xact_lock(:lock)"), {"lock": lock}).scalar())


class Held:
    """A lock that is held as long as this process is connected: it falls with the process."""

    def __init__(self, store: Store, lock: int, *, shared: bool) -> None:
        function = "pg_try_advisory_lock_shared" if shared else "pg_try_advisory_lock"
        with in_our_words():
            self._connection: Any = store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self.taken = bool(
                self._connection.execute(text(f"select {function}(:lock)"), {"lock": lock}).scalar()
            )
        if not self.taken:
            self.release()

    def release(self) -> None:
        """Give it back; harmless when repeated."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(DBAPIError):  # the server is gone, and its locks with it
            # In so many words: a server may notice only later that a connection was closed.
            connection.execute(text("select pg_advisory_unlock_all()"))
        with suppress(DBAPIError):
            connection.invalidate()
            connection.close()
