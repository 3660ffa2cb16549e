"""Files, read by DuckDB in this process: Parquet, CSV, JSON, SQLite, one file or many for a table.

The connection can open those files and nothing else: no other file, no network, no extension, and its
settings are locked before the first check. What does not fit into memory goes to a folder that is gone
afterwards.
"""

from __future__ import annotations

import csv
import gzip
import sqlite3
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks import types
from bridgehead.watch.checks.dialects import DuckdbWriter
from bridgehead.watch.checks.engine import Limits, Native, Opened, Unmeasured, by_name, not_named
from bridgehead.watch.checks.files import Files
from bridgehead.watch.checks.textcells import cell
from bridgehead.watch.checks.unreadable import TO_UTF8, why
from bridgehead.watch.checks.write import Cell, Relation, literal, quoted
from bridgehead.watch.contract.model import Column, Table

HEADER_BYTES = 1024 * 1024
"""The longest header line that is read."""
NULL = r"\N"
"""How a null is written in a copy, bare; the text of these letters is in quotes there, and stays text."""


class DuckdbFiles:
    """The files of a contract's objects, by the objects' names."""

    dialect = "duckdb"

    def __init__(self, files: Mapping[str, Files], limits: Limits, clock: Clock) -> None:
        self._files, self._limits, self._clock = files, limits, clock
        self._ends = clock.monotonic() + limits.seconds
        self._one_of_many = any(len(each.paths) > 1 for each in files.values())
        self._work = tempfile.TemporaryDirectory(prefix="bridgehead-watch-")
        self._opened: dict[str, Opened] = {}
        self._faults: dict[str, Unmeasured] = {}
        self._declared: dict[str, tuple[Native, ...]] = {}
        self._connection = self._connect()

    def prepare(self, tables: Sequence[Table]) -> None:
        """Look at every table, make the views that SQL clauses name, and lock the connection."""
        staged = {table.name: self._stage(table) for table in tables}
        allowed = [str(path) for files in staged.values() for path in files.paths]
        self._run(f"SET allowed_paths = [{', '.join(map(literal, allowed))}]")
        self._run(f"SET allowed_directories = [{literal(self._work.name)}]")
        self._run("SET enable_external_access = false")
        for table in tables:
            try:
                opened = self._look(table, staged[table.name])
                if table.name in self._declared:
                    opened = replace(opened, native=self._declared[table.name])
                self._opened[table.name] = opened
            except Unmeasured as fault:
                self._faults[table.name] = fault
        claimed = Counter(name for table in tables for name in _names(table))
        for table in tables:
            if table.name in self._opened:
                mine = [name for name in _names(table) if claimed[name] == 1]
                self._views(table, self._opened[table.name], mine)
        self._run("SET lock_configuration = true")

    def writer(self, relation: Relation) -> DuckdbWriter:
        return DuckdbWriter(relation)

    def open(self, table: Table) -> Opened:
        if table.name in self._faults:
            raise self._faults[table.name]
        return self._opened[table.name]

    def rows(self, sql: str, most: int) -> Sequence[Sequence[Any]]:
        duckdb = library()
        left = self._ends - self._clock.monotonic()
        if left <= 0:
            raise Unmeasured("the time for this check was up", over=True)
        timer = threading.Timer(left, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            found: Sequence[Sequence[Any]] = self._connection.execute(sql).fetchmany(most)
            return found
        except duckdb.InterruptException as error:
            raise Unmeasured("the time for this check was up", over=True) from error
        except (duckdb.Error, ArithmeticError, ValueError) as error:  # also what Python has no value for
            raise Unmeasured(why(error, one_of_many=self._one_of_many)) from error
        finally:
            timer.cancel()

    def close(self) -> None:
        self._connection.close()
        self._work.cleanup()

    def _connect(self) -> Any:
        connection = library().connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
                "threads": str(self._limits.threads),
                "memory_limit": f"{self._limits.memory_mib}MiB",
                "preserve_insertion_order": "false",
                "temp_directory": self._work.name,
            },
        )
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def _run(self, sql: str) -> None:
        self._connection.execute(sql)

    def _stage(self, table: Table) -> Files:
        """Return the files DuckDB reads: a table of an SQLite file is copied out as CSV first."""
        files = self._files.get(table.name) or Files(fault="no data were given")
        if files.fault or files.format != "sqlite":
            return files
        copy = Path(self._work.name) / f"table{len(list(Path(self._work.name).iterdir()))}.csv"
        try:
            self._declared[table.name] = _copy_sqlite(files.paths[0], table, copy)
        except LookupError as error:
            return Files(fault=f"the SQLite file has no table to read: {error.args[0]}")
        except (sqlite3.Error, OSError, ValueError) as error:  # their messages can quote a cell
            return Files(fault=f"the SQLite file has no table to read: {type(error).__name__}")
        return Files(format="csv", paths=(copy,), null=NULL)

    def _look(self, table: Table, files: Files) -> Opened:
        if files.fault:
            raise Unmeasured(files.fault)
        try:
            if files.format == "parquet":
                return self._parquet(table, files.paths)
            if files.format == "csv":
                return self._csv(table, files.paths, files.null)
            return self._json(table, files.paths)
        except (library().Error, ValueError) as error:  # ValueError: a name that SQL cannot write
            raise Unmeasured(why(error, one_of_many=self._one_of_many)) from error

    def _parquet(self, table: Table, paths: Sequence[Path]) -> Opened:
        """Compare the types in the footer of every file."""
        types_of: dict[str, set[str]] = {}
        for path in paths:
            source = f"read_parquet({literal(str(path))})"
            for name, kind, *_ in self._connection.execute(f"DESCRIBE FROM {source}").fetchall():
                types_of.setdefault(name, set()).add(kind)
        source = f"read_parquet({_listed(paths)}, union_by_name = true)"
        names = list(types_of)
        cells, absent, misfits = {}, set(), {}
        for column in table.columns:
            name = by_name(names, column)
            if name is None:
                absent.add(column.name)
                cells[column.name] = nothing(column)
                continue
            found = sorted(kind for kind in types_of[name] if not types.fits(kind, column.logical))
            if found:
                misfits[column.name] = found[0]
            value = quoted(name)
            if any(types.reads_as_text(kind) for kind in types_of[name]):
                value = f"CAST({value} AS VARCHAR)"
            if column.logical == "timestamp" and any("ZONE" in kind for kind in types_of[name]):
                value = f"CAST({value} AS TIMESTAMP)"  # in UTC, the connection's zone
            cells[column.name] = Cell(value=value, logical=column.logical)
        return Opened(
            relation=Relation(source=source, cells=cells),
            absent=frozenset(absent),
            misfits=misfits,
            more=not_named(names, table),
            native=tuple(Native(name=name, type=" or ".join(sorted(types_of[name]))) for name in names),
        )

    def _csv(self, table: Table, paths: Sequence[Path], null: str) -> Opened:
        groups: dict[tuple[str, tuple[str, ...]], list[Path]] = {}
        known = {column.physical.lower() for column in table.columns}
        for path in paths:
            groups.setdefault(header_of(path, known), []).append(path)
        parts, names = [], []
        for (delimiter, header), members in groups.items():
            told = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
            how = f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', header = true"
            how += f", nullstr = {literal(null)}, allow_quoted_nulls = {'false' if null else 'true'}"
            parts.append(
                f"FROM read_csv({_listed(members)}, columns = {{{told}}}, auto_detect = false, {how})"
            )
            names += [name for name in header if name not in names]
        return _texts(table, f"({' UNION ALL BY NAME '.join(parts)}) AS texts", names, {})

    def _json(self, table: Table, paths: Sequence[Path]) -> Opened:
        source = f"read_json_objects({_listed(paths)})"
        keys = f"SELECT DISTINCT unnest(json_keys(json)) FROM {source} ORDER BY 1"  # noqa: S608
        found = self.rows(keys, 10_000)
        names = [row[0] for row in found]
        paths_to = {name: literal("$." + '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"')
                    for name in names}  # fmt: skip
        return _texts(table, source, names, paths_to)

    def _views(self, table: Table, opened: Opened, names: Sequence[str]) -> None:
        """Make the views that SQL clauses name; without them such a clause gets no answer, the rest does."""
        shown = [
            f"{opened.relation.cells[column.name].value} AS {quoted(column.physical)}"
            for column in table.columns
            if column.name not in opened.faults
        ]
        read = f"SELECT {', '.join(shown)} FROM {opened.relation.source}"  # noqa: S608 -- quoted names
        for name in names:
            with suppress(library().Error):
                self._run(f"CREATE VIEW {quoted(name)} AS {read}")


