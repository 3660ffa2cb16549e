"""The state of a watch as plain JSON, and back: ``read(Kind, json.loads(json.dumps(plain(state))))``.

For frozen dataclasses of numbers, text, dates, moments and tuples of these. What comes back equals what was
written, so that a watch that was stopped and one that was not say the same.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.errors import StoreError

T = TypeVar("T")


def plain(value: object) -> Any:
    """Return a state as dicts, lists, text, numbers and null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    return value


def read(kind: type[T], stored: object) -> T:
    """Return the state that ``plain`` wrote.

    Raises ``StoreError`` (BH-WAT-040) for anything else: a state half read has forgotten.
    """
    try:
        value: T = _read(kind, stored)
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise StoreError(
            "BH-WAT-040",
            f"the stored state of a watch is not a {kind.__name__}: {error}",
            means="What was learned about this feed or table cannot be read. Nothing was changed.",
            fix="Restore the state from a backup; without one, learning begins again, and says so.",
        ) from error
    return value


def _read(kind: Any, stored: Any) -> Any:
    if is_dataclass(kind):
        return _record(kind, stored)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _tuple(inner, stored)
    if origin in (Union, UnionType):
        return None if stored is None else _read(next(one for one in inner if one is not type(None)), stored)
    if origin is Literal:
        return _one_of(inner, stored)
    return _scalar(kind, stored)


def _record(kind: Any, stored: Any) -> Any:
    hints = _hints(kind)
    if not isinstance(stored, dict) or (unknown := stored.keys() - hints.keys()):
        raise ValueError(
            f"{kind.__name__} has no {sorted(unknown)}" if isinstance(stored, dict) else "no object"
        )
    return kind(**{name: _read(hints[name], value) for name, value in stored.items()})


def _tuple(inner: tuple[Any, ...], stored: Any) -> tuple[Any, ...]:
    if not isinstance(stored, list):
        raise TypeError(f"{stored!r} is not a list")
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_read(inner[0], each) for each in stored)
    return tuple(_read(one, each) for one, each in zip(inner, stored, strict=True))


def _one_of(allowed: tuple[Any, ...], stored: Any) -> Any:
    if stored not in allowed:
        raise ValueError(f"{stored!r} is none of {allowed}")
    return stored


def _scalar(kind: Any, stored: Any) -> Any:
    if kind is datetime:
        return unstamp(stored)
    if kind is date:
        return date.fromisoformat(stored)
    if kind is Decimal:
        return Decimal(stored)
    if kind is float and type(stored) in (int, float):
        return float(stored)
    if type(stored) is not kind:
        raise TypeError(f"{stored!r} is not {kind.__name__}")
    return stored


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
