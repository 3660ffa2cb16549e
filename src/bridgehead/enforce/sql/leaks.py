"""Could this statement tell of rows its reader may not see, by failing or by being slow on them?

A database is free to run conditions of the outer statement before the row filter. A comparison gives
nothing away there; a cast, a division or a function can fail and name the value. Where one could be moved
below the filter, the filter is fenced. What only makes the output of the outermost query comes after it.

DuckDB casts one side of a comparison where the types differ, and casts constants while it runs: there
every condition is fenced.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlglot import exp

from bridgehead.enforce.sql.rights import Dialect, TableRight

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
    exp.Tuple,
    exp.Star,
    exp.Var,
    exp.DataType,
    exp.DataTypeParam,
)


def may_leak(tree: exp.Query, dialect: Dialect, used: tuple[TableRight, ...]) -> bool:
    """Return whether anything but plain comparisons stands where a database may move it below a filter.

    A ``bucket`` can fail too, on a number too large for its column: it is part of any condition on it.
    """
    movable = _movable(tree)
    fragile = any(column.mask and column.mask.kind == "bucket" for right in used for column in right.columns)
    if movable and (dialect == "duckdb" or fragile):
        return True
    return any(not harmless(part) for part in movable)


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
    return found


def harmless(part: exp.Expr) -> bool:
    """Return whether a condition is made of comparisons that cannot fail, whatever the values are."""
    stack = [part]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Query | exp.Subquery) or _constant(node):
            continue  # an inner query is looked at by itself
        if isinstance(node, exp.Exists | exp.Alias | exp.Group | exp.Order | exp.Ordered | exp.Distinct):
            stack.extend(node.iter_expressions())
            continue
        if isinstance(node, exp.AggFunc) and not isinstance(node, exp.Quantile):
            stack.extend(node.iter_expressions())  # figures are made of rows that passed the filter
            continue
        if not isinstance(node, _SAFE):
            return False
        stack.extend(node.iter_expressions())
    return True


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
