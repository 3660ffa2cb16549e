"""Open a store, and hand out connections and transactions.

``Store.open`` brings an older schema up to date (alembic) and refuses a newer one in words.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from bridgehead.kernel.errors import StoreError
from bridgehead.store import migrations

BUSY_MS = 15_000


class Store:
    """One deployment's database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name

    @classmethod
    def open(cls, url: str | Path) -> Store:
        """Open the database at a URL (or a SQLite file) on the current schema.

        Raises ``StoreError``: BH-STO-001 cannot be opened, BH-STO-002 written by a newer version.
        """
        address = f"sqlite:///{url}" if isinstance(url, Path) or "://" not in str(url) else str(url)
        engine = _engine(address)
        try:
            migrations.upgrade(engine)
        except DBAPIError as error:
            engine.dispose()
            raise _cannot_open(address, error) from error
        return cls(engine)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection for reading."""
        with _faults(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection inside one write transaction: all of it is committed, or none."""
        with _faults(), self.engine.connect() as connection:
            if self.dialect == "sqlite":
                # INVARIANT: take the write lock first; a read lock that upgrades can only fail.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.begin()
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _engine(address: str) -> Engine:
    if not address.startswith("sqlite"):
        return sqlalchemy.create_engine(address, pool_pre_ping=True)
    engine = sqlalchemy.create_engine(
        address,
        # SQLAlchemy's own begin would start a deferred transaction; ``writing`` says IMMEDIATE itself.
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False},
        pool_size=8,
        max_overflow=24,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_MS}",
        "foreign_keys=ON",
        "wal_autocheckpoint=4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _faults() -> Iterator[None]:
    """Turn what the database says into our words; nothing from below leaks."""
    try:
        yield
    except OperationalError as error:
        text = str(error.orig).lower()
        if "locked" in text or "busy" in text:
            raise StoreError(
                "BH-STO-003",
                "the database is locked by another process",
                means="Nothing was written; nothing was lost.",
                fix="Try again; if it stays, look for a process that holds the store open.",
            ) from error
        if "full" in text or "disk i/o" in text or "readonly" in text:
            raise StoreError(
                "BH-STO-004",
                f"the database cannot be written: {error.orig}",
                means="Nothing was written, so no action is performed.",
                fix="Free space or make the store writable, then start again.",
            ) from error
        raise StoreError("BH-STO-005", f"the database refused: {error.orig}") from error


def _cannot_open(address: str, error: DBAPIError) -> StoreError:
    return StoreError(
        "BH-STO-001",
        f"the store {address} cannot be opened: {error.orig}",
        means="Nothing can be recorded, so nothing can run.",
        fix="Check the path, its permissions and the free space.",
    )
