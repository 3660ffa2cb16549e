"""The canonical form: one byte string for one value.

Two layers. ``canonical_bytes`` writes the strict profile that ledgers hash: strings, booleans,
null, arrays, objects with ASCII keys, integers within ±(2^53-1); no floats. Inside the profile the
result equals RFC 8785 (JSON Canonicalization Scheme) byte for byte. ``encode``/``decode`` carry
richer Python values through that profile with tags, so that a replayed value equals the first one
to the bit (``docs/decisions/0003-value-tags.md``).

Writers import this module; verifiers never do: they hash stored bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.money import Money

SAFE_INTEGER = 2**53 - 1
MAX_DEPTH = 64


def canonical_bytes(value: object) -> bytes:
    """Return the canonical bytes of a value inside the strict profile.

    Raises ``LedgerError`` (BH-REC-001) for anything outside it: floats, large integers, keys that
    are not ASCII strings, lone surrogates, other types.
    """
    _require_profile(value, 0)
    try:
        return _dumps(value).encode()
    except UnicodeEncodeError as error:
        raise _outside("a lone surrogate in a string") from error


def digest(value: object) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical bytes of ``encode(value)``."""
    return hashlib.sha256(canonical_bytes(encode(value))).hexdigest()


def encoded_bytes(value: object) -> bytes:
    """Return the canonical bytes of a rich value."""
    return canonical_bytes(encode(value))


def decoded(raw: bytes) -> Any:
    """Return the rich value of ``encoded_bytes``."""
    return decode(json.loads(raw))


def encode(value: object) -> Any:
    """Return ``value`` inside the strict profile, richer types as one-key tag objects.

    Tags: ``$f`` float (hexadecimal), ``$i`` large integer, ``$d`` Decimal, ``$t`` aware datetime,
    ``$day`` date, ``$b`` bytes, ``$tuple``, ``$m`` Money, ``$o`` object whose keys do not fit.
    Raises ``LedgerError`` (BH-REC-001) for other types, naive datetimes and deep nesting.
    """
    return _encode(value, 0)


def decode(value: Any) -> Any:
    """Return the value that ``encode`` was given."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1:
            ((tag, content),) = value.items()
            if tag.startswith("$"):
                return _decode_tag(tag, content)
        return {key: decode(item) for key, item in value.items()}
    return value


def _encode(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if depth > MAX_DEPTH:
        raise _outside(f"nesting deeper than {MAX_DEPTH}")
    if isinstance(value, int):
        return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else {"$i": str(value)}
    if isinstance(value, float):
        return {"$f": value.hex()}
    if isinstance(value, Mapping):
        return _encode_mapping(value, depth)
    if isinstance(value, tuple):
        return {"$tuple": [_encode(item, depth + 1) for item in value]}
    if isinstance(value, bytes):
        return {"$b": base64.b64encode(value).decode()}
    if isinstance(value, Sequence):
        return [_encode(item, depth + 1) for item in value]
    return _encode_scalar(value)


def _encode_mapping(value: Mapping[Any, Any], depth: int) -> Any:
    plain = all(isinstance(key, str) and key.isascii() for key in value)
    if plain and not (len(value) == 1 and next(iter(value)).startswith("$")):
        return {key: _encode(item, depth + 1) for key, item in value.items()}
    return {"$o": [[_encode(key, depth + 1), _encode(item, depth + 1)] for key, item in value.items()]}


def _encode_scalar(value: object) -> Any:
    if isinstance(value, Decimal):
        return {"$d": str(value)}
    if isinstance(value, Money):
        return {"$m": [str(value.amount), value.currency]}
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise _outside("a datetime without a time zone")
        return {"$t": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"$day": value.isoformat()}
    raise _outside(f"a value of type {type(value).__name__}")


def _decode_tag(tag: str, content: Any) -> Any:
    match tag:
        case "$f":
            return float.fromhex(content)
        case "$i":
            return int(content)
        case "$d":
            return Decimal(content)
        case "$m":
            return Money(amount=Decimal(content[0]), currency=content[1])
        case "$t":
            return datetime.fromisoformat(content)
        case "$day":
            return date.fromisoformat(content)
        case "$b":
            return base64.b64decode(content)
        case "$tuple":
            return tuple(decode(item) for item in content)
        case "$o":
            return {decode(key): decode(item) for key, item in content}
        case _:
            raise LedgerError(
                "BH-REC-002",
                f"a stored value carries the unknown tag {tag!r}",
                means="It was written by a newer version of Bridgehead.",
                fix="Read it with that version.",
            )


def _require_profile(value: object, depth: int) -> None:
    if value is None or isinstance(value, bool | str):
        return
    if depth > 4 * MAX_DEPTH:
        raise _outside("nesting too deep")
    if isinstance(value, int):
        if not -SAFE_INTEGER <= value <= SAFE_INTEGER:
            raise _outside("an integer beyond 2^53-1")
    elif isinstance(value, list):
        for item in value:
            _require_profile(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise _outside(f"the object key {key!r}")
            _require_profile(item, depth + 1)
    else:
        raise _outside(f"a value of type {type(value).__name__}")


def _outside(what: str) -> LedgerError:
    return LedgerError(
        "BH-REC-001",
        f"{what} has no canonical form",
        means="It cannot be recorded, so the action it belongs to does not happen.",
        fix="Use strings, integers, booleans, null, lists, objects, Decimal, Money, dates with a zone.",
    )


_dumps = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode
