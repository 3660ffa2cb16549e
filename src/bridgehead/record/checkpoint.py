"""Checkpoints: what the log commits to, in a form that tools we did not write can check.

Text: C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint), three lines: origin, size in decimal,
root in base64. Envelope: C2SP signed note (https://c2sp.org/signed-note) with Ed25519. No extension
lines: the specification advises against them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

ED25519 = b"\x01"
"""Signature type of the signed note specification."""


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Return the checkpoint body, which is also exactly what is signed."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def signed_note(text: str, name: str, public: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Return text, a blank line and one signature line, which starts with U+2014 and a space."""
    signature = key_id(name, public) + sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """Return the ``vkey`` text a verifier is given: ``name+id+base64(type || key)``."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"
