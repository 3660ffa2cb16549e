"""Two orders become one: reciprocal ranks (k = 60). Scores of two kinds are never added."""

from __future__ import annotations

from collections.abc import Sequence

K = 60


def fused(rank: Sequence[int], *orders: Sequence[int]) -> list[int]:
    """Return every passage of the orders, the best first; equal ones by their ``rank``."""
    found: dict[int, float] = {}
    for order in orders:
        for place, passage in enumerate(order, 1):
            found[passage] = found.get(passage, 0.0) + 1 / (K + place)
    return sorted(found, key=lambda passage: (-found[passage], rank[passage]))
