"""The queries of a contract as text: for the engines they run on, and for others only as text.

What is not executed here is labelled so. Other dialects are written from portable SQL, read back by sqlglot
node by node against a closed list, and refused where the dialect has no equal: sqlglot passes an unknown
function through unchanged, which would be an error, or another answer, in somebody's warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks.baseline import Baseline
from bridgehead.watch.checks.compile import checks as compiled
from bridgehead.watch.checks.dialects import DuckdbWriter, PostgresqlWriter
from bridgehead.watch.checks.ir import Metric, OrphanCount, Pattern, TypeFailures
from bridgehead.watch.checks.plan import TablePlan, plan
from bridgehead.watch.checks.write import Cell, Relation, Writer, literal, quoted
from bridgehead.watch.contract.model import Contract, Table

EXECUTED = {"duckdb": DuckdbWriter, "postgres": PostgresqlWriter}
"""Dialects whose queries the tests execute."""
RENDERED = (
    "bigquery", "clickhouse", "databricks", "mysql", "oracle", "redshift", "snowflake", "spark", "sqlite",
    "trino", "tsql",
)  # fmt: skip
_NO_REGEXP = ("oracle", "redshift", "snowflake", "sqlite", "tsql")
"""They have none, or one that reads ``(?:``, ``\\t`` or the ends of a text in another way."""
_LABEL = "rendered, not executed here"

_NODES = frozenset(
    """
    Select From Where Table TableAlias Identifier Column Alias Literal Boolean Null Paren Count Sum Avg Min
    Max Case If And Or Not Is In EQ NEQ GT GTE LT LTE Mod Div Sub Abs Round Length Cast DataType
    DataTypeParam Star Having Exists Subquery Group Coalesce RegexpLike Neg
    """.split()  # noqa: SIM905
)


class PortableWriter(Writer):
    """SQL that every database has an equal for: counts as sums of cases, no filters, no histograms."""

    dialect = "duckdb"

    def count(self, *conditions: str) -> str:
        kept = [f"({one})" for one in conditions if one]
        return f"coalesce(sum(CASE WHEN {' AND '.join(kept)} THEN 1 ELSE 0 END), 0)" if kept else "count(*)"

    def matches(self, value: str, pattern: str) -> str:
        return f"regexp_matches({value}, {literal(pattern)})"

    def double(self, value: str) -> str:
        return f"CAST({value} AS DOUBLE)"


def rendered(
    contract: Contract, baseline: Baseline | None, dialect: str, tables: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Return the plan's queries, each with what it is about. Raises ``WatchError`` BH-WAT-018."""
    name = {"postgresql": "postgres"}.get(dialect.lower(), dialect.lower())
    if name not in EXECUTED and name not in RENDERED:
        raise WatchError(
            "BH-WAT-018",
            f"no queries are written for {dialect!r}",
            fix=f"Write one of {', '.join(sorted((*EXECUTED, *RENDERED)))}.",
        )
    wanted = [one for one in compiled(contract, baseline) if not tables or one.table in tables]
    return [query for each in plan(wanted) for query in _queries(contract, each, name)]


def _queries(contract: Contract, each: TablePlan, dialect: str) -> Iterator[tuple[str, str]]:
    table = contract.table(each.table)
    assert table is not None
    writer = _writer(table, dialect)
    scan = [metric for metric in each.scan if not isinstance(metric, TypeFailures)]
    able = [metric for metric in scan if not _is_beyond(metric, dialect)]
    label = "" if dialect in EXECUTED else f"; {_LABEL}"
    expressions = [one for metric in able for one in writer.aggregates(metric)]
    yield f"{each.table}: one scan{label}", _said(writer.scan(expressions), dialect)
    for metric in scan:
        if _is_beyond(metric, dialect):
            yield f"{each.table}: not rendered, {dialect} reads patterns in another way", f"-- {metric}"
    for key in each.keys:
        yield (
            f"{each.table}: key {', '.join(key.columns)}{label}",
            _said(writer.keyed(key), dialect),
        )
    for reference in each.references:
        yield _reference(contract, each, writer, reference, dialect, label)
    for query in each.queries:
        yield f"{each.table}: a query of the contract, as it is written", query.text


def _reference(
    contract: Contract, each: TablePlan, writer: Writer, reference: OrphanCount, dialect: str, label: str
) -> tuple[str, str]:
    target = contract.table(reference.to)
    assert target is not None
    sql = writer.orphans(reference.columns, _writer(target, dialect), reference.to_columns)
    return f"{each.table}: reference to {reference.to}{label}", _said(sql, dialect)


def _writer(table: Table, dialect: str) -> Writer:
    cells = {
        column.name: Cell(value=quoted(column.physical), logical=column.logical) for column in table.columns
    }
    source = ".".join(quoted(part) for part in table.physical.split("."))
    return EXECUTED.get(dialect, PortableWriter)(Relation(source=source, cells=cells))


def _is_beyond(metric: Metric, dialect: str) -> bool:
    return dialect in _NO_REGEXP and isinstance(getattr(metric, "rule", None), Pattern)


def _said(sql: str, dialect: str) -> str:
    """Return portable SQL in a dialect; what runs here is returned as it runs."""
    if dialect in EXECUTED:
        return sql
    import sqlglot
    from sqlglot.errors import ErrorLevel, SqlglotError

    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        strangers = {type(node).__name__ for node in tree.walk()} - _NODES
        if strangers:
            raise ValueError(f"it uses {', '.join(sorted(strangers))}")
        return str(tree.sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE, pretty=True))
    except (SqlglotError, ValueError) as error:
        raise WatchError(
            "BH-WAT-018",
            f"the queries cannot be written for {dialect}: {error}",
            means="A query that is only nearly right would answer wrongly in somebody's warehouse.",
            fix="Check the data with DuckDB or PostgreSQL, or leave the clause out.",
        ) from error
