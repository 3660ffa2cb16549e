"""What a database with a second wall is told about its reader: which grant holds for them, signed.

The wall believes nothing else of a session. A session may hold any claim it likes, and change it from inside
a SELECT: only one that was signed for a person opens anything, and it opens what that person sees.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from bridgehead.enforce.sql import substitute
from bridgehead.enforce.sql.grants import Entitled
from bridgehead.enforce.sql.rights import ALL_ROWS

SETTING = "bridgehead.claim"
"""The setting of a session that holds its claim."""

GRACE = timedelta(minutes=5)
"""How much longer than its query a claim is good: the two clocks may differ by so much."""

_BLOCK = 64  # bytes, of SHA-256


def key_of(secret: str, source: str) -> bytes:
    """Return the key that signs claims for one source."""
    return hmac.digest(secret.encode(), f"wall/{source}".encode(), "sha256")


def pads(key: bytes) -> tuple[bytes, bytes]:
    """Return the two keys HMAC makes of one (RFC 2104): a database has SHA-256, and not always HMAC."""
    filled = key.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in filled), bytes(byte ^ 0x5C for byte in filled)


def payload(given: Entitled, wall: str, until: datetime) -> dict[str, Any]:
    """Return what is claimed: for each table that may be read the number of its grant and the columns that
    are withheld from the agent; the attributes their row filters ask for.

    ``wall`` is the digest of the wall that this is for: one made of other grants does not know the claim.
    """
    seen = {
        name: {"grant": str(given.why[name].place[-1]), "withheld": list(given.why[name].withheld)}
        for name in given.rights.tables
    }
    asked = {
        attribute
        for right in given.rights.tables.values()
        if right.rows != ALL_ROWS
        for attribute in substitute.attributes_of(right.rows, given.rights.dialect)
    }
    attributes = {name: given.rights.attributes.get(name) for name in sorted(asked)}
    return {"wall": wall, "until": int(until.timestamp()), "seen": seen, "attributes": attributes}


def sign(key: bytes, claimed: Mapping[str, Any]) -> str:
    """Return a claim with its HMAC-SHA-256: ``base64(JSON).hex``."""
    told = base64.b64encode(json.dumps(claimed, sort_keys=True).encode()).decode()
    return f"{told}.{hmac.new(key, told.encode(), sha256).hexdigest()}"
