"""Put a backup into an empty place: every file compared, the ledger verified, the deployment stopped.

::

    restored = restore(backup, Place(state=new), Evidence(kept=[note]), clock=clock, by="human:ines")

Everything is done beside the place and renamed into it at the end; a PostgreSQL database is marked, and
opened by nobody, until it is verified and stopped. What does not verify is removed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridgehead.backup import aftermath, contents
from bridgehead.backup.aftermath import Aftermath
from bridgehead.backup.judge import Evidence, Verdict, Verify, judge
from bridgehead.declare import load_release
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import ConfigError, StoreError
from bridgehead.record import Keys, Ledger
from bridgehead.record.export import export
from bridgehead.record.verify import Report, verify_export, verify_store
from bridgehead.store import Store, dump, where


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to restore to: a new state folder, and an empty database where the backup is of PostgreSQL.
    ``keys`` is where the ledger's keys are, for a backup without them."""

    state: Path
    url: str = ""
    keys: Path | None = None

    def store(self, folder: Path) -> str | Path:
        """Return the address of the store, its state being in ``folder``."""
        return self.url or folder / dump.FILES["sqlite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A deployment that was restored: what was verified, and what was found under way."""

    manifest: contents.Manifest
    verdict: Verdict
    aftermath: Aftermath


def check(backup: Path, evidence: Evidence) -> tuple[contents.Manifest, Verdict]:
    """Verify a backup and restore nothing. Raises ``ConfigError`` (BH-BAK-001 to BH-BAK-008)."""
    manifest = contents.read(backup)
    if manifest.database != "sqlite":
        raise ConfigError(
            "BH-BAK-008",
            "the ledger in this backup can only be read by PostgreSQL",
            means="Its files are those of its manifest; its ledger was not looked at.",
            fix="Restore it with --store into an empty database of any server; that verifies it.",
        )
    secrets = backup / contents.KEYS if manifest.with_keys else None

    def verify(vkey: str, notes: Sequence[str]) -> Report:
        return verify_store(backup / manifest.store, vkey=vkey, kept=notes, keys=secrets)

    return manifest, judge(verify, *_own(backup), evidence)


def restore(backup: Path, place: Place, evidence: Evidence, *, clock: Clock, by: str) -> Restored:
    """Restore a backup, verify it, and mark it as restored by a principal (``human:ines``).

    Raises ``ConfigError`` (BH-BAK-001 to BH-BAK-007, BH-BAK-009, BH-BAK-010), ``StoreError``,
    ``LedgerError``, ``CharterError``.
    """
    manifest = contents.read(backup)
    source = _require(backup, place, manifest)
    place.state.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{place.state.name}-", dir=place.state.parent))
    try:
        contents.copy_keys(source, draft / contents.KEYS)
        _copy_releases(backup, draft)
        if (backup / contents.FEEDS).is_dir():
            shutil.copytree(backup / contents.FEEDS, draft / contents.FEEDS)
        dump.load(backup / manifest.store, place.store(draft))
        verdict, found = _settled(draft, place, manifest, backup, evidence, clock, by)
        _finish(place)
    except BaseException:
        _remove(draft)
        raise
    return Restored(manifest=manifest, verdict=verdict, aftermath=found)


def _finish(place: Place) -> None:
    """Let everybody open the database. Its folder is in place by now and stays, so that nothing is lost."""
    try:
        dump.finish(place.store(place.state))
    except StoreError as error:
        raise ConfigError(
            "BH-BAK-010",
            f"the backup is restored, verified and stopped, but its database stays closed: {error.what}",
            means="Nobody can open it, so nothing runs.",
            fix=f"Drop the schema bridgehead of that database, move {place.state} away, and restore again.",
        ) from error


def _settled(
    draft: Path,
    place: Place,
    manifest: contents.Manifest,
    backup: Path,
    evidence: Evidence,
    clock: Clock,
    by: str,
) -> tuple[Verdict, Aftermath]:
    """Verify what was loaded, stop it, mark its runs and put its folder in place; remove it where it does not
    hold."""
    try:
        verdict = judge(_verifier(draft, place), *_own(backup), evidence)
        found = _mark(draft, place, manifest, verdict, clock, by)
        where.remember(draft, place.url)
        draft.rename(place.state)
        return verdict, found
    except BaseException:
        dump.discard(place.store(draft))
        raise


def _require(backup: Path, place: Place, manifest: contents.Manifest) -> Path:
    """Refuse what cannot be restored there; return where its keys are."""
    if place.state.exists() and (not place.state.is_dir() or any(place.state.iterdir())):
        raise ConfigError(
            "BH-BAK-006",
            f"{place.state} is not empty",
            means="A restore never overwrites. Nothing was changed.",
            fix="Name a folder that does not exist, or move what is there away first.",
        )
    if bool(place.url) != (manifest.database == "postgresql"):
        raise ConfigError(
            "BH-BAK-009",
            f"this is a backup of a store on {manifest.database}",
            means="A store is restored into a database of its own kind. Nothing was changed.",
            fix="Name an empty PostgreSQL database with --store." if not place.url else "Leave --store out.",
        )
    keys = place.keys or backup / contents.KEYS
    if not (keys / "ledger.key").is_file() or not (keys / "kek").is_file():
        raise ConfigError(
            "BH-BAK-007",
            "the keys of the ledger are not in this backup",
            means="Without them nothing can be recorded or read, so nothing could run. Nothing was restored.",
            fix="Name the folder with the copy of them that was kept apart: --keys FOLDER.",
        )
    return keys


def _verifier(draft: Path, place: Place) -> Verify:
    keys = draft / contents.KEYS

    def verify(vkey: str, notes: Sequence[str]) -> Report:
        if not place.url:
            return verify_store(draft / dump.FILES["sqlite"], vkey=vkey, kept=notes, keys=keys)
        exported, store = draft / "ledger.jsonl", Store.open(place.url, restoring=True)
        try:
            with exported.open("w", encoding="utf-8") as out:
                export(store, out, bodies=True)
        finally:
            store.close()
        report = verify_export(exported, vkey=vkey, kept=notes)
        exported.unlink()
        return report

    return verify


def _mark(
    draft: Path, place: Place, manifest: contents.Manifest, verdict: Verdict, clock: Clock, by: str
) -> Aftermath:
    store = Store.open(place.store(draft), restoring=True)
    try:
        keys = Keys.load(draft / contents.KEYS)
        ledger = Ledger.open(store, keys, origin=manifest.origin, clock=clock)
        unit = aftermath.mark(clock, by, manifest.taken_at, verdict.report.size, verdict.lost)
        found: Aftermath = ledger.append(unit).value
        ledger.close()  # signs a checkpoint over it
    finally:
        store.close()
    return found


def _own(backup: Path) -> tuple[str, str]:
    """Return the verifier key and the checkpoint that lie in a backup."""
    read = [(backup / name).read_text(encoding="utf-8") for name in (contents.VERIFIER, contents.CHECKPOINT)]
    return read[0], read[1]


def _copy_releases(backup: Path, draft: Path) -> None:
    """Copy the releases, sealed as they were; every byte is compared with their digests."""
    for release in sorted((backup / contents.RELEASES).glob("*")):
        target = draft / contents.RELEASES / release.name
        shutil.copytree(release, target)
        for path in [*target.rglob("*"), target]:
            path.chmod(path.stat().st_mode & ~0o222)
        load_release(draft, release.name)


def _remove(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
