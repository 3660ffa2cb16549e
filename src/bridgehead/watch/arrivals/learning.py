"""What is learned of a feed from its arrivals: windows, pattern, slots; nothing from what did not come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from statistics import median_low
from zoneinfo import ZoneInfo

from bridgehead.watch.arrivals.deadline import Usual, median, usual
from bridgehead.watch.arrivals.declared import Declared
from bridgehead.watch.arrivals.due import cron_moments, hours_after, reference
from bridgehead.watch.arrivals.pattern import ENOUGH, Pattern, learned
from bridgehead.watch.arrivals.state import Feed, Key, Known, Seen, Slot

ACTIVE_AFTER = 4
REGULAR = 0.9
FEW = 4
"""Arrivals before anything is said about the time of day."""
OWN = 8
"""Arrivals of one slot before it may have another hour than the rest."""
EARLY = 4
"""A batch may come an hour before it is due, and at most this part of the time since the one before."""
_APART = 0.5
"""Hours between two batches of a day, at the least, for them to be two slots."""
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def window(feed: Feed, declared: Declared, at: datetime) -> Key:
    """Return the batch in whose window a moment lies: by cron, or by the hours learned."""
    if declared.cron:
        return _cron_window(declared, at)
    local = at.astimezone(declared.zones[0]).replace(tzinfo=None) - feed.cuts[0] * _HOUR
    hour = (local - datetime.combine(local.date(), time())) / _HOUR + feed.cuts[0]
    lane = sum(cut <= hour for cut in feed.cuts) - 1
    return local.date() + feed.shift * _DAY, lane


def seen(declared: Declared, key: Key, slot: str, at: datetime, *, in_time: bool, named: bool) -> Seen:
    """Return an arrival as it is kept."""
    zones = declared.zones[:1] if declared.cron else declared.zones
    hours = []
    for index, zone in enumerate(zones):
        start = reference(declared, *key, index)
        hours.append(hours_after(at, start, zone) if start is not None else 0.0)
        in_time = in_time and start is not None
    return Seen(day=key[0], lane=key[1], slot=slot, at=at, hours=tuple(hours), in_time=in_time, named=named)


def learn(feed: Feed, declared: Declared) -> Feed:
    """Return the feed with the windows, pattern and slots that its arrivals show.

    Windows and pattern are fixed with the first active slot: from then on a fault cannot teach another
    cadence, and what looks like one is proposed to the owner.
    """
    if declared.cron:
        return feed if feed.slots else replace(feed, slots=(Slot(name="cron", status="active"),))
    if feed.status == "learning":
        feed = _with_pattern(_with_windows(feed, declared), declared)
    return _with_slots(feed, declared)


def with_times(feed: Feed, slot: str, lane: int) -> Feed:
    """Return the feed with the usual times of a lane, and of one of its slots where that has its own.

    Two zones are tried, and the steadier one counts: a job that runs by a local clock jumps in UTC.
    """
    mine = [each for each in feed.seen if each.lane == lane and each.in_time]
    if len(mine) < FEW:
        return feed
    by_zone = [[each.hours[zone] for each in mine] for zone in range(len(mine[0].hours))]
    found = [usual(hours) for hours in by_zone]
    zone = min(range(len(found)), key=lambda index: _unsteady(by_zone[index], found[index]))
    known = [Known(slot="", lane=lane, zone=zone, usual=found[zone])]
    own = [each.hours[zone] for each in mine if each.slot == slot]
    if slot and len(own) >= OWN:
        alone = usual(own)
        if abs(alone.hour - found[zone].hour) > max(1.0, 3 * alone.spread):
            known.append(Known(slot=slot, lane=lane, zone=zone, usual=alone))
    others = [each for each in feed.known if each.lane != lane or each.slot not in ("", slot)]
    return replace(feed, known=(*others, *known))


def _unsteady(hours: Sequence[float], times: Usual) -> tuple[float, float]:
    """Return how unsteady hours are: by their deadline, then by their mean distance from the usual."""
    return times.late - times.hour, round(sum(abs(hour - times.hour) for hour in hours) / len(hours), 3)


def _with_windows(feed: Feed, declared: Declared) -> Feed:
    """Return the feed with its day cut where nothing arrives, arrivals assigned anew; needs six of them."""
    if len(feed.seen) < ENOUGH:
        return feed
    zone = declared.zones[0]
    hours = [hours_after(each.at, _midnight(each.at, zone), zone) for each in feed.seen]
    per_day = median_low(sorted(Counter(each.at.astimezone(zone).date() for each in feed.seen).values()))
    cuts = _cuts(hours, per_day)
    middle = median([(hour - cuts[0]) % 24 + cuts[0] for hour in hours])
    feed = replace(feed, cuts=cuts, shift=int(middle // 24))
    return replace(feed, seen=tuple(_moved(feed, declared, each) for each in feed.seen))


def _moved(feed: Feed, declared: Declared, each: Seen) -> Seen:
    """Return an arrival in the window it belongs to now; a day that its partition key names stays."""
    day, lane = window(feed, declared, each.at)
    key = (each.day if each.named else day, lane)
    if key == (each.day, each.lane):
        return each
    moved = seen(declared, key, each.slot, each.at, in_time=each.in_time, named=each.named)
    return replace(moved, late=each.late)


def _cuts(hours: Sequence[float], per_day: int) -> tuple[float, ...]:
    """Return the hours in the middle of the largest gaps of the day, so many as batches come in it."""
    ordered = sorted(hours)
    gaps = [(b - a, (a + b) / 2) for a, b in pairwise(ordered)]
    gaps.append((ordered[0] + 24 - ordered[-1], ((ordered[0] + 24 + ordered[-1]) / 2) % 24))
    largest = sorted(gaps, reverse=True)
    chosen = [largest[0], *(gap for gap in largest[1:per_day] if gap[0] >= _APART)]
    return tuple(sorted(middle for _, middle in chosen))


def _with_pattern(feed: Feed, declared: Declared) -> Feed:
    if declared.pattern is not None:
        pattern = _anchored(feed, declared.pattern)
    else:
        pattern = learned({each.day for each in feed.seen}, declared.holidays)
    if pattern is None:
        return feed
    return replace(feed, pattern=pattern, seen=tuple(_placed(declared, each, pattern) for each in feed.seen))


def _anchored(feed: Feed, pattern: Pattern) -> Pattern | None:
    """Return a declared pattern; of every so many days, counted from the first batch if nothing is said."""
    if pattern.shape != "every" or pattern.anchor is not None:
        return pattern
    return replace(pattern, anchor=feed.seen[0].day) if feed.seen else None


def _placed(declared: Declared, each: Seen, pattern: Pattern) -> Seen:
    """Return an arrival with its slot by a pattern just learned."""
    slot = pattern.slot(each.day, declared.holidays)
    return replace(each, slot=slot) if slot != each.slot else each


def _with_slots(feed: Feed, declared: Declared) -> Feed:
    """Return the feed with every slot active that has shown itself; slots known already stay as they are."""
    if feed.pattern is None or (len(feed.seen) < ENOUGH and not declared.at_once):
        return feed
    known = {(slot.name, slot.lane) for slot in feed.slots}
    new = {(each.slot, each.lane) for each in feed.seen if each.slot} - known
    if declared.pattern is not None:
        new |= {(name, 0) for name in _names(feed.pattern)} - known
    if not new:
        return feed
    regular = declared.at_once or _regular(feed, declared)
    shown = [each for each in sorted(new) if _shown(feed, declared, *each, regular)]
    slots = (Slot(name=name, lane=lane, status="active") for name, lane in shown)
    return replace(feed, slots=(*feed.slots, *slots)) if shown else feed


def _shown(feed: Feed, declared: Declared, name: str, lane: int, regular: bool) -> bool:
    """Whether a slot is active: by declaration, after the last four due days, or five of the last six."""
    if declared.at_once:
        return True
    days = {each.day for each in feed.seen if each.slot == name and each.lane == lane}
    if len(days) < ACTIVE_AFTER:
        return False
    last = _last_days(feed, declared, name, days, 6)
    hits = [day in days for day in last]
    return (regular and all(hits[:ACTIVE_AFTER])) or (len(hits) == 6 and sum(hits) >= 5)


def _last_days(feed: Feed, declared: Declared, name: str, days: set[date], most: int) -> list[date]:
    """Return the last days a slot was due, latest first, days off left out unless it delivered."""
    assert feed.pattern is not None
    latest = feed.seen[-1].day
    back = (latest - n * _DAY for n in range((latest - min(days)).days + 1))
    due = (day for day in back if feed.pattern.slot(day, declared.holidays) == name)
    return list(islice((day for day in due if day in days or day not in declared.holidays), most))


def _regular(feed: Feed, declared: Declared) -> bool:
    """Whether nine in ten of the days that a feed's weekdays were due brought a batch, since it began."""
    assert feed.pattern is not None
    days = {each.day for each in feed.seen}
    names = Counter(each.slot for each in feed.seen)
    due = [
        day
        for day, name in feed.pattern.days(min(days), max(days), declared.holidays)
        if names[name] > 1 and (day in days or day not in declared.holidays)
    ]
    return sum(day in days for day in due) >= REGULAR * len(due)


def _names(pattern: Pattern) -> set[str]:
    start = pattern.anchor or date(2024, 1, 1)
    return {slot for _, slot in pattern.days(start, start + 62 * _DAY)}


def _midnight(at: datetime, zone: ZoneInfo) -> datetime:
    return datetime.combine(at.astimezone(zone).date(), time(), tzinfo=zone)


def _cron_window(declared: Declared, at: datetime) -> Key:
    """Return the latest batch due by cron at a moment, or a little early; before there is any, the first."""
    lag = declared.lag_days * _DAY
    for back in (1, 8, 40, 400):
        found = list(_until(declared.timing().after(at - back * _DAY), at + _HOUR))
        while len(found) > 1 and found[-1] - at > (found[-1] - found[-2]) / EARLY:
            found.pop()
        if found:
            day = found[-1].astimezone(declared.zones[0]).date() - lag
            return day, list(cron_moments(declared, day)).index(found[-1])
    return at.astimezone(declared.zones[0]).date() - lag, 0


def _until(moments: Iterable[datetime], last: datetime) -> Iterable[datetime]:
    for moment in moments:
        if moment > last:
            return
        yield moment.astimezone(UTC)
