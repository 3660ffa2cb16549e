"""By which column the batches of an object are complete: each of its usual values is in every one of them.

One store of eight that is absent is seen in no range and no set, and hardly in the number of rows. Which
column tells it is a guess from the batches that are there: that none lacks a value says something only where
chance would not leave one out either.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bridgehead.watch.arrivals.segments import MOST as MOST_VALUES
from bridgehead.watch.arrivals.volume import ENOUGH
from bridgehead.watch.draft.batches import Counted
from bridgehead.watch.draft.keys import is_named
from bridgehead.watch.draft.proposal import DraftColumn, DraftTable, Segment
from bridgehead.watch.draft.sample import Sample

LEAST_VALUES = 2
MOST_COLUMNS = 12
LEAST_ROWS = 6.0
"""Rows of a value that are expected of a batch before its absence says anything: as when batches come."""
UNLUCKY = 0.001
"""The part of all batches that may lack a value by chance: values of six to nine rows would be missed about
twice in a thousand sound batches."""
_RELIED_ON = 0.9
"""The part of the rows that values of so many rows must hold, for a column to be about them."""
_SURE = 3.0
_LONGEST = 80

Numbers = np.ndarray[Any, np.dtype[np.float64]]


class _Fits(NamedTuple):
    """A column by which batches are complete; ``steady``: its values vary less than if drawn at random."""

    segment: Segment
    refers: bool
    steady: bool


def candidates(made: DraftTable, sample: Sample) -> list[str]:
    """Return the columns worth counting batch by batch: few short values, nobody's data, no measure."""
    few = [
        one.name
        for one in sample.columns
        if LEAST_VALUES <= len(one.values) <= MOST_VALUES
        and all(len(value) <= _LONGEST for value in one.values)
        and _tells_apart(made.column(one.name))
    ]
    return sorted(few, key=lambda name: -len(sample.column(name).values))[:MOST_COLUMNS]


def _tells_apart(column: DraftColumn) -> bool:
    """Say whether a column may name things: text, or a number that is called as one or refers to some."""
    named = column.logical == "integer" and (bool(column.reference) or is_named(column.name))
    return not column.personal and (column.logical == "string" or named)


def segment(counted: Sequence[Counted], references: Set[str], *, files: int = 0) -> Segment | None:
    """Return the column by which batches are complete, with the others that would do; None where none does.
    ``files`` are all there are, where not all were counted.

    First is one that refers to another table; then one whose values vary less from batch to batch than if
    they were drawn at random, as of so many senders; then the one of most values; then the one given first.
    """
    fitting = [found for one in counted if (found := _fits(one, one.column in references)) is not None]
    if not fitting:
        return None
    ordered = sorted(fitting, key=lambda one: (not one.refers, not one.steady, -one.segment.values))
    best, *others = ordered
    chosen, rest = best.segment, tuple(one.segment for one in others)
    return replace(chosen, others=rest, why=_why(best, others), files=max(files, chosen.batches))


def _why(best: _Fits, others: Sequence[_Fits]) -> str:
    if not others:
        return ""
    if best.refers and not others[0].refers:
        return "it refers to another table"
    if best.steady and not others[0].steady:
        return "its values vary least from file to file"
    return "it has most values" if best.segment.values > others[0].segment.values else "it stands first"


def _fits(one: Counted, refers: bool) -> _Fits | None:
    """Return a column, if each value of which enough rows are expected is in every batch, not by luck."""
    rows = one.rows[one.rows.sum(axis=1) > 0]
    if len(rows) < ENOUGH:
        return None
    shares = rows.sum(axis=0) / rows.sum()
    expected: Numbers = np.outer(rows.sum(axis=1), shares)
    usual = expected.mean(axis=0) >= LEAST_ROWS
    told = sum(bool(value) for value, often in zip(one.values, usual, strict=True) if often)
    named = sum(map(bool, one.values))
    if told < LEAST_VALUES or named > MOST_VALUES or shares[usual].sum() < _RELIED_ON:
        return None
    judged = expected >= LEAST_ROWS
    spread, noise = _spread(rows, expected)
    if (rows[judged] == 0).any() or _absent(expected[judged], spread) > UNLUCKY * len(rows):
        return None
    small = int((rows[:, usual] == 0).any(axis=1).sum())
    least = float(expected.mean(axis=0)[usual].min())
    found = Segment(column=one.column, values=told, of=named, batches=len(rows), small=small, least=least)
    return _Fits(found, refers, spread < 1 - _SURE * noise)


def _spread(rows: Numbers, expected: Numbers) -> tuple[float, float]:
    """Return how much rows vary about what is expected, as a multiple of what chance does; and its error."""
    free = (rows.shape[0] - 1) * (rows.shape[1] - 1)
    return float((np.square(rows - expected) / expected).sum()) / free, float(np.sqrt(2 / free))


def _absent(expected: Numbers, spread: float) -> float:
    """Return how many of these values chance leaves out: Poisson, or wider where they come in lumps."""
    over = spread - 1
    exponent = np.log(spread) / over if over > 0.01 else 1.0
    return float(np.exp(-expected * exponent).sum())
