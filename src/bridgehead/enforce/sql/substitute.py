"""Each base table gives way to a query that gives what its reader may see of it, and nothing else.

These queries stand in front of the statement as common table expressions (``bh_q0``, ``bh_q1``), one for each
place where a table is read, so that the database may merge each into the statement as it would a view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from bridgehead.enforce.sql import masks, parse
from bridgehead.enforce.sql.names import folded, refer
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rights import ALL_ROWS, ColumnRight, Dialect, Mask, Rights, TableRight

INNER = "bh_t"
"""What a base table is called inside the query that stands for it."""


@dataclass(slots=True)
class Values:
    """Values that are bound, never written into a statement; ``before`` of them have their places already."""

    dialect: Dialect
    given: list[Any] = field(default_factory=list)
    before: int = 0

    def place(self, value: Any) -> exp.Expr:
        """Add a value and return the place that stands for it."""
        self.given.append(value)
        return _place(self.dialect, self.before + len(self.given))


def find(table: exp.Table, rights: Rights) -> TableRight:
    """Return what may be seen of a named table. Unknown and forbidden ones are refused alike."""
    name = folded(table.this, rights.dialect)
    schema = table.args.get("db")
    wanted = None if schema is None else folded(schema, rights.dialect)
    for key, right in rights.tables.items():
        if _same(right.name, name, rights.dialect) and (
            _same(right.schema, wanted, rights.dialect) if wanted is not None else "." not in key
        ):
            return right
    raise SqlRefused("sql.table", f"There is no table {table.name[:60]} that you may read.")


def _same(real: str, asked: str, dialect: Dialect) -> bool:
    return real == asked if dialect == "postgres" else real.lower() == asked


def entitled(right: TableRight, rights: Rights, values: Values, fence: bool) -> exp.Select:
    """Return the query that gives what may be seen of a table.

    ``fence``: the database must not run any part of the outer statement on rows before the filter.
    PostgreSQL and DuckDB leave a query with OFFSET as it is, SQLite one with LIMIT.
    """
    shown = [
        exp.Alias(
            this=_shown(right, column, rights, values),
            alias=exp.to_identifier(column.name, quoted=True),
        )
        for column in right.columns
    ]
    query = exp.Select(expressions=shown)
    query.set(
        "from_",
        exp.From(
            this=_real(right, rights),
        ),
    )
    if right.rows != ALL_ROWS:
        if rights.wall and _beyond(right, rights.dialect):
            # The wall holds it alone, and must not be asked without what it asks for.
            filter_of(right, rights, Values(rights.dialect))
        else:
            query.set("where", exp.Where(this=filter_of(right, rights, values)))
    if fence:
        _fence(query, rights.dialect)
    return query


def _real(right: TableRight, rights: Rights) -> exp.Table:
    """Return the table itself, or the view of it that is the second wall."""
    schema, name = (rights.wall, right.label) if rights.wall else (right.schema, right.name)
    return exp.Table(
        this=exp.to_identifier(name, quoted=True),
        db=exp.to_identifier(schema, quoted=True) if schema else None,
        alias=exp.TableAlias(this=exp.to_identifier(INNER, quoted=True)),
    )


def _shown(right: TableRight, column: ColumnRight, rights: Rights, values: Values) -> exp.Expr:
    """Return what is shown of a column; the views of a wall have masked it already."""
    if rights.wall:
        return _own(column.name)
    own = _own(right.stored_as(column.name))
    return masks.masked(column, own, rights.dialect, _secret(column.mask, rights, values))


def _beyond(right: TableRight, dialect: Dialect) -> bool:
    """Say whether a filter needs what the wall does not show: it is held there alone, then."""
    plain = {column.name.lower() for column in right.columns if column.mask is None}
    named = read_filter(right.rows, dialect).find_all(exp.Column)
    return any(column.name.lower() not in plain for column in named)


def attributes_of(rows: str, dialect: Dialect) -> frozenset[str]:
    """Return the attributes a row filter asks for."""
    places = read_filter(rows, dialect).find_all(exp.Placeholder)
    return frozenset(str(place.this) for place in places)


def _fence(query: exp.Select, dialect: Dialect) -> None:
    if dialect == "sqlite":
        query.set("limit", exp.Limit(expression=exp.Neg(this=exp.Literal.number(1))))
    else:
        query.set("offset", exp.Offset(expression=exp.Literal.number(0)))


def _secret(mask: Mask | None, rights: Rights, values: Values) -> exp.Expr:
    return values.place(rights.secret) if mask is not None and mask.kind == "hash" else exp.Null()


def _own(name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(INNER, quoted=True))


def filter_of(right: TableRight, rights: Rights, values: Values) -> exp.Expr:
    """Return the row filter of a grant, bound to the principal's attributes, as one closed condition."""
    condition = read_filter(right.rows, rights.dialect)
    known = {c.name.lower(): c.name for c in right.columns} | {name.lower(): name for name in right.hidden}
    for column in list(condition.find_all(exp.Column)):
        name = known.get(column.name.lower())
        if name is None or column.args.get("table") is not None:
            raise SqlRefused("sql.filter", f"The row filter of {right.name} names {column.sql()}.")
        column.replace(_own(right.stored_as(name)))
    wrapped = exp.Paren(this=condition)
    for place in list(wrapped.find_all(exp.Placeholder)):
        _bind(place, rights.attributes, values, right.name)
    return wrapped


