"""What the contract says about a feed's arrivals. What it says beats what is learned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridgehead.declare.cron import Timing, is_cron
from bridgehead.kernel.errors import CharterError
from bridgehead.watch.arrivals.pattern import Pattern

OnHolidays = Literal["learn", "expected", "not_expected"]


@dataclass(frozen=True, kw_only=True)  # no slots: what is derived is kept
class Declared:
    """A feed as its contract declares it; everything but the name may be left to learning.

    ``cron``: when a batch is due, in ``timezone``; it is late ``within_hours`` after that. ``pattern``: on
    which days, where only the hour is to be learned. ``need_by`` (``HH:MM``) is when its readers need it, on
    the business day plus ``need_by_days`` in ``need_by_zone`` (``timezone`` where that is empty): the last
    moment, whatever was learned. ``lag_days``: the batch of a business day is due so many days later.
    ``owner_zone``: where the owner's clock is, a second zone in which arrivals may turn out to be steadier.
    ``holidays`` are days off, dates in that zone.
    """

    feed: str
    timezone: str = "UTC"
    owner_zone: str = ""
    cron: str = ""
    pattern: Pattern | None = None
    within_hours: float = 0.0
    grace_hours: float = 1.5
    need_by: str = ""
    need_by_days: int = 0
    need_by_zone: str = ""
    lag_days: int = 0
    page_after_hours: float = 2.5
    holidays: frozenset[date] = frozenset()
    on_holidays: OnHolidays = "learn"
    empty_is_news: bool = True

    def __post_init__(self) -> None:
        try:
            _ = self.zones, self.need_by_at, self.need_by_hour, self.cron and is_cron(self.cron)
            if min(self.within_hours, self.grace_hours, self.page_after_hours, self.lag_days) < 0:
                raise ValueError("hours and days of waiting are not negative")
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise CharterError(
                "BH-WAT-041",
                f"the arrivals of {self.feed} are declared in words that mean nothing: {error}",
                means="It is not known when its batches are due; until it is, none of them is in time.",
                fix="Write cron with five fields, times as 06:30, zones as Europe/Berlin.",
            ) from error

    @cached_property
    def zones(self) -> tuple[ZoneInfo, ...]:
        """Return the zones in which arrivals are measured: the source's, then the owner's."""
        names = dict.fromkeys(name for name in (self.timezone, self.owner_zone) if name)
        return tuple(ZoneInfo(name) for name in names)

    @cached_property
    def need_by_at(self) -> ZoneInfo:
        """Return the zone of the clock by which its readers need it."""
        return ZoneInfo(self.need_by_zone) if self.need_by_zone else self.zones[0]

    @property
    def schedule(self) -> str:
        """Return what is declared of its slots, as text: with another one they are learned anew."""
        days = f"{self.pattern.shape} {self.pattern.numbers}" if self.pattern is not None else "learned"
        return f"{self.cron or days}, {self.timezone}, {self.lag_days}"

    @cached_property
    def need_by_hour(self) -> float | None:
        """Return when its readers need it, in hours after the business day's midnight."""
        return _hour(self.need_by) + 24 * self.need_by_days if self.need_by else None

    @property
    def at_once(self) -> bool:
        """Whether its slots are declared: they are expected, and page, from the first day."""
        return bool(self.cron) or self.pattern is not None

    def timing(self) -> Timing:
        """Return when its batches are due; only for declared cron."""
        return Timing(when=self.cron, timezone=self.timezone)


def _hour(text: str) -> float:
    hour, colon, minute = text.partition(":")
    if not (colon and len(text) == 5 and hour.isdecimal() and minute.isdecimal()):
        raise ValueError(f"{text!r} is not a time of day like 06:30")
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{text!r} is not a time of day")
    return int(hour) + int(minute) / 60
