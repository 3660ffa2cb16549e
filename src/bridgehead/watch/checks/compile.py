"""A contract's clauses as checks. Pure: no data are looked at.

A clause that can never be evaluated becomes a check with a ``fault``: judged as a breach, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridgehead.kernel.finding import Severity
from bridgehead.watch.checks.baseline import Baseline
from bridgehead.watch.checks.ir import (
    Age,
    Aggregate,
    Bound,
    Check,
    DependencyCount,
    Distance,
    DuplicateCount,
    Histogram,
    InvalidCount,
    Length,
    Metric,
    MissingCount,
    MultipleOf,
    NoBaseline,
    NotEmpty,
    NullCount,
    OneOf,
    OrphanCount,
    PairViolation,
    RowCount,
    Rule,
    Source,
    SqlAnswer,
    Stated,
    Test,
    TypeFailures,
    Within,
)
from bridgehead.watch.checks.pattern import portable
from bridgehead.watch.contract.model import (
    Clause,
    Column,
    Contract,
    Library,
    Query,
    Scalar,
    Table,
    Threshold,
)
from bridgehead.watch.contract.ours import Ours, Responses

NONE = Bound(threshold=Threshold(operator="mustBe", value=0))
_NUMBERS = ("integer", "number")
_ORDERED = ("integer", "number", "date", "timestamp")


def checks(contract: Contract, baseline: Baseline | None = None) -> tuple[Check, ...]:
    """Return every check of a contract, in the order of the file; ids are unique."""
    made: list[Check] = []
    for table in contract.tables:
        made.extend(_Table(contract, table, baseline).checks())
    for fresh in contract.freshness:
        found = contract.table(fresh.table)
        column = found.column(fresh.column) if found else None
        above = (fresh.ours, column.ours, found.ours, contract.ours) if column and found else (contract.ours,)
        made.append(
            Check(
                id=f"{fresh.table}.{fresh.column}.freshness",
                table=fresh.table,
                metric=Aggregate(column=fresh.column, of="max"),
                test=Age(at_most_seconds=fresh.seconds),
                unit="value",
                severity="block",
                on_breach=_response(*above),
                source=Source(where=fresh.where, clause=fresh.words),
                columns=(fresh.column,),
            )
        )
    return tuple(_numbered(made))


def _numbered(made: Sequence[Check]) -> Iterator[Check]:
    """Yield the checks with ids made unique: the second of a name ends in ``#2``."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    for check in made:
        seen[check.id] = seen.get(check.id, 0) + 1
        yield check if seen[check.id] == 1 else replace(check, id=f"{check.id}#{seen[check.id]}")


def _response(*nearest: Ours) -> Responses | None:
    return next((ours.on_breach for ours in nearest if ours.on_breach is not None), None)


