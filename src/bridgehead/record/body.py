"""Erasable bodies: what an entry says in full, encrypted, so that deleting a key deletes it.

Every body is AES-256-GCM under the data key of its subject; the data key lies in the store, wrapped
by the key-encryption key, which does not. The envelope keeps ``c``, an HMAC under a random key that
lies beside the body: after erasure it says nothing, not even to someone who guesses the content.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, insert, select

from bridgehead.kernel.canonical import decoded, encoded_bytes
from bridgehead.kernel.errors import LedgerError
from bridgehead.store import tables as t
from bridgehead.store.statement import Statement

ALGORITHM = "A256GCM"
_CACHED_SUBJECTS = 4096
_BY_SUBJECT = Statement(select(t.data_key).where(t.data_key.c.subject == bindparam("subject")))


class DataKey(NamedTuple):
    """A subject's key: its id, which is public, and the cipher it makes."""

    kid: str
    cipher: AESGCM


class SealedBody(NamedTuple):
    """What is stored beside an entry."""

    record_key: bytes
    nonce: bytes
    ciphertext: bytes
    kid: str


def seal(value: object, key: DataKey) -> tuple[SealedBody, dict[str, Any]]:
    """Encrypt a rich value; return what is stored and what the envelope says about it.

    ``c`` commits to the plaintext, ``ct`` to the stored bytes, so that a verifier without keys
    still sees any change to them.
    """
    plaintext = encoded_bytes(value)
    random = os.urandom(44)
    record_key, nonce = random[:32], random[32:]
    ciphertext = key.cipher.encrypt(nonce, plaintext, key.kid.encode())
    about = {
        "alg": ALGORITHM,
        "c": hmac.digest(record_key, plaintext, "sha256").hex(),
        "len": len(plaintext),
        "ct": hashlib.sha256(record_key + nonce + ciphertext).hexdigest(),
        "kid": key.kid,
    }
    return SealedBody(record_key, nonce, ciphertext, key.kid), about


def unseal(sealed: SealedBody, key: DataKey, commitment: str) -> Any:
    """Return the value of a body. Raises ``LedgerError`` (BH-REC-021) if it is not what was recorded."""
    try:
        plaintext = key.cipher.decrypt(sealed.nonce, sealed.ciphertext, key.kid.encode())
    except (InvalidTag, ValueError) as error:
        raise _altered() from error
    if not hmac.compare_digest(hmac.digest(sealed.record_key, plaintext, "sha256").hex(), commitment):
        raise _altered()
    return decoded(plaintext)


class DataKeys:
    """The data keys of one store, unwrapped as they are needed.

    ``for_subject`` remembers what it unwrapped; whoever appends must ``forget`` as soon as the log
    grew elsewhere, because an erasure there may have deleted a key.
    """

    def __init__(self, kek: bytes, origin: str) -> None:
        self._kek = AESGCM(kek)
        self._origin = origin
        self._known: dict[str, DataKey] = {}

    def for_subject(self, connection: Connection, subject: str) -> DataKey:
        """Return the key to encrypt under, made on first use. The empty subject is the deployment."""
        known = self._known.get(subject)
        if known is None:
            if len(self._known) >= _CACHED_SUBJECTS:
                self._known.clear()
            known = self._known[subject] = self._stored(connection, subject) or self._made(
                connection, subject
            )
        return known

    def forget(self) -> None:
        """Drop every unwrapped key."""
        self._known.clear()

    def _stored(self, connection: Connection, subject: str) -> DataKey | None:
        row = _BY_SUBJECT.first(connection, subject=subject)
        return None if row is None else self.unwrapped(row.kid, subject, row.nonce, row.wrapped)

    def _made(self, connection: Connection, subject: str) -> DataKey:
        kid, key, nonce = os.urandom(12).hex(), os.urandom(32), os.urandom(12)
        wrapped = self._kek.encrypt(nonce, key, self._bound(kid, subject))
        connection.execute(insert(t.data_key).values(kid=kid, subject=subject, nonce=nonce, wrapped=wrapped))
        return DataKey(kid, AESGCM(key))

    def unwrapped(self, kid: str, subject: str, nonce: bytes, wrapped: bytes) -> DataKey:
        """Return a stored key, ready for use. Raises ``LedgerError`` (BH-REC-022)."""
        try:
            return DataKey(kid, AESGCM(self._kek.decrypt(nonce, wrapped, self._bound(kid, subject))))
        except (InvalidTag, ValueError) as error:
            raise LedgerError(
                "BH-REC-022",
                f"the data key {kid} cannot be unwrapped",
                means="The key-encryption key is another one, or the store was altered.",
                fix="Restore keys/kek from its backup and run: bridgehead verify",
            ) from error

    def _bound(self, kid: str, subject: str) -> bytes:
        # The ledger, the id and the subject are authenticated: a wrapped key cannot be moved to another.
        return "\n".join(("bridgehead data key", self._origin, kid, subject)).encode()


def _altered() -> LedgerError:
    return LedgerError(
        "BH-REC-021",
        "a stored body is not the one that was recorded",
        means="It was altered, or the key is another one; its content is not used.",
        fix="Run: bridgehead verify",
    )
