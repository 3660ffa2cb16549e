"""A schema as it is compared: tables, columns with type, nullability, default, values and keys, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridgehead.kernel.canonical import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. ``type`` is canonical (``int``, ``varchar(40)``), ``written`` is its source's.

    ``default`` is None where there is none. ``values`` are those of an enum. ``refers_to`` is
    ``table.column``. ``unit`` is what the contract says of it: currency, unit, time zone, encoding.
    """

    name: str
    type: str
    written: str = ""
    nullable: bool = True
    default: str | None = None
    values: tuple[str, ...] = ()
    refers_to: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; ``key`` are the columns of its primary key, ``unique`` other sets without equal rows."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()

    def column(self, name: str) -> Column | None:
        """Return a column by its name, in whatever case; None where there is none."""
        return next((each for each in self.columns if each.name.casefold() == name.casefold()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Tables by name. Two of equal fingerprint need no comparison, and no look at a row.

    ``exact_tables``: ``User`` and ``user`` are two tables, as on MySQL where files are told apart by case.
    """

    tables: tuple[Table, ...] = ()
    exact_tables: bool = False

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    def table(self, name: str) -> Table | None:
        """Return a table by its name, in whatever case unless that matters; None where there is none."""
        fold = str if self.exact_tables else str.casefold
        return next((each for each in self.tables if fold(each.name) == fold(name)), None)

    def fingerprint(self) -> str:
        """Return the hash of everything that is compared, the order of columns included."""
        return digest([_told(table) for table in sorted(self.tables, key=lambda each: each.name.casefold())])


def _told(table: Table) -> list[object]:
    columns = [
        [c.name, c.type, c.nullable, c.default, list(c.values), c.refers_to, c.unit] for c in table.columns
    ]
    return [table.name, columns, list(table.key), sorted(list(each) for each in table.unique)]
