"""How each database is connected to: the settings that keep what was promised.

Two pools per store. Writers take the write lock at once and wait their turn; readers see one
snapshot and are told by the database itself that they cannot write. Transactions are begun here in so many
words, on both databases: nothing depends on the defaults of a server.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from bridgehead.store.faults import is_lost
from bridgehead.store.statement import execute

SCHEMA = "bridgehead"
"""Where our tables are in a PostgreSQL database. Those of an engine are beside them, in its own schema."""
# The connection that was used last is used next: a server keeps what it prepared for each of them.
POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 8, "pool_use_lifo": True}
Found = TypeVar("Found")
LOOK = 0.01
"""Seconds between two tries to switch a new database to WAL."""
ABANDONED_SECONDS = 10
"""How long PostgreSQL lets a writer hold its locks and say nothing (a machine that lost its power, a process
that was paused). Less than others wait for the same locks, so that they outlast it."""
_ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "connect_timeout": 5}
_BEGIN = {
    "sqlite": {True: "BEGIN", False: "BEGIN IMMEDIATE"},
    "postgresql": {
        True: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        False: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    },
}
# An acknowledged commit is durable whatever the server's default is; a stricter default stays.
_DURABLE = (
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"
)


def writers(address: URL, lock_seconds: float) -> Engine:
    """Return the engine for write transactions."""
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, lock_seconds, read_only=False)
    abandoned = {"idle_in_transaction_session_timeout": ABANDONED_SECONDS * 1000}
    engine = _postgresql(address, lock_seconds, **abandoned)
    event.listen(engine, "connect", _durable)
    return engine


def readers(address: URL, lock_seconds: float) -> Engine:
    """Return the engine for reading: one snapshot per transaction, writes refused."""
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, lock_seconds, read_only=True)
    return _postgresql(address, lock_seconds, default_transaction_read_only="on")


def begun(engine: Engine, *, read_only: bool, patience: float) -> Connection:
    """Return a connection inside a new transaction, which the caller ends and closes.

    INVARIANT: on SQLite a writer takes the write lock first; a read lock that upgrades can only fail.
    """
    words = _BEGIN[engine.dialect.name][read_only]
    return _patiently(engine, patience, lambda: _begun(engine, words))


def looked(engine: Engine, read: Callable[[Connection], Found], *, patience: float) -> Found:
    """Return what ``read`` finds outside of a transaction: each of its statements sees its own moment."""
    return _patiently(engine, patience, lambda: _looked(engine, read))


def _patiently(engine: Engine, patience: float, attempt: Callable[[], Found]) -> Found:
    """Return what an attempt returns that changes nothing.

    Where the server is away (it restarts, or fails over) it is tried again, with pauses of ``patience``
    seconds in all: nothing has happened yet.
    """
    waited, pause = 0.0, 0.0
    while True:
        try:
            return attempt()
        except DBAPIError as error:
            if not is_lost(error) or waited > patience:
                raise
        engine.dispose()  # the other connections of the pool are as old as this one
        time.sleep(pause)
        waited += pause
        pause = min(pause + 0.05, 0.5)


def make_schema(address: URL) -> None:
    """Make our schema in a PostgreSQL database that has none yet; several processes may do so at once."""
    if address.get_backend_name() != "postgresql":
        return
    engine = create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = text("select 1 from pg_namespace where nspname = :schema").bindparams(schema=SCHEMA)
        if connection.execute(known).first() is None:  # a role that may not make it may still use it
            # "if not exists" does not look and act at once: two may still collide, and one of them is told.
            with suppress(IntegrityError, ProgrammingError):
                connection.exec_driver_sql(f"create schema if not exists {SCHEMA}")
            if connection.execute(known).first() is None:
                connection.exec_driver_sql(f"create schema {SCHEMA}")  # says why it cannot be made


def _begun(engine: Engine, begin: str) -> Connection:
    connection = engine.connect()
    try:
        connection.begin()  # tells SQLAlchemy; the words are ours
        execute(connection, begin, () if engine.dialect.name == "sqlite" else None).close()
    except BaseException:
        connection.invalidate()
        connection.close()
        raise
    return connection


def _looked(engine: Engine, read: Callable[[Connection], Found]) -> Found:
    with engine.connect() as connection:
        try:
            return read(connection)
        except DBAPIError:
            connection.invalidate()
            raise


def _durable(connection: Any, _record: Any) -> None:
    was, connection.autocommit = connection.autocommit, True
    connection.execute(_DURABLE)
    connection.autocommit = was


def _postgresql(address: URL, lock_seconds: float, **more: int | str) -> Engine:
    settings: dict[str, Any] = {
        "lock_timeout": max(1, int(lock_seconds * 1000)),
        "tcp_keepalives_idle": _ALIVE["keepalives_idle"],
        "tcp_keepalives_interval": _ALIVE["keepalives_interval"],
        "tcp_keepalives_count": _ALIVE["keepalives_count"],
        "timezone": "UTC",
        "search_path": SCHEMA,
        **more,
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    given = {name: value for name, value in _ALIVE.items() if name not in address.query}
    return create_engine(
        address,
        # SQLAlchemy's own begin would leave the kind of transaction to the server; ``begun`` says it.
        isolation_level="AUTOCOMMIT",
        connect_args={"options": options, "application_name": "bridgehead", **given},
        **POOL,
    )


def _sqlite(address: URL, lock_seconds: float, *, read_only: bool) -> Engine:
    engine = create_engine(
        address,
        # SQLAlchemy's own begin would start a deferred transaction; ``begun`` says IMMEDIATE itself.
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
    for left in range(max(1, int(lock_seconds / LOOK)), -1, -1):
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not left:
                raise
            time.sleep(LOOK)
