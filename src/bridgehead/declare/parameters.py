"""What a value of a named query's parameter is, by the type the charter declares."""

from __future__ import annotations

import math
from typing import Any

_KINDS: dict[str, type | tuple[type, ...]] = {"text": str, "integer": int, "number": (int, float)}


def fits(value: Any, kind: str) -> bool:
    """Return whether a value is of a declared type, and one that every database can be given: numbers are
    finite and of 64 bits, text holds no NUL.
    """
    if isinstance(value, bool) or not isinstance(value, _KINDS[kind]):
        return False
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str) and "\x00" not in value
