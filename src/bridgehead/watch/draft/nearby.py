"""Rare values that are a slip of the pen away from a frequent one: ``PAID `` of ``PAID``, ``faylure``.

One letter added, lost, changed or two swapped, or only blanks and capitals differ. A digit that differs makes
another number, not a slip. And values that ran together: the town holds the town and the state, the state
holds nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from bridgehead.watch.draft.sample import Sample, Sampled

TIMES = 10
"""How many times more frequent the value is that was meant."""
LEAST_LETTERS = 4
MOST_RARE = 0.005
MOST_FOLDED = 0.05
"""The part of the rows a value may fill that differs in blanks and capitals alone."""
MOST_VALUES = 20_000
_CLOSED = 100


def misspelt(column: Sampled) -> dict[int, int]:
    """Return the places of rare values, each with the place of the frequent one it is near."""
    if len(column.values) > MOST_VALUES or not column.present:
        return {}
    rare = max(1, int(MOST_RARE * column.present))
    near = _Near(column)
    found = {}
    for place, value in enumerate(column.values):
        count = int(column.counts[place])
        if count <= MOST_FOLDED * column.present:
            meant = near.of(value, TIMES * count)
            if meant is not None and (count <= rare or _folded(value) == _folded(column.values[meant])):
                found[place] = meant
    return found


class _Near:
    """The frequent values by what is left of each when one letter is taken away (Mor and Fraenkel 1982)."""

    def __init__(self, column: Sampled) -> None:
        self._column = column
        self._folded: dict[str, list[int]] = defaultdict(list)
        self._without: dict[str, list[int]] = defaultdict(list)
        for place, value in enumerate(column.values):
            if column.counts[place] < TIMES:
                continue
            self._folded[_folded(value)].append(place)
            if LEAST_LETTERS <= len(value) <= 100:
                for rest in _deletes(value):
                    self._without[rest].append(place)

    def of(self, value: str, least: int) -> int | None:
        """Return the place of the most frequent value near this one."""
        places = {*self._folded.get(_folded(value), ())}
        if LEAST_LETTERS <= len(value) <= 100:
            places |= {place for rest in _deletes(value) for place in self._without.get(rest, ())}
        values, counts = self._column.values, self._column.counts
        frequent = (one for one in places if values[one] != value and counts[one] >= least)
        near = [one for one in frequent if _is_slip(value, values[one])]
        return max(near, key=lambda one: (int(counts[one]), -one), default=None)


def _deletes(value: str) -> Iterator[str]:
    yield value
    for n in range(len(value)):
        yield value[:n] + value[n + 1 :]


def _folded(value: str) -> str:
    return " ".join(value.split()).casefold()


def _is_slip(value: str, meant: str) -> bool:
    if _folded(value) == _folded(meant):
        return True
    first = next((n for n, (a, b) in enumerate(zip(value, meant, strict=False)) if a != b),
                 min(len(value), len(meant)))  # fmt: skip
    tails = zip(reversed(value[first:]), reversed(meant[first:]), strict=False)
    last = next((n for n, (a, b) in enumerate(tails) if a != b), min(len(value), len(meant)) - first)
    wrong, right = value[first : len(value) - last], meant[first : len(meant) - last]
    one_letter = len(wrong) <= 1 and len(right) <= 1
    swapped = len(wrong) == 2 and wrong == right[::-1]
    another_number = any(one.isdigit() for one in wrong) or (not wrong and right.isdigit())
    return (one_letter or swapped) and not another_number


def run_together(table: Sample) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (column, the column whose value it also holds, the rows): the other one is null there.

    Only values of a small set that comes back often count, such as the states of a country.
    """
    for other in table.columns:
        if not other.nulls or not 2 <= len(other.values) <= _CLOSED or other.share_of_nulls > 0.5:
            continue
        if other.present < 10 * len(other.values):
            continue
        endings = tuple(f" {value}" for value in other.values if value.strip())
        gone = other.codes < 0
        for column in table.columns:
            if column is other:
                continue
            ending = [n for n, value in enumerate(column.values) if value.endswith(endings)]
            rows = column.rows_of(ending) & gone
            # In rows where the other column has its value, hardly any value ends so: else it is a habit.
            elsewhere = (column.rows_of(ending) & ~gone).sum() / max(1, (~gone).sum())
            if rows.sum() >= 2 and rows.sum() >= 0.5 * gone.sum() and elsewhere < 0.05:
                yield column.name, other.name, rows
