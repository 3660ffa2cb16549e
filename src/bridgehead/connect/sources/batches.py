"""The published batches of a table as one relation: read as they were checked, every cell as text.

In: the folders of the batches that a query reads, each a copy that nobody writes to. Out: their files, and
the SQL that reads them. A column that a file lacks is null in its rows, as it was when the batch was checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridgehead.watch.checks.duckdb_files import header_of
from bridgehead.watch.checks.engine import Unmeasured
from bridgehead.watch.checks.files import format_of


def files(folders: Sequence[str]) -> list[Path]:
    """Return the files in folders, in their order. Raises ``OSError`` where a copy is not on this machine."""
    if not folders:
        raise FileNotFoundError("no batch was named to be read")
    found = [sorted(each for each in Path(folder).iterdir() if each.name[0] != ".") for folder in folders]
    return [file.resolve(strict=True) for each in found for file in each]


def scan(connection: Any, paths: Sequence[Path], columns: Sequence[str]) -> str:
    """Return the SQL of a relation with ``columns``. Raises ``OSError`` for files that cannot be read."""
    kinds = {format_of(path) for path in paths}
    if kinds == {"parquet"}:
        return _parquet(connection, paths, columns)
    if kinds == {"csv"}:
        return _csv(paths, columns)
    if kinds == {"json"}:
        return _json(connection, paths, columns)
    raise OSError("its batches are of several formats, or of none that is read")


def _parquet(connection: Any, paths: Sequence[Path], columns: Sequence[str]) -> str:
    source = f"read_parquet({_listed(paths)}, union_by_name = true)"
    names = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
    shown = [f"{_found(names, column)} AS {_quoted(column)}" for column in columns]
    return f"(SELECT {', '.join(shown)} FROM {source})"  # noqa: S608 -- quoted names


def _csv(paths: Sequence[Path], columns: Sequence[str]) -> str:
    known = {column.lower() for column in columns}
    groups: dict[tuple[str, tuple[str, ...]], list[Path]] = {}
    for path in paths:
        try:
            groups.setdefault(header_of(path, known), []).append(path)
        except Unmeasured as fault:
            raise OSError(fault.words) from fault
    parts = []
    for (delimiter, names), members in groups.items():
        told = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
        source = (
            f"read_csv({_listed(members)}, columns = {{{told}}}, auto_detect = false, header = true, "
            f"delim = {_text(delimiter)}, quote = '\"', escape = '\"', nullstr = '', "
            "allow_quoted_nulls = true)"
        )
        shown = [f"{_found(names, column)} AS {_quoted(column)}" for column in columns]
        parts.append(f"SELECT {', '.join(shown)} FROM {source}")  # noqa: S608 -- quoted names
    return f"({' UNION ALL '.join(parts)})"


def _json(connection: Any, paths: Sequence[Path], columns: Sequence[str]) -> str:
    source = f"read_json_objects({_listed(paths)})"
    rows = connection.execute(f"SELECT DISTINCT unnest(json_keys(json)) FROM {source}").fetchall()  # noqa: S608
    names = [row[0] for row in rows]
    shown = []
    for column in columns:
        name = _name(names, column)
        key = _text("$." + _quoted(name).replace("\\", "\\\\")) if name is not None else ""
        shown.append(f"{f'json_extract_string(json, {key})' if key else _NOTHING} AS {_quoted(column)}")
    return f"(SELECT {', '.join(shown)} FROM {source})"  # noqa: S608 -- quoted names


_NOTHING = "CAST(NULL AS VARCHAR)"


def _found(names: Sequence[str], column: str) -> str:
    name = _name(names, column)
    return _quoted(name) if name is not None else _NOTHING


def _name(names: Sequence[str], column: str) -> str | None:
    """Return what a column is called there: exactly so, or the only name that differs in case alone."""
    if column in names:
        return column
    near = [name for name in names if name.lower() == column.lower()]
    return near[0] if len(near) == 1 else None


def _listed(paths: Sequence[Path]) -> str:
    return f"[{', '.join(_text(str(path)) for path in paths)}]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
