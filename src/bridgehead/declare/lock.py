"""A release: an immutable copy of a deployment's folder, named by its digest.

::

    path = snapshot(deployment, deployment.state)     # state/releases/<digest>
    same = load_release(deployment.state, deployment.digest)

The copy is built beside its place and renamed into it, so a process killed half-way leaves no half
release. Reading one back checks every byte against the digest. A store that several machines share
keeps the files as well (``store.releases``); ``rebuild`` makes the same release of them elsewhere.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from bridgehead.declare import manifest
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.load import read
from bridgehead.kernel.errors import CharterError

RELEASES = "releases"


class ReleaseUnreadable(CharterError):
    """A release cannot be read now, for a reason of this machine; nothing says that it was altered."""

    def __init__(self, digest: str, error: OSError) -> None:
        super().__init__(
            "BH-CHA-097",
            f"the release `{digest}` cannot be read now: {error.strerror or error}",
            means="Runs that are pinned to it are left to other workers, and tried here again.",
            fix="See to the disk, the rights and the open files of this machine.",
        )


_UNFINISHED = ".unfinished-"
_DIGEST = re.compile(r"^[0-9a-f]{64}$")


def snapshot(deployment: Deployment, state: Path) -> Path:
    """Copy the deployment into ``state/releases/<digest>`` and return that folder.

    Repeating it changes nothing. Raises ``CharterError``: BH-CHA-085 the folder changed since it was
    loaded, BH-CHA-086 a release of this digest is there and does not match it, BH-CHA-089 no room or
    no right to write.
    """
    releases = state / RELEASES
    place = releases / deployment.digest
    if place.is_dir():
        _require_match(place, deployment.digest)
        return place
    try:
        releases.mkdir(parents=True, exist_ok=True)
        with _alone(releases):
            _clear_unfinished(releases)
            if not place.is_dir():
                _build(deployment, releases, place)
    except OSError as error:
        raise CharterError(
            "BH-CHA-089",
            f"the release cannot be written to `{releases}`: {error.strerror or error}",
            means="Nothing was activated.",
            fix="Free some space, or give this account the right to write there.",
        ) from error
    return place


def load_release(state: Path, digest: str) -> Deployment:
    """Return the deployment of a release, every byte checked against its digest.

    Raises ``CharterError``: BH-CHA-088 no such release, BH-CHA-086 it was altered, BH-CHA-097 it cannot be
    read now (``ReleaseUnreadable``).
    """
    with _readable(digest):
        return _load(state / RELEASES / digest, digest)


def _load(place: Path, digest: str) -> Deployment:
    if not _DIGEST.match(digest) or not place.is_dir():
        raise CharterError(
            "BH-CHA-088",
            f"there is no release `{digest[:80]}` here",
            means="Runs that need it wait for it, and their owner is told.",
            fix=f"Restore `{RELEASES}/` of the state folder from a backup.",
        )
    _require_match(place, digest)
    deployment = read(place, documents_from=place)
    if deployment.digest != digest:
        raise _altered(place.name)
    return deployment


def files(state: Path, digest: str) -> Iterator[tuple[str, bool, bytes]]:
    """Yield every file of a release: its path, whether it can be executed, its bytes."""
    place = state / RELEASES / digest
    for path in sorted(place.rglob("*")):
        if path.is_file() and _counts(path):
            executable = bool(path.stat().st_mode & stat.S_IXUSR)
            yield path.relative_to(place).as_posix(), executable, path.read_bytes()


def has(state: Path, digest: str) -> bool:
    """Say whether the files of a release are in a state folder."""
    return bool(_DIGEST.match(digest)) and (state / RELEASES / digest).is_dir()


def rebuild(state: Path, digest: str, found: Iterable[tuple[str, bool, bytes]]) -> None:
    """Write a release from its files, which somebody else kept.

    Raises ``CharterError``: BH-CHA-086 they are not those of the digest, or lie outside of its folder,
    BH-CHA-097 they cannot be written now (``ReleaseUnreadable``).
    """
    with _readable(digest):
        _rebuild(state / RELEASES, digest, found)


def _rebuild(releases: Path, digest: str, found: Iterable[tuple[str, bool, bytes]]) -> None:
    releases.mkdir(parents=True, exist_ok=True)
    with _alone(releases):
        _clear_unfinished(releases)
        if (releases / digest).is_dir():
            return
        work = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=releases))
        for path, executable, content in found:
            _write(work, path, executable, content, digest)
        if manifest.digest(manifest.manifest(work, {})) != digest:
            raise _altered(digest)
        _seal(work)
        work.rename(releases / digest)
        _sync(releases)


def _write(work: Path, path: str, executable: bool, content: bytes, digest: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or any(part in ("..", ".") for part in path.split("/")):
        raise _altered(digest)
    target = work.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    target.chmod(0o555 if executable else 0o444)


def _build(deployment: Deployment, releases: Path, place: Path) -> None:
    work = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=releases))
    sources = dict(manifest.files(deployment.folder))
    for name, document in deployment.documents.items():
        sources.setdefault(f"{manifest.DOCUMENTS}/{name}", document)
    for path in deployment.manifest:
        source = sources.get(path)
        if source is None:
            raise _changed(path)
        _copy(source, work / path)
    copied = manifest.manifest(work, {})
    for path, sha256 in deployment.manifest.items():
        if copied.get(path) != sha256:
            raise _changed(path)
    _seal(work)
    # The rename is what makes it a release; everything before can be thrown away.
    work.rename(place)
    _sync(releases)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    executable = source.stat().st_mode & stat.S_IXUSR
    with source.open("rb") as reading, target.open("wb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fsync(writing.fileno())
    target.chmod(0o555 if executable else 0o444)


def _seal(folder: Path) -> None:
    """Make every folder read-only and durable, deepest first."""
    for root, _, _ in os.walk(folder, topdown=False):
        _sync(Path(root))
        Path(root).chmod(0o555)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(releases: Path) -> Iterator[None]:
    """Hold the lock under which releases are built. The system drops it when the process dies."""
    with (releases / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _clear_unfinished(releases: Path) -> None:
    """Remove what a killed process left. Nobody else is building: we hold the lock."""
    for left in releases.glob(f"{_UNFINISHED}*"):
        _remove(left)


def _drop_bytecode(place: Path) -> None:
    """Remove Python's bytecode from a release: it is not in the digest, and would run in place of
    the code that is."""
    for folder in [path for path in place.rglob("__pycache__") if path.is_dir()]:
        _remove(folder)
    for file in place.rglob("*.pyc"):
        parent = file.parent
        parent.chmod(0o755)
        file.unlink()
        parent.chmod(0o555)


def _remove(folder: Path) -> None:
    """Remove a folder although it is read-only, leaving its parent as it was."""
    parent_mode = stat.S_IMODE(folder.parent.stat().st_mode)
    folder.parent.chmod(parent_mode | stat.S_IWUSR)
    for root, _, _ in os.walk(folder):
        Path(root).chmod(0o755)
    shutil.rmtree(folder)
    folder.parent.chmod(parent_mode)


@contextmanager
def _readable(digest: str) -> Iterator[None]:
    """Tell a fault of this machine (no open files left, a disk that fails) from an altered release."""
    try:
        yield
    except OSError as error:
        raise ReleaseUnreadable(digest, error) from error
    except CharterError as error:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__
        if cause is None:
            raise
        raise ReleaseUnreadable(digest, cause) from error


def _require_match(place: Path, digest: str) -> None:
    """Raise unless the files are exactly those of the digest: nothing changed, missing or added."""
    try:
        _drop_bytecode(place)
    except OSError as error:
        raise _altered(place.name) from error
    hidden = [path for path in place.rglob("*") if not manifest.belongs(path.name) and _counts(path)]
    try:
        found = manifest.digest(manifest.manifest(place, {}))
    except CharterError as error:
        raise _altered(place.name) from error
    if hidden or found != digest:
        raise _altered(place.name)


def _counts(path: Path) -> bool:
    """Bytecode appears by itself when code is imported, and is dropped at load; nothing else does."""
    return path.name != "__pycache__" and path.suffix != ".pyc"


def _changed(path: str) -> CharterError:
    return CharterError(
        "BH-CHA-085",
        f"`{path}` changed while the release was made",
        means="No release was made.",
        fix="Try again when nothing is writing to the folder.",
        where=f"{path}:1",
    )


def _altered(digest: str) -> CharterError:
    return CharterError(
        "BH-CHA-086",
        f"the release `{digest}` was altered: its files do not match its digest",
        means="It is not used: runs that need it wait for it, and their owner is told.",
        fix=f"Restore `{RELEASES}/{digest}` of the state folder from a backup.",
    )
