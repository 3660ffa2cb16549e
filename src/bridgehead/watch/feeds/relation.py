"""The published batches of a table as one relation: each is read as it was alone, when it was checked.

In: the folders of the batches that a query reads, each a copy that nobody writes to. Out: their files, and
the SQL that reads them. A column is read by its name, in a file that lacks it by another one that people
accepted for it; one that a file has by neither is null in its rows, as it was when the batch was checked. Its
values become the declared type file by file: what one batch holds never changes how another one is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bridgehead.watch.checks.duckdb_files import header_of
from bridgehead.watch.checks.engine import Unmeasured
from bridgehead.watch.checks.files import Format, format_of
from bridgehead.watch.feeds.view import quoted, text

SETTINGS: Mapping[str, str] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "2",
    "memory_limit": "1GB",
    "temp_directory": "",
}
"""What a query may take of its machine, and of the world around it."""
Columns = Mapping[str, tuple[str, Sequence[str]]]
"""The columns of a table, each with its type and the other names by which a file may have it."""


def files(folders: Sequence[str]) -> list[Path]:
    """Return the files in folders, in their order. Raises ``OSError`` where a copy is not on this machine."""
    if not folders:
        raise FileNotFoundError("no batch was named to be read")
    found = [sorted(each for each in Path(folder).iterdir() if each.name[0] != ".") for folder in folders]
    return [file.resolve(strict=True) for each in found for file in each]


def scan(connection: Any, paths: Sequence[Path], columns: Columns) -> str:
    """Return the SQL of a relation with ``columns``. Raises ``OSError`` for files that cannot be read."""
    by: dict[Format | None, list[Path]] = {}
    for path in paths:
        by.setdefault(format_of(path), []).append(path)
    if not by or by.keys() - _PARTS.keys():
        raise OSError("it is of no format that is read")
    parts = [part for kind, same in by.items() for part in _PARTS[kind](connection, same, columns)]
    return f"({' UNION ALL '.join(parts)})"


def _parquet(connection: Any, paths: Sequence[Path], columns: Columns) -> Iterator[str]:
    """Files of equal columns are read together: what a column is called, each file says for itself."""
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for path in paths:
        described = connection.execute(f"DESCRIBE FROM read_parquet({_listed([path])})").fetchall()
        groups.setdefault(tuple((row[0], row[1]) for row in described), []).append(path)
    for described, members in groups.items():
        names = [name for name, _ in described]
        source = f"read_parquet({_listed(members)}, union_by_name = true)"
        yield f"SELECT {_shown(_found, names, columns)} FROM {source}"  # noqa: S608 -- quoted names


def _csv(_: Any, paths: Sequence[Path], columns: Columns) -> Iterator[str]:
    known = {name.lower() for column, (_, others) in columns.items() for name in (column, *others)}
    groups: dict[tuple[str, tuple[str, ...]], list[Path]] = {}
    for path in paths:
        try:
            groups.setdefault(header_of(path, known), []).append(path)
        except Unmeasured as fault:
            raise OSError(fault.words) from fault
    for (delimiter, names), members in groups.items():
        told = ", ".join(f"{text(name)}: 'VARCHAR'" for name in names)
        source = (
            f"read_csv({_listed(members)}, columns = {{{told}}}, auto_detect = false, header = true, "
            f"delim = {text(delimiter)}, quote = '\"', escape = '\"', nullstr = '', "
            "allow_quoted_nulls = true)"
        )
        yield f"SELECT {_shown(_found, names, columns)} FROM {source}"  # noqa: S608 -- quoted names


def _json(connection: Any, paths: Sequence[Path], columns: Columns) -> Iterator[str]:
    """Files whose columns have the same names are read together, as with Parquet."""
    source = f"read_json_objects({_listed(paths)}, filename = true)"
    rows = connection.execute(f"SELECT DISTINCT filename, unnest(json_keys(json)) FROM {source}").fetchall()  # noqa: S608
    names: dict[str, list[str]] = {str(path): [] for path in paths}
    for file, name in rows:
        names[file].append(name)
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(_shown(_key, names[str(path)], columns), []).append(path)
    for shown, members in groups.items():
        yield f"SELECT {shown} FROM read_json_objects({_listed(members)})"  # noqa: S608 -- quoted names


_PARTS: Mapping[Format | None, Callable[[Any, Sequence[Path], Columns], Iterator[str]]] = {
    "parquet": _parquet,
    "csv": _csv,
    "json": _json,
}


def _shown(read: Callable[..., str], names: Sequence[str], columns: Columns) -> str:
    cells = (
        f"CAST({read(names, column, more)} AS {kind}) AS {quoted(column)}"
        for column, (kind, more) in columns.items()
    )
    return ", ".join(cells)


def _key(names: Sequence[str], column: str, others: Sequence[str]) -> str:
    """Return what reads a column of a record, by the first of its names that the record has."""
    found = [_name(names, one, ()) for one in (column, *others)]
    keys = [text("$." + quoted(name).replace("\\", "\\\\")) for name in found if name is not None]
    read = [f"json_extract_string(json, {key})" for key in keys]
    return f"coalesce({', '.join(read)})" if read else _NOTHING


_NOTHING = "CAST(NULL AS VARCHAR)"


def _found(names: Sequence[str], column: str, others: Sequence[str]) -> str:
    name = _name(names, column, others)
    return quoted(name) if name is not None else _NOTHING


def _name(names: Sequence[str], column: str, others: Sequence[str]) -> str | None:
    """Return what a column is called there: exactly so, or the only name that differs in case alone; else by
    the first of the others that is there."""
    for wanted in (column, *others):
        if wanted in names:
            return wanted
        near = [name for name in names if name.lower() == wanted.lower()]
        if len(near) == 1:
            return near[0]
    return None


def _listed(paths: Sequence[Path]) -> str:
    return f"[{', '.join(text(str(path)) for path in paths)}]"
