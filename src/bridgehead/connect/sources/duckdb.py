"""The driver for DuckDB: a database file, or Parquet, CSV and SQLite files that are tables.

Each query has a database of its own in memory (or the file, read-only), with a view for each table it
reads, in a process that has no more memory, time and files than a query needs (``duckdb_session.py``).
"""

from __future__ import annotations

import asyncio
import importlib.util
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bridgehead.connect.faults import bad_setting, late, not_open, unknown_operation
from bridgehead.connect.sources.answer import statement_of, unreadable
from bridgehead.connect.sources.apart import Patience, Processes
from bridgehead.connect.sources.copies import Copies
from bridgehead.declare.model import Source, Table
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import STATEMENT, Operation, Reply, Request
from bridgehead.watch.feeds import relation
from bridgehead.watch.feeds.view import kinds, named, text, view

OPENING = 60.0
"""Seconds that looking at every table may take."""


class _Fed(NamedTuple):
    """Of tables that come in batches, by the table's name: the folders of what a query reads, and for each
    column the other names by which a batch may have it."""

    folders: Mapping[str, Sequence[str]] = {}
    names: Mapping[str, Mapping[str, Sequence[str]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What an open source holds."""

    copies: Copies
    processes: Processes

    def close(self) -> None:
        self.processes.close()
        self.copies.close()


class DuckdbSource:
    """A file or files, and the tables the charter declares of them."""

    def __init__(self, name: str, settings: Source, *, folder: Path) -> None:
        self.name = name
        self.region = settings.region
        self._settings, self._folder = settings, folder
        self._opened: _Opened | None = None

    async def open(self) -> None:
        """Look at every table. Raises BH-CON-002/060."""
        if importlib.util.find_spec("duckdb") is None:
            raise bad_setting(
                f"the source {self.name} needs the package duckdb",
                fix="Run `pip install 'bridgehead[duckdb]'`.",
            )
        await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """Refuse further calls, end the ones under way and forget copies."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    async def operations(self) -> Sequence[Operation]:
        """Return nothing: what is asked of it is made at the boundary."""
        return ()

    async def call(self, request: Request) -> Reply:
        """Run one statement and return its rows as a list of dicts. A read: every failure has effect none."""
        if request.operation != STATEMENT:
            raise unknown_operation(self.name, request.operation, ())
        opened = self._opened
        if opened is None:
            raise not_open(self.name)
        sql, values = statement_of(self.name, request.arguments)
        fed = _Fed(request.arguments.get("folders", {}), request.arguments.get("names", {}))
        patience = Patience(request.deadline)
        try:
            return Reply(value=await asyncio.to_thread(self._rows, sql, values, fed, patience, opened))
        finally:
            patience.end()  # a thread cannot be cancelled; the process can be ended

    def _rows(
        self, sql: str, values: list[Any], given: _Fed, patience: Patience, opened: _Opened
    ) -> list[dict[str, Any]]:
        tables = [name for name in self._settings.tables if named(name) in sql]
        place = self._settings.path or ", ".join(tables)
        with self._placed(tables, opened.copies) as whole:
            if patience.over:
                raise late(self.name, patience.deadline, "none")
            try:
                fed = {
                    name: relation.files(given.folders.get(name, ())) for name in tables if self._is_fed(name)
                }
            except OSError as error:
                raise unreadable(self.name, place, str(error)) from error
            question = {
                "path": self._settings.path and str((self._folder / self._settings.path).resolve()),
                "files": [
                    str(file) for file in (*whole.values(), *(f for each in fed.values() for f in each))
                ],
                "views": [_view(name, self._settings.tables[name], file) for name, file in whole.items()],
                "fed": [self._batches(name, files, given) for name, files in fed.items()],
                "sql": sql,
                "values": values,
            }
            return opened.processes.ask(question, patience, row_limit=self._settings.row_limit, place=place)

    def _batches(self, name: str, files: Sequence[Path], given: _Fed) -> dict[str, Any]:
        """Return what the process needs to show a table that comes in batches."""
        table, names = self._settings.tables[name], given.names.get(name, {})
        columns = {column: (kind, list(names.get(column, ()))) for column, kind in kinds(table).items()}
        return {
            "view": view(name, table),
            "files": [str(file) for file in files],
            "columns": columns,
        }

    def _is_fed(self, name: str) -> bool:
        return self._settings.tables[name].feed is not None

    @contextmanager
    def _placed(self, tables: Sequence[str], copies: Copies) -> Iterator[dict[str, Path]]:
        """Hold the file of each table, by its name; of one in an SQLite file, a copy."""
        held: dict[str, Path] = {}
        copied: list[Path] = []
        try:
            for name in tables if not self._settings.path else ():
                table = self._settings.tables[name]
                if table.feed is not None:
                    continue
                file = (self._folder / table.file).resolve(strict=True)
                if file.suffix in (".sqlite", ".sqlite3", ".db"):
                    file = copies.take(file, name, list(table.columns))
                    copied.append(file)
                held[name] = file
            yield held
        except (OSError, sqlite3.Error) as error:
            raise unreadable(self.name, ", ".join(tables), str(error)) from error
        finally:
            copies.give_back(copied)

    def _check(self) -> None:
        """Look at every table but those that come in batches: what of them is read, each query says."""
        opened = self._opened or _Opened(copies=Copies(), processes=Processes(self.name, "duckdb"))
        patience = Patience(OPENING)
        try:
            for name in self._settings.tables:
                if not self._is_fed(name):
                    self._look(name, patience, opened)
        except BaseException:
            if self._opened is None:
                opened.close()
            raise
        finally:
            patience.end()
        self._opened = opened

    def _look(self, table: str, patience: Patience, opened: _Opened) -> None:
        try:
            self._rows(f"SELECT * FROM {named(table)} LIMIT 0", [], _Fed(), patience, opened)  # noqa: S608
        except ConnectError as error:
            if error.code == "BH-CON-064":
                raise unreadable(self.name, table, error.private or error.what) from error
            raise


def _view(name: str, table: Table, file: Path) -> str:
    """Return the view that shows a table's declared columns and no other."""
    if file.suffix == ".parquet":
        scan = f"read_parquet({text(str(file))})"
    else:
        types = ", ".join(f"{text(column)}: {text(kind)}" for column, kind in kinds(table).items())
        scan = (
            f"read_csv({text(str(file))}, header = true, delim = ',', quote = '\"', escape = '\"', "
            f"types = {{{types}}}, nullstr = '', allow_quoted_nulls = false)"
        )
    return view(name, table) + scan
