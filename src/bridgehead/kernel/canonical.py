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
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bridgehead.kernel.clock import unstamp
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
    return profiled_bytes(value)


def profiled_bytes(value: object) -> bytes:
    """Return the canonical bytes of a value whose types and keys were checked against the profile.

    For callers that check while they build; walking it a second time costs more than writing it.
    """
    try:
        return _dumps(value).encode()
    except UnicodeEncodeError as error:
        raise _outside("a lone surrogate in a string") from error


def digest(value: object) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical bytes of ``encode(value)``."""
    return hashlib.sha256(encoded_bytes(value)).hexdigest()


@dataclass(frozen=True, slots=True)
class Encoded:
    """A rich value that is known by its canonical bytes, for whoever needs them more than once."""

    data: bytes

    @classmethod
    def of(cls, value: object) -> Encoded:
        """Encode a value. Raises what ``encode`` raises."""
        return cls(encoded_bytes(value))


def encoded_bytes(value: object) -> bytes:
    """Return the canonical bytes of a rich value."""
    return value.data if type(value) is Encoded else profiled_bytes(encode(value))


def recordable(text: str) -> str:
    """Return text from outside as it can be recorded: ``?`` for what no canonical form or database takes."""
    return text.replace("\x00", "?").encode("utf-8", "replace").decode()


def decoded(raw: bytes) -> Any:
    """Return the rich value of ``encoded_bytes``. Raises ``LedgerError`` (BH-REC-005) for other bytes."""
    try:
        return decode(_loads(raw.decode()))
    except (ValueError, RecursionError) as error:
        raise _damaged(f"bytes that are not canonical JSON ({error})") from error


def encode(value: object) -> Any:
    """Return ``value`` inside the strict profile, richer types as one-key tag objects.

    Tags: ``$f`` float (hexadecimal), ``$i`` large integer, ``$d`` Decimal, ``$t`` aware datetime,
    ``$day`` date, ``$b`` bytes, ``$tuple``, ``$m`` Money, ``$o`` object whose keys do not fit.
    Subclasses come back as the type they extend, other mappings as ``dict``, other sequences as
    ``list``, times in UTC. Raises ``LedgerError`` (BH-REC-001) for other types, naive datetimes,
    deep nesting and integers too long to print.
    """
    return _encode(value, 0)


def decode(value: Any) -> Any:
    """Return the value that ``encode`` was given.

    Raises ``LedgerError``: BH-REC-002 for a tag this version does not know, BH-REC-005 for a tag
    whose content does not belong to it.
    """
    if isinstance(value, list):
        return [item if type(item) in _AS_IS else decode(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1:
            ((tag, content),) = value.items()
            if tag.startswith("$"):
                return _decoded_tag(tag, content)
        return {key: item if type(item) in _AS_IS else decode(item) for key, item in value.items()}
    return value


_AS_IS = frozenset((str, bool, type(None)))
"""Exact types that stay what they are. Looked at first, and without a call: most of any value is text."""


def _encode(value: object, depth: int) -> Any:
    if type(value) in _AS_IS:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if depth > MAX_DEPTH:
        raise _outside(f"nesting deeper than {MAX_DEPTH}")
    if isinstance(value, int):
        return _encode_integer(int.__index__(value))
    if isinstance(value, float):
        return {"$f": float.hex(value)}
    if isinstance(value, dict | Mapping):
        return _encode_mapping(value, depth)
    if isinstance(value, tuple):
        return {"$tuple": [_encode(item, depth + 1) for item in value]}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$b": base64.b64encode(value).decode()}
    if isinstance(value, list | Sequence):
        return [item if type(item) in _AS_IS else _encode(item, depth + 1) for item in value]
    return _encode_scalar(value)


def _encode_integer(value: int) -> Any:
    if -SAFE_INTEGER <= value <= SAFE_INTEGER:
        return value
    try:
        return {"$i": str(value)}
    except ValueError as error:  # sys.set_int_max_str_digits
        raise _outside("an integer too long to print") from error


def _encode_mapping(value: Mapping[Any, Any], depth: int) -> Any:
    if _plain_keys(value):
        return {
            str.__str__(key): item if type(item) in _AS_IS else _encode(item, depth + 1)
            for key, item in value.items()
        }
    pairs = [[_encode(key, depth + 1), _encode(item, depth + 1)] for key, item in value.items()]
    # Equal mappings have equal bytes, in whatever order they were filled.
    return {"$o": sorted(pairs, key=lambda pair: _dumps(pair[0]))}


def _plain_keys(value: Mapping[Any, Any]) -> bool:
    try:
        plain = "".join(value).isascii()
    except TypeError:  # a key that is no string
        return False
    return plain and not (len(value) == 1 and next(iter(value)).startswith("$"))


def _encode_scalar(value: object) -> Any:
    if isinstance(value, Decimal):
        return {"$d": str(value)}
    if isinstance(value, Money):
        return {"$m": [str(value.amount), value.currency]}
    if isinstance(value, datetime):
        return {"$t": _moment(value).isoformat()}
    if isinstance(value, date):
        return {"$day": value.isoformat()}
    raise _outside(f"a value of type {type(value).__name__}")


def _moment(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise _outside("a datetime without a time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise _outside("a datetime that UTC cannot express") from error


def _decoded_tag(tag: str, content: Any) -> Any:
    try:
        return _decode_tag(tag, content)
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise _damaged(f"a tag {tag} with a content that does not belong to it") from error


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
            return unstamp(content)
        case "$day":
            return date.fromisoformat(content)
        case "$b":
            return base64.b64decode(content, validate=True)
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


def _damaged(what: str) -> LedgerError:
    return LedgerError(
        "BH-REC-005",
        f"a stored value holds {what}",
        means="It is not what Bridgehead wrote; nothing was read from it.",
        fix="Run `bridgehead verify` to find out which entries were changed.",
    )


_dumps = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


def _no_float(text: str) -> float:
    raise ValueError(f"the number {text}")  # writers tag floats; a bare one is not ours


_loads = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float).decode
