"""A drop folder: which batches lie in it, complete, that were not seen before.

Complete is said by the sender, never guessed: a file is there under its final name because it was renamed
(``rename``), or a manifest beside it names its size and hash (``manifest``). That a file has stopped growing
says nothing. Batches are remembered by what they hold: a touched file is no news, a replaced one is.

A manifest is ``NAME.manifest.json``, itself written under another name and renamed::

    {"batch": "2026-11-22", "rows": 1204, "sums": {"amount": "90311.20"},
     "files": [{"name": "orders.csv", "bytes": 48211, "sha256": "..."}]}
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from bridgehead.kernel.errors import ConfigError
from bridgehead.watch.arrivals.event import Arrival, Noticed, days_of
from bridgehead.watch.arrivals.manifest import Manifest, manifest
from bridgehead.watch.arrivals.reading import Batch, measured

UNFINISHED = (".part", ".tmp", ".filepart", ".partial", ".crdownload", ".swp", "~")
"""Endings of names under which files are written before they are renamed; a dot in front is one, too."""
MANIFEST = ".manifest.json"
KEPT = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder into which a feed's batches are dropped; ``names`` is a pattern of file names.

    ``key`` are the columns of the rows' key, ``segment`` the column whose values must all be there.
    """

    feed: str
    path: Path
    complete_by: Literal["rename", "manifest"]
    names: str = "*"
    key: tuple[str, ...] = ()
    segment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file that was taken: as the file system knows it, and what it held."""

    name: str
    size: int
    changed: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """What was seen in a folder: files taken, manifests whose files are awaited, the last batch's keys."""

    taken: tuple[Taken, ...] = ()
    awaited: tuple[str, ...] = ()
    keys: tuple[int, ...] = ()


Read = tuple[FolderState, tuple[Arrival, ...], tuple[Noticed, ...]]


def read(folder: Folder, state: FolderState, now: datetime) -> Read:
    """Return the state after a look at a moment, the batches that are new, and what is wrong with others.

    Raises ``ConfigError`` (BH-WAT-044) where the folder cannot be read: no arrivals would be a lie.
    """
    try:
        found = dict(listed(folder.path))
    except OSError as error:
        raise ConfigError(
            "BH-WAT-044",
            f"the drop folder {folder.path} of {folder.feed} cannot be read: {error.strerror}",
            means="Whether batches arrived is not known; they are not counted as missing or as there.",
            fix="Mount the folder, or let this process read it.",
        ) from error
    state = replace(state, taken=still_of_use(state.taken, found))
    if folder.complete_by == "manifest":
        return _by_manifest(folder, state, found, now)
    return _by_name(folder, state, found, now)


def still_of_use(taken: tuple[Taken, ...], found: Container[str]) -> tuple[Taken, ...]:
    """Return what was taken and is still there, and the last ninety of what is not."""
    last = set(taken[-KEPT:])
    return tuple(each for each in taken if each.name in found or each in last)


