"""Whether the values of a column are a closed set, and which rare ones are outside it.

Closed is what has few values that come back again and again, so that a new one would be news. By Good and
Turing, the chance of one never seen is about the part of the rows whose value occurs once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridgehead.watch.draft.nearby import misspelt
from bridgehead.watch.draft.sample import Sampled

MOST_VALUES = 50
LEAST_ROWS = 50
EACH = 5
"""How often a member is seen at least, so that it is one and no slip."""
UNSEEN = 0.005
"""The chance of a new value up to which a set is closed."""
_OUTSIDE = 0.05
_GAP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """``members`` are the values, the most frequent first; ``failing`` are places of those outside."""

    members: tuple[str, ...]
    support: float
    failing: tuple[int, ...]


def closed(column: Sampled) -> Closed | None:
    """Return the closed set of a column; nothing where new values are to be expected.

    Rare values are outside only where a gap parts them from the members: the rarest member is at least five
    times as frequent as the most frequent value outside.
    """
    if column.present < LEAST_ROWS:
        return None
    counts = np.sort(column.counts)[::-1]
    inside = _members(counts, column.present)
    if not 1 <= inside <= MOST_VALUES:
        return None
    order = [int(n) for n in np.lexsort((np.arange(len(column.values)), -column.counts))]
    slips = misspelt(column)
    members = [n for n in order[:inside] if n not in slips]
    return Closed(
        members=tuple(column.values[n] for n in members),
        support=float(column.counts[members].sum()) / column.present,
        failing=tuple(n for n in order if n not in set(members)),
    )


def _members(counts: np.ndarray, present: int) -> int:
    """Return how many of the values, by falling counts, are members; 0 where the set is open."""
    singles = int((counts == 1).sum())
    if counts[-1] >= EACH and singles <= UNSEEN * present:
        return len(counts)
    for inside in range(min(len(counts) - 1, MOST_VALUES), 0, -1):
        rest = counts[inside:]
        if counts[inside - 1] >= max(EACH, _GAP * int(rest[0])) and rest.sum() <= _OUTSIDE * present:
            return inside
    return 0
