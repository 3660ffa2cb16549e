"""BM25 over what may be read, and over nothing else.

Every number in it (how many passages, how long, in how many a term stands) is counted over the permitted
passages: the same as in a fresh index that holds only those. What may not be read changes no order.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence

K1 = 1.2
B = 0.75

Postings = Iterable[tuple[int, int]]
"""(passage, how often the term stands in it)."""


def scores(
    terms: Iterable[Postings], allowed: bytearray, lengths: Sequence[int], count: int, average: float
) -> dict[int, float]:
    """Return the score of every permitted passage that holds a term.

    ``allowed[passage]`` is 1 where it may be read; ``count`` and ``average`` are the number and the mean
    length (in terms) of those.
    """
    found: dict[int, float] = {}
    for postings in terms:
        here = [(passage, times) for passage, times in postings if allowed[passage]]
        if not here:
            continue
        weight = math.log1p((count - len(here) + 0.5) / (len(here) + 0.5)) * (K1 + 1)
        for passage, times in here:
            norm = K1 * (1 - B + B * lengths[passage] / average)
            found[passage] = found.get(passage, 0.0) + weight * times / (times + norm)
    return found


def best(found: dict[int, float], most: int, rank: Sequence[int]) -> list[int]:
    """Return the passages with the highest scores, the best first; equal ones by their ``rank``."""
    return sorted(found, key=lambda passage: (-found[passage], rank[passage]))[:most]


def by_number(rows: Iterable[tuple[int, int]], size: int) -> array[int]:
    """Return what is known of each passage, by its number."""
    known = array("I", bytes(4 * size))
    for passage, value in rows:
        known[passage] = value
    return known
