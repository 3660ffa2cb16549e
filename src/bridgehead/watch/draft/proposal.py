"""What a draft proposes, as plain values: clauses, each with how far the data support it and what speaks
against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridgehead.watch.contract.model import Logical
from bridgehead.watch.draft.sample import Sampled
from bridgehead.watch.draft.shapes import masked

FULL_TOLERANCE = 0.5
"""Percent of the rows of a later batch that may break a clause all rows of the draft keep."""
EXAMPLES = 3
_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """``against`` of ``rows`` speak against a clause; ``examples`` are such values and how many rows each."""

    clause: str
    rows: int
    against: int = 0
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Return the part of the rows that support the clause; 1 where there are none."""
        return 1 - self.against / self.rows if self.rows else 1.0

    def words(self) -> str:
        """Return what a person reads beside the clause."""
        if not self.against:
            return f"all {self.rows:,} rows"
        shown = f", such as {'; '.join(self.examples)}" if self.examples else ""
        return f"{self.share:.2%} of {self.rows:,} rows; {self.against:,} against{shown}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        told = {"clause": self.clause, "support": round(self.share, 6), "rows": self.rows}
        return told | ({"against": self.against, "examples": list(self.examples)} if self.against else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A quality clause: ``body`` is what the standard writes but for its operator, by which at most
    ``tolerance`` percent of the rows may break it."""

    id: str
    body: Mapping[str, Any]
    tolerance: float
    support: Support
    is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An object that is not in a draft, because it cannot be read: ``why``."""

    name: str
    why: str


@dataclass(slots=True, kw_only=True)
class DraftColumn:
    """A column of a draft. ``supports`` say how far its own clauses hold, ``notes`` what nobody can guess."""

    name: str
    logical: Logical
    personal: bool = False
    required: bool = False
    unique: bool = False
    key_position: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    reference: str = ""
    quality: list[Quality] = field(default_factory=list)
    supports: list[Support] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A column by which batches are complete: of the ``of`` values it has, ``values`` are in each of so many
    ``batches``, the newest with rows of ``files``; of the rarest about ``least`` rows. ``small`` are
    batches that lack one since they have too few rows. ``others`` would do, too; ``why`` it is this one."""

    column: str
    values: int
    of: int
    batches: int
    least: float
    small: int = 0
    files: int = 0
    others: tuple[Segment, ...] = ()
    why: str = ""

    def words(self) -> str:
        """Return what a person reads beside it."""
        values = f"{self.values}" if self.values == self.of else f"{self.values} usual of {self.of}"
        files = f"all {self.batches} files"
        if self.batches != self.files:
            files = f"each of the newest {self.batches} files with rows"
        if self.small:
            files += f" but {self.small} with too few rows to tell"
        return (
            f"each of the {values} values of `{self.column}` is in {files}, of the rarest about "
            f"{self.least:,.0f} rows: a file in which one is missing is kept apart"
        )

    def question(self) -> str:
        """Return what a person is asked where several columns would do; else nothing."""
        if not self.others:
            return ""
        others = ", ".join(f"`{one.column}` ({one.values} values)" for one in self.others)
        return (
            f"by which column is a file complete? An object names one: `{self.column}`, since {self.why}. "
            f"Also in all files: {others}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        told = {"clause": "segment", "column": self.column, "batches": self.batches, "values": self.values}
        told |= {"of": self.of, "rowsOfTheRarest": round(self.least, 1)}
        told |= {"batchesTooSmall": self.small} if self.small else {}
        return told | ({"others": [one.column for one in self.others]} if self.others else {})


@dataclass(slots=True, kw_only=True)
class DraftTable:
    """An object of a draft. ``looked_at`` of ``rows`` rows were read; ``freshness`` is (column, hours)."""

    name: str
    physical: str
    rows: int
    looked_at: int
    columns: list[DraftColumn]
    quality: list[Quality] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cadence: Mapping[str, str] | None = None
    freshness: tuple[str, float] | None = None
    segment: Segment | None = None

    def column(self, name: str) -> DraftColumn:
        """Return a column. Raises ``KeyError``."""
        for one in self.columns:
            if one.name == name:
                return one
        raise KeyError(name)


def tolerance(support: Support, rows: int, at_a_time: float = 0.0) -> float:
    """Return the percentage of rows that may break a clause: what was seen and three standard errors.

    ``rows`` are all rows, of which percentages are taken; ``at_a_time`` as many as a later batch has, where
    these were several: a small batch strays further from the share than all of them together.
    """
    share = support.against / rows if rows else 0.0
    if not support.against:
        return FULL_TOLERANCE
    upper = share + 3 * math.sqrt(share * (1 - share) / (at_a_time or rows))
    return max(FULL_TOLERANCE, math.ceil(min(1.0, upper) * 1000) / 10)


def measured(clause: str, column: Sampled, failing: Sequence[int], personal: bool) -> Support:
    """Return the support of a clause about values, with the values that speak against it most often."""
    counts = sorted(
        ((int(column.counts[n]), column.values[n]) for n in failing), key=lambda one: (-one[0], one[1])
    )
    seen: dict[str, int] = {}
    for count, value in counts:
        shown = example(value, personal)
        seen[shown] = seen.get(shown, 0) + count
    told = [
        f"{shown} ({count}x)" for shown, count in sorted(seen.items(), key=lambda one: -one[1])[:EXAMPLES]
    ]
    return Support(
        clause=clause, rows=column.present, against=sum(count for count, _ in counts), examples=tuple(told)
    )


def example(value: str, personal: bool) -> str:
    """Return a value as it may be shown: what is personal only by how it is written."""
    short = value if len(value) <= _LONGEST else value[:_LONGEST] + "..."
    return f"`{masked(short) if personal else short}`"
