"""Two orders become one: reciprocal ranks (k = 60). Scores of two kinds are never added."""

from __future__ import annotations

from collections.abc import Sequence

K = 60


def fused(*orders: Sequence[int]) -> list[int]:
    """Return every passage of the orders, the best first; of equal ones the first in the index."""
    found: dict[int, float] = {}
    for order in orders:
        for rank, passage in enumerate(order, 1):
            found[passage] = found.get(passage, 0.0) + 1 / (K + rank)
    return sorted(found, key=lambda passage: (-found[passage], passage))
