"""What every driver of a source does alike: its faults, the size of an answer, values as they are kept.

What a database says when it fails may name values that whoever asked may not see. It goes into ``private``,
never into the words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from bridgehead.connect.faults import LIMIT_BYTES, shorten
from bridgehead.kernel.errors import ConnectError


class Answer:
    """The rows of one answer, as long as they are few and small enough."""

    def __init__(self, source: str, columns: Sequence[str], row_limit: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self.size = 0
        self._source, self._columns, self._limit = source, told_apart(columns), row_limit

    def take(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows. Raises BH-CON-063 at the first that is too much."""
        for row in rows:
            plain = [_plain(cell) for cell in row]
            self.size += sum(_bytes(cell) for cell in plain)
            if len(self.rows) == self._limit or self.size > LIMIT_BYTES:
                raise too_many(self._source, self._limit, self.size)
            self.rows.append(dict(zip(self._columns, plain, strict=True)))


def told_apart(columns: Sequence[str]) -> list[str]:
    """Return the names of an answer's columns: of several with one name the later ones are numbered
    (``count``, ``count_2``). No number makes a name that another column has, in either case of letters.

    Databases name what has no name of its own after its function, so two counts share theirs. Which label
    such a column has is for ``entitle.Statement.labels`` to say.
    """
    taken = {name.lower() for name in columns}
    found: list[str] = []
    for name in columns:
        given, number = name, 2
        while given in found or (given != name and given.lower() in taken):
            given, number = f"{name}_{number}", number + 1
        found.append(given)
    return found


def statement_of(source: str, arguments: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Return the text and the values of a ``STATEMENT``."""
    sql, values = arguments.get("sql"), arguments.get("values")
    if not isinstance(sql, str) or not isinstance(values, list):
        raise ConnectError(
            "BH-CON-074",
            f"a statement for {source} is not a text and its values",
            effect_state="none",
            means="Nothing was asked.",
            fix="Only the boundary asks a source; report this.",
        )
    return sql, values


def failed(source: str, said: str, *, temporary: bool = False) -> ConnectError:
    """Return the fault of a database that could not answer; what it said is for the owner alone."""
    return ConnectError(
        "BH-CON-064",
        f"{source} could not answer this query",
        effect_state="none",
        temporary=temporary,
        means="Nothing was changed; queries only read.",
        fix="`bridgehead entitle explain` shows what was asked of it; what it said is in the ledger.",
        private=shorten(said),
    )


def too_many(source: str, row_limit: int, size: int) -> ConnectError:
    """Return the fault of an answer that is too large to be given."""
    limit = f"{LIMIT_BYTES} bytes" if size > LIMIT_BYTES else f"{row_limit} rows"
    return ConnectError(
        "BH-CON-063",
        f"a query of {source} gives more than {limit}",
        effect_state="none",
        means="Part of an answer is not an answer, so nothing was returned.",
        fix="Narrow the query, or raise `row_limit`.",
    )


def unreadable(source: str, what: str, why: str) -> ConnectError:
    """Return the fault of a database that cannot be opened."""
    return ConnectError(
        "BH-CON-060",
        f"the database of {source}, {what}, cannot be opened: {why}",
        effect_state="none",
        means="Nothing was read.",
        fix="Correct `path` in the charter, or the file.",
    )


def _plain(value: Any) -> Any:
    """Return a value as the ledger can keep it; what has no form of its own there becomes text."""
    match value:
        case None | bool() | int() | str() | bytes():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return value if value.is_finite() else str(value)
        case datetime():
            return value if value.tzinfo is not None else value.isoformat(" ")
        case date():
            return value
        case time():
            return value.isoformat()
        case memoryview() | bytearray():
            return bytes(value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case _:
            return str(value)


def _bytes(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, list):
        return 8 + sum(_bytes(item) for item in value)
    if isinstance(value, dict):
        return 8 + sum(len(key) + _bytes(item) for key, item in value.items())
    return 8
