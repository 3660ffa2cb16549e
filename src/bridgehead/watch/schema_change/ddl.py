"""A schema read from the SQL that makes it: CREATE, ALTER, DROP and RENAME TABLE, parsed by sqlglot.

What cannot be read is a finding with its line, never a silence: an unread column is an unknown change. A
definition is tried in the dialect given and then in others; where none reads the whole table, part by part.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bridgehead.kernel.finding import Finding
from bridgehead.watch.schema_change.altering import altered
from bridgehead.watch.schema_change.definition import NAME, assembled, plain, understood
from bridgehead.watch.schema_change.schema import Schema, Table
from bridgehead.watch.schema_change.splitting import Statement, bracketed, parts, statements

_FULL = rf"(?:{NAME}\s*\.\s*)?(?P<name>{NAME})"
_CREATE = re.compile(
    rf"create\s+(?:temporary\s+|temp\s+|unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?{_FULL}\s*(?=\()", re.I
)
_ALTER = re.compile(rf"alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?{_FULL}\s+(?P<rest>.*)", re.I | re.S)
_DROP = re.compile(r"drop\s+table\s+(?:if\s+exists\s+)?(?P<rest>.*)", re.I | re.S)
_RENAME = re.compile(rf"rename\s+table\s+{_FULL}\s+to\s+(?P<to>{NAME})", re.I)


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
        name = plain(found["name"])
        body = bracketed(text[found.end() :])
        if body is None:
            return [text]
        table, unread = _table(name, body[0], dialect)
        tables[name] = table
        return unread + _forgotten(tables, text[found.end() + len(body[0]) :], statement.line, dialect)
    if found := _ALTER.match(text):
        return altered(tables, plain(found["name"]), found["rest"], dialect)
    if found := _RENAME.match(text):
        return _renamed(tables, plain(found["name"]), plain(found["to"]))
    if found := _DROP.match(text):
        for one in parts(found["rest"]):
            tables.pop(plain(re.split(r"\s", one)[0].split(".")[-1]), None)
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
        found, whole = understood(part, dialect)
        items += found
        if not whole:
            unread.append(part)
    return assembled(Table(name=name, columns=()), items), unread


def _renamed(tables: dict[str, Table], name: str, to: str) -> list[str]:
    table = tables.pop(name, None)
    if table is not None:
        tables[to] = replace(table, name=to)
    return []


def _unread(text: str, where: str) -> Finding:
    shown = re.sub(r"\s+", " ", text)[:120]
    return Finding(
        rule="schema.unread",
        severity="warn",
        words=f"This part of the schema could not be read: {shown}",
        fix="Compare it by hand; what was not read is not known to be unchanged.",
        where=where,
    )
