"""Open a store, and hand out connections and transactions.

``Store.open`` brings an older schema up to date (alembic) and refuses a newer one in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from bridgehead.kernel.errors import StoreError
from bridgehead.store import engines, migrations, unfinished
from bridgehead.store.bell import Bell
from bridgehead.store.engines import Found
from bridgehead.store.faults import cannot_open, commit_failed, in_our_words, is_lost

LOCK_SECONDS = 15.0


class Store:
    """One deployment's database."""

    def __init__(self, engine: Engine, readers: Engine, patience: float = LOCK_SECONDS) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self.bell = Bell(engine)
        self._readers = readers
        self._patience = patience

    @property
    def shared(self) -> bool:
        """Say whether processes on several machines may hold this store open: PostgreSQL, not a file."""
        return self.dialect == "postgresql"

    @property
    def url(self) -> URL:
        """Return the address of the database, password included: for the engine's own connections."""
        return self.engine.url

    @classmethod
    def open(cls, url: str | Path, *, lock_seconds: float = LOCK_SECONDS, restoring: bool = False) -> Store:
        """Open the database at a URL (or a SQLite file) on the current schema.

        ``lock_seconds`` is how long a transaction waits for another one, or for a server that is away, before
        it gives up. On PostgreSQL our tables are in the schema ``bridgehead``, which is made where it is
        missing. ``restoring`` opens one that a restore has not finished with, for the restore itself. Raises
        ``StoreError``: BH-STO-001 cannot be opened, BH-STO-002 written by a newer version, BH-STO-003 locked,
        BH-STO-006 not a database we know, BH-STO-008 its driver is not installed, BH-STO-024 being restored.
        """
        address = address_of(url)
        engine = engines.writers(address, lock_seconds)
        try:
            engines.make_schema(address)
            if not restoring:
                unfinished.refuse(engine)
            migrations.upgrade(engine)
        except DBAPIError as error:
            engine.dispose()
            raise cannot_open(address.render_as_string(hide_password=True), error) from error
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, engines.readers(address, lock_seconds), lock_seconds)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one moment of the store and cannot change it."""
        with in_our_words(), self._begun(self._readers, read_only=True) as connection:
            yield connection

    def look(self, read: Callable[[Connection], Found]) -> Found:
        """Return what one statement reads, without a transaction around it: on PostgreSQL one way there and
        back instead of three.

        For a ``read`` that is one statement, or whose statements need not see the same moment. It is called
        again where the connection was lost, and cannot change the store.
        """
        with in_our_words():
            return engines.looked(self._readers, read, patience=self._patience)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection inside one write transaction: all of it is committed, or none.

        Raises ``StoreError``; BH-STO-011 alone means that nobody knows whether it was committed.
        """
        with in_our_words(), self._begun(self.engine, read_only=False) as connection:
            try:
                yield connection
            except BaseException:
                _take_back(connection)
                raise
            try:
                connection.commit()
            except DBAPIError as error:
                raise commit_failed(error) from error
            self.bell.committed(connection)

    def _begun(self, engine: Engine, *, read_only: bool) -> Connection:
        return engines.begun(engine, read_only=read_only, patience=self._patience)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self._readers.dispose()


def _take_back(connection: Connection) -> None:
    try:
        connection.rollback()
    except DBAPIError as error:
        if not is_lost(error):  # then the server takes it back by itself
            raise


def address_of(url: str | Path) -> URL:
    """Return the address of a database. Raises ``StoreError`` (BH-STO-006) for one we cannot use."""
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(url))
    try:
        address = make_url(url)
        address.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise _not_ours(url) from error
    if address.get_backend_name() == "postgresql":
        return _psycopg(_password_apart(address))
    if address.get_backend_name() != "sqlite":
        raise _not_ours(url)
    return address


def _password_apart(address: URL) -> URL:
    """Take a password out of the query (``?password=``), where libpq allows it and no message hides it."""
    given = address.query.get("password")
    if given is None:
        return address
    plain = address.difference_update_query(["password"])
    return plain.set(password=given if isinstance(given, str) else given[-1])


def _psycopg(address: URL) -> URL:
    """Return the address with the one driver we use; ``postgresql://`` names none."""
    if address.drivername not in ("postgresql", "postgresql+psycopg"):
        raise _not_ours(address.drivername + "://")
    if find_spec("psycopg") is None:
        raise StoreError(
            "BH-STO-008",
            "the driver for PostgreSQL is not installed here",
            means="Nothing was opened.",
            fix="Install it: pip install 'bridgehead[postgresql]'; for several workers 'bridgehead[dbos]'.",
        )
    return address.set(drivername="postgresql+psycopg")


def _not_ours(url: str) -> StoreError:
    return StoreError(
        "BH-STO-006",
        f"{url.partition('://')[0]}:// is not a database this version can use",
        means="Nothing was opened.",
        fix="Name a SQLite file, sqlite:///path, or postgresql://user@host/database.",
    )
