"""One part of a table's definition: a column or a key, parsed by sqlglot in whatever dialect reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from bridgehead.watch.schema_change.schema import Column, Table
from bridgehead.watch.schema_change.splitting import parts

DIALECTS = ("mysql", "postgres", "sqlite")
NAME = r"(?:`[^`]+`|\"[^\"]+\"|\[[^\]]+\]|'[^']+'|[\w$#]+)"  # SQLite takes names in single quotes, too
_LEAVES_COLUMNS = re.compile(
    r"\s*((?:fulltext\s+|spatial\s+)?(?:key|index)\b(?!\s+\w+\s*(?:\(?\d|$))"
    r"|check\b|constraint\s+\S+\s+check\b"
    r"|fulltext\b|exclude\b|like\b)",
    re.I,
)
_UNIQUE = re.compile(
    rf"\s*(?:constraint\s+{NAME}\s+)?unique(?:\s+(?:key|index))?(?:\s+{NAME})?\s*(?:using\s+\w+\s*)?"
    r"\((?P<columns>.*)\)",
    re.I | re.S,
)
_TYPE = re.compile(
    r"\s*([a-z_]\w*(?:\s+(?:varying|precision))?)\s*(\((?:[^()']|'(?:[^'\\]|\\.|'')*')*\))?", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A part of a definition: a column, or a key, or what a key refers to."""

    column: Column | None = None
    primary: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    refers: tuple[tuple[str, str], ...] = ()


def assembled(table: Table, items: list[Item]) -> Table:
    """Return a table with parts added: columns first, then what keys say of them."""
    for item in items:
        if item.column is not None:
            others = tuple(c for c in table.columns if c.name.casefold() != item.column.name.casefold())
            table = replace(table, columns=(*others, item.column))
        if item.primary:
            table = replace(table, key=item.primary)
        if item.unique:
            table = replace(table, unique=(*table.unique, item.unique))
    refers = {name.casefold(): to for item in items for name, to in item.refers}
    keys = {name.casefold() for name in table.key}
    columns = (
        replace(
            column,
            refers_to=refers.get(column.name.casefold(), column.refers_to),
            nullable=column.nullable and column.name.casefold() not in keys,
        )
        for column in table.columns
    )
    return replace(table, columns=tuple(columns))


def understood(part: str, dialect: str) -> tuple[list[Item], bool]:
    """Return what a part says, and whether all of it was understood.

    Where a comma was forgotten between two lines, both are read, and it is said; what is nobody's SQL is
    read for its name and type alone, and said, too.
    """
    if (item := read_part(part, dialect)) is not None:
        return [item], True
    lines = [each for each in part.splitlines() if each.strip()]
    if len(lines) > 1 and all(items := [read_part(each, dialect) for each in lines]):
        return [each for each in items if each is not None], False
    crude = _crude(part)
    return ([crude] if crude is not None else []), False


@lru_cache(maxsize=8192)
def read_part(part: str, dialect: str) -> Item | None:
    """Return what a part of a definition says; None where no dialect reads it."""
    if unique := _UNIQUE.match(part):
        return Item(unique=tuple(plain(re.split(r"[\s(]", each)[0]) for each in parts(unique["columns"])))
    if _LEAVES_COLUMNS.match(part):
        return Item()
    for each in dict.fromkeys((dialect, *DIALECTS)):
        try:
            found = sqlglot.parse_one(f"CREATE TABLE t ({part})", read=each)
        except (SqlglotError, RecursionError, ValueError):
            continue
        if isinstance(found, exp.Create) and isinstance(found.this, exp.Schema) and found.this.expressions:
            return _said(found.this.expressions[0], part)
    return None


def _crude(part: str) -> Item | None:
    """Return a column by its name and type alone, where the rest of it is nobody's SQL."""
    shape = re.match(rf"\s*(?P<name>{NAME})\s+(?P<rest>.*)", part, re.S)
    if shape is None or not _TYPE.match(shape["rest"]):
        return None
    written = _written(shape["rest"])
    try:
        kind = exp.DataType.build(written, dialect="mysql")
    except (SqlglotError, ValueError):
        return None
    rest = shape["rest"].lower()
    primary = (plain(shape["name"]),) if "primary key" in rest else ()
    column = Column(
        name=plain(shape["name"]), type=_kind(kind), written=written, nullable="not null" not in rest
    )
    return Item(column=column, primary=primary)


