"""The keys of one ledger: it signs checkpoints and wraps the data keys of bodies.

``ledger.key`` is an Ed25519 private key (PKCS #8 PEM), ``ledger.vkey`` the verifier key to hand to
auditors, ``kek`` 32 random bytes. Whoever holds ``ledger.key`` can sign another history, which only
a checkpoint kept elsewhere shows (``docs/concepts/ledger.md``).
"""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bridgehead.kernel.errors import LedgerError
from bridgehead.record.checkpoint import checkpoint_text, signed_note, verifier_key

SIGNING, VERIFIER, WRAPPING = "ledger.key", "ledger.vkey", "kek"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of a ledger. ``origin`` is the name they sign under."""

    origin: str
    vkey: str
    kek: bytes = field(repr=False)
    _signer: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def create(cls, folder: Path, origin: str) -> Keys:
        """Make new keys in a folder. Raises ``LedgerError``: BH-REC-010 where some exist already."""
        if "\n" in origin or "+" in origin or not origin or len(origin.split()) != 1:
            raise _unusable(f"{origin!r} cannot name a ledger: no spaces, no plus sign")
        if folder.exists() and any(folder.iterdir()):
            raise _exists(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        signer = Ed25519PrivateKey.generate()
        pem = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        vkey = verifier_key(origin, signer.public_key().public_bytes_raw())
        # Built beside its place and renamed into it: a process killed half-way leaves no half keys.
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        _write_new(draft / SIGNING, pem, 0o600)
        _write_new(draft / WRAPPING, secrets.token_bytes(32), 0o600)
        _write_new(draft / VERIFIER, f"{vkey}\n".encode(), 0o644)
        try:
            draft.rename(folder)
        except OSError as error:  # somebody else made keys just now
            shutil.rmtree(draft)
            raise _exists(folder) from error
        _sync(folder.parent)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> Keys:
        """Read the keys of a folder. Raises ``LedgerError`` (BH-REC-011) if they cannot be used."""
        kek = _read_secret(folder / WRAPPING)
        signer = _signer(folder / SIGNING)
        vkey = _read(folder / VERIFIER).decode("utf-8", "replace").strip()
        origin = vkey.split("+")[0]
        if len(kek) != 32:
            raise _unusable(f"{folder / WRAPPING} does not hold 32 bytes")
        if vkey != verifier_key(origin, signer.public_key().public_bytes_raw()):
            raise _unusable(f"{folder / VERIFIER} does not belong to {SIGNING}")
        return cls(origin=origin, vkey=vkey, kek=kek, _signer=signer)

    def derived(self, purpose: str) -> str:
        """Return a secret of this ledger's for another purpose (hexadecimal): HMAC-SHA-256 of its name."""
        return hmac.new(self.kek, f"bridgehead/{purpose}".encode(), "sha256").hexdigest()

    def sign_note(self, text: str) -> str:
        """Return any other text of this ledger as a signed note; it ends with a line feed."""
        public = self._signer.public_key().public_bytes_raw()
        return signed_note(text, self.origin, public, self._signer.sign)

    def sign_checkpoint(self, size: int, root: bytes) -> str:
        """Return the signed checkpoint note of a tree."""
        public = self._signer.public_key().public_bytes_raw()
        return signed_note(checkpoint_text(self.origin, size, root), self.origin, public, self._signer.sign)


def _signer(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(_read_secret(path), None)
    except (ValueError, TypeError) as error:
        raise _unusable(f"{path} is not a private key in PEM form") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(f"{path} is not an Ed25519 key")
    return key


def _read_secret(path: Path) -> bytes:
    content = _read(path)
    if os.name == "posix" and path.stat().st_mode & stat.S_IRWXO:
        raise _unusable(f"{path} can be read by everyone on this machine", f"Run: chmod 600 {path}")
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(f"{path} cannot be read: {error.strerror}") from error


def _write_new(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists(path: Path) -> LedgerError:
    return LedgerError(
        "BH-REC-010",
        f"{path} exists already",
        means="Keys are never overwritten: old checkpoints could no longer be checked.",
        fix="Use another folder, or load the keys that are there.",
    )


def _unusable(
    what: str, fix: str = "Restore the keys from the backup made when they were created."
) -> LedgerError:
    return LedgerError(
        "BH-REC-011", what, means="Nothing can be recorded without these keys, so nothing runs.", fix=fix
    )
