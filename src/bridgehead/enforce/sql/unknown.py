"""Names of columns that nothing a reader may see has: told to who asks what their SQL becomes.

The database refuses such a statement by itself, in words that are kept from whoever asked. This is told from
the statement and the rights alone, so it says the same of a column that is hidden and of one that never was.
"""

from __future__ import annotations

from collections import Counter

from sqlglot import exp, tokenize

from bridgehead.enforce.sql import parse
from bridgehead.enforce.sql.rights import Dialect, TableRight


def columns(text: str, tables: tuple[TableRight, ...], dialect: Dialect) -> tuple[str, ...]:
    """Return the columns a statement names that none of its ``tables`` has, in its own order.

    Only what is sure: a word that stands anywhere else in the statement may be a name it gives itself, such
    as an alias or the function an unnamed column is called after. ``text`` is one that was let through.
    """
    tree = parse.parse(text, dialect)
    given = {column.name.lower() for right in tables for column in right.columns}
    asked = [part for part in tree.find_all(exp.Column) if isinstance(part.this, exp.Identifier)]
    named = Counter(part.name.lower() for part in asked)
    written = Counter(token.text.lower() for token in tokenize(text, read=dialect))
    unknown = {
        part.name: None
        for part in asked
        if part.name.lower() not in given
        and written[part.name.lower()] == named[part.name.lower()]
        and not (dialect == "sqlite" and part.this.quoted)  # there it is a text, when it is no column
    }
    return tuple(unknown)
