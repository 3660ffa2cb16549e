"""The driver for DuckDB: a database file, or Parquet, CSV and SQLite files that are tables.

Each query has a database of its own in memory (or the file, read-only), with a view for each table it
reads. Second wall: it can open no file but those, no network and no extension, and its settings are
locked before the statement runs.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridgehead.connect.faults import bad_setting, late, not_open, unknown_operation
from bridgehead.connect.sources.answer import Answer, failed, statement_of, unreadable
from bridgehead.declare.model import Column, Source, Table
from bridgehead.kernel.ports import STATEMENT, Operation, Reply, Request

CHUNK = 200
"""Rows read at once."""

_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "2",
    "memory_limit": "1GB",
    "temp_directory": "",
}


class DuckdbSource:
    """A file or files, and the tables the charter declares of them."""

    def __init__(self, name: str, settings: Source, *, folder: Path) -> None:
        self.name = name
        self.region = settings.region
        self._settings, self._folder = settings, folder
        self._copies: dict[Path, tuple[tuple[int, int], Path]] = {}
        self._work: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()  # two queries must not copy one file at once

    async def open(self) -> None:
        """Look at every table. Raises BH-CON-002/060."""
        await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """Refuse further calls and forget copies."""
        work, self._work = self._work, None
        self._copies.clear()
        if work is not None:
            work.cleanup()

    async def operations(self) -> Sequence[Operation]:
        """Return nothing: what is asked of it is made at the boundary."""
        return ()

    async def call(self, request: Request) -> Reply:
        """Run one statement and return its rows as a list of dicts. A read: every failure has effect none."""
        if request.operation != STATEMENT:
            raise unknown_operation(self.name, request.operation, ())
        if self._work is None:
            raise not_open(self.name)
        sql, values = statement_of(self.name, request.arguments)
        patience = _Patience(request.deadline)
        try:
            return Reply(value=await asyncio.to_thread(self._rows, sql, values, patience))
        finally:
            patience.end()  # a thread cannot be cancelled; the query can

    def _rows(self, sql: str, values: list[Any], patience: _Patience) -> list[dict[str, Any]]:
        duckdb = _duckdb(self.name)
        connection = self._connect([name for name in self._settings.tables if _named(name) in sql])
        try:
            patience.watch(connection)
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
        finally:
            patience.end()
            connection.close()

    def _connect(self, tables: Sequence[str]) -> Any:
        duckdb = _duckdb(self.name)
        try:
            if self._settings.path:
                path = (self._folder / self._settings.path).resolve(strict=True)
                closed = {"enable_external_access": "false", "lock_configuration": "true"}
                return duckdb.connect(str(path), read_only=True, config={**_CONFIG, **closed})
            connection = duckdb.connect(":memory:", config=_CONFIG)
            views = [self._view(name, self._settings.tables[name]) for name in tables]
            files = ", ".join(_text(str(file)) for file, _ in views)
            connection.execute(f"SET allowed_paths = [{files}]")
            connection.execute("SET enable_external_access = false")
            for _, view in views:
                connection.execute(view)
            connection.execute("SET lock_configuration = true")
        except (OSError, sqlite3.Error, duckdb.Error) as error:
            raise unreadable(self.name, self._settings.path or ", ".join(tables), str(error)) from error
        return connection

    def _view(self, name: str, table: Table) -> tuple[Path, str]:
        """Return the file of a table, and the view that shows its declared columns and no other."""
        file = (self._folder / table.file).resolve(strict=True)
        columns = {
            column: told.type if isinstance(told, Column) else told for column, told in table.columns.items()
        }
        if file.suffix in (".sqlite", ".sqlite3", ".db"):
            file = self._copied(file, name, list(columns))
        if file.suffix == ".parquet":
            scan = f"read_parquet({_text(str(file))})"
        else:
            types = ", ".join(f"{_text(column)}: {_text(kind)}" for column, kind in columns.items())
            scan = (
                f"read_csv({_text(str(file))}, header = true, delim = ',', quote = '\"', escape = '\"', "
                f"types = {{{types}}}, nullstr = '', allow_quoted_nulls = false)"
            )
        shown = ", ".join(
            f"CAST({_quoted(column)} AS {kind}) AS {_quoted(column)}" for column, kind in columns.items()
        )
        schema = name.rpartition(".")[0]
        made = f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}; " if schema else ""
        return file, f"{made}CREATE VIEW {_named(name)} AS SELECT {shown} FROM {scan}"  # noqa: S608

    def _copied(self, file: Path, name: str, columns: list[str]) -> Path:
        """Return a table of an SQLite file as CSV, made anew when the file has changed.

        DuckDB reads SQLite through an extension that it would fetch from the network.
        """
        with self._lock:
            stat = file.stat()
            state = (stat.st_mtime_ns, stat.st_size)
            copy = Path(str(self._work.name if self._work else "")) / f"{name}.csv"
            if self._copies.get(copy, ((0, 0), copy))[0] != state:
                _write_csv(file, name, columns, copy)
                self._copies[copy] = (state, copy)
            return copy

    def _check(self) -> None:
        _duckdb(self.name)
        self._work = self._work or tempfile.TemporaryDirectory(prefix="bridgehead-")
        connection = self._connect(list(self._settings.tables))
        try:
            for name in self._settings.tables:
                connection.execute(f"SELECT * FROM {_named(name)} LIMIT 0")  # noqa: S608
        except _duckdb(self.name).Error as error:
            raise unreadable(self.name, name, str(error)) from error
        finally:
            connection.close()


class _Patience:
    """Ends a query at its deadline, or when its caller leaves."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._connection: Any = None
        self._lock = threading.Lock()  # a connection that is closed must not be interrupted
        self._timer = threading.Timer(deadline, self._interrupt)
        self._timer.daemon = True

    def watch(self, connection: Any) -> None:
        with self._lock:
            self._connection = connection
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()
        self._interrupt()
        with self._lock:
            self._connection = None

    def _interrupt(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()


def _write_csv(file: Path, name: str, columns: list[str], copy: Path) -> None:
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        listed = ", ".join(_quoted(column) for column in columns)
        found = connection.execute(f"SELECT {listed} FROM {_quoted(name)}")  # noqa: S608 -- the charter's names
        with copy.open("w", encoding="utf-8", newline="") as out:
            out.write(",".join(_quoted(column) for column in columns) + "\n")
            for row in found:
                out.write(",".join("" if cell is None else _quoted(str(cell)) for cell in row) + "\n")
    finally:
        connection.close()


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
