"""Make a backup while the deployment is at work.

::

    taken = take(store, ledger, state, target, now=clock.now(), with_keys=False)

The checkpoint is signed first, then the store is copied as it is at one moment, then the releases that copy
names: they are never changed and were there before the store named them. Built beside its place and renamed
into it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from bridgehead import __version__
from bridgehead.backup import contents
from bridgehead.declare import load_release, lock
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import ConfigError
from bridgehead.record import Ledger
from bridgehead.store import Store, dump, migrations, releases
from bridgehead.store import tables as t


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A backup that was made: its place, the digest of its manifest (to be kept elsewhere), what it holds."""

    place: Path
    digest: str
    manifest: contents.Manifest


def take(store: Store, ledger: Ledger, state: Path, target: Path, *, now: datetime, with_keys: bool) -> Taken:
    """Make a backup in the new folder ``target``.

    ``with_keys`` puts the ledger's keys into it, readable by their owner alone: whoever has such a backup
    can read every body and sign checkpoints. Raises ``ConfigError`` (BH-BAK-003 the place is taken),
    ``StoreError``, ``CharterError`` where a release is not whole.
    """
    if target.exists():
        raise ConfigError(
            "BH-BAK-003",
            f"{target} is there already",
            means="A backup never overwrites another one. Nothing was made.",
            fix="Name a folder that does not exist, with the date in its name for example.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        manifest = _fill(draft, store, ledger, state, now, with_keys)
        digest = contents.write(draft, manifest)
        _sync(draft)
        draft.rename(target)
    except BaseException:
        _remove(draft)
        raise
    return Taken(place=target, digest=digest, manifest=manifest)


def _fill(
    draft: Path, store: Store, ledger: Ledger, state: Path, now: datetime, with_keys: bool
) -> contents.Manifest:
    note = ledger.checkpoint()
    (draft / contents.CHECKPOINT).write_text(note, encoding="utf-8")
    copy = draft / dump.FILES[store.dialect]
    dump.dump(store, copy)
    for digest in _releases(store):  # those of the copy, and perhaps one that came meanwhile
        _fetch(store, state, digest)
        _copy_release(state, digest, draft)
    for batch in _batches(store):
        _copy_batch(state, batch, draft)
    shutil.copyfile(state / contents.KEYS / "ledger.vkey", draft / contents.VERIFIER)
    if with_keys:
        contents.copy_keys(state / contents.KEYS, draft / contents.KEYS)
    return contents.Manifest(
        origin=ledger.origin,
        taken_at=stamp(now),
        version=__version__,
        schema=migrations.CURRENT,
        database=store.dialect,
        store=copy.name,
        size=int(note.split("\n")[1]),
        with_keys=with_keys,
        files=contents.digests(draft),
    )


def _releases(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.scalars(select(t.release.c.digest)))


def _batches(store: Store) -> list[str]:
    """Return where the copies of batches lie, within the state folder."""
    with store.reading() as connection:
        return list(connection.scalars(select(t.batch.c.file).where(t.batch.c.file != "")))


def _copy_batch(state: Path, file: str, draft: Path) -> None:
    """Copy the copy of a batch. One that another machine alone has is not in this backup."""
    if (state / file).is_dir():
        (draft / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(state / file, draft / file)


def _fetch(store: Store, state: Path, digest: str) -> None:
    """Get the files of a release that only another machine has had at hand so far."""
    if store.shared and not lock.has(state, digest):
        with store.reading() as connection:
            found = list(releases.files(connection, digest))
        lock.rebuild(state, digest, found)


def _copy_release(state: Path, digest: str, draft: Path) -> None:
    load_release(state, digest)  # every byte of it
    target = draft / contents.RELEASES / digest
    shutil.copytree(state / contents.RELEASES / digest, target, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [target, *target.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)  # so that old backups can be thrown away


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder, folder.parent]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
