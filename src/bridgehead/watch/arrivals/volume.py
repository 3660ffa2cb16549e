"""Whether a batch has the rows it should have: log rows = weekday effect + level + noise.

A batch is ``partial`` when it is 3.5 standard deviations and 15 % below what was expected, a ``surge`` at 6
above. An alarmed batch enters the history as what was expected, so that a fault never becomes the measure; so
does one that is kept apart for another reason, until people release it.
What this cannot see: with a noise of .2, a batch with 60 to 80 % of its rows looks like any other. Control
totals can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridgehead.watch.arrivals.deadline import deviation, median

ENOUGH = 6
OWN = 2
"""Batches in all, and of its weekday, before a batch is judged."""
KEPT = 91
LEAST_DEVIATION = 0.03
FEW_POINTS = 4.0
"""A deviation measured on few points is too small: at n of them it is taken (1 + this / n) times as large."""
PARTIAL_Z, PARTIAL_DROP, SURGE_Z = -3.5, 0.15, 6.0
NOTHING = 0.5
"""What no rows count as, beside a logarithm."""

Point = tuple[int, float, bool]
"""The weekday of a batch, the logarithm of its rows, and whether they were counted or only expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What was expected of a batch and what came: rows, and standard deviations of their logarithm."""

    rows: int
    expected: float
    z: float
    verdict: Literal["usual", "partial", "surge", "not enough history"]
    enters: Point | None
    """What the history keeps of it."""

    @property
    def share(self) -> float:
        """Rows as a share of what was expected."""
        return self.rows / self.expected if self.expected else 1.0


def judged(
    history: Sequence[Point], weekday: int, rows: int, *, batches: int = 1, chance: bool = False
) -> Volume:
    """Return the verdict about a batch of so many rows on a weekday.

    ``batches`` is how many it makes up for, itself included. ``chance`` adds the noise of counting, which
    matters where few rows are expected: for segments.
    """
    count = math.log(max(rows, 1))
    if not _enough(history, weekday):
        return Volume(
            rows=rows, expected=rows, z=0.0, verdict="not enough history", enters=(weekday, count, True)
        )
    mean, noise = _expected(history, weekday)
    expected = mean + math.log(batches)
    if chance:
        noise = math.sqrt(noise**2 + 3 * math.exp(-expected))
    z = (math.log(rows or NOTHING) - expected) / noise
    verdict = _verdict(z, rows / math.exp(expected))
    usual = verdict == "usual"
    enters = (weekday, count - math.log(batches) if usual else mean, usual)
    return Volume(rows=rows, expected=math.exp(expected), z=z, verdict=verdict, enters=enters)


def kept(history: Sequence[Point], volume: Volume) -> tuple[Point, ...]:
    """Return the history with a batch in it: the last 13 weeks of a daily feed."""
    return (*history[-KEPT + 1 :], volume.enters) if volume.enters is not None else tuple(history)


def apart(before: Sequence[Point], after: Sequence[Point]) -> tuple[Point, ...]:
    """Return the history ``before`` a batch that nobody reads, with what was expected of it: what it brought
    itself is no measure. Without enough history nothing was expected. ``after`` has the batch in it."""
    if not after or tuple(after) == tuple(before):
        return tuple(before)
    weekday = after[-1][0]
    if not _enough(before, weekday):
        return tuple(before)
    return (*before[-KEPT + 1 :], (weekday, _expected(before, weekday)[0], False))


def released(history: Sequence[Point], weekday: int, rows: int) -> tuple[Point, ...]:
    """Return the history once a batch that was kept apart is read after all: its rows count, in place of what
    was expected of it."""
    point = (weekday, math.log(max(rows, 1)), True)
    for place in range(len(history) - 1, -1, -1):
        if history[place][0] == weekday and not history[place][2]:
            return (*history[:place], point, *history[place + 1 :])
    return (*history[-KEPT + 1 :], point)


def _enough(history: Sequence[Point], weekday: int) -> bool:
    return len(history) >= ENOUGH and sum(point[0] == weekday for point in history) >= OWN


def _verdict(z: float, share: float) -> Literal["usual", "partial", "surge"]:
    if z < PARTIAL_Z and 1 - share > PARTIAL_DROP:
        return "partial"
    return "surge" if z > SURGE_Z else "usual"


def _expected(history: Sequence[Point], weekday: int) -> tuple[float, float]:
    """Return mean and standard deviation of the logarithm of rows on a weekday."""
    overall = median([count for _, count, _ in history])
    effects = _effects(history, overall)
    residuals = [count - effects.get(day, 0.0) for day, count, _ in history[-40:]]
    level = median(residuals[-10:])
    # What was only expected has no noise of its own: with it, one false alarm would make the next likelier.
    counted = [rest for rest, point in zip(residuals, history[-40:], strict=True) if point[2]]
    noise = _noise(counted) if counted else 0.0
    effect = effects[weekday]
    # What is not known yet of a weekday: as wide as days differ, and what its effect was drawn back by.
    times = sum(point[0] == weekday for point in history)
    wide = deviation([point[1] for point in history[-40:]], overall) / (times + 1)
    return effect + level, math.hypot(max(noise, LEAST_DEVIATION), wide, effect / times)


def _noise(residuals: Sequence[float]) -> float:
    """Return the standard deviation about the level of each ten batches: growth is no noise."""
    away: list[float] = []
    for start in range(len(residuals) % 10 if len(residuals) > 10 else 0, len(residuals), 10):
        part = residuals[start : start + 10]
        level = median(part)
        away += [each - level for each in part]
    # A level that is itself a median of ten takes a tenth of the variance with it.
    return deviation(away, 0.0) * math.sqrt(10 / 9) * (1 + FEW_POINTS / len(away)) if away else 0.0


def _effects(history: Sequence[Point], overall: float) -> dict[int, float]:
    """Return how much each weekday differs, drawn towards nothing while it was seen seldom."""
    by_day: dict[int, list[float]] = {}
    for day, count, _ in history:
        by_day.setdefault(day, []).append(count)
    return {day: (median(n) - overall) * len(n) / (len(n) + 1) for day, n in by_day.items()}