def listed(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield regular files under names that are final. Links are not followed: they lead out of the folder."""
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(UNFINISHED):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield entry.name, status


def readable(name: str) -> str:
    """Return a name as people and every store can read it: what is no text, or moves the cursor, is written
    out (``caf\\xe9.csv``, ``\\n``)."""
    return "".join(_written_out(letter) if _is_strange(letter) else letter for letter in name)


def _is_strange(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind[0] == "C" or kind in ("Zl", "Zp")


def _written_out(letter: str) -> str:
    byte = ord(letter) - 0xDC00  # a byte that is no UTF-8, as Python reads names
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else repr(letter)[1:-1]


def _by_name(folder: Folder, state: FolderState, found: dict[str, os.stat_result], now: datetime) -> Read:
    arrivals: list[Arrival] = []
    for name in _in_order(found):
        if (
            name.endswith(MANIFEST)
            or not fnmatchcase(name, folder.names)
            or is_taken(state, name, found[name])
        ):
            continue
        if (content := _held(folder.path / name)) is None:
            continue
        state, news = _take(state, name, found[name], content[1])
        if news:
            state, arrival = _arrival(folder, state, now, name, [(name, content[0])], None)
            arrivals.append(arrival)
    return state, tuple(arrivals), ()


def _by_manifest(folder: Folder, state: FolderState, found: dict[str, os.stat_result], now: datetime) -> Read:
    arrivals: list[Arrival] = []
    said: list[Noticed] = []
    for name in _in_order(found):
        if not name.endswith(MANIFEST) or is_taken(state, name, found[name]):
            continue
        if (raw := _held(folder.path / name)) is None:
            continue
        promised = manifest(raw[0], name)
        parts, awaited = _parts(folder, promised) if isinstance(promised, Manifest) else ([], promised)
        if awaited:
            state, more = _awaits(folder, state, name, awaited, now)
            said += more
            continue
        assert isinstance(promised, Manifest)
        state = replace(state, awaited=tuple(each for each in state.awaited if each != name))
        state, news = _take(state, name, found[name], raw[1])
        if news:
            state, arrival = _arrival(folder, state, now, promised.batch, parts, promised)
            arrivals.append(arrival)
    return state, tuple(arrivals), tuple(said)


def _parts(folder: Folder, promised: Manifest) -> tuple[list[tuple[str, bytes]], str]:
    """Return the files a manifest names, and in words what is not there yet."""
    parts = []
    for each in promised.files:
        if (content := _held(folder.path / each.name)) is None:
            return [], f"{each.name} is not there"
        if len(content[0]) != each.size or content[1] != each.sha256:
            return [], f"{each.name} is not what the manifest says: {len(content[0])} of {each.size} bytes"
        parts.append((each.name, content[0]))
    return parts, ""


def _awaits(
    folder: Folder, state: FolderState, name: str, why: str, now: datetime
) -> tuple[FolderState, list[Noticed]]:
    """Return the state with a manifest awaited; said once, since the files may still be on their way."""
    if name in state.awaited:
        return state, []
    one = Noticed(
        kind="late",
        feed=folder.feed,
        at=now,
        words=f"The batch of {name} is not complete: {why}.",
        fix="Nothing while it is being written. It is not read before it is as its manifest says.",
    )
    return replace(state, awaited=(*state.awaited, name)[-KEPT:]), [one]


def _take(state: FolderState, name: str, status: os.stat_result, sha256: str) -> tuple[FolderState, bool]:
    """Return the state with a file taken, and whether it is news: another name or other bytes."""
    known = any(each.name == name and each.sha256 == sha256 for each in state.taken)
    one = Taken(name=name, size=status.st_size, changed=status.st_mtime_ns, sha256=sha256)
    others = tuple(each for each in state.taken if each.name != name)
    return replace(state, taken=(*others, one)), not known


def is_taken(state: FolderState, name: str, status: os.stat_result) -> bool:
    """Say whether a file was taken, as the file system knows it: same name, size and time."""
    return any(
        each.name == name and each.size == status.st_size and each.changed == status.st_mtime_ns
        for each in reversed(state.taken)
    )


def _arrival(
    folder: Folder,
    state: FolderState,
    now: datetime,
    batch: str,
    parts: Sequence[tuple[str, bytes]],
    promised: Manifest | None,
) -> tuple[FolderState, Arrival]:
    found: Batch = measured(parts, folder.key, folder.segment, state.keys)
    rows = found.rows if found.rows is not None else promised.rows if promised else None
    arrival = Arrival(
        feed=folder.feed,
        batch=batch,
        at=now,
        rows=rows,
        size=sum(len(content) for _, content in parts),
        content=found.content,
        keys=found.keys,
        overlap=found.overlap,
        schema=found.schema,
        about=days_of(batch),
        totals=found.against(promised) if promised else (),
        segments=found.segments,
        segmented_by=folder.segment,
        source_time=promised.written if promised else None,
    )
    return replace(state, keys=found.smallest), arrival


def _held(path: Path) -> tuple[bytes, str] | None:
    """Return what a file holds, and its SHA-256; None where it is gone again. A link is not followed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        content = file.read()
    return content, hashlib.sha256(content).hexdigest()


def _in_order(found: dict[str, os.stat_result]) -> list[str]:
    """Return names in the order in which their files were written, so that batches are seen in theirs."""
    return sorted(found, key=lambda name: (found[name].st_mtime_ns, name))
