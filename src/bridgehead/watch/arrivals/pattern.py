"""On which days batches are due, and how that is learned: the shortest description of the days seen.

A pattern names the *slots*: the recurring places in time that a batch belongs to. Slots are what is sticky:
``mon`` stays expected although the last eight Mondays brought nothing.
"""

from __future__ import annotations

import calendar
import math
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Literal

from bridgehead.kernel.calendar import DAYS

Shape = Literal["weekdays", "every", "month_days", "business_day"]
ENOUGH = 6
"""Days seen before anything is said about a cadence."""
_ONE = timedelta(days=1)
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Days on which batches are due.

    ``weekdays``: numbers of weekdays (Monday is 0), a slot each. ``every``: one number of days, counted from
    ``anchor``; declared without one, from the first batch on. ``month_days``: days of the month, -1 the last.
    ``business_day``: the nth day of the month that is Monday to Friday and not off, -1 the last.
    """

    shape: Shape
    numbers: tuple[int, ...]
    anchor: date | None = None

    def slot(self, day: date, off: Set[date] = frozenset()) -> str:
        """Return the name of the slot of a day; empty text where no batch is due on it."""
        if self.shape == "weekdays":
            return DAYS[day.weekday()] if day.weekday() in self.numbers else ""
        if self.shape == "every":
            assert self.anchor is not None
            return f"every {self.numbers[0]} days" if (day - self.anchor).days % self.numbers[0] == 0 else ""
        if self.shape == "month_days":
            hit = {day.day, day.day - _length(day) - 1} & set(self.numbers)
            return f"day {hit.pop()}" if hit else ""
        return f"business day {self.numbers[0]}" if _business_day(day, self.numbers[0], off) else ""

    def days(self, first: date, last: date, off: Set[date] = frozenset()) -> Iterator[tuple[date, str]]:
        """Yield the days on which a batch is due, both ends included, each with its slot."""
        day = first
        while day <= last:
            if slot := self.slot(day, off):
                yield day, slot
            day += _ONE


EVERY_DAY = Pattern(shape="weekdays", numbers=(0, 1, 2, 3, 4, 5, 6))
WEEKDAYS = Pattern(shape="weekdays", numbers=(0, 1, 2, 3, 4))


def learned(days: Set[date], off: Set[date] = frozenset()) -> Pattern | None:
    """Return the pattern that describes the days seen in the fewest bits; None before six of them.

    Weekdays are learned as all seven: which of them are expected is said by the slots, one by one.
    """
    if len(days) < ENOUGH:
        return None
    seen = sorted(days)
    best = min(_candidates(seen), key=lambda each: _bits(each, days, off))
    return EVERY_DAY if best.shape == "weekdays" else best


def _candidates(seen: list[date]) -> Iterator[Pattern]:
    """Yield what is worth describing with; the first of equals is taken, so the usual comes first."""
    counts = Counter(day.weekday() for day in seen)
    weeks = max(1.0, ((seen[-1] - seen[0]).days + 1) / 7)
    often = tuple(sorted(weekday for weekday, n in counts.items() if n >= 0.5 * weeks))
    yield Pattern(shape="weekdays", numbers=often or tuple(sorted(counts)))
    period = median_low([(b - a).days for a, b in pairwise(seen)])
    if 1 < period <= _LONGEST and period != 7:
        yield Pattern(shape="every", numbers=(period,), anchor=_anchor(seen, period))
    months = len({(day.year, day.month) for day in seen})
    of_month = Counter(day.day for day in seen) + Counter({-1: sum(day.day == _length(day) for day in seen)})
    monthly = tuple(sorted(number for number, n in of_month.items() if n >= max(2.0, 0.6 * months)))
    if 0 < len(monthly) <= 4:
        yield Pattern(shape="month_days", numbers=tuple(n for n in monthly if n != 31 or -1 not in monthly))
    for nth in (-1, 1):
        yield Pattern(shape="business_day", numbers=(nth,))


def _anchor(seen: list[date], period: int) -> date:
    """Return the latest day of the phase that most days fall on."""
    phases = Counter(day.toordinal() % period for day in seen)
    phase = max(phases.items(), key=lambda each: (each[1], -each[0]))[0]
    return next(day for day in reversed(seen) if day.toordinal() % period == phase)


def _bits(pattern: Pattern, days: Set[date], off: Set[date]) -> float:
    """Return the length of the description: the pattern, then each day on which it is wrong."""
    first, last = min(days), max(days)
    due = {day for day, _ in pattern.days(first, last, off)}
    wrong = len((due - off) - days) + len(days - due)
    words = {"weekdays": 7.0, "every": 7.0, "month_days": 5.0 * len(pattern.numbers), "business_day": 3.0}
    return words[pattern.shape] + wrong * (1 + math.log2((last - first).days + 2))


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _business_day(day: date, nth: int, off: Set[date]) -> bool:
    """Whether a day is the nth business day of its month."""
    if day.weekday() > 4 or day in off:
        return False
    numbers = range(day.day + 1, _length(day) + 1) if nth < 0 else range(1, day.day)
    others = (day.replace(day=number) for number in numbers)
    return sum(other.weekday() < 5 and other not in off for other in others) == abs(nth) - 1