def read_filter(text: str, dialect: Dialect) -> exp.Expr:
    """Return the condition of a row filter. Raises ``SqlRefused`` for anything but a plain condition."""
    # Through the parser of statements, so that a filter is nothing that a statement may not be.
    found = parse.read(f"SELECT 1 WHERE {text}", dialect)
    tree = found[0] if len(found) == 1 else None
    if not isinstance(tree, exp.Select) or {key for key, value in tree.args.items() if value} - {
        "expressions",
        "where",
        "kind",
    }:
        raise SqlRefused("sql.filter", f"{text!r} is not one condition.")
    condition = tree.args["where"].this
    parse.check(condition, dialect, placeholders=True)
    if condition.find(exp.Query) is not None:
        raise SqlRefused("sql.filter", "A row filter reads no other table.")
    return condition  # type: ignore[no-any-return]  # sqlglot types no part of a tree; checked above


def _bind(place: exp.Placeholder, attributes: Mapping[str, Any], values: Values, table: str) -> None:
    name = str(place.this)
    if attributes.get(name) is None:
        raise SqlRefused("sql.attribute", f"{table} is filtered by {name}, which your profile does not say.")
    value = attributes[name]
    if isinstance(value, list | tuple):
        _bind_list(place, value, values)
    else:
        place.replace(values.place(value))


def _bind_list(place: exp.Placeholder, listed: Sequence[Any], values: Values) -> None:
    """``x IN (:names)`` takes as many places as the principal has values; none means no row."""
    parent = place.parent
    if not isinstance(parent, exp.In) or len(parent.expressions) != 1:
        raise SqlRefused("sql.filter", f"{place.this} is a list; it stands in `column in (:{place.this})`.")
    if listed:
        parent.set("expressions", [values.place(value) for value in listed])
    else:
        parent.replace(exp.Boolean(this=False))


def put(table: exp.Table, name: str) -> None:
    """Let a reference name the query made for it, under the alias the statement knows it by."""
    refer(table, name)
    table.set("db", None)


def drop_schemas(tree: exp.Query, rights: Rights, used: Iterable[TableRight]) -> None:
    """``public.orders.id`` becomes ``orders.id``: the schema has gone with the table."""
    schemas = {right.schema.lower() for right in used}
    for column in tree.find_all(exp.Column):
        schema = column.args.get("db")
        if schema is not None and column.args.get("catalog") is None and schema.name.lower() in schemas:
            column.set("db", None)


def parameters(tree: exp.Query, known: Sequence[str], dialect: Dialect) -> tuple[str, ...]:
    """Give each ``:name`` place of a statement a place of ours; return the names in that order."""
    asked: list[str] = []
    for place in list(tree.find_all(exp.Placeholder)):
        name = str(place.this)
        if name not in known:
            raise SqlRefused("sql.parameters", f"It asks for :{name[:60]}, which is not declared.")
        if name not in asked:
            asked.append(name)
        place.replace(_place(dialect, asked.index(name) + 1))
    return tuple(asked)


def _place(dialect: Dialect, number: int) -> exp.Expr:
    if dialect == "postgres":
        return exp.Parameter(this=exp.Literal.number(number))
    return exp.Placeholder(this=str(number) if dialect == "duckdb" else f"bh_{number}")
