"""Between which numbers a column's values lie, give or take: fences from the quarters, not from the extremes.

Amounts are skewed, so those that are never negative are fenced on a logarithmic scale (Tukey's far fence,
three times the middle half). A value outside is a hundred times too large, or has lost its sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridgehead.watch.draft.sample import Sampled

LEAST_ROWS = 20
FENCE = 3.0
HEADROOM = 3.0
"""How many times the largest value seen the upper bound is, at most, where nothing lies outside."""
MOST_OUTSIDE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Values are from ``low`` to ``high``, both included; ``failing`` are places of those that are not."""

    low: float | None
    high: float | None
    failing: tuple[int, ...]


def ranged(column: Sampled, skipped: tuple[int, ...] = ()) -> Range | None:
    """Return the range of a column of numbers, the places in ``skipped`` left out."""
    left_out = set(skipped)
    kept = [n for n in range(len(column.values)) if n not in left_out]
    numbers = np.array([_number(column.values[n]) for n in kept])
    finite = np.isfinite(numbers)
    counts = column.counts[kept][finite] if kept else np.zeros(0, np.int64)
    numbers = numbers[finite]
    if counts.sum() < LEAST_ROWS or len(numbers) < 3:
        return None
    low, high = _fences(numbers, counts)
    outside = (numbers < low) | (numbers > high)
    if counts[outside].sum() > MOST_OUTSIDE * counts.sum():  # a tail, no slips
        low, high = _rounded(float(numbers.min()), up=False), _rounded(float(numbers.max()) * 2, up=True)
        outside = (numbers < low) | (numbers > high)
    places = np.array(kept)[finite]
    return Range(low=low, high=high, failing=tuple(int(n) for n in places[outside]))


def _fences(numbers: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    quarter, middle, three = (_quantile(numbers, counts, share) for share in (0.25, 0.5, 0.75))
    least, most = float(numbers.min()), float(numbers.max())
    mostly_positive = counts[numbers < 0].sum() <= 0.005 * counts.sum()
    if not mostly_positive:
        width = FENCE * max(three - quarter, abs(middle) * 0.1, 1e-9)
        low, high = quarter - width, three + width
        return _rounded(max(low, least * HEADROOM if least < 0 else low), up=False), _rounded(
            min(high, most * HEADROOM) if most > 0 else high, up=True
        )
    if quarter > 0:
        spread = max(math.log(three / quarter), 0.25)
        high = three * math.exp(min(FENCE * spread, 12.0))
    else:
        high = three + FENCE * max(three - quarter, 1.0)
    if high >= most:
        high = min(high, most * HEADROOM)
    return 0.0, _rounded(high, up=True)


def _quantile(numbers: np.ndarray, counts: np.ndarray, share: float) -> float:
    order = np.argsort(numbers)
    upto = np.cumsum(counts[order])
    return float(numbers[order][np.searchsorted(upto, share * upto[-1])])


def _rounded(value: float, *, up: bool) -> float:
    """Return a bound of two digits, never inside the one given."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    count = math.ceil(value / step - 1e-9) if up else math.floor(value / step + 1e-9)
    made = round(count * step, 12)
    return float(int(made)) if made == int(made) else made


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
