"""Could this statement tell of rows its reader may not see, by failing or by being slow on them?

A database is free to run conditions of the outer statement before the row filter. A comparison of single
values of known types gives nothing away there. A cast, a division or a function can fail and name the value;
a comparison of rows looks its operators up while it runs; a query that is used as one value fails when it
gives two. Where one of these could be moved below the filter, the filter is fenced. What only makes the
output of the outermost query comes after it.

DuckDB casts one side of a comparison where the types differ, and casts constants while it runs: there
every condition is fenced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlglot import exp

from bridgehead.enforce.sql import masks
from bridgehead.enforce.sql.rights import ColumnRight, Dialect, TableRight

_SAFE = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Null,
    exp.Boolean,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Paren,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Is,
    exp.In,
    exp.Between,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Var,
    exp.DataType,
    exp.DataTypeParam,
)


_PLAIN = (
    masks.TEXTS
    | masks.NUMBERS
    | masks.DATES
    | {"BOOLEAN", "UUID", "TIME", "TIMETZ", "INTERVAL", "BINARY", "VARBINARY", "BLOB", "BIT"}
)
"""Types whose values are compared without a look at what they are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the names of a statement can mean: ``values`` are single values, ``rows`` may be whole rows."""

    values: frozenset[str]
    rows: frozenset[str]


def names_in(tree: exp.Query, dialect: Dialect, used: Iterable[TableRight]) -> Names:
    """Return what the names of a statement over these tables can mean, in lower case.

    A column of a type that is made of others (``json[]``) is no single value, whatever it is called.
    """
    columns = [column for right in used for column in right.columns]
    made = {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
    rows: set[str] = {table.alias_or_name.lower() for table in tree.find_all(exp.Table)}
    for alias in tree.find_all(exp.TableAlias):
        rows.add(alias.name.lower())
        made |= {column.name.lower() for column in alias.args.get("columns") or ()}
    plain = {column.name.lower() for column in columns if _kind(column, dialect) in _PLAIN}
    return Names(values=frozenset(made | plain) - _odd(columns, dialect), rows=frozenset(rows))


def _odd(columns: Iterable[ColumnRight], dialect: Dialect) -> frozenset[str]:
    return frozenset(column.name.lower() for column in columns if _kind(column, dialect) not in _PLAIN)


def _kind(column: ColumnRight, dialect: Dialect) -> str:
    return _kind_of(column.type, dialect)


@lru_cache(maxsize=1024)
def _kind_of(declared: str, dialect: Dialect) -> str:
    kind = masks.type_of(ColumnRight(name="", type=declared), dialect)
    # A number without a bound may be too large for a float that it is compared with.
    return "NUMERIC" if kind.this.name == "DECIMAL" and not kind.expressions else str(kind.this.name)


def may_leak(tree: exp.Query, dialect: Dialect, used: tuple[TableRight, ...]) -> bool:
    """Return whether anything but plain comparisons stands where a database may move it below a filter.

    A ``bucket`` can fail too, on a number too large for its column: it is part of any condition on it.
    """
    movable = _movable(tree)
    columns = [column for right in used for column in right.columns]
    fragile = any(column.mask and column.mask.kind == "bucket" for column in columns)
    kinds = {_kind(column, dialect) for column in columns}
    fragile = fragile or ("NUMERIC" in kinds and bool(kinds & masks.FLOATS))
    if movable and (dialect == "duckdb" or fragile):
        return True
    names = names_in(tree, dialect, used)
    return _joins_rows(tree, names, columns, dialect) or any(not harmless(part, names) for part in movable)


def _joins_rows(tree: exp.Query, names: Names, columns: Iterable[ColumnRight], dialect: Dialect) -> bool:
    """Return whether USING or NATURAL compares what is no single value."""
    joins = list(tree.find_all(exp.Join))
    using = {part.name.lower() for join in joins for part in join.args.get("using") or ()}
    return not using <= names.values or (any(join.method for join in joins) and bool(_odd(columns, dialect)))


def _movable(tree: exp.Query) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    for select in tree.find_all(exp.Select):
        if select is not tree:  # an inner query may be merged into a condition around it
            found.extend(select.expressions)
            found.extend(select.args[key] for key in ("group", "order", "distinct") if select.args.get(key))
        found.extend(select.args[key].this for key in ("where", "having", "qualify") if select.args.get(key))
        found.extend(join.args["on"] for join in select.args.get("joins") or () if join.args.get("on"))
    for nested in (*tree.find_all(exp.Subquery), *tree.find_all(exp.Table)):
        found.extend(join.args["on"] for join in nested.args.get("joins") or () if join.args.get("on"))
    for listed in tree.find_all(exp.Values):  # made of other tables, and merged like an inner query
        found.extend(part for row in listed.expressions for part in row.iter_expressions())
    found.extend(tree.find_all(exp.Unnest, exp.GenerateSeries, exp.ExplodingGenerateSeries))
    return found


def harmless(part: exp.Expr, names: Names) -> bool:
    """Return whether a condition is made of comparisons that cannot fail, whatever the values are."""
    if isinstance(part, exp.Star) or (isinstance(part, exp.Column) and isinstance(part.this, exp.Star)):
        return True  # what a query gives, not what something is compared with
    stack = [part]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Query):
            if not _one_value(node):
                return False
            continue  # what is in it is looked at by itself
        if _constant(node) or (isinstance(node, exp.Star) and isinstance(node.parent, exp.Count)):
            continue
        if not isinstance(node, _SAFE + _AROUND) and not _figure(node) and not _listed(node):
            return False
        if isinstance(node, exp.Column) and not _single(node, names):
            return False
        stack.extend(node.iter_expressions())
    return True


_AROUND = (exp.Exists, exp.Alias, exp.Group, exp.Order, exp.Ordered, exp.Distinct)


def _figure(node: exp.Expr) -> bool:
    """Figures are made of rows that passed the filter."""
    return isinstance(node, exp.AggFunc) and not isinstance(node, exp.Quantile)


def _listed(node: exp.Expr) -> bool:
    """``(a, b)`` is a row but where it only lists: DISTINCT ON (a, b)."""
    return isinstance(node, exp.Tuple) and isinstance(node.parent, exp.Distinct)


def _single(column: exp.Column, names: Names) -> bool:
    """Return whether a column is one value: PostgreSQL reads ``o`` as a row of the table ``o``, ``o.f`` as
    ``f(o)``.
    """
    name = column.name.lower()
    return name in names.values and (bool(column.table) or name not in names.rows)


def _one_value(query: exp.Query) -> bool:
    """Return whether a query inside a condition cannot fail by giving more than is asked of it."""
    if isinstance(query.parent, exp.Exists) or query.arg_key == "query":  # EXISTS (...), IN (...)
        return True
    inner = query.unnest()
    if not isinstance(inner, exp.Select) or len(inner.expressions) != 1:
        return False
    (given,) = inner.expressions
    if inner.args.get("group") is None and _is_figure(given, inner):
        return True
    limit = inner.args.get("limit")
    return isinstance(limit, exp.Limit) and limit.expression.name == "1" and not given.is_star


def _is_figure(given: exp.Expr, select: exp.Select) -> bool:
    return any(
        figure.find_ancestor(exp.Window, exp.Select) is select for figure in given.find_all(exp.AggFunc)
    )


def _constant(node: exp.Expr) -> bool:
    """Return whether a part is one value that is known to be sound. Others fail where they are first met,
    which may be on a row that nobody may see.
    """
    if isinstance(node, exp.Literal | exp.Null | exp.Boolean | exp.CurrentDate | exp.CurrentTimestamp):
        return True
    if isinstance(node, exp.Neg | exp.Paren):
        return _constant(node.this)
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        return _sound(node.this.name, node.to.this.name)
    if isinstance(node, exp.Interval):
        return isinstance(node.this, exp.Literal)
    # PostgreSQL computes this before it looks at a row, and fails there if at all.
    dates = isinstance(node, exp.Add | exp.Sub) and isinstance(node.expression, exp.Interval)
    return dates and isinstance(node.this, exp.Cast) and _constant(node.this) and _constant(node.expression)


def _sound(text: str, kind: str) -> bool:
    try:
        if kind == "DATE":
            date.fromisoformat(text)
        elif kind == "TIMESTAMP":
            datetime.fromisoformat(text)
        else:
            return kind in ("TEXT", "VARCHAR")
    except ValueError:
        return False
    return True
