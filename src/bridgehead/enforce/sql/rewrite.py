"""From somebody's SQL to the one text that is executed for them. This file reads as the flow.

1. Parse: exactly one query, every node on the allow-list (``parse``, ``language``).
2. Names: common table expressions get names of our own; what is left are base tables (``names``).
3. Every base table must be one its reader may see; its name gives way to that of a query over what they may
   see of it (``substitute``, ``masks``), fenced where the statement could tell of other rows (``leaks``).
4. The text is generated from the tree and read again: no name in it is one it came with (``recheck``). The
   queries of step 3 are put in front. The text that came in is never executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from bridgehead.enforce.sql import groups, labels, leaks, names, parse, recheck, substitute
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewritten import Rewritten
from bridgehead.enforce.sql.rights import Rights, TableRight


def rewrite(text: str, rights: Rights, parameters: tuple[str, ...] = ()) -> Rewritten:
    """Return what may be executed instead of a text. Raises ``SqlRefused``; whatever else fails refuses too.

    ``parameters`` are the ``:name`` places the text may have: their values come before ``values``, in the
    order of ``asked``.
    """
    try:
        return _rewrite(text, rights, parameters)
    except SqlRefused:
        raise
    except (Exception, RecursionError) as error:  # INVARIANT: a fault here never lets a statement through.
        raise SqlRefused("sql.fault", "It could not be rewritten to what you may see.") from error


def _rewrite(text: str, rights: Rights, parameters: tuple[str, ...]) -> Rewritten:
    tree = parse.parse(text, rights.dialect, placeholders=bool(parameters))
    asked = substitute.parameters(tree, parameters, rights.dialect)
    base = names.settle(tree, rights.dialect)
    found = [(table, substitute.find(table, rights)) for table in base]
    used = tuple({(right.schema, right.name): right for _, right in found}.values())
    grouped = groups.confine(tree, found, rights.dialect)
    substitute.drop_schemas(tree, rights, used)
    fence = leaks.may_leak(tree, rights.dialect, used)
    told, tags = labels.of(tree, found), labels.named(tree, found)
    for number, (table, _) in enumerate(found):
        substitute.put(table, f"bh_q{number}")
    sql = _written(tree, rights)
    recheck.recheck(sql, len(found), rights.dialect, places=len(asked))
    front, values = _in_front([right for _, right in found], rights, fence, len(asked))
    return Rewritten(
        sql=_joined(front, sql, tree),
        values=values,
        tables=used,
        fenced=fence and bool(found),
        labels=told,
        tags=tags,
        grouped=grouped,
        asked=asked,
    )


def _written(tree: exp.Query, rights: Rights) -> str:
    """Return the text of a tree. What cannot be written for its database would be left out without a word."""
    try:
        return tree.sql(dialect=rights.dialect, comments=False, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        words = f"This database has no words for it: {str(error)[:200]}"
        raise SqlRefused("sql.part", words) from error


def _in_front(
    found: Sequence[TableRight], rights: Rights, fence: bool, places: int
) -> tuple[str, tuple[Any, ...]]:
    """Return the queries that stand for the tables, as common table expressions, with their values."""
    parts: list[str] = []
    values: tuple[Any, ...] = ()
    for number, right in enumerate(found):
        made, bound = _entitled(_Key(rights), right, fence, places + len(values))
        parts.append(f'"bh_q{number}" AS ({made})')
        values += bound
    return ", ".join(parts), values


class _Key:
    """Rights, compared by their digest."""

    __slots__ = ("rights",)

    def __init__(self, rights: Rights) -> None:
        self.rights = rights

    def __hash__(self) -> int:
        return hash(self.rights.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.rights.digest == self.rights.digest


@lru_cache(maxsize=4096)
def _entitled(key: _Key, right: TableRight, fence: bool, before: int) -> tuple[str, tuple[Any, ...]]:
    values = substitute.Values(key.rights.dialect, before=before)
    query = substitute.entitled(right, key.rights, values, fence)
    return query.sql(dialect=key.rights.dialect, comments=False), tuple(values.given)


def _joined(front: str, sql: str, tree: exp.Query) -> str:
    if not front:
        return sql
    clause = tree.args.get("with_")
    if clause is None:
        return f"WITH {front} {sql}"
    begins = "WITH RECURSIVE " if clause.recursive else "WITH "
    if not sql.startswith(begins):  # INVARIANT: the generator writes it first
        raise SqlRefused("sql.recheck", "What would be executed does not begin as it was meant.")
    return f"{begins}{front}, {sql[len(begins) :]}"
