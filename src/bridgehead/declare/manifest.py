"""What a release is made of: every file of the folder by the SHA-256 of its bytes.

Left out: names that begin with a dot (``.bridgehead``, ``.git``, ``.venv``, ``.env``, caches) and
Python's bytecode. Refused: links that leave the folder, links to folders, anything that is not a file.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from bridgehead.kernel import canonical
from bridgehead.kernel.errors import CharterError

MAX_FILES = 20_000
DOCUMENTS = "documents"


def manifest(folder: Path, documents: Mapping[str, Path]) -> dict[str, str]:
    """Return path -> SHA-256 (hexadecimal) of the folder's files and of documents from packages.

    ``documents`` are those that live elsewhere; they enter as ``documents/NAME``. Raises
    ``CharterError``: BH-CHA-080 to BH-CHA-084, BH-CHA-087.
    """
    found: dict[str, str] = {}
    for path, file in files(folder):
        if len(found) >= MAX_FILES:
            raise CharterError(
                "BH-CHA-084",
                f"the folder holds more than {MAX_FILES} files",
                means="A deployment is a charter with its code and texts, not a disk.",
                fix="Give it a folder of its own.",
                where=f"{path}:1",
            )
        found[path] = _sha256(file)
    for name, file in documents.items():
        path = f"{DOCUMENTS}/{name}"
        if path in found:
            raise CharterError(
                "BH-CHA-087",
                f"the file `{path}` has the place of the packaged document `{name}`",
                fix="Rename the file or the document.",
                where=f"{path}:1",
            )
        found[path] = _sha256(file)
    return dict(sorted(found.items()))


def digest(files_by_path: Mapping[str, str]) -> str:
    """Return the release: the SHA-256 of the manifest's canonical bytes (RFC 8785 for ASCII paths)."""
    return canonical.digest(dict(sorted(files_by_path.items())))


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (path inside the folder, file) of everything that belongs to a release, in order."""
    yield from _walk(folder.resolve(), folder.resolve())


def belongs(name: str) -> bool:
    """Say whether a file or folder of this name is part of a release."""
    return not (name.startswith(".") or name == "__pycache__" or name.endswith(".pyc"))


def _walk(root: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(folder, error) from error
    for entry in entries:
        if not belongs(entry.name):
            continue
        path = Path(entry.path)
        if entry.is_symlink():
            yield _inside(root, path), _linked(root, path)
        elif entry.is_dir():
            yield from _walk(root, path)
        elif stat.S_ISREG(entry.stat().st_mode):
            yield _inside(root, path), path
        else:
            raise CharterError(
                "BH-CHA-081",
                f"`{_inside(root, path)}` is neither a file nor a folder",
                fix="Remove it: pipes, sockets and devices cannot be part of a release.",
                where=f"{_inside(root, path)}:1",
            )


def _linked(root: Path, link: Path) -> Path:
    target = link.resolve()
    inside = target.is_relative_to(root) and all(belongs(part) for part in target.relative_to(root).parts)
    if inside and target.is_file():
        return target
    raise CharterError(
        "BH-CHA-080",
        f"`{_inside(root, link)}` is a link to {_why_not(root, target, inside)}",
        means="Its content could change without the release noticing.",
        fix="Copy the file into the folder.",
        where=f"{_inside(root, link)}:1",
    )


def _why_not(root: Path, target: Path, inside: bool) -> str:
    if inside:
        return "a folder" if target.is_dir() else "nothing"
    return "something outside the release" if target.is_relative_to(root) else "something outside the folder"


def _inside(root: Path, path: Path) -> str:
    text = PurePosixPath(path.relative_to(root)).as_posix()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CharterError(
            "BH-CHA-082",
            f"the file name {text!r} is not UTF-8",
            fix="Rename the file.",
            where=f"{text.encode('utf-8', 'replace').decode()}:1",
        ) from error
    return text


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(path: Path, error: OSError) -> CharterError:
    return CharterError(
        "BH-CHA-083",
        f"`{path.name}` cannot be read: {error.strerror or error}",
        fix="Give the account that runs Bridgehead the right to read it.",
        where=f"{path.name}:1",
    )
