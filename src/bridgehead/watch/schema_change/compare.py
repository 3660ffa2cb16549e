"""What differs between two schemas: one change for each fact that is not as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bridgehead.watch.schema_change.schema import Column, Schema, Table

Kind = Literal[
    "table_added",
    "table_removed",
    "column_added",
    "column_removed",
    "type_changed",
    "type_widened",
    "type_respelled",
    "null_allowed",
    "null_forbidden",
    "default_changed",
    "value_added",
    "value_removed",
    "key_changed",
    "unique_dropped",
    "unique_added",
    "reference_changed",
    "unit_changed",
    "order_changed",
]
_WIDTHS = {
    name: (family, width)
    for family, names in {
        "integer": ("tinyint", "smallint", "mediumint", "int", "bigint"),
        "unsigned": ("utinyint", "usmallint", "umediumint", "uint", "ubigint"),
        "float": ("float", "double"),
        "text": ("tinytext", "text", "mediumtext", "longtext"),
        "blob": ("tinyblob", "blob", "mediumblob", "longblob"),
    }.items()
    for width, name in enumerate(names)
}
_SIZED = re.compile(r"(\w+)\((\d+)(?:,(\d+))?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change. ``column`` is empty for changes of a table; ``new`` is the column as it is now, if any."""

    kind: Kind
    table: str
    column: str = ""
    before: str = ""
    after: str = ""
    new: Column | None = None


def compare(old: Schema, new: Schema) -> tuple[Change, ...]:
    """Return every change from one schema to another, table by table, in their order.

    Names are compared in whatever case. A rename is a removal and an addition here; ``renames`` proposes it.
    """
    changes: list[Change] = []
    for table in old:
        there = new.table(table.name)
        changes += _compared(table, there) if there else [Change(kind="table_removed", table=table.name)]
    changes += (Change(kind="table_added", table=each.name) for each in new if old.table(each.name) is None)
    return tuple(changes)


def _compared(old: Table, new: Table) -> Iterator[Change]:
    for column in old.columns:
        there = new.column(column.name)
        if there is None:
            yield Change(kind="column_removed", table=new.name, column=column.name, before=column.type)
        else:
            yield from _differences(new.name, column, there)
    for column in new.columns:
        if old.column(column.name) is None:
            yield Change(
                kind="column_added", table=new.name, column=column.name, after=column.type, new=column
            )
    yield from _keys(old, new)
    both = [c.name.casefold() for c in old.columns if new.column(c.name)]
    if both != [c.name.casefold() for c in new.columns if old.column(c.name)]:
        yield Change(kind="order_changed", table=new.name)


def _differences(table: str, old: Column, new: Column) -> Iterator[Change]:
    def change(kind: Kind, before: str, after: str) -> Change:
        return Change(kind=kind, table=table, column=new.name, before=before, after=after, new=new)

    if old.type != new.type:
        yield change("type_widened" if widened(old.type, new.type) else "type_changed", old.type, new.type)
    elif old.written != new.written and not (old.values or new.values):
        yield change("type_respelled", old.written, new.written)
    if old.nullable != new.nullable:
        yield change("null_allowed" if new.nullable else "null_forbidden", _null(old), _null(new))
    if old.default != new.default:
        yield change("default_changed", old.default or "", new.default or "")
    for value in old.values:
        if value not in new.values:
            yield change("value_removed", value, "")
    for value in new.values:
        if old.values and value not in old.values:
            yield change("value_added", "", value)
    if old.refers_to.casefold() != new.refers_to.casefold():
        yield change("reference_changed", old.refers_to, new.refers_to)
    if old.unit != new.unit:
        yield change("unit_changed", old.unit, new.unit)


def _null(column: Column) -> str:
    return "may be null" if column.nullable else "never null"


def _keys(old: Table, new: Table) -> Iterator[Change]:
    """Yield what changed about keys: for each column that became part of the key, or is it no longer."""
    before, after = ({name.casefold(): name for name in table.key} for table in (old, new))
    for name in sorted(before.keys() ^ after.keys()):
        if old.column(name) is not None and new.column(name) is not None:
            told = ("in the key", "") if name in before else ("", "in the key")
            where = before.get(name) or after[name]
            yield Change(kind="key_changed", table=new.name, column=where, before=told[0], after=told[1])
    sets_before, sets_after = (
        {tuple(sorted(name.casefold() for name in each)) for each in table.unique} for table in (old, new)
    )
    for each in sorted(sets_before - sets_after):
        yield Change(kind="unique_dropped", table=new.name, before=", ".join(each))
    for each in sorted(sets_after - sets_before):
        yield Change(kind="unique_added", table=new.name, after=", ".join(each))


def widened(old: str, new: str) -> bool:
    """Whether every value of a type is one of another: ``int`` and ``bigint``, ``varchar(40)`` and text."""
    if old in _WIDTHS and new in _WIDTHS:
        (family, a), (other, b) = _WIDTHS[old], _WIDTHS[new]
        return (family == other and a < b) or (family == "unsigned" and other == "integer" and a < b)
    first, second = _SIZED.fullmatch(old), _SIZED.fullmatch(new)
    if first and second:
        return _holds(first, second)
    return first is not None and first[1] in ("varchar", "char") and new in ("text", "mediumtext", "longtext")


def _holds(old: re.Match[str], new: re.Match[str]) -> bool:
    """Whether a type with a size holds what one with another does: digits before the point, too."""
    if old[1] != new[1] and (old[1], new[1]) != ("char", "varchar"):
        return False
    size, scale = (int(new[2]) - int(old[2])), int(new[3] or 0) - int(old[3] or 0)
    return size >= 0 and scale >= 0 and size >= scale
