"""The last look: what the generated text says, read as a stranger would read it."""

from __future__ import annotations

import re

from sqlglot import exp

from bridgehead.enforce.sql import parse
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rights import Dialect

_OURS = re.compile(r"bh_([cq])(\d+)")


def recheck(sql: str, tables: int, dialect: Dialect, *, places: int = 0) -> None:
    """Raise ``SqlRefused`` unless the text is one statement that reads back as it was meant, in which every
    table is one of its own common table expressions or one of the ``tables`` queries made for its reader.

    ``places`` of it are those of a named query's parameters.
    """
    again = parse.read(sql, dialect)
    if len(again) != 1 or again[0] is None:
        raise SqlRefused("sql.recheck", "What would be executed is not one statement.")
    tree = again[0]
    if tree.sql(dialect=dialect, comments=False) != sql:
        raise SqlRefused("sql.recheck", "What would be executed does not read back as it was meant.")
    parse.check(tree, dialect, ours=True, places=places)
    own = {cte.args["alias"].this.name for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and not _ours(table, own, tables):
            raise SqlRefused("sql.recheck", "What would be executed reads a table directly.")


def _ours(table: exp.Table, own: set[str], tables: int) -> bool:
    named = _OURS.fullmatch(table.name)
    if named is None or table.args.get("db") is not None or not table.this.quoted:
        return False
    return table.name in own if named[1] == "c" else int(named[2]) < tables
