"""The files of a collection's folder, and their bytes: no links, no way out, no more than was agreed.

A file is opened without following a link, and must be the very file that was seen: what is swapped between a
look and the reading is refused, too.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bridgehead.connect.collections.text import Unreadable
from bridgehead.kernel.errors import ConnectError

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as it was seen. ``path`` is its name in the collection (NFC); ``words``: why it is refused."""

    path: str
    place: Path
    stat: str
    changed: float
    title: str = ""
    size: int = 0
    words: str = ""


def files(root: Path, *, most: int, skip: Path | None = None) -> Iterator[File]:
    """Yield every file below ``root`` but hidden ones and ``skip``, in order.

    Raises ``ConnectError`` BH-CON-071 where the folder cannot be read or holds more than ``most`` files: what
    was not seen would pass for deleted.
    """
    seen: set[str] = set()
    for place, looks in _walk(root):
        if skip is not None and place == skip:
            continue
        file = _file(root, place, looks, seen)
        seen.add(file.path)
        if len(seen) > most:
            raise _unusable(root, f"it holds more than {most} files", "Raise `max_files`, or split it.")
        yield file


class Given(NamedTuple):
    """A text of the charter's ``documents``: where its bytes lie, how its name ended, what people call it."""

    place: Path
    ending: str
    title: str


def given(name: str, text: Given) -> File:
    """Return a text of the charter as a file of the collection. Raises ``ConnectError`` BH-CON-071."""
    try:
        place = text.place.resolve(strict=True)
        looks = place.stat()
    except OSError as error:
        raise _unusable(text.place, error.strerror or str(error), "Restore the release.") from error
    return File(
        path=f"{name}{text.ending or '.txt'}",
        place=place,
        stat=_stat(looks),
        changed=looks.st_mtime,
        title=text.title,
        size=looks.st_size,
    )


def contents(file: File, most: int) -> bytes:
    """Return the bytes of a file. Raises ``Unreadable``: a link, no plain file, too large, changing."""
    if file.words:
        raise Unreadable(file.words)
    if file.size > most:
        raise Unreadable(f"it has {file.size} bytes; {most} are read")
    try:
        with os.fdopen(os.open(file.place, _FLAGS), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Unreadable("it is no plain file")
            data = stream.read(most + 1)
            now = _stat(os.fstat(stream.fileno())) if file.place.resolve() == file.place else ""
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror or error}") from error
    if now != file.stat:
        raise Unreadable("it changed while it was read")
    return data


def stands(place: Path, seen: str) -> bool:
    """Say whether a file is still there as it was seen: same size, same times, no link on its way."""
    try:
        looks = place.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(looks.st_mode) or _stat(looks) != seen:
        return False
    return place.resolve() == place


def _walk(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    def broken(error: OSError) -> None:
        raise _unusable(root, error.strerror or str(error), "Correct `folder`, or the rights of the folder.")

    for folder, inner, names in os.walk(root, onerror=broken, followlinks=False):
        inner.sort()
        links = [name for name in inner if Path(folder, name).is_symlink()]
        inner[:] = [name for name in inner if not name.startswith(".") and name not in links]
        for name in sorted([*names, *links]):
            if not name.startswith("."):
                place = Path(folder, name)
                try:
                    yield place, place.lstat()
                except OSError:
                    continue  # gone since


def _file(root: Path, place: Path, looks: os.stat_result, seen: set[str]) -> File:
    written = place.relative_to(root).as_posix()
    path = unicodedata.normalize("NFC", written.encode("utf-8", "replace").decode())
    words = ""
    if stat.S_ISLNK(looks.st_mode):
        words = "it is a link; links are not followed"
    elif not stat.S_ISREG(looks.st_mode):
        words = "it is no plain file"
    elif path in seen:
        words = "another file has the same name"
        path = f"{path} (2)"
    elif any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in path) or "\ufffd" in path:
        words = "its name holds characters that cannot be shown"
        path = "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "\ufffd" for c in path)
    return File(
        path=path,
        place=place,
        stat=_stat(looks),
        changed=looks.st_mtime,
        size=looks.st_size,
        words=words,
    )


def _stat(looks: os.stat_result) -> str:
    return f"{looks.st_size}.{looks.st_mtime_ns}.{looks.st_ctime_ns}.{looks.st_ino}"


def _unusable(root: Path, why: str, fix: str) -> ConnectError:
    return ConnectError(
        "BH-CON-071",
        "the documents of a collection cannot be read",
        effect_state="none",
        means="Nothing was changed in its index.",
        fix=f"{root}: {why}. {fix}",
        private=f"{root}: {why}",
    )
