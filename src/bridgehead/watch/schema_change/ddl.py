"""A schema read from the SQL that makes it: CREATE, ALTER, DROP and RENAME TABLE, parsed by sqlglot.

What cannot be read is a finding with its line, never a silence: an unread column is an unknown change. A
definition is tried in the dialect given and then in others; where none reads the whole table, part by part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from bridgehead.kernel.finding import Finding
from bridgehead.watch.schema_change.schema import Column, Schema, Table
from bridgehead.watch.schema_change.splitting import Statement, bracketed, parts, statements

DIALECTS = ("mysql", "postgres", "sqlite")
_NAME = r"(?:`[^`]+`|\"[^\"]+\"|\[[^\]]+\]|[\w$#]+)"
_FULL = rf"(?:{_NAME}\s*\.\s*)?(?P<name>{_NAME})"
_CREATE = re.compile(
    rf"create\s+(?:temporary\s+|temp\s+|unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?{_FULL}\s*(?=\()", re.I
)
_ALTER = re.compile(rf"alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?{_FULL}\s+(?P<rest>.*)", re.I | re.S)
_DROP = re.compile(r"drop\s+table\s+(?:if\s+exists\s+)?(?P<rest>.*)", re.I | re.S)
_RENAME = re.compile(rf"rename\s+table\s+{_FULL}\s+to\s+(?P<to>{_NAME})", re.I)
_LEAVES_COLUMNS = re.compile(
    r"\s*((?:fulltext\s+|spatial\s+)?(?:key|index)\b(?!\s+\w+\s*(?:\(?\d|$))"
    r"|check\b|constraint\s+\S+\s+check\b"
    r"|fulltext\b|exclude\b|like\b)",
    re.I,
)
_UNIQUE = re.compile(
    rf"\s*(?:constraint\s+{_NAME}\s+)?unique(?:\s+(?:key|index))?(?:\s+{_NAME})?\s*(?:using\s+\w+\s*)?"
    r"\((?P<columns>.*)\)",
    re.I | re.S,
)
_TYPE = re.compile(
    r"\s*([a-z_]\w*(?:\s+(?:varying|precision))?)\s*(\((?:[^()']|'(?:[^'\\]|\\.|'')*')*\))?", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """A part of a definition: a column, or a key, or what a key refers to."""

    column: Column | None = None
    primary: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    refers: tuple[tuple[str, str], ...] = ()


def read_ddl(sql: str, dialect: str = "mysql", file: str = "") -> tuple[Schema, tuple[Finding, ...]]:
    """Return the schema after all statements, and a finding for each that could not be read.

    Statements about anything but tables are passed over.
    """
    tables: dict[str, Table] = {}
    unread: list[Finding] = []
    for each in statements(sql):
        parts_unread = _applied(tables, each, dialect)
        unread += (_unread(text, f"{file}:{each.line}") for text in parts_unread)
    exact = dialect == "mysql"
    return Schema(tables=tuple(tables.values()), exact_tables=exact), tuple(unread)


def _applied(tables: dict[str, Table], statement: Statement, dialect: str) -> list[str]:
    """Apply a statement to the tables; return the parts of it that could not be read."""
    text = statement.text
    if found := _CREATE.match(text):
        name = _plain(found["name"])
        body = bracketed(text[found.end() :])
        if body is None:
            return [text]
        table, unread = _table(name, body[0], dialect)
        tables[name] = table
        return unread + _forgotten(tables, text[found.end() + len(body[0]) :], statement.line, dialect)
    if found := _ALTER.match(text):
        return _altered(tables, _plain(found["name"]), found["rest"], dialect)
    if found := _RENAME.match(text):
        return _renamed(tables, _plain(found["name"]), _plain(found["to"]))
    if found := _DROP.match(text):
        for one in parts(found["rest"]):
            tables.pop(_plain(re.split(r"\s", one)[0].split(".")[-1]), None)
        return []
    return [text] if re.match(r"create\s+(\w+\s+)?table\b", text, re.I) else []


def _forgotten(tables: dict[str, Table], rest: str, line: int, dialect: str) -> list[str]:
    """Apply a statement that begins on a line of its own where the one before was not ended; say so."""
    again = re.search(r"^\s*(?=(?:create|alter|drop|rename)\s+table\b)", rest, re.I | re.M)
    if again is None:
        return []
    text = rest[again.end() :]
    return [text.splitlines()[0], *_applied(tables, Statement(text, line), dialect)]


def _table(name: str, body: str, dialect: str) -> tuple[Table, list[str]]:
    items, unread = [], []
    for part in parts(body):
        found, whole = _items(part, dialect)
        items += found
        if not whole:
            unread.append(part)
    return _assembled(Table(name=name, columns=()), items), unread


def _assembled(table: Table, items: list[_Item]) -> Table:
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


def _items(part: str, dialect: str) -> tuple[list[_Item], bool]:
    """Return what a part says, and whether all of it was understood.

    Where a comma was forgotten between two lines, both are read, and it is said; what is nobody's SQL is
    read for its name and type alone, and said, too.
    """
    if (item := _item(part, dialect)) is not None:
        return [item], True
    lines = [each for each in part.splitlines() if each.strip()]
    if len(lines) > 1 and all(items := [_item(each, dialect) for each in lines]):
        return [each for each in items if each is not None], False
    crude = _crude(part)
    return ([crude] if crude is not None else []), False


@lru_cache(maxsize=8192)
def _item(part: str, dialect: str) -> _Item | None:
    """Return what a part of a definition says; None where no dialect reads it."""
    if unique := _UNIQUE.match(part):
        return _Item(unique=tuple(_plain(re.split(r"[\s(]", each)[0]) for each in parts(unique["columns"])))
    if _LEAVES_COLUMNS.match(part):
        return _Item()
    for each in dict.fromkeys((dialect, *DIALECTS)):
        try:
            found = sqlglot.parse_one(f"CREATE TABLE t ({part})", read=each)
        except (SqlglotError, RecursionError, ValueError):
            continue
        if isinstance(found, exp.Create) and isinstance(found.this, exp.Schema) and found.this.expressions:
            return _said(found.this.expressions[0], part)
    return None


def _crude(part: str) -> _Item | None:
    """Return a column by its name and type alone, where the rest of it is nobody's SQL."""
    shape = re.match(rf"\s*(?P<name>{_NAME})\s+(?P<rest>.*)", part, re.S)
    if shape is None or not _TYPE.match(shape["rest"]):
        return None
    written = _written(shape["rest"])
    try:
        kind = exp.DataType.build(written, dialect="mysql")
    except (SqlglotError, ValueError):
        return None
    rest = shape["rest"].lower()
    primary = (_plain(shape["name"]),) if "primary key" in rest else ()
    column = Column(
        name=_plain(shape["name"]), type=_kind(kind), written=written, nullable="not null" not in rest
    )
    return _Item(column=column, primary=primary)


