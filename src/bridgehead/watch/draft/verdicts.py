"""What the dependencies of a table say of its cells: confirmed, contradicted, or nothing.

A row that breaks a dependency says that one of two cells is wrong, not which, and perhaps neither is. So the
cell is contradicted only where the column that decides it best says so and most of the others do; where a
column contradicts most of what it decides, it is the wrong one itself; and an exception that a third column
explains (every row of another state has its own figure) is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from bridgehead.watch.draft.dependencies import Dependency, Groups, grouped
from bridgehead.watch.draft.sample import Sample, Sampled

Mask = np.ndarray[Any, np.dtype[np.bool_]]
HABIT = 3
"""Rows of one thing that agree on another value: no slip any more."""
EXPLAINS = 0.8
EXPLAINED_ROWS = 5


class Verdicts:
    """What each dependency says of each row, weighed against the others."""

    def __init__(self, table: Sample, known: list[Dependency]) -> None:
        self._table = table
        self.used = _used(known)
        self._said = {one: _said(table, one) for one in self.used}

    def columns(self) -> tuple[str, ...]:
        """Return the columns anything is said about."""
        return tuple(dict.fromkeys(one.of for one in self.used))

    def contradicted(self, name: str) -> Mask:
        """Return the rows of a column whose cell the columns that decide it say is wrong."""
        best, against, spoken = self._weighed(name)
        found: Mask = (best == -1) & (2 * against > spoken)
        return found

    def confirmed(self, name: str) -> Mask:
        """Return the rows whose cell is what the columns that decide it say, or an explained exception."""
        best, against, spoken = self._weighed(name)
        found: Mask = (best == 1) & (2 * against < spoken)
        for one in self.used:
            if one.of == name:
                found |= self._said[one].excused
        return found

    def _weighed(self, name: str) -> tuple[Any, Any, Any]:
        """Return what the best column says of each row (1 right, -1 wrong, 0 nothing), and the count."""
        rows = self._table.rows
        best, against, spoken = np.zeros(rows, np.int8), np.zeros(rows), np.zeros(rows)
        for one in self.used:
            if one.of == name:
                wrong, said = self._said[one].wrong, self._said[one].said
                wrong = wrong & ~self._blamed(one.by)
                against += wrong
                spoken += said
                best = np.where((best == 0) & said, np.where(wrong, -1, 1), best)
        return best, against, spoken

    def _blamed(self, by: str) -> Mask:
        """Return the rows in which a column contradicts most of what it decides."""
        mine = [self._said[one] for one in self.used if one.by == by and one.kind == "strict"]
        if len(mine) < HABIT:
            return np.zeros(self._table.rows, dtype=bool)
        wrong = np.sum([each.wrong for each in mine], axis=0)
        said = np.sum([each.said for each in mine], axis=0)
        blamed: Mask = (wrong >= HABIT) & (2 * wrong > said)
        return blamed


def _used(known: list[Dependency]) -> list[Dependency]:
    """Return the strict ones; and of the reported ones those about the one thing that is reported on."""
    covered: dict[str, float] = {}
    for one in known:
        if one.kind == "reported":
            covered[one.by] = covered.get(one.by, 0.0) + one.covered
    thing = max(covered, key=lambda by: (covered[by], by), default="")
    if not thing:
        return known
    told = {one.of for one in known if one.kind == "reported" and one.by == thing}
    about = [one for one in known if one.by == thing]
    return about + [one for one in known if one.kind == "strict" and one.by != thing
                    and one.of != thing and one.of not in told]  # fmt: skip


class _Said(NamedTuple):
    """The rows a dependency contradicts, those it says anything about, and exceptions that are none."""

    wrong: Mask
    said: Mask
    excused: Mask


def _said(table: Sample, one: Dependency) -> _Said:
    """Return what a dependency says of each row."""
    by, of = table.column(one.by), table.column(one.of)
    groups = grouped(by, of)
    clear = (groups.at_top >= 2) & (groups.at_top > groups.second)
    if one.kind == "strict":
        clear &= 3 * groups.at_top >= 2 * groups.held
    said = _of_rows(by, clear)
    wrong = said & (of.codes != _of_rows(by, groups.top))
    gap = _gaps(by, of, groups)
    wrong, said = wrong | gap, said | gap
    excused = np.zeros(table.rows, dtype=bool)
    if one.kind == "strict":
        excused = _habits(by, of, wrong) | _explained(table, one, wrong)
    return _Said(wrong & ~excused, said & ~excused, excused)


def _of_rows(by: Sampled, of_groups: Any) -> Any:
    """Return what holds of each group, for each row; nothing (0) where the row has no group."""
    padded = np.append(of_groups, np.zeros(1, of_groups.dtype))
    return padded[by.codes]


def _gaps(by: Sampled, of: Sampled, groups: Groups) -> Mask:
    """Return the rows without a value where every other row of the same thing has one and the same."""
    told: Mask = _of_rows(by, (groups.held > 0) & (groups.second == 0)) & (of.codes < 0)
    return told


def _habits(by: Sampled, of: Sampled, wrong: Mask) -> Mask:
    """Return the rows whose value several rows of the same thing hold: a second value, not a slip."""
    pairs = by.codes * max(1, len(of.values)) + of.codes
    _, at, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    habits: Mask = wrong & (of.codes >= 0) & (counts[at] >= HABIT)
    return habits


def _explained(table: Sample, one: Dependency, wrong: Mask) -> Mask:
    """Return the exceptions that a third column explains: nearly all rows with its value are exceptions."""
    found = np.zeros(table.rows, dtype=bool)
    for third in _others(table, one):
        here = third.codes >= 0
        all_rows = third.counts
        broken = np.bincount(third.codes[here & wrong], minlength=len(third.values))
        explains = (all_rows >= EXPLAINED_ROWS) & (broken >= EXPLAINS * all_rows)
        if explains.any():
            found |= wrong & _of_rows(third, explains)
    return found


def _others(table: Sample, one: Dependency) -> Iterator[Sampled]:
    for third in table.columns:
        if third.name not in (one.by, one.of) and len(third.values) > 1:
            yield third
