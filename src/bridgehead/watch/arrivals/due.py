"""Which batches are due when: the expected ones from a cursor on, each with its two deadlines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from bridgehead.watch.arrivals.declared import Declared
from bridgehead.watch.arrivals.state import Feed, Key, Known, Slot

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_AHEAD = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An expected batch: ``late`` is a status, from ``missing`` on it is a miss."""

    day: date
    lane: int
    slot: str
    late: datetime
    missing: datetime
    off: bool

    @property
    def key(self) -> Key:
        return (self.day, self.lane)


def due(feed: Feed, declared: Declared, since: Key) -> Iterator[Due]:
    """Yield the expected batches from one on, in order; days off on which none is expected too, marked."""
    active = {(slot.name, slot.lane): slot for slot in feed.slots if slot.status == "active"}
    for day, lane, slot, moment in _places(feed, declared, since, active):
        if found := _due(declared, day, lane, slot, moment, times(feed, slot, lane)):
            yield found


def times(feed: Feed, slot: str, lane: int) -> Known | None:
    """Return when a slot's batch usually comes; None while too few have come."""
    mine = [each for each in feed.known if each.lane == lane and each.slot in ("", slot)]
    return max(mine, key=lambda each: each.slot, default=None)


def reference(declared: Declared, day: date, lane: int, zone: int = 0) -> datetime | None:
    """Return what the hours of a batch are counted from: its cron moment, or the day's midnight.

    None where the cron is not due so often on that day.
    """
    if not declared.cron:
        return datetime.combine(day, time(), tzinfo=declared.zones[zone])
    moments = list(cron_moments(declared, day))
    return moments[lane] if lane < len(moments) else None


def cron_moments(declared: Declared, day: date) -> Iterator[datetime]:
    """Yield when cron is due for a business day."""
    zone = declared.zones[0]
    local = day + declared.lag_days * _DAY
    start = datetime.combine(local, time(), tzinfo=zone).astimezone(UTC) - timedelta(microseconds=1)
    yield from takewhile(lambda at: at.astimezone(zone).date() == local, declared.timing().after(start))


def hours_after(moment: datetime, start: datetime, zone: ZoneInfo) -> float:
    """Return wall-clock hours from a start to a moment: equal on both sides of a change of clocks."""
    naive = moment.astimezone(zone).replace(tzinfo=None) - start.astimezone(zone).replace(tzinfo=None)
    return naive / _HOUR


def hours_later(start: datetime, hours: float, zone: ZoneInfo) -> datetime:
    """Return the moment so many wall-clock hours after a start, in UTC."""
    wall = start.astimezone(zone).replace(tzinfo=None) + hours * _HOUR
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _places(
    feed: Feed, declared: Declared, since: Key, active: dict[tuple[str, int], Slot]
) -> Iterator[tuple[date, int, str, datetime | None]]:
    """Yield day, number, slot and cron moment of what may be expected."""
    if declared.cron:
        retired = any(slot.status == "retired" for slot in feed.slots)
        for day, lane, moment in () if retired else _by_cron(declared, since[0]):
            if (day, lane) >= since:
                yield day, lane, "cron", moment
        return
    if feed.pattern is None or not active:
        return
    for day, slot in feed.pattern.days(since[0], since[0] + _AHEAD, declared.holidays):
        for lane in range(len(feed.cuts)):
            if (slot, lane) in active and (day, lane) >= since:
                yield day, lane, slot, None


def _by_cron(declared: Declared, first: date) -> Iterator[tuple[date, int, datetime]]:
    zone, lag = declared.zones[0], declared.lag_days * _DAY
    start = datetime.combine(first + lag, time(), tzinfo=zone).astimezone(UTC)
    day, lane = first, 0
    for moment in declared.timing().after(start - timedelta(microseconds=1)):
        local = moment.astimezone(zone).date() - lag
        day, lane = (day, lane) if local == day else (local, 0)
        yield day, lane, moment
        lane += 1


def _due(
    declared: Declared, day: date, lane: int, slot: str, moment: datetime | None, known: Known | None
) -> Due | None:
    """Return the deadlines of one batch; None while neither learned nor declared."""
    late: list[datetime] = [moment + declared.within_hours * _HOUR] if moment is not None else []
    if known is not None:
        zone, found = declared.zones[known.zone], known.usual
        start = datetime.combine(day, time(), tzinfo=zone)
        late.append(moment + found.late * _HOUR if moment else hours_later(start, found.late, zone))
    stop = _need_by(declared, day)
    if not late and stop is None:
        return None
    missing = min([*([min(late) + declared.grace_hours * _HOUR] if late else []), *([stop] if stop else [])])
    off = day in declared.holidays
    return Due(day=day, lane=lane, slot=slot, late=min([*late, missing]), missing=missing, off=off)


def _need_by(declared: Declared, day: date) -> datetime | None:
    if declared.need_by_hour is None:
        return None
    zone = declared.need_by_at
    return hours_later(datetime.combine(day, time(), tzinfo=zone), declared.need_by_hour, zone)