def _said(found: exp.Expression, part: str) -> _Item:
    if isinstance(found, exp.Constraint):
        items = [_said(each, part) for each in found.expressions]
        return next((each for each in items if each != _Item()), _Item())
    if isinstance(found, exp.PrimaryKey):
        return _Item(primary=_names(found))
    if isinstance(found, (exp.UniqueColumnConstraint,)):
        return _Item(unique=_names(found))
    if isinstance(found, exp.ForeignKey):
        return _Item(refers=_refers(found))
    if isinstance(found, exp.ColumnDef):
        return _column(found, part)
    return _Item()


def _column(found: exp.ColumnDef, part: str) -> _Item:
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
        written=_written(re.sub(rf"^\s*{_NAME}", "", part, count=1)),
        nullable=not primary and (null is None or bool(null.args.get("allow_null"))),
        default=None if default is None else default.this.sql(),
        values=_values(data),
        refers_to=_target(refers) if isinstance(refers, exp.Reference) else "",
    )
    unique = (name,) if exp.UniqueColumnConstraint in kinds else ()
    return _Item(column=column, primary=(name,) if primary else (), unique=unique)


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


def _altered(tables: dict[str, Table], name: str, rest: str, dialect: str) -> list[str]:
    """Apply the actions of an ALTER TABLE; return those that could not be read."""
    table, unread = tables.get(name), list[str]()
    for action in parts(rest):
        if table is None or not re.match(r"(add|drop|modify|change|alter|rename)\b", action, re.I):
            continue
        found = _acted(table, action, dialect)
        if found is None:
            unread.append(f"alter table {name} {action}")
            continue
        if found.name != table.name:
            tables.pop(table.name)
        table = found
        tables[table.name] = table
    return unread


