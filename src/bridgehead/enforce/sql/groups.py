"""Figures over groups only: of a table with ``at_least``, nobody is read one by one.

The shape is kept narrow, so that the size of a group is what it says: one SELECT over the table and others,
plain figures (count, sum, avg, stddev, variance) of plain columns, and every group big enough. This is not
differential privacy: figures over overlapping groups can still be compared, which the query budget slows.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from bridgehead.enforce.sql import leaks
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rights import Dialect, TableRight

FIGURES = (
    exp.Count,
    exp.Sum,
    exp.Avg,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.VariancePop,
)


def confine(tree: exp.Query, found: Sequence[tuple[exp.Table, TableRight]], dialect: Dialect) -> bool:
    """Hold a statement to figures over groups where a table it reads asks for that; return whether it does.

    Adds to the SELECT that every group has at least so many different keys. Raises ``SqlRefused``.
    """
    guarded = [(table, right) for table, right in found if right.at_least]
    names = leaks.names_in(tree, dialect, [right for _, right in found])
    for table, right in guarded:
        select = _select_of(tree, table, right, names)
        _only_figures(select, right, names)
        _own_names(select, [other for _, other in found], right)
        name = table.alias_or_name
        key = exp.Column(
            this=exp.to_identifier(right.key, quoted=True),
            table=exp.to_identifier(name, quoted=_quoted(table)),
        )
        enough = exp.GTE(
            this=exp.Count(this=exp.Distinct(expressions=[key])),
            expression=exp.Literal.number(right.at_least),
        )
        having = select.args.get("having")
        select.set(
            "having",
            exp.Having(
                this=exp.And(this=exp.Paren(this=having.this), expression=enough) if having else enough
            ),
        )
    return bool(guarded)


def _quoted(table: exp.Table) -> bool:
    alias = table.args.get("alias")
    named = alias.this if alias is not None and alias.this is not None else table.this
    return bool(named.quoted)


def _select_of(tree: exp.Query, table: exp.Table, right: TableRight, names: leaks.Names) -> exp.Select:
    """Return the statement, which reads the table itself: a query inside another could be asked once for each
    row of that other, and many figures side by side give away what each leaves out."""
    parent = table.parent
    select = parent.parent if isinstance(parent, exp.From | exp.Join) else None
    if not isinstance(select, exp.Select) or select is not tree:
        raise _refused(right)
    alias = table.args.get("alias")
    if alias is not None and alias.args.get("columns"):  # another column could be called like the key
        raise _refused(right)
    for join in select.args.get("joins") or ():
        _plain_join(join, right, names)
    clause = select.args.get("from_")
    if clause is None or not _is_table(clause.this) or select.args.get("laterals"):
        raise _refused(right)
    return select


def _plain_join(join: exp.Join, right: TableRight, names: leaks.Names) -> None:
    """A row is counted as often as another table says, never as often as the statement says."""
    on = join.args.get("on")
    if join.side or not _is_table(join.this) or (on is not None and not leaks.harmless(on, names)):
        raise _refused(right)


def _is_table(part: exp.Expr) -> bool:
    return (
        isinstance(part, exp.Table) and not part.args.get("joins") and isinstance(part.this, exp.Identifier)
    )


def _only_figures(select: exp.Select, right: TableRight, names: leaks.Names) -> None:
    group = select.args.get("group")
    listed = group.expressions if group is not None else []
    keys = {part.sql() for part in listed}
    if group is not None and any(value for key, value in group.args.items() if key != "expressions"):
        raise _refused(right)
    if any(select.args.get(key) for key in ("distinct", "qualify", "windows", "with_")):
        raise _refused(right)
    if any(not isinstance(part, exp.Column) for part in listed):
        raise _refused(right)
    for projection in select.expressions:
        _figure(projection.unalias(), keys, right)
    where = select.args.get("where")
    if where is not None and (where.find(exp.Query) or not leaks.harmless(where.this, names)):
        raise _refused(right)  # what fails or not would tell of one row
    for part in (select.args.get("having"), select.args.get("order")):
        if part is not None:
            _only_known(part, keys, _names(select), right)


_ROWIDS = frozenset({"rowid", "oid", "_rowid_"})
"""What SQLite calls the number of a row, in any table."""


def _own_names(select: exp.Select, read: Sequence[TableRight], right: TableRight) -> None:
    """Where HAVING says a name, SQLite takes a column, of any row, before the figure that is called so."""
    columns = {column.name.casefold() for other in read for column in other.columns}
    for part in select.expressions:
        alias = part.alias.casefold()
        column = part.unalias()
        if isinstance(column, exp.Column) and column.name.casefold() == alias:
            continue  # it is that column, and grouped by
        if alias in columns | _ROWIDS:
            raise SqlRefused(
                "sql.groups",
                f"Of {right.name} only figures over groups are given, and none is called like a column: "
                f"give {part.alias[:60]} another name.",
            )


def _names(select: exp.Select) -> frozenset[str]:
    return frozenset(part.alias for part in select.expressions if part.alias)


def _figure(part: exp.Expr, keys: set[str], right: TableRight) -> None:
    if part.sql() in keys or isinstance(part, exp.Literal):
        return
    if isinstance(part, exp.Round) and isinstance(part.args.get("decimals"), exp.Literal | None):
        _figure(part.this, keys, right)
        return
    if not isinstance(part, FIGURES):
        raise _refused(right)
    inner = part.this
    if isinstance(inner, exp.Distinct):
        inner = inner.expressions[0] if len(inner.expressions) == 1 else None
    if not isinstance(inner, exp.Column | exp.Star) or part.expressions:
        raise _refused(right)


_ABOUT_FIGURES = (
    exp.Having, exp.Order, exp.Ordered, exp.Paren, exp.And, exp.Or, exp.Not, exp.Literal, exp.Neg, exp.GT,
    exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ, exp.Between,
)  # fmt: skip


def _only_known(part: exp.Expr, keys: set[str], names: frozenset[str], right: TableRight) -> None:
    """HAVING and ORDER BY compare figures and keys; SQLite would take any column there, of any row."""
    if part.sql() in keys or (isinstance(part, exp.Column) and part.sql() in names):
        return
    if isinstance(part, (*FIGURES, exp.Round)):
        _figure(part, keys, right)
    elif isinstance(part, _ABOUT_FIGURES):
        for inner in part.iter_expressions():
            _only_known(inner, keys, names, right)
    else:
        raise _refused(right)


def _refused(right: TableRight) -> SqlRefused:
    return SqlRefused(
        "sql.groups",
        f"Of {right.name} only figures over groups of at least {right.at_least} are given: one SELECT, not "
        f"inside another, with count, sum, avg, stddev or variance of columns, grouped by columns; its "
        f"conditions only compare, and what it joins are tables.",
    )
