"""Working time: when so many working hours have passed, in a place with its own days off.

Pure, and counted in real seconds: on the day a clock changes, a working day has as many hours as it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTime:
    """The hours in which people of one place answer.

    ``days`` are numbers of weekdays (Monday is 0); ``opens`` and ``closes`` minutes after midnight,
    local time, ``closes`` the larger and at most 1440; ``holidays`` are local dates.
    """

    zone: tzinfo
    days: frozenset[int]
    opens: int
    closes: int
    holidays: frozenset[date] = frozenset()

    @property
    def day_seconds(self) -> float:
        """Seconds of one usual working day: what ``1d`` means here."""
        return (self.closes - self.opens) * 60.0

    def after(self, moment: datetime, seconds: float) -> datetime:
        """Return when so many working seconds have passed since a moment, in UTC.

        Nothing passes while nobody works; no time at all is the moment itself.
        """
        left = timedelta(seconds=seconds)
        if left <= timedelta(0):
            return moment.astimezone(UTC)
        for opens, closes in self._stretches(moment):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        raise AssertionError("unreachable: stretches do not end")

    def between(self, first: datetime, last: datetime) -> float:
        """Return the working seconds between two moments; 0 where the second is not later."""
        passed = 0.0
        for opens, closes in self._stretches(first):
            if opens >= last:
                return passed
            passed += (min(closes, last) - opens).total_seconds()
        raise AssertionError("unreachable: stretches do not end")

    def _stretches(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the stretches of working time after a moment, in UTC, the first one cut off there."""
        # A day early: what began yesterday may end at midnight, which is today's first moment.
        day = since.astimezone(self.zone).date() - _DAY
        while True:
            if day.weekday() in self.days and day not in self.holidays:
                opens, closes = self._at(day, self.opens), self._at(day, self.closes)
                if max(opens, since) < closes:
                    yield max(opens, since.astimezone(UTC)), closes
            day += _DAY

    def _at(self, day: date, minutes: int) -> datetime:
        if minutes == 24 * 60:
            day, minutes = day + _DAY, 0
        return datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=self.zone).astimezone(UTC)


def hours(text: str) -> tuple[int, int]:
    """Return opening and closing in minutes after midnight of ``09:00-17:30``; ``24:00`` closes at midnight.

    Raises ``ValueError`` with words for the author.
    """
    match = _HOURS.fullmatch(text.strip())
    if match is not None:
        opens, closes = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
        if int(match[2]) < 60 and int(match[4]) < 60 and opens < closes <= 24 * 60:
            return opens, closes
    raise ValueError(f"{text!r} are not hours of one day; write for example 09:00-17:00")
