"""When a schedule is due: cron text, in a time zone, on the days of a calendar.

::

    timing = Timing(when="30 2 * * *", timezone="Europe/Berlin")
    first = next(timing.after(moment))      # in UTC

Cron text is read by ``cronsim``, which keeps to Debian's cron; what happens when clocks change is ours, and
the same for every schedule: a time that does not exist is due once, at the next minute that does; a time that
occurs twice is due once, the first time. Only a schedule of every hour (``*``) goes on in the repeated hour.
The only file that imports cronsim. Pure: the time comes from the caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from bridgehead.kernel.calendar import WorkingTime
from bridgehead.kernel.canonical import canonical_bytes

_DAY, _MINUTE, _LAST = timedelta(days=1), timedelta(minutes=1), time(23, 59, 59)
_REPEATED = timedelta(hours=3)
"""More than any clock is put back at once."""
HORIZON = timedelta(days=9 * 366)
"""How far ahead is looked: further than from one 29 February to the next, whatever the century."""


def is_cron(text: str) -> str:
    """Return cron text of five fields as it is written. Raises ``ValueError`` with words for the author."""
    if len(text.split()) != 5:
        raise ValueError(f"{text!r} has not five fields: minute, hour, day of month, month, day of week")
    try:
        CronSim(text, datetime(2000, 1, 1))
    except CronSimError as error:
        raise ValueError(f"{text!r} is not cron text: {str(error).lower()}") from error
    return text


@dataclass(frozen=True, kw_only=True)  # no slots: its zone is looked up once and kept
class Timing:
    """When something is due.

    ``days`` are numbers of weekdays (Monday is 0) and ``holidays`` dates (``2026-12-25``), both by the date
    in ``timezone``: on other days nothing is due.
    """

    when: str
    timezone: str
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    holidays: tuple[str, ...] = ()

    @classmethod
    def on(cls, when: str, timezone: str, working: WorkingTime | None) -> Timing:
        """Return the timing on the working days of a place; on every day without one."""
        if working is None:
            return cls(when=when, timezone=timezone)
        holidays = tuple(sorted(day.isoformat() for day in working.holidays))
        return cls(when=when, timezone=timezone, days=tuple(sorted(working.days)), holidays=holidays)

    @classmethod
    def read(cls, text: str) -> Timing:
        """Return the timing that ``text`` wrote."""
        value: dict[str, Any] = json.loads(text)
        return cls(
            when=value["when"],
            timezone=value["timezone"],
            days=tuple(value["days"]),
            holidays=tuple(value["holidays"]),
        )

    def text(self) -> str:
        """Return the timing as canonical JSON: two that are due at the same times by the same words."""
        value = {"when": self.when, "timezone": self.timezone, "days": list(self.days)}
        return canonical_bytes(value | {"holidays": list(self.holidays)}).decode()

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the time zone."""
        return ZoneInfo(self.timezone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield when it is due after a moment, in UTC, in order; ends where nothing is for nine years."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        held: set[datetime] = set()
        for day, found in self._days(local - _REPEATED):
            held |= found
            # What is repeated where clocks are put back over midnight lies behind the next day's beginning.
            ends = min(self._moments(datetime.combine(day + _DAY, time())))
            ready = {each for each in held if each < ends}
            held -= ready
            yield from sorted(each for each in ready if each > moment)
        yield from sorted(each for each in held if each > moment)

    def _days(self, wall: datetime) -> Iterator[tuple[date, set[datetime]]]:
        """Yield the days after a time of the wall clock, each with its moments; one day after the other."""
        last = wall + HORIZON
        while (found := next(CronSim(self.when, wall), None)) is not None and found < last:
            day, end = found.date(), datetime.combine(found.date(), _LAST)
            if self._is_open(day):
                walls = takewhile(end.__ge__, CronSim(self.when, wall))
                yield day, {moment for each in walls for moment in self._moments(each)}
            wall = end

    def _is_open(self, day: date) -> bool:
        return day.weekday() in self.days and day.isoformat() not in self.holidays

    def _moments(self, wall: datetime) -> tuple[datetime, ...]:
        """Return when a wall clock shows a time: at the next minute that exists where it never does."""
        first, second = self._utc(wall, 0), self._utc(wall, 1)
        if first == second:
            return (first,)
        if first > second:  # PEP 495: so it is where clocks are put forward over it
            while first > second:
                wall += _MINUTE
                first, second = self._utc(wall, 0), self._utc(wall, 1)
            return (first,)
        return (first, second) if self.when.split()[1] == "*" else (first,)

    def _utc(self, wall: datetime, fold: int) -> datetime:
        return wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
