"""SQL of metrics, written for one table; what differs between engines is overridden by each.

Names and values come from a contract somebody else wrote: names are quoted, text is a literal, never a part
of a statement. A ``Relation`` says how a column's value is read where the data live.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import assert_never

from bridgehead.watch.checks.ir import (
    Aggregate,
    DependencyCount,
    DuplicateCount,
    Histogram,
    InvalidCount,
    Length,
    Metric,
    MissingCount,
    MultipleOf,
    NullCount,
    OneOf,
    PairViolation,
    Pattern,
    RowCount,
    Rule,
    TypeFailures,
    Where,
    Within,
)
from bridgehead.watch.contract.model import Logical, Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How one column is read: its ``value`` of the declared type, or, in text, also its ``raw`` text."""

    value: str
    logical: Logical
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What is read: the text after FROM, and how each column is read."""

    source: str
    cells: Mapping[str, Cell] = field(default_factory=dict)


def quoted(name: str) -> str:
    """Return a name as SQL writes any name. Raises ``ValueError`` for one no database has."""
    if "\x00" in name or not name:
        raise ValueError("a name is empty or holds a character that no name has")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as a literal. Raises ``ValueError`` for text no database holds."""
    if "\x00" in text:
        raise ValueError("text holds a character that no database holds")
    return "'" + text.replace("'", "''") + "'"


