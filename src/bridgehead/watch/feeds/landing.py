"""Complete files of a drop folder, copied into the state folder: what is checked and read is the copy.

::

    seen = look(drop, "orders_*.csv", "rename", known)       # what is complete and was not taken
    for each in seen.complete:
        landed = land(drop, each, place)                     # None: it changed meanwhile, look again

A copy is written beside its place, with its digest taken on the way, and renamed into it: it is whole or not
there. It is named by what it holds, so that two workers who copy the same batch make one copy.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Literal

from bridgehead.kernel.errors import WatchError
from bridgehead.watch.arrivals.event import days_of
from bridgehead.watch.arrivals.folder import MANIFEST, FolderState, Taken, is_taken, listed, readable
from bridgehead.watch.arrivals.manifest import LARGEST, Manifest, manifest
from bridgehead.watch.contract.ours import BATCH

UNFINISHED = ".unfinished-"
SAID = ".manifest.json"
"""What the sender's manifest is called beside our copy: every name without a dot in front is data."""
TOTALS = ".totals.json"
"""What the sender's control totals are called there."""
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """A batch that its sender says is complete: what it is called, its files, what the sender says of it, and
    the file of its control totals where there is one."""

    label: str
    files: tuple[str, ...]
    promised: Manifest | None = None
    manifest: str = ""
    totals: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What lies in a drop folder: ``complete`` batches that were not taken, and manifests and files for which
    others are ``awaited``, with why, in words."""

    complete: tuple[Complete, ...] = ()
    awaited: tuple[tuple[str, str], ...] = ()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A batch as it was copied to ``folder``: ``name`` holds its label and the digest of its bytes."""

    name: str
    label: str
    folder: Path
    files: tuple[tuple[str, Path], ...]
    taken: tuple[Taken, ...]
    size: int
    promised: Manifest | None


class Changed(Exception):
    """A file is not what was looked at: it is gone, or somebody writes to it. It is looked at again."""


def look(
    drop: Path,
    pattern: str,
    complete_by: Literal["rename", "manifest"],
    known: FolderState,
    totals: str = "",
) -> Seen:
    """Return what is new in a drop folder. ``totals`` is how the file of control totals of a batch is called,
    with ``{batch}`` for the batch, where there must be one.

    Raises ``WatchError`` (BH-WAT-045) where it cannot be read: that no batch came would be a lie.
    """
    try:
        found = dict(listed(drop))
    except OSError as error:
        raise WatchError(
            "BH-WAT-045",
            f"the drop folder {drop} cannot be read: {error.strerror or type(error).__name__}",
            means="Whether batches came is not known, which counts as broken; what was published stays.",
            fix="Mount the folder, or let this process read it.",
        ) from error
    if complete_by == "manifest":
        return _by_manifest(drop, pattern, known, found, totals)
    new = [
        Complete(
            label=readable(name),
            files=(name,),
            totals=_totals_of(totals, name[: -len(_ending(name)) or None]),
        )
        for name in in_order(found)
        if fnmatchcase(name, pattern)
        and not name.endswith(MANIFEST)
        and not (totals and fnmatchcase(name, totals.replace(BATCH, "*")))
    ]
    return _with_totals(
        Seen(complete=tuple(each for each in new if _is_new(known, found, each)), names=frozenset(found)),
        found,
    )


def _totals_of(totals: str, batch: str) -> str:
    return totals.replace(BATCH, batch)


def _is_new(known: FolderState, found: Mapping[str, os.stat_result], batch: Complete) -> bool:
    """Say whether a batch was not taken as it is: other totals are another batch."""
    parts = (batch.manifest or batch.files[0], batch.totals)
    return not all(is_taken(known, name, found[name]) for name in parts if name in found)


def _with_totals(seen: Seen, found: Mapping[str, os.stat_result]) -> Seen:
    """Return what was seen; a batch whose file of control totals is not there yet is awaited."""
    lacking = [each for each in seen.complete if each.totals and each.totals not in found]
    awaited = tuple(
        (each.label, f"its control totals, {readable(each.totals)}, are not there") for each in lacking
    )
    whole = tuple(each for each in seen.complete if each not in lacking)
    return replace(seen, complete=whole, awaited=(*seen.awaited, *awaited))


def in_order(found: Mapping[str, os.stat_result]) -> list[str]:
    """Return names by the business day in them, then in the order in which their files were written: at the
    latest when the folder's own clock saw them change last, whatever their sender's clock says."""
    return sorted(found, key=lambda name: (max(days_of(name), default=date.min), _written(found[name]), name))


def _written(status: os.stat_result) -> int:
    return min(status.st_mtime_ns, status.st_ctime_ns)