class _Table:
    """The checks of one object."""

    def __init__(self, contract: Contract, table: Table, baseline: Baseline | None) -> None:
        self._contract, self._table, self._baseline = contract, table, baseline

    def checks(self) -> Iterator[Check]:
        yield from self._rows()
        for column in self._table.columns:
            yield from self._column(column)
        yield from self._key()
        for reference in self._table.references:
            metric = OrphanCount(columns=reference.columns, to=reference.to, to_columns=reference.to_columns)
            label = f"{'+'.join(reference.columns)}.reference"
            clause = f"every value is one of {reference.to}.{', '.join(reference.to_columns)}"
            yield self._made(label, metric, NONE, reference.where, clause, None, reference.columns)
        for clause_of in self._table.clauses:
            yield self._clause(clause_of, None)
        yield from self._totals()

    def _rows(self) -> Iterator[Check]:
        ours = self._table.ours.empty_batch or self._contract.ours.empty_batch
        counted = any(
            isinstance(clause.rule, Library) and clause.rule.metric == "rowCount" and not clause.rule.where
            for clause in self._table.clauses
        )
        if ours != "allowed" and not counted:
            clause = "the batch is not empty (no clause allows an empty one)"
            yield self._made("rows", RowCount(), NotEmpty(), self._table.where, clause, None, ())

    def _column(self, column: Column) -> Iterator[Check]:
        name = column.name
        typed = TypeFailures(column=name, logical=column.logical, format=column.options.format)
        clause = f"logicalType: {column.logical}"
        yield self._of(column, "type", typed, clause, "logicalType")
        if column.required or column.key_position is not None:
            part = "required" if column.required else "primaryKey"
            yield self._of(column, "required", NullCount(column=name), f"{part}: true", part)
        if column.unique:
            yield self._of(column, "unique", DuplicateCount(columns=(name,)), "unique: true", "unique")
        for label, rule, clause, part in _options(column):
            fault = rule if isinstance(rule, str) else ""
            metric: Metric = RowCount() if isinstance(rule, str) else InvalidCount(column=name, rule=rule)
            yield self._of(column, label, metric, clause, part, fault)
        if column.enum:
            rule = OneOf(values=column.enum)
            yield self._of(column, "enum", InvalidCount(column=name, rule=rule), _listed(column.enum), "enum")
        for reference in column.references:
            orphans = OrphanCount(columns=(name,), to=reference.to, to_columns=reference.to_columns)
            clause = f"every value is one of {reference.to}.{reference.to_columns[0]}"
            yield self._made(f"{name}.reference", orphans, NONE, reference.where, clause, column, (name,))
        for clause_of in column.clauses:
            yield self._clause(clause_of, column)

    def _key(self) -> Iterator[Check]:
        key = self._table.key
        if key:
            first = self._table.column(key[0])
            where = first.place("primaryKey") if first else self._table.where
            clause = f"primaryKey: {', '.join(key)}"
            metric = DuplicateCount(columns=key)
            yield self._made(f"{'+'.join(key)}.primaryKey", metric, NONE, where, clause, first, key)

    def _of(
        self, column: Column, label: str, metric: Metric, clause: str, part: str, fault: str = ""
    ) -> Check:
        return self._made(
            f"{column.name}.{label}", metric, NONE, column.place(part), clause, column, (column.name,), fault
        )

    def _made(
        self, label: str, metric: Metric, test: Test, where: str, clause: str, column: Column | None,
        columns: tuple[str, ...], fault: str = "", severity: Severity = "block", ours: Ours | None = None,
        unit: str = "rows",
    ) -> Check:  # fmt: skip
        nearest = [one for one in (ours, column.ours if column else None) if one is not None]
        return Check(
            id=f"{self._table.name}.{label}",
            table=self._table.name,
            metric=metric,
            test=test,
            unit=unit,  # type: ignore[arg-type]
            severity=severity,
            on_breach=_response(*nearest, self._table.ours, self._contract.ours),
            source=Source(where=where, clause=clause),
            columns=columns,
            fault=fault,
        )

    def _clause(self, clause: Clause, column: Column | None) -> Check:
        columns: tuple[str, ...]
        if isinstance(clause.rule, Query):
            metric: Metric = SqlAnswer(text=clause.rule.text)
            test: Test = Bound(threshold=clause.threshold)
            fault, columns, label, unit = "", (), "sql", "value"
        else:
            metric, test, fault = self._library(clause.rule, clause.threshold)
            columns = (*clause.rule.columns, *(one.column for one in clause.rule.where))
            label, unit = clause.rule.metric, clause.unit
            if not isinstance(metric, _COUNTS):
                unit = "value"
        about = f"{column.name}." if column else ""
        words = clause.words or _operator(label, clause.threshold, unit)
        return self._made(
            f"{about}{clause.id or label}", metric, test, clause.where, words, column,
            tuple(dict.fromkeys(columns)), fault, clause.severity, clause.ours, unit,
        )  # fmt: skip

    def _library(self, rule: Library, threshold: Threshold) -> tuple[Metric, Test, str]:
        bound = Bound(threshold=threshold)
        first = self._table.column(rule.columns[0]) if rule.columns else None
        match rule.metric:
            case "rowCount":
                return RowCount(where=rule.where), bound, ""
            case "duplicateValues":
                return DuplicateCount(columns=rule.columns), bound, ""
            case "dependency":
                *by, of = rule.columns
                return DependencyCount(columns=tuple(by), column=of), bound, ""
            case "pair":
                left, right = rule.columns
                metric: Metric = PairViolation(
                    left=left, operator=rule.pair or "=", right=right, where=rule.where
                )
                return metric, bound, self._comparable(left, right)
        assert first is not None
        name = first.name
        match rule.metric:
            case "nullValues":
                return NullCount(column=name, where=rule.where), bound, ""
            case "missingValues":
                metric = MissingCount(column=name, values=rule.values, where=rule.where)
                return metric, bound, _misfit(first, rule.values)
            case "invalidValues":
                made = _valid(first, rule)
                if isinstance(made, str):
                    return RowCount(), bound, made
                return InvalidCount(column=name, rule=made, where=rule.where), bound, ""
            case "psi" | "ks":
                return self._distance(first, rule.metric, threshold)
            case "mean" | "sum" | "min" | "max":
                fault = (
                    ""
                    if first.logical in _NUMBERS
                    else f"{rule.metric} of {_a(first.logical)} is not a number a threshold can be put on"
                )
                return Aggregate(column=name, of=rule.metric, where=rule.where), bound, fault
        raise AssertionError(rule.metric)

    def _comparable(self, left: str, right: str) -> str:
        kinds = [column.logical for column in map(self._table.column, (left, right)) if column]
        same = kinds[0] == kinds[1] or all(kind in _NUMBERS for kind in kinds)
        return "" if same else f"{_a(kinds[0])} is not compared with {_a(kinds[1])}"

    def _distance(self, column: Column, kind: str, threshold: Threshold) -> tuple[Metric, Test, str]:
        assert kind in ("psi", "ks")
        which = "psi" if kind == "psi" else "ks"
        if column.logical not in _NUMBERS:
            return (
                RowCount(),
                Bound(threshold=threshold),
                f"{kind} is taken of numbers, not of {_a(column.logical)}",
            )
        frozen = self._baseline.columns.get((self._table.name, column.name)) if self._baseline else None
        if frozen is None:
            test: Test = NoBaseline(kind=which, threshold=threshold)  # type: ignore[arg-type]
            return RowCount(), test, ""
        distance = Distance(kind=which, threshold=threshold, counts=frozen.counts)  # type: ignore[arg-type]
        return Histogram(column=column.name, edges=frozen.edges), distance, ""

    def _totals(self) -> Iterator[Check]:
        totals = self._table.ours.control_totals
        if totals is None:
            return
        if totals.rows:
            clause = f"rows equal `{totals.rows}` of {totals.manifest}"
            yield self._made("controlTotals.rows", RowCount(), Stated(key=totals.rows), totals.where, clause,
                             None, ())  # fmt: skip
        for name, key in totals.sums:
            column = self._table.column(name)
            fault = "" if column and column.logical in _NUMBERS else f"{name} is not a number"
            clause = f"sum of {name} equals `{key}` of {totals.manifest}"
            test = Stated(key=key, tolerance=totals.tolerance)
            yield self._made(f"controlTotals.{name}", Aggregate(column=name, of="sum"), test, totals.where,
                             clause, column, (name,), fault, unit="value")  # fmt: skip


