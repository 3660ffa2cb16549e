"""Which objects lie at a place: a file each, a folder each, or all files whose names differ in a date alone.

``orders_2026-11-01.csv`` and ``orders_2026-11-02.csv`` are two batches of ``orders``; their dates say when
batches come.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks.files import Files, find, format_of, tables_of
from bridgehead.watch.contract.model import Table

MOST_OBJECTS = 200
NO_FILES = Files()
_DAY = re.compile(
    r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?:[-_T.]?\d{2}[-_:.]?\d{2}(?:[-_:.]?\d{2})?Z?)?(?!\d)"
)
_MONTH = re.compile(r"(?<!\d)(\d{4})[-_.](\d{2})(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object: ``name`` in the contract, ``physical`` where it lies, the days its files are named after."""

    name: str
    physical: str
    files: Files = NO_FILES
    days: tuple[date, ...] = ()

    def table(self) -> Table:
        """Return the object as a contract that says nothing of it would have it."""
        return Table(name=self.name, physical=self.physical, columns=())

    @property
    def batches(self) -> tuple[Path, ...]:
        """Return its files, the oldest first, where each is named after a day; else nothing."""
        dated = [(days[0], path) for path in self.files.paths if (days := _days([path]))]
        return tuple(path for _, path in sorted(dated)) if len(dated) == len(self.files.paths) else ()


def in_files(data: Path) -> list[Found]:
    """Return the objects of a file or a folder. Raises ``WatchError`` BH-WAT-016, BH-WAT-090."""
    if data.is_file() and format_of(data) == "sqlite":
        return _in_sqlite(data)
    if not data.is_dir():
        name, physical, days = _named(data)
        bare = Table(name=name, physical=physical, columns=())
        return [Found(name=name, physical=physical, files=find(data, (bare,))[name], days=days)]
    return _in_folder(data)


def unique(found: Iterable[Found]) -> list[Found]:
    """Return objects with names that differ by more than case."""
    seen: dict[str, int] = {}
    made = []
    for one in found:
        folded = one.name.lower()
        seen[folded] = seen.get(folded, 0) + 1
        name = one.name if seen[folded] == 1 else f"{one.name}_{seen[folded]}"
        made.append(Found(name=name, physical=one.physical, files=one.files, days=one.days))
    return made


def spelt(text: str) -> str:
    """Return a name that tools, YAML and SQL read alike."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "data"


def _in_folder(folder: Path) -> list[Found]:
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "_")))
    groups: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for entry in entries:
        if entry.is_file() and format_of(entry) is not None:
            name, physical, _ = _named(entry)
            groups[name, physical].append(entry)
        elif entry.is_dir() and any(format_of(file) for file in entry.rglob("*") if file.is_file()):
            groups[spelt(entry.name), entry.name].append(entry)
    if not groups:
        raise nothing(str(folder), "it holds no CSV, Parquet, JSON or SQLite file")
    if len(groups) > MOST_OBJECTS:
        raise nothing(
            str(folder), f"it holds {len(groups)} objects; at most {MOST_OBJECTS} are drafted at once"
        )
    found: list[Found] = []
    for (name, physical), members in groups.items():
        if len(members) == 1 and members[0].is_file() and format_of(members[0]) == "sqlite":
            found += _beside_others(folder, members[0])
        else:
            bare = Table(name=name, physical=physical, columns=())
            found.append(
                Found(name=name, physical=physical, files=find(folder, (bare, bare))[name],
                      days=_days(members))
            )  # fmt: skip
    return unique(found)


def _named(path: Path) -> tuple[str, str, tuple[date, ...]]:
    """Return name, physical name and day of a file: a date in its name makes it one batch of several."""
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    for form in (_DAY, _MONTH):
        dated = form.search(stem)
        if dated is not None and _day(dated) is not None:
            rest = spelt(f"{stem[: dated.start()]}_{stem[dated.end() :]}")
            tail = path.name[dated.end() :]
            return rest, f"{stem[: dated.start()]}*{tail}", _days([path])
    return spelt(stem), stem, ()


def _days(paths: Sequence[Path]) -> tuple[date, ...]:
    days = set()
    for path in paths:
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        for file in files:
            dated = _DAY.search(file.name) or _MONTH.search(file.name)
            day = _day(dated) if dated else None
            if day:
                days.add(day)
    return tuple(sorted(days))


def _day(dated: re.Match[str]) -> date | None:
    parts = [int(part) for part in dated.groups() if part and part.isdigit()]
    try:
        return (
            date(parts[0], parts[1], parts[2] if len(parts) > 2 else 1) if 1990 <= parts[0] < 2100 else None
        )
    except ValueError:
        return None


def _in_sqlite(file: Path) -> list[Found]:
    try:
        names = tables_of(file)
    except (sqlite3.Error, OSError) as error:
        raise nothing(str(file), f"it cannot be read as SQLite ({type(error).__name__})") from error
    if not names:
        raise nothing(str(file), "it has no tables")
    files = Files(format="sqlite", paths=(file.absolute(),))
    return unique(Found(name=spelt(name), physical=name, files=files) for name in names)


def _beside_others(folder: Path, file: Path) -> list[Found]:
    """Return the tables of an SQLite file in a folder, as a check of the folder would find them."""
    try:
        names = tables_of(file)
    except (sqlite3.Error, OSError) as error:
        fault = Files(fault=f"it cannot be read as SQLite ({type(error).__name__})")
        return [Found(name=spelt(file.stem), physical=file.name, files=fault)]
    made = []
    for name in names:
        bare = Table(name=spelt(name), physical=name, columns=())
        files = find(folder, (bare, bare))[bare.name]
        if not files.fault and files.paths != (file.absolute(),):
            files = Files(fault=f"{files.paths[0].name} has that name, too; draft {file.name} by itself")
        made.append(Found(name=bare.name, physical=name, files=files))
    return made


def nothing(data: str, why: str) -> WatchError:
    """Return the error that there is nothing to draft from."""
    return WatchError(
        "BH-WAT-090", f"no contract can be drafted from {data}: {why}", means="Nothing was written.",
        fix="Name a CSV, Parquet, JSON or SQLite file, a folder of them, or a PostgreSQL address.",
    )  # fmt: skip