def _names(table: Table) -> tuple[str, ...]:
    """Return what SQL clauses may call a table, each once: DuckDB tells no names apart by case alone."""
    return tuple(dict.fromkeys(name.lower() for name in (table.name, table.physical)))


def nothing(column: Column) -> Cell:
    """Return how an absent column reads: null in every row."""
    kinds = {"integer": "BIGINT", "number": "DOUBLE PRECISION", "boolean": "BOOLEAN", "date": "DATE",
             "timestamp": "TIMESTAMP", "time": "TIME"}  # fmt: skip
    return Cell(value=f"CAST(NULL AS {kinds.get(column.logical, 'VARCHAR')})", logical=column.logical)


def _texts(table: Table, source: str, names: Sequence[str], json_paths: Mapping[str, str]) -> Opened:
    cells, absent, faults = {}, set(), {}
    for column in table.columns:
        name = by_name(names, column)
        if name is None:
            absent.add(column.name)
            cells[column.name] = nothing(column)
            continue
        raw, kind = quoted(name), ""
        if json_paths:
            raw = f"json_extract_string(json, {json_paths[name]})"
            kind = f"json_type(json, {json_paths[name]})"
        try:
            cells[column.name] = cell(raw, column, kind)
        except ValueError as error:
            faults[column.name] = str(error)
            cells[column.name] = nothing(column)
    return Opened(
        relation=Relation(source=source, cells=cells),
        absent=frozenset(absent),
        faults=faults,
        more=not_named(names, table),
        native=tuple(Native(name=name, type="text") for name in names),
    )


