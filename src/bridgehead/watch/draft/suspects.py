"""Which cells are probably wrong, from the table alone: what a draft's proposals count against themselves.

A cell is suspect when its own column says so (type, way of writing, a value outside a closed set, a slip of
the pen), or when other columns say what it should be and it is not. Where two columns contradict each other
and several others side with one of them, the other one is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bridgehead.watch.draft.casts import cast, says_missing
from bridgehead.watch.draft.closed import closed
from bridgehead.watch.draft.dependencies import dependencies
from bridgehead.watch.draft.nearby import misspelt, run_together
from bridgehead.watch.draft.sample import Sample, Sampled
from bridgehead.watch.draft.shapes import written
from bridgehead.watch.draft.verdicts import Verdicts

Mask = np.ndarray[Any, np.dtype[np.bool_]]
WEAK = ("pattern", "set", "near")
"""What a column says about its own cells, and other columns may know better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """For each column the rows whose cell is probably wrong, as a mask, and why, clause by clause."""

    cells: dict[str, Mask]
    why: dict[str, dict[str, Mask]]

    @property
    def count(self) -> int:
        """Return how many cells are suspect."""
        return int(sum(mask.sum() for mask in self.cells.values()))


def suspects(table: Sample) -> Suspects:
    """Return the cells of a table that are probably wrong."""
    why: dict[str, dict[str, Mask]] = {one.name: dict(_alone(one)) for one in table.columns}
    for name, other, rows in run_together(table):
        why[name][f"holds a value of {other}, too"] = rows
        why[other]["its value stands in another column"] = rows
    verdicts = Verdicts(table, dependencies(table))
    for name in verdicts.columns():
        right = verdicts.confirmed(name)
        why[name] = {reason: rows & ~right if reason in WEAK else rows for reason, rows in why[name].items()}
        why[name]["others"] = verdicts.contradicted(name)
    empty = np.zeros(table.rows, dtype=bool)
    return Suspects(
        cells={name: np.logical_or.reduce([empty, *found.values()]) for name, found in why.items()}, why=why
    )


def _alone(column: Sampled) -> dict[str, Mask]:
    """Return what a column says about its own cells."""
    found: dict[str, Mask] = {}
    kind = cast(column)
    if kind.logical != "string":
        return {"type": column.rows_of(kind.failing)} if kind.failing else {}
    missing = [n for n, value in enumerate(column.values) if says_missing(value)]
    if missing and column.counts[missing].sum() < 0.5 * column.present:
        found["missing"] = column.rows_of(missing)
    pattern = written(column)
    if pattern is not None and pattern.failing:
        found["pattern"] = column.rows_of(pattern.failing)
    members = closed(column)
    if members is not None and members.failing:
        found["set"] = column.rows_of(members.failing)
    if near := misspelt(column):
        found["near"] = column.rows_of(near)
    return found
