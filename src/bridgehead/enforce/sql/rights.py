"""What one principal may see of one source: tables, rows, columns, masks. Values only, no decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from bridgehead.kernel.canonical import digest

Dialect = Literal["postgres", "duckdb", "sqlite"]

ALL_ROWS = "all"
"""What a charter writes where a grant leaves no row out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """What is shown instead of a value. The SQL type of the column stays.

    ``null``: nothing. ``hash``: a keyed digest, equal for equal values. ``last4``: stars and the last four
    characters. ``bucket``: numbers rounded down to a multiple of ``size``. ``month``, ``year``: dates cut.
    """

    kind: Literal["null", "hash", "last4", "bucket", "month", "year"]
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRight:
    """One column that may be seen, as it is or masked. ``type`` is its type in the source's words."""

    name: str
    type: str
    mask: Mask | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRight:
    """One table that may be read: the rows that satisfy ``rows``, and of them the columns in ``columns``.

    ``rows`` is an SQL condition over the table's columns with ``:attribute`` places, or ``all``. ``hidden``
    are columns that the condition may name and nobody sees. ``at_least``: only figures over groups of at
    least so many different values of ``key`` are given; 0: rows may be read one by one. ``called`` is its
    name in the charter. ``stored`` are columns that are called otherwise where the data are, with that name.
    """

    name: str
    schema: str
    columns: tuple[ColumnRight, ...]
    rows: str
    hidden: frozenset[str] = frozenset()
    at_least: int = 0
    key: str = ""
    called: str = ""
    stored: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """Return what the charter calls it."""
        return self.called or self.name

    def stored_as(self, name: str) -> str:
        """Return what a column is called where the data are: its name, unless people accepted another."""
        return dict(self.stored).get(name, name)

    def column(self, name: str) -> ColumnRight | None:
        """Return the column of that name, whatever its case."""
        folded = name.casefold()
        return next((column for column in self.columns if column.name.casefold() == folded), None)


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Everything one principal may see of one source, and the attributes their row filters ask for.

    ``tables`` are keyed as the charter writes them: ``orders``, or ``sales.orders``. ``secret`` keys the
    ``hash`` mask; it is bound as a value, never written into a statement. ``version`` names the release.
    ``wall`` is the schema whose views give what may be seen of the tables, where the source has one.
    """

    dialect: Dialect
    tables: Mapping[str, TableRight]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    secret: str = ""
    version: str = ""
    wall: str = ""

    @cached_property
    def digest(self) -> str:
        """What a cached rewrite depends on beside its text: dialect, tables, filters, attributes, release."""
        tables = {
            name: [
                right.schema,
                right.name,
                right.rows,
                right.at_least,
                right.key,
                [list(pair) for pair in right.stored],
                [
                    [c.name, c.type, c.mask and [c.mask.kind, c.mask.size], sorted(c.tags)]
                    for c in right.columns
                ],
            ]
            for name, right in self.tables.items()
        }
        return digest([self.dialect, tables, dict(self.attributes), self.secret, self.version, self.wall])
