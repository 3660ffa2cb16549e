"""The driver for DuckDB: a database file, or Parquet, CSV and SQLite files that are tables.

Each query has a database of its own in memory (or the file, read-only), with a view for each table it
reads. Second wall: it can open no file but those, no network and no extension, and its settings are
locked before the statement runs.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridgehead.connect.faults import bad_setting, late, not_open, unknown_operation
from bridgehead.connect.sources import batches
from bridgehead.connect.sources.answer import Answer, failed, statement_of, unreadable
from bridgehead.connect.sources.copies import Copies
from bridgehead.declare.model import Column, Source, Table
from bridgehead.kernel.ports import STATEMENT, Operation, Reply, Request

CHUNK = 200
"""Rows read at once."""

AGAIN = 0.05
"""Seconds between two interrupts of a query that is over."""

_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "2",
    "memory_limit": "1GB",
    "temp_directory": "",
}


Folders = Mapping[str, Sequence[str]]
"""Of tables that come in batches: the folders of what a query reads, by the table's name."""


class DuckdbSource:
    """A file or files, and the tables the charter declares of them."""

    def __init__(self, name: str, settings: Source, *, folder: Path) -> None:
        self.name = name
        self.region = settings.region
        self._settings, self._folder = settings, folder
        self._copies: Copies | None = None

    async def open(self) -> None:
        """Look at every table. Raises BH-CON-002/060."""
        await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """Refuse further calls and forget copies."""
        copies, self._copies = self._copies, None
        if copies is not None:
            copies.close()

    async def operations(self) -> Sequence[Operation]:
        """Return nothing: what is asked of it is made at the boundary."""
        return ()

    async def call(self, request: Request) -> Reply:
        """Run one statement and return its rows as a list of dicts. A read: every failure has effect none."""
        if request.operation != STATEMENT:
            raise unknown_operation(self.name, request.operation, ())
        copies = self._copies
        if copies is None:
            raise not_open(self.name)
        sql, values = statement_of(self.name, request.arguments)
        folders = request.arguments.get("folders", {})
        patience = _Patience(request.deadline)
        patience.begin()
        try:
            return Reply(value=await asyncio.to_thread(self._rows, sql, values, patience, copies, folders))
        finally:
            patience.end()  # a thread cannot be cancelled; the query can

    def _rows(
        self, sql: str, values: list[Any], patience: _Patience, copies: Copies, folders: Folders
    ) -> list[dict[str, Any]]:
        tables = [name for name in self._settings.tables if _named(name) in sql]
        with self._copied(tables, copies) as copied:
            connection = self._connect(tables, copied, folders)
            try:
                return self._answer(connection, sql, values, patience)
            finally:
                patience.unwatch()
                connection.close()

    def _answer(
        self, connection: Any, sql: str, values: list[Any], patience: _Patience
    ) -> list[dict[str, Any]]:
        duckdb = _duckdb(self.name)
        try:
            if not patience.watch(connection):
                raise late(self.name, patience.deadline, "none")
            cursor = connection.execute(sql, values)
            columns = [column[0] for column in cursor.description or ()]
            answer = Answer(self.name, columns, self._settings.row_limit)
            while rows := cursor.fetchmany(CHUNK):
                answer.take(rows)
            return answer.rows
        except duckdb.InterruptException as error:
            raise late(self.name, patience.deadline, "none") from error
        except duckdb.Error as error:
            raise failed(self.name, str(error)) from error

    @contextmanager
    def _copied(self, tables: Sequence[str], copies: Copies) -> Iterator[dict[str, Path]]:
        """Hold the copies of those tables that are in SQLite files, by the name of the table."""
        held: dict[str, Path] = {}
        try:
            for name in tables if not self._settings.path else ():
                table = self._settings.tables[name]
                if table.feed is not None:
                    continue
                file = (self._folder / table.file).resolve(strict=True)
                if file.suffix in (".sqlite", ".sqlite3", ".db"):
                    held[name] = copies.take(file, name, list(table.columns))
            yield held
        except (OSError, sqlite3.Error) as error:
            raise unreadable(self.name, ", ".join(tables), str(error)) from error
        finally:
            copies.give_back(held.values())

    def _connect(self, tables: Sequence[str], copied: Mapping[str, Path], folders: Folders) -> Any:
        duckdb = _duckdb(self.name)
        try:
            if self._settings.path:
                path = (self._folder / self._settings.path).resolve(strict=True)
                closed = {"enable_external_access": "false", "lock_configuration": "true"}
                return duckdb.connect(str(path), read_only=True, config={**_CONFIG, **closed})
            connection = duckdb.connect(":memory:", config=_CONFIG)
            fed = {name: batches.files(folders.get(name, ())) for name in tables if self._is_fed(name)}
            whole = [name for name in tables if name not in fed]
            views = [self._view(name, self._settings.tables[name], copied.get(name)) for name in whole]
            paths = [file for file, _ in views] + [file for each in fed.values() for file in each]
            connection.execute(f"SET allowed_paths = [{', '.join(_text(str(path)) for path in paths)}]")
            connection.execute("SET enable_external_access = false")
            for _, view in views:
                connection.execute(view)
            for name, files in fed.items():
                table = self._settings.tables[name]
                connection.execute(_shown(name, table, batches.scan(connection, files, list(table.columns))))
            connection.execute("SET lock_configuration = true")
        except (OSError, duckdb.Error) as error:
            raise unreadable(self.name, self._settings.path or ", ".join(tables), str(error)) from error
        return connection

    def _view(self, name: str, table: Table, copy: Path | None) -> tuple[Path, str]:
        """Return the file of a table, and the view that shows its declared columns and no other."""
        file = copy or (self._folder / table.file).resolve(strict=True)
        columns = {
            column: told.type if isinstance(told, Column) else told for column, told in table.columns.items()
        }
        if file.suffix == ".parquet":
            scan = f"read_parquet({_text(str(file))})"
        else:
            types = ", ".join(f"{_text(column)}: {_text(kind)}" for column, kind in columns.items())
            scan = (
                f"read_csv({_text(str(file))}, header = true, delim = ',', quote = '\"', escape = '\"', "
                f"types = {{{types}}}, nullstr = '', allow_quoted_nulls = false)"
            )
        return file, _shown(name, table, scan)

    def _is_fed(self, name: str) -> bool:
        return self._settings.tables[name].feed is not None

    def _check(self) -> None:
        """Look at every table but those that come in batches: what of them is read, each query says."""
        _duckdb(self.name)
        copies = self._copies or Copies()
        tables = [name for name in self._settings.tables if not self._is_fed(name)]
        try:
            with self._copied(tables, copies) as copied:
                self._look(tables, copied)
        except BaseException:
            if self._copies is None:
                copies.close()
            raise
        self._copies = copies

    def _look(self, tables: Sequence[str], copied: Mapping[str, Path]) -> None:
        connection = self._connect(tables, copied, {})
        try:
            for name in tables:
                connection.execute(f"SELECT * FROM {_named(name)} LIMIT 0")  # noqa: S608
        except _duckdb(self.name).Error as error:
            raise unreadable(self.name, ", ".join(tables), str(error)) from error
        finally:
            connection.close()


