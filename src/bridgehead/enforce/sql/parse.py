"""From text to a tree in which every node is on the allow-list, or a refusal."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from bridgehead.enforce.sql import language
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rights import Dialect

# It warns about statements it cannot read; they are refused here, and their text is nobody's log's business.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

OURS = "bh_"
"""How the names begin that a rewrite makes; no statement may use such names itself."""


_BARE = re.compile(r"[^\W\d]\w*(\$\w*)*")
"""A name without quotes. Anything else in one could be a space to the database that is none to the parser:
DuckDB reads U+200B, U+2060 and U+FEFF so."""

_PLACE = re.compile(r"(?:bh_)?(\d{1,4})")
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def parse(text: str, dialect: Dialect, *, placeholders: bool = False) -> exp.Query:
    """Return the one query in a text. Raises ``SqlRefused`` for everything that is not exactly that.

    ``placeholders``: ``:name`` places are part of it, as in the queries that a charter names.
    """
    if len(text) > language.MAX_TEXT:
        raise SqlRefused("sql.length", f"It is longer than {language.MAX_TEXT} characters.")
    if "\x00" in text:
        raise SqlRefused("sql.syntax", "It holds a character that no statement has.")
    statements = [statement for statement in read(text, dialect) if statement is not None]
    if len(statements) != 1:
        raise SqlRefused("sql.statement", f"It is {len(statements)} statements; one is needed.")
    tree = statements[0]
    inner = tree
    while isinstance(inner, exp.Subquery):
        inner = inner.this
    if type(inner).__name__ not in language.STATEMENTS:
        raise SqlRefused("sql.statement", "Only a query may be asked: SELECT, WITH or VALUES.")
    check(tree, dialect, placeholders=placeholders)
    return tree  # type: ignore[return-value]  # STATEMENTS are its kinds


def read(text: str, dialect: Dialect) -> list[exp.Expr | None]:
    """Return the statements of a text. Whatever the parser throws is a refusal."""
    try:
        parsed = sqlglot.parse(text, dialect=dialect, error_level=ErrorLevel.RAISE)
    except (Exception, RecursionError) as error:  # INVARIANT: what cannot be read is not executed.
        raise SqlRefused("sql.syntax", "It cannot be read as one statement of this database.") from error
    return list(parsed)


def check(
    tree: exp.Expr, dialect: Dialect, *, placeholders: bool = False, ours: bool = False, places: int = 0
) -> None:
    """Raise ``SqlRefused`` at the first node that is not on the allow-list.

    ``placeholders``: ``:name`` places are part of it, as in the row filters of a charter. ``ours``: names
    that only a rewrite makes are part of it, and so many numbered ``places``.
    """
    for node in tree.walk():
        name = type(node).__name__
        if (
            placeholders
            and name == "Placeholder"
            and isinstance(node.this, str)
            and _BARE.fullmatch(node.this)
        ):
            continue
        if places and isinstance(node, exp.Parameter | exp.Placeholder) and _numbered(node, places):
            continue
        if isinstance(node, exp.Anonymous):
            _named(node, dialect)
        elif name not in language.NODES or name in language.UNBOUNDED[dialect]:
            raise SqlRefused("sql.part", f"It uses {_plain(node)}, which is not let through.")
        for problem in _parts(node, name, dialect, ours):
            raise SqlRefused("sql.part", problem)


def _numbered(node: exp.Expr, places: int) -> bool:
    number = _PLACE.fullmatch(node.name)
    return number is not None and 0 < int(number[1]) <= places


def _named(node: exp.Anonymous, dialect: Dialect) -> None:
    name = node.this if isinstance(node.this, str) else ""
    if name.lower() not in language.NAMED[dialect]:
        raise SqlRefused("sql.function", f"The function {name[:60] or 'named'} is not let through.")


def _parts(node: exp.Expr, name: str, dialect: Dialect, ours: bool) -> Iterator[str]:
    allowed = language.ARGUMENTS.get(name)
    if allowed is not None:
        for key, value in node.args.items():
            if value and key not in allowed:
                yield f"It uses {key.rstrip('_').upper()} in a place where that is not let through."
    match node:
        case exp.Identifier():
            if node.name.lower().startswith(OURS) and not ours:
                yield f"Names that begin with {OURS} are taken."
            if "\x00" in node.name or not (node.quoted or _BARE.fullmatch(node.name)):
                yield "It holds a name that no table has."
        case exp.Var():
            if not _BARE.fullmatch(node.name):
                yield "It holds a word that is not let through."
        case exp.Literal():
            if not node.is_string and not _NUMBER.fullmatch(node.name):
                yield "It holds a number that is not written as one."
        case exp.Table():
            yield from _table(node)
        case exp.Join():
            yield from _join(node)
        case exp.Lateral():
            if not isinstance(node.this, exp.Subquery | exp.Unnest | exp.ExplodingGenerateSeries):
                yield "LATERAL is let through before a query only."
        case exp.DataType():
            if node.this.name not in language.TYPES:
                yield "It uses a type that is not let through."
        case exp.Dot():
            if isinstance(node.this, exp.Identifier) or isinstance(node.expression, exp.Func):
                yield "Functions are called by their bare names."
        case exp.Pad():
            width = node.expression
            if not (isinstance(width, exp.Literal) and width.is_int and int(width.name) <= language.MAX_PAD):
                yield f"Text is filled up to a written number of characters, at most {language.MAX_PAD}."
        case exp.GenerateSeries() | exp.ExplodingGenerateSeries():
            if dialect == "duckdb" and not isinstance(node.parent, exp.Table):
                yield "A series stands in FROM; as a list it would be held in memory."
        case exp.Column():
            if node.args.get("catalog") is not None and dialect != "duckdb":
                yield "Columns are named by their table, not by a database."


def _table(node: exp.Table) -> Iterator[str]:
    if isinstance(node.this, exp.Identifier):
        return
    if node.args.get("db") is not None or not isinstance(
        node.this, exp.Unnest | exp.GenerateSeries | exp.ExplodingGenerateSeries
    ):
        yield "In FROM stand tables and queries, not functions."


def _join(node: exp.Join) -> Iterator[str]:
    if (node.method or "") not in language.METHODS:
        yield f"{node.method} JOIN is not let through."
    if (node.side or "") not in language.SIDES or (node.kind or "") not in language.KINDS:
        yield "This kind of join is not let through."


def _plain(node: exp.Expr) -> str:
    """Return a node's kind in words: its SQL name where it is a function."""
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name().lower()}"
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in type(node).__name__)
    return words.strip()
