"""A number on a page, and where it comes from. A number without a source cannot be built."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bridgehead.kernel.clock import stamp
from bridgehead.kernel.money import Money


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number. ``query`` names a query of ``explain.queries``; ``entries`` are ledger indexes.

    Raises ``ValueError`` when it has neither: a figure nobody can resolve is not shown.
    """

    label: str
    value: str
    unit: str = ""
    query: str = ""
    entries: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.query and not self.entries:
            raise ValueError(f"the figure {self.label!r} resolves to no entry and no query")


def plain(value: Any) -> Any:
    """Return ``value`` as JSON types: dataclasses as objects, decimals and times as text, bytes in hex."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Sequence | frozenset | set):
        return [plain(item) for item in (sorted(value) if isinstance(value, frozenset | set) else value)]
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Decimal | Money | date | float):
        return str(value)
    return repr(value)
