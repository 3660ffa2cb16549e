"""Which files hold the objects of a contract: one file, or a folder with a file or a folder for each.

What is found lies below the path that was given, by names that mean exactly one file each: links that lead
out of a folder and names that a database would read as a pattern are refused. An object whose physical name
is a pattern (``orders_*.csv``) is held by all files of that name together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from bridgehead.kernel.errors import WatchError
from bridgehead.watch.contract.model import Table

Format = Literal["parquet", "csv", "json", "sqlite"]
MOST_FILES = 10_000

_SUFFIXES: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}
_PATTERN = set("*?[]{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of one object, all of one format. ``fault`` says why there are none.

    ``null`` is how a copy made here writes a null, without quotes; empty in CSV of others, where it is
    nothing at all, in quotes or not.
    """

    format: Format = "parquet"
    paths: tuple[Path, ...] = ()
    fault: str = ""
    null: str = ""


def find(data: Path, tables: Sequence[Table]) -> dict[str, Files]:
    """Return the files of each object by its name. Raises ``WatchError`` BH-WAT-016."""
    if any(letter in _PATTERN for letter in str(data.absolute())):
        raise _refused(data, "its path has letters that would mean several files", "Rename or move it.")
    if data.is_file():
        return _one_file(data, tables)
    if not data.is_dir():
        raise _refused(data, "it is not there", "Name a file, a folder or a database.")
    manifests = {table.ours.control_totals.manifest for table in tables if table.ours.control_totals}
    return {table.name: _in_folder(data, table, len(tables) == 1, manifests) for table in tables}


def format_of(path: Path) -> Format | None:
    """Return the format that a file's name says."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
        found = _SUFFIXES.get(suffixes[-1]) if suffixes else None
        return found if found in ("csv", "json") else None
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def _one_file(data: Path, tables: Sequence[Table]) -> dict[str, Files]:
    kind = format_of(data)
    if kind is None:
        raise _refused(
            data,
            "its name does not say what it is",
            "Data are .parquet, .csv, .tsv, .json, .jsonl, .ndjson (also .gz), or .sqlite.",
        )
    files = Files(format=kind, paths=(data.absolute(),))
    if kind == "sqlite" or len(tables) == 1:
        return {table.name: files for table in tables}
    stem = _stem(data)
    named = [table for table in tables if stem in (table.name.lower(), table.physical.lower())]
    if len(named) != 1:
        names = ", ".join(table.name for table in tables)
        raise _refused(
            data, f"it could hold any of {names}", "Name the file as its object, or the folder they lie in."
        )
    missing = Files(fault=f"only data of {named[0].name} were given")
    return {table.name: files if table is named[0] else missing for table in tables}


def _in_folder(folder: Path, table: Table, alone: bool, manifests: Iterable[str]) -> Files:
    names = {table.name.lower(), table.physical.lower()}
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "_")))
    entries = [entry for entry in entries if entry.name not in manifests]
    if "*" in table.physical:
        named = [one for one in entries if fnmatchcase(one.name, table.physical) and _is_data(one, manifests)]
        return _files(folder, named) if named else Files(fault=f"no file is named {table.physical}")
    matching = [entry for entry in entries if entry.is_file() and format_of(entry) and _stem(entry) in names]
    inside = [entry for entry in entries if entry.is_dir() and entry.name.lower() in names]
    if len(matching) + len(inside) > 1:
        shown = ", ".join(entry.name for entry in (*matching, *inside))
        return Files(fault=f"several could be {table.name}: {shown}")
    if matching:
        return _files(folder, matching)
    if inside:
        return _files(folder, [entry for entry in sorted(inside[0].rglob("*")) if _is_data(entry, manifests)])
    whole = [entry for entry in entries if _is_data(entry, manifests)]
    holding = [entry for entry in whole if format_of(entry) == "sqlite" and _holds(entry, table)]
    if holding:
        return _files(folder, holding)
    if alone and whole:
        return _files(folder, whole)
    return Files(fault=f"no file or folder in {folder.name or folder} is named {table.name}")


def tables_of(file: Path) -> tuple[str, ...]:
    """Return the tables and views of an SQLite file by name. Raises ``sqlite3.Error``."""
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    try:
        found = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' "
            "ORDER BY name"
        )
        return tuple(name for (name,) in found)
    finally:
        connection.close()


def _holds(file: Path, table: Table) -> bool:
    try:
        return not {table.name, table.physical}.isdisjoint(tables_of(file))
    except (sqlite3.Error, OSError):
        return False


def _is_data(entry: Path, manifests: Iterable[str]) -> bool:
    hidden = entry.name.startswith((".", "_")) or entry.name in manifests
    return entry.is_file() and not hidden and format_of(entry) is not None


def _files(folder: Path, found: Sequence[Path]) -> Files:
    root = folder.resolve()
    kinds = {format_of(path) for path in found}
    if not found:
        return Files(fault="its folder holds no data")
    if len(found) > MOST_FILES:
        return Files(fault=f"it has more than {MOST_FILES} files")
    for path in found:
        if not path.resolve().is_relative_to(root):
            return Files(fault=f"{path.name} is a link out of the folder")
        if any(letter in _PATTERN for letter in str(path.absolute())):
            return Files(fault=f"the name {path.name} would mean several files")
    kind = kinds.pop()
    if kinds or kind is None:
        return Files(fault="its files are of several formats")
    if kind == "sqlite" and len(found) > 1:
        return Files(fault="there are several SQLite files")
    return Files(format=kind, paths=tuple(path.absolute() for path in found))


def _stem(path: Path) -> str:
    return path.name.lower().removesuffix(".gz").rsplit(".", 1)[0]


def _refused(data: Path, why: str, fix: str) -> WatchError:
    return WatchError(
        "BH-WAT-016", f"{data} cannot be checked: {why}",
        means="Nothing was checked; these data count as not checked.", fix=fix,
    )  # fmt: skip
