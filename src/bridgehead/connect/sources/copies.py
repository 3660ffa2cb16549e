"""Tables of SQLite files as CSV, which DuckDB reads without an extension from the network.

One copy for each state of a file, under a name of its own: it is never written over while a query reads it,
and goes when a newer one is there and nobody reads it any more.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

State = tuple[object, ...]

_HEADER = 100
"""Bytes of a database file's header; it counts changes (https://sqlite.org/fileformat2.html)."""

_INDEX = 96
"""Bytes of the two headers of ``-shm``; they count the changes that are in ``-wal`` alone
(https://sqlite.org/walformat.html)."""


class Copies:
    """The copies of one source, in a folder of their own. Safe between threads."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bridgehead-")
        self._newest: dict[tuple[Path, str], tuple[State, Path]] = {}
        self._readers: Counter[Path] = Counter()
        self._made = 0
        self._lock = threading.Lock()  # two queries must not copy one table at once

    def take(self, file: Path, table: str, columns: Sequence[str]) -> Path:
        """Return a copy as the file is now; it stays until it is given back."""
        with self._lock:
            state = state_of(file)  # looked at first: a change while it is copied is met the next time
            known = self._newest.get((file, table))
            if known is None or known[0] != state:
                copy = self._copied(file, table, columns)
                self._newest[(file, table)] = (state, copy)
                if known is not None and not self._readers[known[1]]:
                    known[1].unlink(missing_ok=True)
                known = (state, copy)
            self._readers[known[1]] += 1
            return known[1]

    def give_back(self, copies: Iterable[Path]) -> None:
        """Say that a query reads them no more."""
        with self._lock:
            newest = {copy for _, copy in self._newest.values()}
            for copy in copies:
                self._readers[copy] -= 1
                if not self._readers[copy]:
                    del self._readers[copy]
                    if copy not in newest:
                        copy.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove them all."""
        with self._lock:
            self._folder.cleanup()

    def _copied(self, file: Path, table: str, columns: Sequence[str]) -> Path:
        self._made += 1
        copy = Path(self._folder.name) / f"{self._made}.csv"
        try:
            _write(file, table, columns, copy)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        return copy


def state_of(file: Path) -> State:
    """Return what differs as soon as somebody has written to an SQLite file, in any of its journal modes."""
    found: list[object] = []
    for path, bytes_of_it in ((file, _HEADER), (_beside(file, "-wal"), 0), (_beside(file, "-shm"), _INDEX)):
        try:
            stat = path.stat()
            with path.open("rb") as opened:
                head = opened.read(bytes_of_it)
        except FileNotFoundError:
            found.append(None)
            continue
        changed = () if path.name.endswith("-shm") else (stat.st_mtime_ns,)  # readers touch that one
        found.append((stat.st_dev, stat.st_ino, stat.st_size, head, *changed))
    return tuple(found)


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _write(file: Path, table: str, columns: Sequence[str], copy: Path) -> None:
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        listed = ", ".join(_quoted(column) for column in columns)
        found = connection.execute(f"SELECT {listed} FROM {_quoted(table)}")  # noqa: S608 -- the charter's names
        with copy.open("w", encoding="utf-8", newline="") as out:
            out.write(",".join(_quoted(column) for column in columns) + "\n")
            for row in found:
                out.write(",".join("" if cell is None else _quoted(str(cell)) for cell in row) + "\n")
    finally:
        connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
