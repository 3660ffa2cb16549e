"""What every part of a charter is made of: names, words, durations, amounts; no unknown keys."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""Lower case, digits, ``-`` and ``_``; starts with a letter."""

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|d)$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AMOUNT = re.compile(r"^(\d+(?:\.\d{1,4})?) ([A-Z]{3})$")


def seconds(duration: str) -> float:
    """Return the seconds in a duration such as ``500ms``, ``30s``, ``4h`` or ``7d``."""
    match = _DURATION.match(duration)
    if match is None:
        raise ValueError(f"{duration!r} is not a duration; write for example 30s, 4h or 7d")
    return float(match[1]) * _SECONDS[match[2]]


def amount(text: str) -> tuple[Decimal, str]:
    """Return the number and the currency in an amount such as ``250 USD``."""
    match = _AMOUNT.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not an amount; write for example 250 USD")
    return Decimal(match[1]), match[2]


class Part(BaseModel):
    """Base of every part of a charter: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def is_duration(value: str) -> str:
    """Return a duration as it is written, if it is one."""
    seconds(value)
    return value


def is_amount(value: str) -> str:
    """Return an amount as it is written, if it is one."""
    amount(value)
    return value


def is_zone(value: str) -> str:
    """Return the name of a time zone as it is written, if this machine knows it."""
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{value!r} is not a time zone this machine knows") from error
    return value
