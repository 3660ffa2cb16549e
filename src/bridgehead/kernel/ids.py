"""Identifiers that sort by time: 48 bits of milliseconds, 80 random bits (the layout of UUIDv7,
RFC 9562 section 5.7, without its version bits), written in Crockford base 32."""

from __future__ import annotations

import secrets
from typing import NewType

from bridgehead.kernel.clock import Clock

RunId = NewType("RunId", str)
ApprovalId = NewType("ApprovalId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str, clock: Clock) -> str:
    """Return a new identifier such as ``run_01h455vb4pex5vsknk084sn02q``."""
    number = (int(clock.now().timestamp() * 1000) << 80) | secrets.randbits(80)
    letters = []
    for _ in range(26):
        letters.append(_ALPHABET[number & 31])
        number >>= 5
    return f"{prefix}_{''.join(reversed(letters))}"