def _acted(table: Table, action: str, dialect: str) -> Table | None:
    if found := re.match(r"add\s+(?:column\s+)?(?:if\s+not\s+exists\s+)?(?P<part>.*)", action, re.I | re.S):
        part = found["part"]
        listed = bracketed(part) if part.lstrip().startswith("(") else None
        items = [_item(each, dialect) for each in (parts(listed[0]) if listed else [_placed(part)])]
        return None if None in items else _assembled(table, [each for each in items if each is not None])
    if found := re.match(r"drop\s+primary\s+key", action, re.I):
        return replace(table, key=())
    if re.match(r"drop\s+(index|key|constraint|foreign|check)\b", action, re.I):
        return table
    if found := re.match(rf"drop\s+(?:column\s+)?(?:if\s+exists\s+)?(?P<name>{_NAME})", action, re.I):
        gone = _plain(found["name"]).casefold()
        return replace(table, columns=tuple(c for c in table.columns if c.name.casefold() != gone))
    if re.match(r"modify\s*\(", action, re.I) and (listed := bracketed(action)):
        return _modified(table, parts(listed[0]), dialect)
    if found := re.match(
        rf"modify\s+(?:column\s+)?(?P<name>{_NAME})\s+(?P<null>not\s+null|null)$", action, re.I
    ):
        return _modified(table, [action[len("modify") :]], dialect)
    if found := re.match(rf"modify\s+(?:column\s+)?(?P<part>(?P<name>{_NAME})\s.*)", action, re.I | re.S):
        return _changed(table, _plain(found["name"]), _placed(found["part"]), dialect)
    if found := re.match(rf"change\s+(?:column\s+)?(?P<name>{_NAME})\s+(?P<part>.*)", action, re.I | re.S):
        return _changed(table, _plain(found["name"]), _placed(found["part"]), dialect)
    if found := re.match(rf"rename\s+(?:to\s+|as\s+)?(?P<to>{_NAME})\s*$", action, re.I):
        return replace(table, name=_plain(found["to"]))
    if found := re.match(rf"rename\s+(?:column\s+)?(?P<name>{_NAME})\s+to\s+(?P<to>{_NAME})", action, re.I):
        return _named(table, _plain(found["name"]), _plain(found["to"]))
    return _alter_column(table, action)


def _modified(table: Table, listed: list[str], dialect: str) -> Table | None:
    """Return the table after Oracle's ``MODIFY (a NOT NULL, b NUMBER)``: what is not said stays."""
    for part in listed:
        only = re.match(
            rf"\s*(?P<name>{_NAME})\s+(?:constraint\s+{_NAME}\s+)?(?P<null>not\s+null|null)\s*$", part, re.I
        )
        column = table.column(_plain(only["name"])) if only else None
        if only and column is not None:
            new = replace(column, nullable=not only["null"].lower().startswith("not"))
            table = replace(table, columns=tuple(new if c is column else c for c in table.columns))
            continue
        found = _changed(table, _plain(part.split()[0]), part, dialect)
        if found is None:
            return None
        table = found
    return table


def _alter_column(table: Table, action: str) -> Table | None:
    """Return the table after ``ALTER [COLUMN] name ...``, as PostgreSQL says it."""
    shape = re.match(rf"alter\s+(?:column\s+)?(?P<name>{_NAME})\s+(?P<what>.*)", action, re.I | re.S)
    column = table.column(_plain(shape["name"])) if shape else None
    if shape is None or column is None:
        return None
    what = shape["what"].lower()
    if what.startswith(("set not null", "drop not null")):
        new = replace(column, nullable=what.startswith("drop"))
    elif what.startswith(("set default", "drop default")):
        new = replace(column, default=shape["what"][12:].strip() if what.startswith("set") else None)
    elif found := re.match(r"(?:set\s+data\s+)?type\s+(?P<type>.*)", shape["what"], re.I | re.S):
        item = _item(f"{column.name} {found['type']}", "postgres")
        if item is None or item.column is None:
            return None
        new = replace(column, type=item.column.type, written=item.column.written)
    else:
        return None
    return replace(table, columns=tuple(new if c is column else c for c in table.columns))


def _changed(table: Table, name: str, part: str, dialect: str) -> Table | None:
    item = _item(part, dialect)
    if item is None or item.column is None or table.column(name) is None:
        return None
    new = item.column
    columns = tuple(new if c.name.casefold() == name.casefold() else c for c in table.columns)
    key = tuple(new.name if each.casefold() == name.casefold() else each for each in table.key)
    return replace(table, columns=columns, key=item.primary or key)


def _named(table: Table, name: str, to: str) -> Table:
    columns = tuple(replace(c, name=to) if c.name.casefold() == name.casefold() else c for c in table.columns)
    return replace(table, columns=columns, key=tuple(to if each == name else each for each in table.key))


def _placed(part: str) -> str:
    """Return a column's definition without where it is put among the others."""
    return re.sub(rf"\s+(first|after\s+{_NAME})\s*$", "", part, flags=re.I)


def _renamed(tables: dict[str, Table], name: str, to: str) -> list[str]:
    table = tables.pop(name, None)
    if table is not None:
        tables[to] = replace(table, name=to)
    return []


def _plain(name: str) -> str:
    return name.strip().strip('`"[]')


def _unread(text: str, where: str) -> Finding:
    shown = re.sub(r"\s+", " ", text)[:120]
    return Finding(
        rule="schema.unread",
        severity="warn",
        words=f"This part of the schema could not be read: {shown}",
        fix="Compare it by hand; what was not read is not known to be unchanged.",
        where=where,
    )
