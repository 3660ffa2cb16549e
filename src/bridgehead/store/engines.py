"""How each database is connected to: the settings that keep what was promised.

Two pools per store. Writers take the write lock at once and wait their turn; readers see one
snapshot and are told by the database itself that they cannot write.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from bridgehead.store.statement import execute

POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 24}


def writers(address: URL, lock_seconds: float) -> Engine:
    """Return the engine for write transactions."""
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, lock_seconds, read_only=False)
    return create_engine(address, pool_pre_ping=True, connect_args=_postgresql(lock_seconds), **POOL)


def readers(address: URL, lock_seconds: float) -> Engine:
    """Return the engine for reading: one snapshot per transaction, writes refused."""
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, lock_seconds, read_only=True)
    engine = create_engine(address, pool_pre_ping=True, connect_args=_postgresql(lock_seconds), **POOL)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def begin_writing(connection: Connection) -> None:
    """Start a write transaction."""
    connection.begin()
    if connection.dialect.name == "sqlite":
        # INVARIANT: take the write lock first; a read lock that upgrades can only fail.
        execute(connection, "BEGIN IMMEDIATE", ()).close()


def begin_snapshot(connection: Connection) -> None:
    """Start a read transaction; what is committed later is not seen in it."""
    connection.begin()
    if connection.dialect.name == "sqlite":
        execute(connection, "BEGIN", ()).close()


def _postgresql(lock_seconds: float) -> dict[str, Any]:
    milliseconds = max(1, int(lock_seconds * 1000))
    return {"options": f"-c lock_timeout={milliseconds} -c timezone=UTC", "application_name": "bridgehead"}


def _sqlite(address: URL, lock_seconds: float, *, read_only: bool) -> Engine:
    engine = create_engine(
        address,
        # SQLAlchemy's own begin would start a deferred transaction; ``begin_writing`` says IMMEDIATE itself.
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": lock_seconds, "check_same_thread": False},
        **POOL,
    )
    own = "query_only=ON" if read_only else "synchronous=FULL"
    pragmas = (own, "foreign_keys=ON", "wal_autocheckpoint=4000")

    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        if not read_only:
            _write_ahead(connection, lock_seconds)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine, "connect", prepare)
    return engine


def _write_ahead(connection: sqlite3.Connection, lock_seconds: float) -> None:
    """Switch the database to WAL, waiting for whoever is opening it at this moment.

    SQLite's own busy timeout does not cover this: where waiting could deadlock, its busy handler is not
    called and SQLITE_BUSY comes at once (sqlite.org/c3ref/busy_handler.html). Raises
    ``sqlite3.OperationalError``.
    """
    give_up = time.monotonic() + lock_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