_COUNTS = (RowCount, NullCount, MissingCount, InvalidCount, DuplicateCount, DependencyCount, PairViolation)


def _options(column: Column) -> Iterator[tuple[str, Rule | str, str, str]]:
    """Yield label, rule (or why there is none), words and the part of the file for each option."""
    options = column.options
    if options.pattern is not None:
        yield "pattern", _pattern(column, options.pattern), f"pattern: {options.pattern}", "options.pattern"
    low = options.minimum if options.minimum is not None else options.exclusive_minimum
    high = options.maximum if options.maximum is not None else options.exclusive_maximum
    if low is not None or high is not None:
        within = Within(
            low=low,
            high=high,
            low_open=options.minimum is None and low is not None,
            high_open=options.maximum is None and high is not None,
        )
        written = "minimum" if options.minimum is not None else "exclusiveMinimum"
        if low is None:
            written = "maximum" if options.maximum is not None else "exclusiveMaximum"
        yield "range", within, _range(within), f"options.{written}"
    if options.min_length is not None or options.max_length is not None:
        length = Length(least=options.min_length, most=options.max_length)
        part = "minLength" if options.min_length is not None else "maxLength"
        words = f"length from {options.min_length or 0} to {options.max_length or 'any'}"
        yield "length", length, words, f"options.{part}"
    if options.multiple_of is not None:
        rule = MultipleOf(of=options.multiple_of)
        yield "multipleOf", rule, f"multipleOf: {options.multiple_of}", "options.multipleOf"
    width = _WIDTHS.get(options.format or "") if column.logical == "integer" else None
    if width is not None:
        yield "format", Within(low=width[0], high=width[1]), f"format: {options.format}", "options.format"


_WIDTHS = {f"i{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)} | {
    f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32)
}


def _pattern(column: Column, text: str) -> Rule | str:
    if column.logical != "string":
        return f"a pattern is about text, not about {_a(column.logical)}"
    try:
        return portable(text)
    except ValueError as error:
        return f"the pattern {text!r} cannot be run: {error}"


def _valid(column: Column, rule: Library) -> Rule | str:
    if rule.pattern:
        return _pattern(column, rule.pattern)
    return _misfit(column, rule.values) or OneOf(values=rule.values)


def _misfit(column: Column, values: Sequence[Scalar]) -> str:
    """Return why values cannot be those of a column, or nothing."""
    kind: tuple[type, ...] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}.get(
        column.logical, (str,)
    )
    for value in values:
        if not isinstance(value, kind) or (column.logical != "boolean" and isinstance(value, bool)):
            return f"{value!r} is no value of a column of type {column.logical}"
    return ""


def _range(within: Within) -> str:
    low = "" if within.low is None else f"{'>' if within.low_open else '>='} {within.low}"
    high = "" if within.high is None else f"{'<' if within.high_open else '<='} {within.high}"
    return " and ".join(part for part in (low, high) if part)


def _listed(values: Sequence[Scalar]) -> str:
    shown = ", ".join(str(value) for value in values[:6])
    return f"one of {shown}{', ...' if len(values) > 6 else ''}"


def _operator(label: str, threshold: Threshold, unit: str) -> str:
    value = f"{threshold.value}" if threshold.upper is None else f"[{threshold.value}, {threshold.upper}]"
    return f"{label} {threshold.operator} {value}{' %' if unit == 'percent' else ''}"


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