def _said(found: exp.Expression, part: str) -> Item:
    if isinstance(found, exp.Constraint):
        items = [_said(each, part) for each in found.expressions]
        return next((each for each in items if each != Item()), Item())
    if isinstance(found, exp.PrimaryKey):
        return Item(primary=_names(found))
    if isinstance(found, (exp.UniqueColumnConstraint,)):
        return Item(unique=_names(found))
    if isinstance(found, exp.ForeignKey):
        return Item(refers=_refers(found))
    if isinstance(found, exp.ColumnDef):
        return _column(found, part)
    return Item()


def _column(found: exp.ColumnDef, part: str) -> Item:
    name = found.name
    kinds = {type(each.kind): each.kind for each in found.constraints}
    null = kinds.get(exp.NotNullColumnConstraint)
    default = kinds.get(exp.DefaultColumnConstraint)
    refers = kinds.get(exp.Reference)
    primary = exp.PrimaryKeyColumnConstraint in kinds
    data = found.kind
    column = Column(
        name=name,
        type=_kind(data) if isinstance(data, exp.DataType) else "unknown",
        written=_written(re.sub(rf"^\s*{NAME}", "", part, count=1)),
        nullable=not primary and (null is None or bool(null.args.get("allow_null"))),
        default=None if default is None else default.this.sql(),
        values=_values(data),
        refers_to=_target(refers) if isinstance(refers, exp.Reference) else "",
    )
    unique = (name,) if exp.UniqueColumnConstraint in kinds else ()
    return Item(column=column, primary=(name,) if primary else (), unique=unique)


def _kind(data: exp.DataType) -> str:
    """Return a type in one spelling; the display width of an integer says nothing and is left out."""
    inner = (
        "" if data.this in exp.DataType.INTEGER_TYPES else ",".join(each.sql() for each in data.expressions)
    )
    name = data.this.value.lower() if isinstance(data.this, exp.DataType.Type) else str(data.this).lower()
    if name in ("enum", "set"):
        return name
    return f"{name}({inner})" if inner else name


def _values(data: object) -> tuple[str, ...]:
    if not isinstance(data, exp.DataType) or data.this not in (exp.DataType.Type.ENUM, exp.DataType.Type.SET):
        return ()
    return tuple(each.name for each in data.expressions)


def _written(text: str) -> str:
    """Return a type as it is written, in capitals, without blanks."""
    found = _TYPE.match(text)
    return re.sub(r"\s+", "", "".join(each or "" for each in found.groups())).upper() if found else ""


def _names(found: exp.Expression) -> tuple[str, ...]:
    inner = found.this if isinstance(found.this, exp.Schema) else found
    return tuple(name for each in inner.expressions if (name := _column_name(each)))


def _column_name(found: exp.Expression) -> str:
    """Return the column a part of a key names, without its length or order."""
    named = found.find(exp.Identifier)
    return named.name if named is not None else found.name


def _refers(found: exp.ForeignKey) -> tuple[tuple[str, str], ...]:
    reference = found.args.get("reference")
    target = _target(reference) if isinstance(reference, exp.Reference) else ""
    table, _, columns = target.partition(".")
    to = columns.split(",") if columns else []
    names = [_column_name(each) for each in found.expressions]
    return tuple((name, f"{table}.{to[n] if n < len(to) else ''}") for n, name in enumerate(names))


def _target(reference: exp.Expression) -> str:
    table = reference.find(exp.Table)
    inner = reference.this
    columns = [each.name for each in inner.expressions] if isinstance(inner, exp.Schema) else []
    return f"{table.name if table is not None else ''}.{','.join(columns)}"


def plain(name: str) -> str:
    """Return a name without its quotes."""
    return name.strip().strip("`\"[]'")
