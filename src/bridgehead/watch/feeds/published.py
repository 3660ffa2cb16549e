"""The files of what a table holds now, for what refers to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection

from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.snapshots import folders_of, newest
from bridgehead.watch.checks.files import Files, format_of


def files(boundary: Boundary, source: str, table: str) -> Files:
    """Return the files of a table's newest snapshot, or why there are none."""

    def look(connection: Connection) -> tuple[str, ...]:
        found = newest(connection, source, table)
        return folders_of(connection, source, table, found) if found is not None else ()

    folders = boundary.store.look(look)
    return files_of([file for folder in folders for file in copies(boundary.state / folder)])


def copies(folder: Path) -> Iterator[Path]:
    """Yield the files of one copied batch; nothing where they are not on this machine."""
    if folder.is_dir():
        yield from sorted(each for each in folder.iterdir() if not each.name.startswith("."))


def files_of(paths: Sequence[Path]) -> Files:
    """Return files as checks take them, or why they cannot."""
    kinds = {format_of(path) for path in paths}
    if not paths:
        return Files(fault="no batch of it was published yet, or its copies are not on this machine")
    if len(kinds) > 1:
        return Files(fault="its files are of several formats")
    kind = kinds.pop()
    if kind is None or kind == "sqlite":
        return Files(fault="a batch is a .csv, .tsv, .parquet, .json, .jsonl or .ndjson file")
    return Files(format=kind, paths=tuple(paths))
