"""Run a plan where the data live, and return numbers. The same for every engine.

A metric that gives no number gives a fault. When the one scan fails, it is halved until only the guilty
metric is without a number: one bad clause must not hide twenty good ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bridgehead.watch.checks.engine import Engine, Opened, Unmeasured
from bridgehead.watch.checks.ir import (
    Aggregate,
    Histogram,
    Metric,
    MetricKey,
    Numbers,
    OrphanCount,
    RowCount,
    TypeFailures,
    Value,
)
from bridgehead.watch.checks.plan import TablePlan, columns_of, needs_type
from bridgehead.watch.checks.sqlclause import answer, plain_number
from bridgehead.watch.checks.write import Writer
from bridgehead.watch.contract.model import Contract, Table

MOST = 1e300
"""No figure is compared beyond it."""


@dataclass(slots=True)
class Measured:
    """What came out: numbers and faults, and the columns found that the contract does not name."""

    values: dict[MetricKey, Value] = field(default_factory=dict)
    faults: dict[MetricKey, str] = field(default_factory=dict)
    more: dict[str, tuple[str, ...]] = field(default_factory=dict)
    absent: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def numbers(self, stated: Mapping[tuple[str, str], Any]) -> Numbers:
        """Return what judging needs."""
        rows = {
            table: value
            for (table, metric), value in self.values.items()
            if metric == RowCount() and isinstance(value, int)
        }
        return Numbers(values=self.values, faults=self.faults, rows=rows, stated=stated)


def measure(contract: Contract, plans: Sequence[TablePlan], engine: Engine) -> Measured:
    """Return the number of every metric of a plan, or why it has none."""
    out = Measured()
    for plan in plans:
        table = contract.table(plan.table)
        assert table is not None
        _Table(contract, table, plan, engine, out).measure()
    return out


class _Table:
    """One table being measured."""

    def __init__(
        self, contract: Contract, table: Table, plan: TablePlan, engine: Engine, out: Measured
    ) -> None:
        self._contract, self._table, self._plan, self._engine, self._out = contract, table, plan, engine, out

    def measure(self) -> None:
        plan = self._plan
        every: tuple[Metric, ...] = (*plan.scan, *plan.keys, *plan.references, *plan.queries)
        try:
            opened = self._engine.open(self._table)
        except Unmeasured as fault:
            for metric in every:
                self._fault(metric, fault.words)
            return
        self._out.more[self._table.name] = opened.more
        self._out.absent[self._table.name] = tuple(sorted(opened.absent))
        self._writer = self._engine.writer(opened.relation)
        able = [metric for metric in every if self._is_able(metric, opened)]
        self._scan([metric for metric in able if metric in plan.scan])
        for metric in able:
            if metric in plan.keys:
                self._single(metric, lambda m=metric: self._writer.keyed(m))  # type: ignore[misc]
            elif isinstance(metric, OrphanCount):
                self._reference(metric)
            elif metric in plan.queries:
                self._query(metric)

    def _is_able(self, metric: Metric, opened: Opened) -> bool:
        """Say whether a metric can be measured by what was found; where it cannot, or need not, note it."""
        for name in columns_of(metric):
            column = self._table.column(name)
            assert column is not None
            if name in opened.absent and (column.required or column.key_position is not None):
                self._fault(metric, f"there is no column `{column.physical}`")
                return False
            if name in opened.faults:
                self._fault(metric, opened.faults[name])
                return False
            if name in opened.misfits:
                native = opened.misfits[name]
                if isinstance(metric, TypeFailures):
                    self._put(metric, native)
                    return False
                if needs_type(metric):
                    self._fault(metric, f"`{name}` is {native} where {column.logical} is declared")
                    return False
        if isinstance(metric, TypeFailures) and not opened.relation.cells[metric.column].raw:
            self._put(metric, 0)
            return False
        return True

    def _scan(self, metrics: Sequence[Metric]) -> None:
        written: list[tuple[Metric, tuple[str, ...]]] = []
        for metric in metrics:
            try:
                written.append((metric, self._writer.aggregates(metric)))
            except ValueError as error:
                self._fault(metric, str(error))
        self._scan_written(written)

    def _scan_written(self, written: Sequence[tuple[Metric, tuple[str, ...]]]) -> None:
        if not written:
            return
        try:
            sql = self._writer.scan([one for _, expressions in written for one in expressions])
            row = list(self._engine.rows(sql, 1)[0])
        except Unmeasured as fault:
            if len(written) == 1 or fault.over:
                for metric, _ in written:
                    self._fault(metric, fault.words)
            elif self._reads(fault, written):
                half = len(written) // 2
                self._scan_written(written[:half])
                self._scan_written(written[half:])
            return
        for metric, expressions in written:
            taken, row = row[: len(expressions)], row[len(expressions) :]
            try:
                self._put(metric, self._decoded(metric, taken))
            except (ArithmeticError, ValueError):  # their messages quote the figure
                self._fault(metric, "the figure cannot be read")

    def _reads(self, fault: Unmeasured, written: Sequence[tuple[Metric, tuple[str, ...]]]) -> bool:
        """Say whether rows can be counted at all; if not, nothing of the scan can be."""
        try:
            self._engine.rows(self._writer.scan(["count(*)"]), 1)
        except Unmeasured:
            for metric, _ in written:
                self._fault(metric, fault.words)
            return False
        return True

    def _reference(self, metric: OrphanCount) -> None:
        target = self._contract.table(metric.to)
        assert target is not None
        try:
            opened = self._engine.open(target)
        except Unmeasured as fault:
            self._fault(metric, f"{metric.to}: {fault.words}")
            return
        for name in metric.to_columns:
            if name in opened.absent or name in opened.misfits or name in opened.faults:
                self._fault(metric, f"{metric.to} has no column `{name}` of its declared type")
                return
        to: Writer = self._engine.writer(opened.relation)
        self._single(metric, lambda: self._writer.orphans(metric.columns, to, metric.to_columns))

    def _single(self, metric: Metric, sql: Callable[[], str]) -> None:
        try:
            self._put(metric, int(self._engine.rows(sql(), 1)[0][0]))
        except (Unmeasured, ValueError) as fault:
            self._fault(metric, getattr(fault, "words", str(fault)))

    def _query(self, metric: Any) -> None:
        try:
            self._put(metric, answer(metric.text, self._table, self._contract, self._engine))
        except Unmeasured as fault:
            self._fault(metric, fault.words)

    def _decoded(self, metric: Metric, values: Sequence[Any]) -> Value:
        if isinstance(metric, Histogram):
            return self._writer.counts(metric, values)
        return decoded(metric, values[0])

    def _put(self, metric: Metric, value: Value) -> None:
        if isinstance(value, int | float) and not -MOST < value < MOST:  # so is NaN
            self._fault(metric, "the figure is not a number that can be compared")
            return
        self._out.values[self._table.name, metric] = value

    def _fault(self, metric: Metric, words: str) -> None:
        self._out.faults[self._table.name, metric] = words


def decoded(metric: Metric, value: Any) -> Value:
    """Return what a database answered as a plain value: exact sums as text, moments as ISO text in UTC."""
    if value is None:
        return None if isinstance(metric, Aggregate) else 0
    if isinstance(metric, Aggregate) and metric.of == "sum":
        total = Decimal(str(value))
        return format(total, "f") if total.is_finite() else math.nan
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return plain_number(value)
    return value if isinstance(value, int | float | str) else str(value)