class _Patience:
    """Ends a query at its deadline, or when its caller leaves, also before the database has heard of it."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._connection: Any = None
        self._over = False
        self._lock = threading.Lock()  # a connection that is closed must not be interrupted
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def begin(self) -> None:
        """Let the time begin; what is made before the query counts too."""
        self._thread.start()

    def watch(self, connection: Any) -> bool:
        """Return whether there is time left to ask; from now on it is the connection that is ended."""
        with self._lock:
            if not self._over:
                self._connection = connection
            return not self._over

    def unwatch(self) -> None:
        """Leave the connection alone."""
        with self._lock:
            self._connection = None
        self._ended.set()

    def end(self) -> None:
        """Say that nobody waits any more."""
        self._ended.set()

    def _keep(self) -> None:
        self._ended.wait(self.deadline)
        with self._lock:
            self._over = True
        while self._interrupted():  # an interrupt between two steps of a query is forgotten
            time.sleep(AGAIN)

    def _interrupted(self) -> bool:
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()
            return self._connection is not None


def _shown(name: str, table: Table, scan: str) -> str:
    """Return the view of a table that shows its declared columns, of their types, and no other."""
    columns = {
        column: told.type if isinstance(told, Column) else told for column, told in table.columns.items()
    }
    shown = ", ".join(
        f"CAST({_quoted(column)} AS {kind}) AS {_quoted(column)}" for column, kind in columns.items()
    )
    schema = name.rpartition(".")[0]
    made = f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}; " if schema else ""
    return f"{made}CREATE VIEW {_named(name)} AS SELECT {shown} FROM {scan}"  # noqa: S608 -- quoted names


def _named(name: str) -> str:
    schema, _, bare = name.rpartition(".")
    return f"{_quoted(schema or 'main')}.{_quoted(bare)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _duckdb(name: str) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise bad_setting(
            f"the source {name} needs the package duckdb", fix="Run `pip install 'bridgehead[duckdb]'`."
        ) from error
    return duckdb
