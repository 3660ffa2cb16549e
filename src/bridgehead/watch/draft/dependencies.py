"""Which column decides another: the same zip is the same city in all rows but a few.

``g3`` is the part of the rows that would have to change for it to hold; ``lift`` how much better a value is
guessed by its group than by the most frequent value of all (Goodman and Kruskal's lambda). A dependency
without lift holds of any two columns one of which hardly ever differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridgehead.watch.draft.sample import Sample, Sampled

FEW = 0.10
"""At most so many rows break a dependency that is proposed."""
LEAST_LIFT = 0.8
REPORTED_LIFT = 0.4
"""Lift from which several rows about one thing report one value, though they often contradict each other."""
REPORTED_ROWS = 5
MOST_COLUMNS = 60

Rows = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The rows by the value of ``by``: the most frequent value of ``of`` in each group, and how frequent.

    ``top`` is -1 where a group has no value; ``held`` are rows with a value of both, ``at_top`` those that
    hold the most frequent one; ``ties`` are groups in which another value is as frequent.
    """

    top: Rows
    held: Rows
    at_top: Rows
    second: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """``by`` decides ``of``. ``kind`` is strict, or reported: rows of several reporters about one thing."""

    by: str
    of: str
    kind: str
    support: float
    lift: float
    covered: float


def grouped(by: Sampled, of: Sampled) -> Groups:
    """Return for each value of one column what the other holds beside it."""
    both = (by.codes >= 0) & (of.codes >= 0)
    width = max(1, len(of.values))
    pairs, counts = np.unique(by.codes[both] * width + of.codes[both], return_counts=True)
    group, value = pairs // width, pairs % width
    size = len(by.values)
    held = np.bincount(group, weights=counts, minlength=size).astype(np.int64)
    order = np.lexsort((value, counts, group))
    group, value, counts = group[order], value[order], counts[order]
    last = np.flatnonzero(np.r_[group[1:] != group[:-1], True]) if len(group) else np.zeros(0, np.int64)
    top, at_top, second = np.full(size, -1), np.zeros(size, np.int64), np.zeros(size, np.int64)
    top[group[last]], at_top[group[last]] = value[last], counts[last]
    before = last[(last > 0)] - 1
    same = group[before] == group[before + 1] if len(before) else np.zeros(0, bool)
    second[group[before[same]]] = counts[before[same]]
    return Groups(top=top, held=held, at_top=at_top, second=second)


def dependencies(table: Sample) -> list[Dependency]:
    """Return every dependency between two columns that is worth a proposal, the strongest first."""
    columns = [one for one in table.columns[:MOST_COLUMNS] if one.present]
    found = [
        made
        for by in columns
        if _may_decide(by)
        for reported in [_is_reported_on(by, columns)]
        for of in columns
        if of is not by
        for made in _between(by, of, reported)
    ]
    return sorted(found, key=lambda one: (-one.support, -one.covered, one.by, one.of))


def _may_decide(by: Sampled) -> bool:
    """Say whether values of a column come back often enough to decide anything."""
    repeated = int(by.counts[by.counts > 1].sum())
    return len(by.values) > 2 and repeated >= 0.2 * by.rows


def _between(by: Sampled, of: Sampled, reported: bool) -> Iterator[Dependency]:
    if len(of.values) < 2:
        return
    groups = grouped(by, of)
    several = groups.held > 1
    held, agreed = int(groups.held[several].sum()), int(groups.at_top[several].sum())
    if held < 0.2 * by.rows or held < 20:
        return
    support, base = agreed / held, float(of.counts.max()) / of.present
    # A group of two always has a half that agrees: what is left of it by chance is taken off.
    lift = (support - base) / (1 - base) if base < 1 else 0.0
    made = {"by": by.name, "of": of.name, "support": support, "lift": lift, "covered": held / by.rows}
    if 1 - support <= FEW and lift >= LEAST_LIFT:
        yield Dependency(kind="strict", **made)  # type: ignore[arg-type]
    elif reported and lift >= REPORTED_LIFT and _is_reported(groups, of):
        yield Dependency(kind="reported", **made)  # type: ignore[arg-type]


def _is_reported_on(thing: Sampled, columns: list[Sampled]) -> bool:
    """Say whether rows are reports: a thing, and beside it a reporter who speaks of each thing once."""
    return thing.nulls == 0 and any(
        other is not thing
        and other.nulls == 0
        and len(other.values) > 2
        and thing.rows >= REPORTED_ROWS * max(len(other.values), len(thing.values))
        and _distinct_pairs(thing, other) >= 0.99 * thing.rows
        for other in columns
    )


def _distinct_pairs(one: Sampled, other: Sampled) -> int:
    return len(np.unique(one.codes * len(other.values) + other.codes))


def _is_reported(groups: Groups, of: Sampled) -> bool:
    """Say whether groups are many reports of one thing: large, and in most one value leads clearly."""
    large = groups.held >= REPORTED_ROWS
    if large.sum() < 10 or groups.held[large].sum() < 0.5 * groups.held.sum() or len(of.values) < 20:
        return False
    leads = (groups.at_top >= 2 * groups.second) & (groups.at_top >= 3)
    return bool(leads[large].mean() >= 0.4)