class Writer:
    """Aggregate expressions in SQL that DuckDB and PostgreSQL share."""

    dialect = ""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation

    def aggregates(self, metric: Metric) -> tuple[str, ...]:
        """Return the expressions whose values make a metric's number; a histogram may need several."""
        match metric:
            case RowCount():
                return (self.count(self.where(metric.where)),)
            case NullCount():
                return (self.count(f"{self.text(metric.column)} IS NULL", self.where(metric.where)),)
            case MissingCount():
                return (self.count(self.missing(metric), self.where(metric.where)),)
            case InvalidCount():
                return (self.count(self.violation(metric.column, metric.rule), self.where(metric.where)),)
            case PairViolation():
                return (self.count(self.unpaired(metric), self.where(metric.where)),)
            case TypeFailures():
                return (self.count(self.mistyped(metric)),)
            case Aggregate():
                return (self.aggregate(metric),)
            case Histogram():
                return self.histogram(metric)
            case _:
                raise TypeError(f"{type(metric).__name__} has a query of its own")

    def rows_of(self, metric: Metric) -> str:
        """Return the condition that a failing row satisfies, for samples; nothing where there is none."""
        match metric:
            case NullCount():
                return _both(f"{self.text(metric.column)} IS NULL", self.where(metric.where))
            case MissingCount():
                return _both(self.missing(metric), self.where(metric.where))
            case InvalidCount():
                return _both(self.violation(metric.column, metric.rule), self.where(metric.where))
            case PairViolation():
                return _both(self.unpaired(metric), self.where(metric.where))
            case TypeFailures():
                return self.mistyped(metric)
            case _:
                return ""

    def text(self, column: str) -> str:
        """Return what tells whether a column holds anything."""
        cell = self.relation.cells[column]
        return cell.raw or cell.value

    def value(self, column: str) -> str:
        """Return a column's value."""
        return self.relation.cells[column].value

    def logical(self, column: str) -> Logical:
        """Return a column's declared type."""
        return self.relation.cells[column].logical

    def count(self, *conditions: str) -> str:
        """Return the number of rows that satisfy all conditions."""
        condition = _both(*conditions)
        return f"count(*) FILTER (WHERE {condition})" if condition else "count(*)"

    def where(self, where: Where) -> str:
        """Return which rows a metric is about."""
        return _both(
            *(
                f"{self.value(one.column)} {_SIGNS[one.operator]} "
                f"{self.constant(one.value, self.logical(one.column))}"
                for one in where
            )
        )

    def missing(self, metric: MissingCount) -> str:
        """Return the condition of a null or one of the values that stand for it."""
        values = ", ".join(self.constant(value, self.logical(metric.column)) for value in metric.values)
        text = self.text(metric.column)
        return (
            f"({text} IS NULL OR {self.value(metric.column)} IN ({values}))" if values else f"{text} IS NULL"
        )

    def unpaired(self, metric: PairViolation) -> str:
        """Return the condition of a row whose two values do not stand so."""
        return f"NOT ({self.value(metric.left)} {_SIGNS[metric.operator]} {self.value(metric.right)})"

    def mistyped(self, metric: TypeFailures) -> str:
        """Return the condition of a text that is no value of the type."""
        cell = self.relation.cells[metric.column]
        return f"{cell.raw} IS NOT NULL AND {cell.value} IS NULL" if cell.raw else "false"

    def violation(self, column: str, rule: Rule) -> str:
        """Return the condition of a value that breaks a rule; a null does not."""
        value, logical = self.value(column), self.logical(column)
        match rule:
            case Pattern():
                return f"NOT {self.matches(value, rule.text)}"
            case OneOf():
                return f"{value} NOT IN ({', '.join(self.constant(one, logical) for one in rule.values)})"
            case Within():
                low, high = "<=" if rule.low_open else "<", ">=" if rule.high_open else ">"
                parts = [f"{value} {low} {self.constant(rule.low, logical)}"] if rule.low is not None else []
                if rule.high is not None:
                    parts.append(f"{value} {high} {self.constant(rule.high, logical)}")
                return f"({' OR '.join(parts)})"
            case Length():
                return self.too_long(value, rule)
            case MultipleOf():
                return self.not_multiple(value, rule, logical)
        assert_never(rule)

    def too_long(self, value: str, rule: Length) -> str:
        """Return the condition of a text that is too short or too long, in characters."""
        parts = [f"length({value}) < {rule.least}"] if rule.least is not None else []
        if rule.most is not None:
            parts.append(f"length({value}) > {rule.most}")
        return f"({' OR '.join(parts)})"

    def not_multiple(self, value: str, rule: MultipleOf, logical: Logical) -> str:
        """Return the condition of a number that is no multiple, up to a billionth."""
        if isinstance(rule.of, int) and logical == "integer":
            return f"{value} % {rule.of} <> 0"
        step = self.number(rule.of)
        return f"abs({value} / {step} - round({value} / {step})) > 1e-9"

    def aggregate(self, metric: Aggregate) -> str:
        """Return one figure over values."""
        value = self.value(metric.column)
        if metric.of == "sum":
            inner = f"sum({self.exact(value)})"
        elif metric.of == "mean":
            inner = f"avg({self.double(value)})"
        else:
            inner = f"{metric.of}({value})"
        where = self.where(metric.where)
        return f"{inner} FILTER (WHERE {where})" if where else inner

    def histogram(self, metric: Histogram) -> tuple[str, ...]:
        """Return the cumulative counts at each edge, and the count of all values."""
        value = self.value(metric.column)
        upto = (self.count(f"{value} <= {self.number(edge)}") for edge in metric.edges)
        return (*upto, f"count({value})")

    def counts(self, metric: Histogram, values: Sequence[object]) -> tuple[int, ...]:
        """Return a histogram's counts from what its expressions answered."""
        upto = [int(str(value or 0)) for value in values]
        return tuple(b - a for a, b in zip([0, *upto[:-1]], upto, strict=True))

    def exact(self, value: str) -> str:
        """Return a number that adds up exactly."""
        return f"CAST({value} AS DECIMAL(38, 6))"

    def double(self, value: str) -> str:
        """Return a number as a floating-point one."""
        return f"CAST({value} AS DOUBLE PRECISION)"

    def matches(self, value: str, pattern: str) -> str:
        """Return whether a pattern is found in a text."""
        raise NotImplementedError

    def constant(self, value: Scalar, logical: Logical) -> str:
        """Return a value of the contract as a literal of a column's type. Raises ``ValueError``."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if logical in ("integer", "number"):
            if isinstance(value, str):
                raise ValueError(f"{value!r} is not a number")
            return self.number(value)
        if logical == "timestamp":
            return f"CAST({literal(_in_utc(str(value)))} AS TIMESTAMP)"
        if logical in _CASTS:
            return f"CAST({literal(str(value))} AS {_CASTS[logical]})"
        return literal(str(value))

    def number(self, value: float | int) -> str:
        """Return a number. Raises ``ValueError`` for one that is not finite."""
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number a database holds")
        return str(value) if isinstance(value, int) else f"{value!r}"

    def duplicates(self, columns: Sequence[str]) -> str:
        """Return the query of keys that occur more than once."""
        keys = [self.text(column) for column in columns]
        there = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        twice = (
            f"SELECT 1 AS one FROM {self.relation.source} WHERE {there} "  # noqa: S608
            f"GROUP BY {', '.join(keys)} HAVING count(*) > 1"
        )
        return f"SELECT count(*) FROM ({twice}) AS keyed"  # noqa: S608

    def keyed(self, metric: DuplicateCount | DependencyCount) -> str:
        """Return the query of a metric that groups the rows by columns."""
        if isinstance(metric, DuplicateCount):
            return self.duplicates(metric.columns)
        return self.undecided(metric.columns, metric.column)

    def undecided(self, columns: Sequence[str], column: str) -> str:
        """Return the query of rows whose value is not the most frequent one of their group."""
        every = [self.text(one) for one in (*columns, column)]
        keys = ", ".join(f"{one} AS k{n}" for n, one in enumerate(every[:-1]))
        there = " AND ".join(f"{one} IS NOT NULL" for one in every)
        pairs = (
            f"SELECT {keys}, count(*) AS n FROM {self.relation.source} WHERE {there} "  # noqa: S608
            f"GROUP BY {', '.join(every)}"
        )
        by = ", ".join(f"k{n}" for n in range(len(columns)))
        groups = f"SELECT sum(n) - max(n) AS other FROM ({pairs}) AS pairs GROUP BY {by}"  # noqa: S608
        return f"SELECT coalesce(sum(other), 0) FROM ({groups}) AS grouped"  # noqa: S608

    def orphans(self, columns: Sequence[str], to: Writer, to_columns: Sequence[str]) -> str:
        """Return the query of rows whose reference is not there."""
        mine = [self.value(column) for column in columns]
        theirs = [to.value(column) for column in to_columns]
        there = " AND ".join(f"{one} IS NOT NULL" for one in mine)
        left = ", ".join(f"{one} AS l{i}" for i, one in enumerate(mine))
        right = ", ".join(f"{one} AS r{i}" for i, one in enumerate(theirs))
        on = " AND ".join(f"l{i} = r{i}" for i in range(len(mine)))
        return self.unmatched(
            f"(SELECT {left} FROM {self.relation.source} WHERE {there}) AS mine",  # noqa: S608
            f"(SELECT {right} FROM {to.relation.source}) AS theirs",  # noqa: S608
            on,
        )

    def unmatched(self, mine: str, theirs: str, on: str) -> str:
        """Return the query that counts rows of one relation without a partner in the other."""
        return f"SELECT count(*) FROM {mine} WHERE NOT EXISTS (SELECT 1 FROM {theirs} WHERE {on})"  # noqa: S608

    def scan(self, expressions: Sequence[str]) -> str:
        """Return the one scan."""
        named = ", ".join(f"{one} AS m{i}" for i, one in enumerate(expressions))
        return f"SELECT {named} FROM {self.relation.source}"  # noqa: S608


_SIGNS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CASTS = {"date": "DATE", "time": "TIME"}


def _in_utc(text: str) -> str:
    """Return a moment without its offset, in UTC: databases drop an offset silently."""
    moment = datetime.fromisoformat(text)
    moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return moment.isoformat(sep=" ")


def _both(*conditions: str) -> str:
    kept = [one for one in conditions if one]
    return " AND ".join(kept) if len(kept) < 2 else " AND ".join(f"({one})" for one in kept)
