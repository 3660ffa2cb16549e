"""How far two histograms on the same edges lie apart, and how far chance alone would put them.

PSI: sum of (p - q) ln(p / q), with half a count added to each bin so that an empty one is not infinite.
KS: the largest difference of the cumulative shares at an edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

ALARM = {"psi": 3.0, "ks": 1.5}
"""A distance below so many noise floors is never an alarm."""


def psi(then: Sequence[int], now: Sequence[int]) -> float:
    """Return the population stability index. Both are counts of the same bins, not all zero."""
    p, q = _shares(now, 0.5), _shares(then, 0.5)
    return sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))


def ks(then: Sequence[int], now: Sequence[int]) -> float:
    """Return the Kolmogorov-Smirnov distance at the edges: at most the one between the values themselves."""
    p, q = accumulate(_shares(now, 0.0)), accumulate(_shares(then, 0.0))
    return max(abs(a - b) for a, b in zip(p, q, strict=True))


def floor(kind: Literal["psi", "ks"], then: Sequence[int], now: Sequence[int]) -> float:
    """Return what chance alone gives: PSI about (bins - 1)(1/n + 1/m), KS about 1.36 sqrt(1/n + 1/m)."""
    spread = 1 / sum(then) + 1 / sum(now)
    if kind == "psi":
        return (len(then) - 1) * spread
    return 1.36 * math.sqrt(spread)


def far(kind: Literal["psi", "ks"], measured: float, noise: float) -> bool:
    """Say whether a distance can be told from chance."""
    return measured >= ALARM[kind] * noise


def _shares(counts: Sequence[int], extra: float) -> list[float]:
    total = sum(counts) + extra * len(counts)
    return [(count + extra) / total for count in counts]
