"""What is in a backup: a manifest with the digest of every file, and the words of the file beside it.

``manifest.json`` says what the backup is of and lists ``path -> SHA-256``; a backup whose files are not
exactly those is not restored. The digest of the manifest itself is printed when a backup is made: kept
elsewhere, it shows that the whole backup is the one that was made.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bridgehead.kernel.errors import ConfigError

FORMAT = "bridgehead-backup/1"
MANIFEST, CHECKPOINT, VERIFIER, KEYS, RELEASES, FEEDS = (
    "manifest.json",
    "checkpoint",
    "ledger.vkey",
    "keys",
    "releases",
    "feeds",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup is of. ``size`` is how many entries its checkpoint covers; the store may hold a few more,
    written while it was copied. ``taken_at`` is when the copy began (RFC 3339)."""

    origin: str
    taken_at: str
    version: str
    schema: str
    database: str
    store: str
    size: int
    with_keys: bool
    files: Mapping[str, str]


def write(folder: Path, manifest: Manifest) -> str:
    """Write the manifest, the last file of a backup; return its SHA-256."""
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1, sort_keys=True) + "\n"
    place = folder / MANIFEST
    with place.open("x", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    return sha256(place)


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup, every file compared with its digest.

    Raises ``ConfigError``: BH-BAK-001 no backup, BH-BAK-002 not the files it lists.
    """
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if said.pop("format") != FORMAT:
            raise ValueError("another format")
        manifest = Manifest(**said)
        listed = {str(path): str(digest) for path, digest in manifest.files.items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ConfigError(
            "BH-BAK-001",
            f"{folder} is not a backup this version can read",
            means="Nothing was restored.",
            fix=f"Name the folder that `bridgehead backup` made; it holds {MANIFEST}.",
        ) from error
    found = digests(folder)
    differing = sorted(path for path in {*found, *listed} if found.get(path) != listed.get(path))
    if differing:
        raise ConfigError(
            "BH-BAK-002",
            f"the backup is not as it was made: {', '.join(differing[:5])}{' ...' if differing[5:] else ''}",
            means="A file was changed, lost or added. Nothing was restored.",
            fix="Use another copy of this backup, or an older one.",
        )
    return manifest


def digests(folder: Path) -> dict[str, str]:
    """Return path -> SHA-256 of every file of a backup but its manifest."""
    return {path: sha256(folder / path) for path in _paths(folder)}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_keys(source: Path, target: Path) -> None:
    """Copy the keys of a ledger into a new folder that only its owner can read. Raises ``OSError``."""
    target.mkdir(mode=0o700)
    for name in ("ledger.key", "kek", VERIFIER):
        handle = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write((source / name).read_bytes())


def _paths(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (path.is_symlink() or not path.is_dir()) and name != MANIFEST:
            yield name
