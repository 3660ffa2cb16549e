"""A check as data: what is measured, what must hold of it, and the clause it comes from.

::

    Check(
        id="orders.customer_id.required",
        table="orders",
        metric=NullCount(column="customer_id"),
        test=Bound(Threshold(operator="mustBe", value=0)),
        unit="rows", severity="block", on_breach=None,
        source=Source(where="orders.odcs.yaml:17", clause="required: true"),
    )

Names of tables and columns are the contract's; the renderers know what they are called where the data live.
Nothing here runs: ``plan`` groups metrics into queries, a renderer writes them, ``judge`` compares numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridgehead.kernel.finding import Severity
from bridgehead.watch.contract.model import Condition, Logical, Scalar, Threshold
from bridgehead.watch.contract.ours import Responses

Where = tuple[Condition, ...]
Comparison = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A regular expression found somewhere in the value; ``text`` means the same to every engine."""

    text: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """A closed set."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A range; bounds are included unless they are said to be open. Dates and times are ISO text."""

    low: float | int | str | None = None
    high: float | int | str | None = None
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """So many characters."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipleOf:
    """A whole number of times ``of``."""

    of: float | int


Rule = Pattern | OneOf | Within | Length | MultipleOf


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """Rows."""

    where: Where = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NullCount:
    """Rows in which the column is null."""

    column: str
    where: Where = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingCount:
    """Rows in which the column is null or one of these values."""

    column: str
    values: tuple[Scalar, ...]
    where: Where = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidCount:
    """Rows whose value does not keep the rule. A null is not invalid: it has a clause of its own."""

    column: str
    rule: Rule
    where: Where = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateCount:
    """Keys that occur more than once; rows in which a part of the key is null are left out."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyCount:
    """Rows whose ``column`` is not the most frequent value among the rows with the same ``columns``: as many
    as would have to change for ``columns`` to decide it. Rows in which one of them is null are left out."""

    columns: tuple[str, ...]
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanCount:
    """Rows whose reference names no row there; rows in which a part of it is null are left out."""

    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairViolation:
    """Rows in which ``left operator right`` is false; where one of both is null, it is not."""

    left: str
    operator: Comparison
    right: str
    where: Where = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One figure over the values that are not null."""

    column: str
    of: Literal["min", "max", "sum", "mean"]
    where: Where = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Values up to and including each edge, and above the last: one count more than there are edges."""

    column: str
    edges: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFailures:
    """Values that are not of the column's logical type: the declared type of a table or a Parquet file is
    compared; text in CSV, JSON and SQLite files is read value by value."""

    column: str
    logical: Logical
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlAnswer:
    """The one number that a query written in the contract answers."""

    text: str


Metric = (
    RowCount
    | NullCount
    | MissingCount
    | InvalidCount
    | DuplicateCount
    | DependencyCount
    | OrphanCount
    | PairViolation
    | Aggregate
    | Histogram
    | TypeFailures
    | SqlAnswer
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The number, or its percentage of the rows, against a threshold."""

    threshold: Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEmpty:
    """There is at least one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """The newest value is at most so many seconds older than now."""

    at_most_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """The figure the sender states under ``key``, give or take ``tolerance``."""

    key: str
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far a histogram lies from the frozen one of the baseline: PSI or KS."""

    kind: Literal["psi", "ks"]
    threshold: Threshold
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoBaseline:
    """A distance cannot be taken: the baseline does not hold this column."""

    kind: Literal["psi", "ks"]
    threshold: Threshold


Test = Bound | NotEmpty | Age | Stated | Distance | NoBaseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The clause a check comes from: ``file:line`` and how it is written."""

    where: str
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. ``columns`` are those it needs. ``fault`` says why it can never be evaluated, if so."""

    id: str
    table: str
    metric: Metric
    test: Test
    unit: Literal["rows", "percent", "value"]
    severity: Severity
    on_breach: Responses | None
    source: Source
    columns: tuple[str, ...] = ()
    fault: str = ""


Value = int | float | str | tuple[int, ...] | None
"""A number; text for moments (ISO) and exact sums; counts of histograms; None: no row has a value."""

MetricKey = tuple[str, Metric]
"""A table's name and the metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What was measured. A metric that is neither in ``values`` nor in ``faults`` was not measured.

    ``faults`` say in words why a metric could not be measured. ``rows`` are the rows of each table.
    ``stated`` are the senders' control totals by their key.
    """

    values: Mapping[MetricKey, Value] = field(default_factory=dict)
    faults: Mapping[MetricKey, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    stated: Mapping[tuple[str, str], Any] = field(default_factory=dict)
