"""Freeze the distributions of data somebody accepts, as the baseline that later batches are compared with.

Edges are the twentieths of the values, so that each bin holds about as many; a column with few values has
fewer bins. In files of very many rows edges are near the twentieths (a t-digest), and what lies between them
is counted exactly all the same. They stay as they are until somebody takes a new baseline: only so do
distances stay comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks.baseline import BINS, Baseline, Frozen
from bridgehead.watch.checks.engine import Engine, Opened, Unmeasured
from bridgehead.watch.checks.ir import Histogram, RowCount
from bridgehead.watch.checks.write import Writer
from bridgehead.watch.contract.model import Column, Contract, Table

_SHARES = tuple(k / BINS for k in range(1, BINS))
EXACT = 10_000_000
"""Rows up to which edges are exact: DuckDB holds every value of a column in memory for that."""


def freeze(contract: Contract, engine: Engine, *, now: datetime, tables: Sequence[str] = ()) -> Baseline:
    """Return the baseline of every number of a contract. Raises ``WatchError`` BH-WAT-021."""
    columns: dict[tuple[str, str], Frozen] = {}
    rows: dict[str, int] = {}
    for table in contract.tables:
        if tables and table.name not in tables:
            continue
        try:
            opened = engine.open(table)
            writer = engine.writer(opened.relation)
            rows[table.name] = int(_one(engine, writer.scan(writer.aggregates(RowCount())))[0])
            for column in _numbers(table, opened):
                frozen = _frozen(column, engine, writer, rows[table.name])
                if frozen is not None:
                    columns[table.name, column.name] = frozen
        except Unmeasured as fault:
            raise WatchError(
                "BH-WAT-021",
                f"no baseline can be taken of {table.name}: {fault.words}",
                means="Nothing was written.",
                fix="Check the data first: `bridgehead watch check`.",
            ) from fault
    told = {"id": contract.id, "version": contract.version, "digest": contract.digest}
    return Baseline(columns=columns, rows=rows, contract=told, taken=stamp(now))


def _numbers(table: Table, opened: Opened) -> list[Column]:
    return [
        column
        for column in table.columns
        if column.logical in ("integer", "number")
        and column.name not in opened.absent
        and column.name not in opened.misfits
        and not column.unique
        and column.key_position is None
    ]


def _frozen(column: Column, engine: Engine, writer: Writer, rows: int) -> Frozen | None:
    """Return a column's histogram; nothing where it holds no finite value."""
    value = writer.value(column.name)
    shares = ", ".join(str(share) for share in _SHARES)
    if engine.dialect == "duckdb":
        measure = "quantile_cont" if rows <= EXACT else "approx_quantile"
        sql = f"{measure}({writer.double(value)}, [{shares}])"
    else:
        sql = f"percentile_cont(ARRAY[{shares}]) WITHIN GROUP (ORDER BY {writer.double(value)})"
    quantiles = _one(engine, writer.scan([sql]))[0]
    edges = sorted({float(one) for one in quantiles or () if one is not None and abs(one) < 1e300})
    if not edges:
        return None
    metric = Histogram(column=column.name, edges=tuple(edges))
    counts = writer.counts(metric, list(_one(engine, writer.scan(writer.aggregates(metric)))))
    return Frozen(edges=metric.edges, counts=counts)


def _one(engine: Engine, sql: str) -> Sequence[Any]:
    return engine.rows(sql, 1)[0]