def _by_manifest(
    drop: Path, pattern: str, known: FolderState, found: Mapping[str, os.stat_result], totals: str
) -> Seen:
    complete: list[Complete] = []
    awaited: list[tuple[str, str]] = []
    for name in in_order(found):
        if not name.endswith(MANIFEST) or (not totals and is_taken(known, name, found[name])):
            continue
        promised = _manifest(drop, name)
        if promised is None:
            continue
        if isinstance(promised, str):
            awaited.append((readable(name), promised))
            continue
        files = tuple(part.name for part in promised.files)
        if not all(fnmatchcase(each, pattern) for each in files):
            continue  # another table's
        lacking = [
            part.name
            for part in promised.files
            if part.name not in found or found[part.name].st_size != part.size
        ]
        if lacking:
            why = f"{readable(lacking[0])} is not there, or not as long as the manifest says"
            awaited.append((readable(name), why))
            continue
        beside = _totals_of(totals, promised.batch)
        one = Complete(
            label=readable(promised.batch), files=files, promised=promised, manifest=name, totals=beside
        )
        if _is_new(known, found, one):
            complete.append(one)
    seen = Seen(complete=tuple(complete), awaited=tuple(awaited), names=frozenset(found))
    return _with_totals(seen, found)


def _manifest(drop: Path, name: str) -> Manifest | str | None:
    try:
        with _opened(drop / name) as stream:
            raw = stream.read(LARGEST + 1)
    except (OSError, Changed):
        return None
    return manifest(raw, readable(name))


def land(drop: Path, batch: Complete, place: Path) -> Landed | None:
    """Copy a batch to a folder in ``place`` named by its digest, and return it; None where it changed
    meanwhile.

    Raises ``WatchError`` (BH-WAT-046) where it cannot be written: a full disk, no right to.
    """
    draft = place / f"{UNFINISHED}{secrets.token_hex(8)}"
    try:
        draft.mkdir(parents=True, mode=0o700)
        try:
            return _landed(drop, batch, place, draft)
        except Changed:
            return None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise WatchError(
            "BH-WAT-046",
            f"the batch {batch.label} cannot be copied to {place}: {error.strerror or type(error).__name__}",
            means="It was not taken, and is tried again; what was published stays.",
            fix="Free some space, or give this account the right to read the one and write the other.",
        ) from error


def _landed(drop: Path, batch: Complete, place: Path, draft: Path) -> Landed:
    taken: list[Taken] = []
    names: list[tuple[str, str]] = []
    promised = {part.name: part for part in batch.promised.files} if batch.promised else {}
    for number, name in enumerate(batch.files):
        ours = f"{number}{_ending(name)}"  # whatever the sender calls it: no pattern, no way out
        one = _copied(drop / name, draft / ours)
        if name in promised and promised[name].sha256 != one.sha256:
            raise Changed
        taken.append(one)
        names.append((name, ours))
    if batch.manifest:
        taken.append(_copied(drop / batch.manifest, draft / SAID))
        if batch.promised != manifest((draft / SAID).read_bytes(), batch.manifest):
            raise Changed
    held = [f"{one.sha256} {name}" for one, (name, _) in zip(taken, names, strict=False)]
    if batch.totals:
        taken.append(_copied(drop / batch.totals, draft / TOTALS))
        held.append(taken[-1].sha256)
    whole = hashlib.sha256("\n".join((batch.label, *held)).encode("utf-8", "surrogateescape")).hexdigest()
    folder = place / whole[:24]
    _put(draft, folder)
    return Landed(
        name=f"{batch.label}@{whole[:12]}",
        label=batch.label,
        folder=folder,
        files=tuple((name, folder / ours) for name, ours in names),
        taken=tuple(taken),
        size=sum(one.size for one in taken[: len(names)]),
        promised=batch.promised,
    )


def _put(draft: Path, folder: Path) -> None:
    """Rename a whole copy into its place; one that is there already holds the same, and stays."""
    _synced(draft)
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        os.utime(folder)  # it may be a copy without a row, which is kept for a while only
        return
    _synced(folder.parent)


def _ending(name: str) -> str:
    """Return what a name says of its format, and nothing else of it."""
    endings = [each.lower() for each in PurePath(name).suffixes[-2:]]
    if endings[-1:] == [".gz"]:
        return "".join(endings) if len(endings) == 2 and endings[0][1:].isalnum() else ".gz"
    return endings[-1] if endings and endings[-1][1:].isalnum() and endings[-1].isascii() else ""


def _copied(file: Path, copy: Path) -> Taken:
    """Copy a file durably, and return it as it was taken. Raises ``Changed``."""
    found = hashlib.sha256()
    with _opened(file) as source:
        before = os.fstat(source.fileno())
        with copy.open("xb") as target:
            while chunk := source.read(CHUNK):
                found.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or (
        copy.stat().st_size != after.st_size
    ):
        raise Changed
    copy.chmod(0o400)
    return Taken(name=file.name, size=after.st_size, changed=after.st_mtime_ns, sha256=found.hexdigest())


def _opened(file: Path):  # type: ignore[no-untyped-def]  # what os.fdopen gives
    """Open a regular file without following a link. Raises ``Changed``."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        raise Changed from error
    stream = os.fdopen(handle, "rb")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        stream.close()
        raise Changed
    return stream


def _synced(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copies_in(place: Path) -> Iterator[Path]:
    """Yield the copies of batches in a folder, and what a process did not finish before it ended."""
    if place.is_dir():
        yield from place.iterdir()