def header_of(path: Path, known: Set[str]) -> tuple[str, tuple[str, ...]]:
    """Return what separates the fields of a CSV file, and its names. ``known`` are names that are looked for,
    in lower case. Raises ``Unmeasured``."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:  # only this line: of another the reader says which it is
            first = stream.readline(HEADER_BYTES)
        line = first.partition(b"\r")[0].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unmeasured(f"{path.name} is not UTF-8 text: {TO_UTF8}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise Unmeasured(f"{path.name} cannot be opened ({type(error).__name__})") from error
    if not line.strip():
        raise Unmeasured(f"{path.name} is empty: it has not even a header")
    try:
        splits = [(delimiter, _fields(line, delimiter)) for delimiter in ",;\t|"]
    except csv.Error as error:
        raise Unmeasured(f"the header of {path.name} cannot be read") from error
    best = max(splits, key=lambda split: (sum(name.lower() in known for name in split[1]), len(split[1])))
    delimiter, names = best
    fault = _misnamed([name.lower() for name in names], known)
    if fault:
        raise Unmeasured(f"the header of {path.name} {fault}")
    return delimiter, names


def _misnamed(folded: Sequence[str], known: Set[str]) -> str:
    """Return what is wrong with the names of a header, if anything.

    Without a header the first line is a row, so only a name of the contract is repeated here.
    """
    for place, name in enumerate(folded, 1):
        if not name:
            return f"has no name for column {place}"
        if name in folded[: place - 1]:
            told = f"`{name}`" if name in known else "one column"
            return f"names {told} twice, in columns {folded.index(name) + 1} and {place}"
    return ""


def _fields(line: str, delimiter: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in next(csv.reader([line.rstrip("\n")], delimiter=delimiter)))


def _copy_sqlite(file: Path, table: Table, copy: Path) -> tuple[Native, ...]:
    """Write a table of an SQLite file as CSV, and return its columns as the file declares them.

    DuckDB would fetch its reader of SQLite from the network.
    """
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        there = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type IN "
                                                      "('table', 'view')")]  # fmt: skip
        name = next((one for one in (table.physical, table.name) if one in there), None)
        if name is None:
            raise LookupError(f"{table.physical} is not among {', '.join(there[:8]) or 'its tables: none'}")
        declared = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
        found = connection.execute(f"SELECT * FROM {quoted(name)}")  # noqa: S608 -- quoted
        with copy.open("w", encoding="utf-8", newline="") as out:
            out.write(_line([column[0] for column in found.description]))
            out.writelines(_line(row) for row in found)
    finally:
        connection.close()
    return tuple(
        Native(name=row[1], type=row[2] or "blob", nullable=not row[3] and not row[5]) for row in declared
    )


def _line(row: Sequence[Any]) -> str:
    """Return a line of CSV in which every value is in quotes and a null is not: an empty text is no null."""
    return ",".join(NULL if one is None else _in_quotes(one) for one in row) + "\n"


def _in_quotes(value: Any) -> str:
    return '"' + str(value).replace('"', '""') + '"'


def _listed(paths: Sequence[Path]) -> str:
    return f"[{', '.join(literal(str(path)) for path in paths)}]"


def library() -> Any:
    """Return the package ``duckdb``. Raises ``WatchError`` (BH-WAT-014)."""
    try:
        import duckdb
    except ImportError as error:
        raise WatchError(
            "BH-WAT-014",
            "checking files needs the package duckdb",
            means="It reads Parquet, CSV and JSON in this process.",
            fix="Run `pip install 'bridgehead[watch]'`.",
        ) from error
    return duckdb
