"""Which type most values of a column are written as, and which values are not.

The forms are those that ``watch check`` reads in text files; what a check would not read is not that type.
A code with leading zeros is text although it looks like a number: as one it would lose them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from bridgehead.watch.contract.model import Logical
from bridgehead.watch.draft.sample import Sampled

MAJORITY = 0.5
MISSING = frozenset(
    {"", "-", "--", "---", "?", "n/a", "na", "#n/a", "#na", "nan", "null", "none", "nil", "(null)", "<null>",
     "not available", "not applicable", "unknown", "missing", "tbd", "not provided", "not known"}
)  # fmt: skip
"""How people write that there is no value."""
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_ZEROS = re.compile(r"\s*0[0-9]+\s*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?.{0,6}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """``logical`` is what most values are; ``failing`` are the places of the values that are not."""

    logical: Logical
    failing: tuple[int, ...] = ()
    support: float = 1.0


def cast(column: Sampled) -> Cast:
    """Return the narrowest type that more than half of the rows with a value are written as.

    What says that there is no value (``N/A``) is not counted when the majority is taken, and fails the type.
    """
    spoken = [n for n, value in enumerate(column.values) if not says_missing(value)]
    there = int(column.counts[spoken].sum()) if spoken else 0
    for logical, is_written in _FORMS:
        holding = [n for n in spoken if is_written(column.values[n])]
        held = int(column.counts[holding].sum()) if holding else 0
        if held and held > MAJORITY * there and not _is_code(column, logical, holding):
            kept = set(holding)
            failing = tuple(n for n in range(len(column.values)) if n not in kept)
            return Cast(logical=logical, failing=failing, support=held / column.present)
    return Cast(logical="string")


def says_missing(value: str) -> bool:
    """Say whether a text only says that there is no value."""
    return value.strip().lower() in MISSING


def _is_code(column: Sampled, logical: str, holding: list[int]) -> bool:
    """Say whether what looks like numbers has leading zeros: a postal code, an account."""
    return logical in ("integer", "number") and any(_ZEROS.fullmatch(column.values[n]) for n in holding)


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text.strip()) is not None and _reads(date.fromisoformat, text.strip())


def _is_moment(text: str) -> bool:
    return _MOMENT.fullmatch(text.strip()) is not None and _reads(datetime.fromisoformat, text.strip())


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _is_flag(text: str) -> bool:
    return text.strip().lower() in ("true", "false")


_FORMS: tuple[tuple[Logical, Callable[[str], object]], ...] = (
    ("boolean", _is_flag),
    ("integer", _WHOLE.fullmatch),
    ("number", _NUMBER.fullmatch),
    ("date", _is_date),
    ("timestamp", lambda text: _is_date(text) or _is_moment(text)),
    ("time", _TIME.fullmatch),
)
