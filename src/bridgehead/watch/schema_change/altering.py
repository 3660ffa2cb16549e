"""What ALTER TABLE does to a table, as MySQL, PostgreSQL and Oracle say it."""

from __future__ import annotations

import re
from dataclasses import replace

from bridgehead.watch.schema_change.definition import NAME, assembled, plain, read_part
from bridgehead.watch.schema_change.schema import Table
from bridgehead.watch.schema_change.splitting import bracketed, parts


def altered(tables: dict[str, Table], name: str, rest: str, dialect: str) -> list[str]:
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
        items = [read_part(each, dialect) for each in (parts(listed[0]) if listed else [_placed(part)])]
        return None if None in items else assembled(table, [each for each in items if each is not None])
    if found := re.match(r"drop\s+primary\s+key", action, re.I):
        return replace(table, key=())
    if re.match(r"drop\s+(index|key|constraint|foreign|check)\b", action, re.I):
        return table
    if found := re.match(rf"drop\s+(?:column\s+)?(?:if\s+exists\s+)?(?P<name>{NAME})", action, re.I):
        gone = plain(found["name"]).casefold()
        return replace(table, columns=tuple(c for c in table.columns if c.name.casefold() != gone))
    if re.match(r"modify\s*\(", action, re.I) and (listed := bracketed(action)):
        return _modified(table, parts(listed[0]), dialect)
    if found := re.match(
        rf"modify\s+(?:column\s+)?(?P<name>{NAME})\s+(?P<null>not\s+null|null)$", action, re.I
    ):
        return _modified(table, [action[len("modify") :]], dialect)
    if found := re.match(rf"modify\s+(?:column\s+)?(?P<part>(?P<name>{NAME})\s.*)", action, re.I | re.S):
        return _changed(table, plain(found["name"]), _placed(found["part"]), dialect)
    if found := re.match(rf"change\s+(?:column\s+)?(?P<name>{NAME})\s+(?P<part>.*)", action, re.I | re.S):
        return _changed(table, plain(found["name"]), _placed(found["part"]), dialect)
    if found := re.match(rf"rename\s+(?:to\s+|as\s+)?(?P<to>{NAME})\s*$", action, re.I):
        return replace(table, name=plain(found["to"]))
    if found := re.match(rf"rename\s+(?:column\s+)?(?P<name>{NAME})\s+to\s+(?P<to>{NAME})", action, re.I):
        return _named(table, plain(found["name"]), plain(found["to"]))
    return _alter_column(table, action)


def _modified(table: Table, listed: list[str], dialect: str) -> Table | None:
    """Return the table after Oracle's ``MODIFY (a NOT NULL, b NUMBER)``: what is not said stays."""
    for part in listed:
        only = re.match(
            rf"\s*(?P<name>{NAME})\s+(?:constraint\s+{NAME}\s+)?(?P<null>not\s+null|null)\s*$", part, re.I
        )
        column = table.column(plain(only["name"])) if only else None
        if only and column is not None:
            new = replace(column, nullable=not only["null"].lower().startswith("not"))
            table = replace(table, columns=tuple(new if c is column else c for c in table.columns))
            continue
        found = _changed(table, plain(part.split()[0]), part, dialect)
        if found is None:
            return None
        table = found
    return table


def _alter_column(table: Table, action: str) -> Table | None:
    """Return the table after ``ALTER [COLUMN] name ...``, as PostgreSQL says it."""
    shape = re.match(rf"alter\s+(?:column\s+)?(?P<name>{NAME})\s+(?P<what>.*)", action, re.I | re.S)
    column = table.column(plain(shape["name"])) if shape else None
    if shape is None or column is None:
        return None
    what = shape["what"].lower()
    if what.startswith(("set not null", "drop not null")):
        new = replace(column, nullable=what.startswith("drop"))
    elif what.startswith(("set default", "drop default")):
        new = replace(column, default=shape["what"][12:].strip() if what.startswith("set") else None)
    elif found := re.match(r"(?:set\s+data\s+)?type\s+(?P<type>.*)", shape["what"], re.I | re.S):
        item = read_part(f"{column.name} {found['type']}", "postgres")
        if item is None or item.column is None:
            return None
        new = replace(column, type=item.column.type, written=item.column.written)
    else:
        return None
    return replace(table, columns=tuple(new if c is column else c for c in table.columns))


def _changed(table: Table, name: str, part: str, dialect: str) -> Table | None:
    item = read_part(part, dialect)
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
    return re.sub(rf"\s+(first|after\s+{NAME})\s*$", "", part, flags=re.I)
