"""What a data contract promises, as plain values. Every part knows the line it is written on.

Only what this house uses is kept; everything else of the standard stays in the file, which is never rewritten
here. ``Unchecked`` lists what the contract says and no check of ours covers: it is shown, never green.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bridgehead.kernel.finding import Severity
from bridgehead.watch.contract.ours import NOTHING, Ours

Logical = Literal[
    "string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean", "map", "vector"
]
Scalar = str | int | float | bool
Unit = Literal["rows", "percent"]
Operator = Literal[
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One operator of the standard with its number, or two numbers, the smaller first, both included."""

    operator: Operator
    value: float | int
    upper: float | int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Which rows a clause is about: those where ``column`` stands so to ``value``."""

    column: str
    operator: Literal["=", "!=", "<", "<=", ">", ">="]
    value: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``logicalTypeOptions`` that are checked. Bounds of dates and times are ISO text."""

    minimum: float | int | str | None = None
    maximum: float | int | str | None = None
    exclusive_minimum: float | int | str | None = None
    exclusive_maximum: float | int | str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    multiple_of: float | int | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A clause with one of the standard's metrics, or one of ours (``type: custom``, ``engine: bridgehead``).

    ``columns`` are the columns it measures, ``values`` and ``pattern`` its arguments; of a dependency the
    last one is decided by the others. ``pair`` is the
    comparison that must hold between two columns, such as ``>=``. ``unset`` is true where null itself counts
    as one of the missing values.
    """

    metric: Literal[
        "nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount",
        "pair", "dependency", "mean", "sum", "min", "max", "psi", "ks",
    ]  # fmt: skip
    columns: tuple[str, ...] = ()
    values: tuple[Scalar, ...] = ()
    pattern: str = ""
    pair: Literal["", "=", "!=", "<", "<=", ">", ">="] = ""
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A clause in SQL, as it is written: one query with one number as its answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A quality clause that can be checked."""

    id: str
    rule: Library | Query
    threshold: Threshold
    unit: Unit
    severity: Severity
    words: str
    ours: Ours
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Every value of ``columns`` is one of ``to_columns`` of the object ``to``."""

    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of an object. ``at`` holds the lines of its parts: ``required``, ``options.pattern``, ..."""

    name: str
    physical: str
    logical: Logical
    physical_type: str = ""
    options: Options = Options()
    required: bool = False
    unique: bool = False
    key_position: int | None = None
    enum: tuple[Scalar, ...] = ()
    critical: bool = False
    references: tuple[Reference, ...] = ()
    clauses: tuple[Clause, ...] = ()
    ours: Ours = NOTHING
    description: str = ""
    where: str = ""
    at: dict[str, str] = field(default_factory=dict, hash=False)

    def place(self, part: str) -> str:
        """Return ``file:line`` of a part, or of the column."""
        return self.at.get(part, self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An object of the contract: a table, a view, a file, a topic."""

    name: str
    physical: str
    columns: tuple[Column, ...]
    clauses: tuple[Clause, ...] = ()
    references: tuple[Reference, ...] = ()
    ours: Ours = NOTHING
    where: str = ""

    def column(self, name: str) -> Column | None:
        """Return a column by its name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def key(self) -> tuple[str, ...]:
        """Return the names of the primary key's columns, in their order; nothing if there is none."""
        keyed = [column for column in self.columns if column.key_position is not None]
        return tuple(column.name for column in sorted(keyed, key=lambda column: column.key_position or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The newest value of ``column`` of ``table`` is at most ``seconds`` old."""

    id: str
    table: str
    column: str
    seconds: float
    words: str
    ours: Ours
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchecked:
    """Something the contract says that no check covers, and why."""

    what: str
    why: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A data contract of ODCS v3. ``digest`` is the SHA-256 of its bytes, ``status_at`` where it says its
    status."""

    id: str
    name: str
    version: str
    api_version: str
    status: str
    tables: tuple[Table, ...]
    freshness: tuple[Freshness, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    ours: Ours = NOTHING
    owner: str = ""
    file: str = ""
    digest: str = ""
    status_at: str = ""

    def table(self, name: str) -> Table | None:
        """Return an object by its name."""
        return next((table for table in self.tables if table.name == name), None)
