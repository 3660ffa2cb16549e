"""When a batch is late: from the times of day at which earlier ones arrived.

``late`` = max(median + 6 spreads, min(largest, median + 4 h)); ``missing`` a grace after it. The spread is
1.4826 times the median absolute deviation, at least a quarter of an hour. Hours, counted from the business
day's midnight. The second largest instead of the largest is 1 h quicker in the median and says a third more
that is false (bench/arrivals.py); the median + 4 h keeps one outlier from mattering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_SPREAD = 0.25
MOST_AFTER_USUAL = 4.0


def median(values: Sequence[float]) -> float:
    """Return the median; the mean of the middle two where their number is even."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def deviation(values: Sequence[float], centre: float) -> float:
    """Return the standard deviation as the median absolute deviation estimates it."""
    return 1.4826 * median([abs(each - centre) for each in values])


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """When a slot's batch usually comes: hours after the business day's midnight."""

    hour: float
    spread: float
    late: float


def usual(hours: Sequence[float]) -> Usual:
    """Return when batches that arrived at these hours usually come, and from when on one is late."""
    centre = median(hours)
    spread = max(deviation(hours, centre), LEAST_SPREAD)
    late = max(centre + 6 * spread, min(max(hours), centre + MOST_AFTER_USUAL))
    return Usual(hour=centre, spread=spread, late=late)
