"""An answer of another system as a value that can be recorded."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from bridgehead.connect.faults import unusable
from bridgehead.kernel.canonical import encoded_bytes
from bridgehead.kernel.errors import EffectState, LedgerError


def recordable(name: str, value: Any, effect: EffectState = "unknown") -> Any:
    """Return ``value``; raises BH-CON-014 where the ledger could not hold it.

    Without this a call could succeed and its outcome fail to be written.
    """
    try:
        encoded_bytes(value)
    except (LedgerError, RecursionError) as error:
        raise unusable(name, "it holds something that cannot be recorded", effect) from error
    return value


def json_or_text(text: str) -> Any:
    """Return the JSON value of ``text``, or ``text`` itself where it is not JSON (RFC 8259: no NaN)."""
    try:
        return json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return text


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)
