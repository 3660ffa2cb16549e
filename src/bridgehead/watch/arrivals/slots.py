"""Sticky slots: what was due and did not come is said, however often it did not come before.

``look`` says what the time alone brings, ``place`` what an arrival does to the slots, ``accept`` is the only
thing besides a new contract that makes a miss normal. A miss never enters the history.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from bridgehead.kernel.clock import stamp
from bridgehead.watch.arrivals.declared import Declared
from bridgehead.watch.arrivals.due import Due, due, reference, times
from bridgehead.watch.arrivals.event import Arrival, Noticed
from bridgehead.watch.arrivals.learning import learn, seen, window, with_times
from bridgehead.watch.arrivals.state import Feed, Key, Miss, Seen, Slot

PAGES_AFTER = timedelta(weeks=8)
ESCALATES_AT = 3
_KEPT = timedelta(weeks=26)
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_MISSES_KEPT = 400
_AT_ONCE = timedelta(minutes=10)

Said = tuple[Feed, tuple[Noticed, ...]]


def look(feed: Feed, declared: Declared, now: datetime) -> Said:
    """Return the feed as it is at a moment, and what is to be said of batches that did not come.

    What is declared is expected from the first look on, whether or not a batch ever came.
    """
    said: list[Noticed] = []
    feed = _under(feed, declared)
    if feed.cursor is None and declared.at_once:
        feed = _begun(feed, declared, now)
    if feed.cursor is not None:
        for each in due(feed, declared, feed.cursor):
            if each.late > now:
                break
            feed, more, passed = _reached(feed, declared, each, now)
            said += more
            if not passed:
                break
    feed, pages = _paged(feed, now)
    return feed, (*said, *pages)


def next_look(feed: Feed, declared: Declared) -> datetime | None:
    """Return when ``look`` may have something to say, if nothing arrives before; None while it never will."""
    pages = [miss.page_at for miss in feed.missed if miss.page_at is not None]
    if feed.cursor is not None:
        for each in due(feed, declared, feed.cursor):
            if each.key in feed.delivered or (each.off and not _on_holidays(feed, declared)):
                continue
            pages.append(each.missing if feed.late_told == each.key else each.late)
            break
    return min(pages, default=None)


def place(
    feed: Feed, declared: Declared, arrival: Arrival
) -> tuple[Feed, tuple[Key, ...], tuple[Noticed, ...]]:
    """Return the feed with an arrival in its slots, the slots, and what is to be said of that."""
    keys, named = _keys(feed, declared, arrival)
    closed = [miss for miss in feed.missed if miss.key in keys]
    before = {slot.name for slot in feed.slots}
    overdue = [found for key in keys if (found := _overdue(feed, declared, key, arrival.at)) is not None]
    for key in keys:
        feed = _delivered(feed, declared, key, arrival.at, named=named)
    feed = learn(feed, declared)
    for slot, lane in {(each.slot, each.lane) for each in feed.seen[-len(keys) :]}:
        feed = with_times(feed, slot, lane)
    if feed.cursor is None and feed.status == "active":
        # Not before today: files of days long past, dropped at once, leave nothing behind to be missed.
        today = window(feed, declared, arrival.at)[0]
        first = max(today, *(day for day, _ in keys))
        feed = replace(feed, cursor=(first, 0), since=feed.since or first)
    said = [_came_late(arrival, miss) for miss in closed]
    said += [_came_after_due(arrival, each) for each in overdue]
    if before and feed.first is not None and arrival.at - feed.first >= PAGES_AFTER:
        said += [_new_slot(arrival, slot.name) for slot in feed.slots if slot.name not in before]
    return feed, keys, tuple(said)


def accept(feed: Feed, slot: str, *, by: str, at: datetime, why: str) -> Feed:
    """Return the feed with a slot no longer expected, because a person says that the schedule changed.

    Raises ``ValueError`` for a slot that is not expected, or without a name and a reason: this goes into the
    ledger under that name.
    """
    if not by.strip() or not why.strip():
        raise ValueError("a changed schedule is accepted by a person, with a reason")
    if not any(each.name == slot and each.status == "active" for each in feed.slots):
        raise ValueError(f"{slot!r} is not expected of {feed.feed}")
    slots = tuple(
        replace(each, status="retired", retired_by=by, retired_at=at, retired_why=why)
        if each.name == slot and each.status == "active"
        else each
        for each in feed.slots
    )
    return _without(replace(feed, slots=slots), tuple(miss for miss in feed.missed if miss.slot == slot))


def write_off(feed: Feed, day: date | None, *, by: str, why: str) -> Feed:
    """Return the feed with the misses of a day, or all, no longer awaited, because a person says that those
    batches will not come. Their slots stay expected.

    Raises ``ValueError`` where nothing of that day is missed, or without a name and a reason.
    """
    if not by.strip() or not why.strip():
        raise ValueError("a batch that will not come is written off by a person, with a reason")
    mine = tuple(miss for miss in feed.missed if day in (None, miss.day))
    if not mine:
        raise ValueError(f"no batch of {feed.feed} is missed{f' of {day}' if day else ''}")
    return _without(feed, mine)


def _without(feed: Feed, misses: tuple[Miss, ...]) -> Feed:
    """Return the feed with misses that a person has spoken about."""
    gone = (*feed.gone, *(miss.key for miss in misses))[-_MISSES_KEPT:]
    return replace(feed, missed=tuple(miss for miss in feed.missed if miss not in misses), gone=gone)


def sure(feed: Feed, declared: Declared, miss: Miss) -> bool:
    """Say whether a miss counts: it was declared, or the feed has been known for eight weeks."""
    return declared.at_once or (feed.first is not None and miss.missing_at - feed.first >= PAGES_AFTER)


def late_now(feed: Feed, declared: Declared, now: datetime) -> Due | None:
    """Return the batch that is late and does not count as missing yet, as the last look left it."""
    if feed.cursor is None or feed.late_told is None:
        return None
    first = next((each for each in due(feed, declared, feed.cursor)), None)
    if first is None or first.key != feed.late_told or first.key in feed.delivered:
        return None
    return first if first.late <= now < first.missing else None


def next_due(feed: Feed, declared: Declared) -> Due | None:
    """Return the batch that is expected next; None while nothing is."""
    if feed.cursor is None:
        return None
    waiting = (each for each in due(feed, declared, feed.cursor) if each.key not in feed.delivered)
    return next((each for each in waiting if not each.off or _on_holidays(feed, declared)), None)


def _begun(feed: Feed, declared: Declared, now: datetime) -> Feed:
    """Return the feed with the first batch expected that can still be in time, and is not due yet by cron:
    one that is may have come before anybody looked."""
    feed = learn(feed, declared)
    today = now.astimezone(declared.zones[0]).date() - declared.lag_days * _DAY
    first = next((each.key for each in due(feed, declared, (today, 0)) if _ahead(declared, each, now)), None)
    return replace(feed, cursor=first, first=feed.first or now, since=first[0] if first else None)


def _ahead(declared: Declared, each: Due, now: datetime) -> bool:
    moment = reference(declared, *each.key) if declared.cron else None
    return each.late > now and (moment is None or moment > now)


def _under(feed: Feed, declared: Declared) -> Feed:
    """Return the feed as it stands under what is declared: another schedule begins anew, the misses of the
    old one are no more. What batches hold stays known."""
    if feed.schedule == declared.schedule:
        return feed
    if not feed.schedule:
        return replace(feed, schedule=declared.schedule)
    return Feed(
        feed=feed.feed,
        schedule=declared.schedule,
        delivered=feed.delivered,
        batches=feed.batches,
        overlaps=feed.overlaps,
        volume=feed.volume,
        segments=feed.segments,
        segmented_by=feed.segmented_by,
        upstream=feed.upstream,
        table=feed.table,
        short=feed.short,
    )


def _reached(feed: Feed, declared: Declared, each: Due, now: datetime) -> tuple[Feed, list[Noticed], bool]:
    """Return what a batch whose deadline is reached changes, and whether it is done with."""
    there = each.key in feed.delivered
    if each.off:
        expected = _on_holidays(feed, declared)
        if there or not expected or each.missing <= now:
            feed = replace(feed, fell=feed.fell + 1, delivered_then=feed.delivered_then + there)
        if not there and not expected:
            return _passed(feed, each), [], True
    if there:
        return _passed(feed, each), [], True
    if each.missing <= now:
        return _missed(feed, declared, each)
    if feed.late_told == each.key:
        return feed, [], False
    return replace(feed, late_told=each.key), [_late(feed, each)], False


def _on_holidays(feed: Feed, declared: Declared) -> bool:
    """Whether days off are expected to bring a batch: by declaration, or as they did so far."""
    if declared.on_holidays != "learn":
        return declared.on_holidays == "expected"
    return feed.fell > 0 and 2 * feed.delivered_then >= feed.fell


def _passed(feed: Feed, each: Due) -> Feed:
    return replace(feed, cursor=(each.day, each.lane + 1))


def _missed(feed: Feed, declared: Declared, each: Due) -> tuple[Feed, list[Noticed], bool]:
    slot = next((one for one in feed.slots if (one.name, one.lane) == (each.slot, each.lane)), None)
    own = slot.in_row + 1 if slot is not None else 1
    row, since = feed.in_row + 1, feed.row_since or each.day
    began = since if row > 1 or slot is None or slot.since is None else slot.since
    incident = f"{feed.feed}:{began.isoformat()}:{'run' if row > 1 else each.slot}"
    if row > 1:
        incident = next((miss.incident for miss in reversed(feed.missed) if miss.day >= since), incident)
    longest = max(own, row)
    wakes = (longest == 1 or longest == ESCALATES_AT) and _pages(feed, declared, each)
    page_at = each.missing + declared.page_after_hours * _HOUR if wakes else None
    miss = Miss(
        day=each.day,
        lane=each.lane,
        slot=each.slot,
        incident=incident,
        missing_at=each.missing,
        page_at=page_at,
    )
    slots = tuple(
        replace(one, in_row=own, since=one.since or each.day) if one is slot else one for one in feed.slots
    )
    feed = replace(
        feed, missed=(*feed.missed, miss)[-_MISSES_KEPT:], slots=slots, in_row=row, row_since=since
    )
    return _passed(feed, each), [_is_missing(feed, each, miss, longest)], True


def _pages(feed: Feed, declared: Declared, each: Due) -> bool:
    return declared.at_once or (feed.first is not None and each.missing - feed.first >= PAGES_AFTER)


def _paged(feed: Feed, now: datetime) -> tuple[Feed, list[Noticed]]:
    ripe = [miss for miss in feed.missed if miss.page_at is not None and miss.page_at <= now]
    if not ripe:
        return feed, []
    missed = tuple(replace(miss, page_at=None) if miss in ripe else miss for miss in feed.missed)
    return replace(feed, missed=missed), [_page(feed, miss) for miss in ripe]


def _keys(feed: Feed, declared: Declared, arrival: Arrival) -> tuple[tuple[Key, ...], bool]:
    """Return the batches an arrival is: the days it names, or the one whose turn it is."""
    at_hand = window(feed, declared, arrival.at)
    if arrival.about:
        return tuple((day, at_hand[1]) for day in arrival.about), True
    behind = [miss.key for miss in feed.missed if miss.key < at_hand]
    if behind and (at_hand in feed.delivered or _too_early(feed, declared, at_hand, arrival.at)):
        return (behind[-1],), False
    return (at_hand,), False


def _too_early(feed: Feed, declared: Declared, key: Key, at: datetime) -> bool:
    """Whether a batch comes before its window's usual time, so that it is rather the one still open."""
    slot = feed.pattern.slot(key[0], declared.holidays) if feed.pattern is not None else "cron"
    known = times(feed, slot, key[1])
    if not slot or known is None:
        return not slot
    start = reference(declared, *key, known.zone)
    return start is not None and at < start + (known.usual.hour - max(1.0, 3 * known.usual.spread)) * _HOUR


def _delivered(feed: Feed, declared: Declared, key: Key, at: datetime, *, named: bool) -> Feed:
    """Return the feed with one batch there. What was missed is no longer, and teaches no hour."""
    missed = tuple(miss for miss in feed.missed if miss.key != key)
    in_time = len(missed) == len(feed.missed) and not _filled_in(feed, key, at)
    name = feed.pattern.slot(key[0], declared.holidays) if feed.pattern is not None else ""
    new = seen(declared, key, "cron" if declared.cron else name, at, in_time=in_time, named=named)
    new = replace(new, late=new.in_time and _overdue(feed, declared, key, at) is not None)
    since = at - _KEPT
    # A batch that was called missing says nothing of later ones: the row of misses goes on without it.
    slots = tuple(_met(slot, new) for slot in feed.slots) if in_time else feed.slots
    old = feed.seen[1:] if feed.seen and feed.seen[0].at < since else feed.seen
    return replace(
        feed,
        first=feed.first or at,
        missed=missed,
        seen=(*old, new),
        delivered=(*feed.delivered[-31:], key),
        slots=slots,
        in_row=0 if in_time else feed.in_row,
        row_since=None if in_time else feed.row_since,
    )


def _overdue(feed: Feed, declared: Declared, key: Key, at: datetime) -> Due | None:
    """Return what an arrival is after the time of which, though it does not count as missing yet."""
    if feed.cursor is None or key < feed.cursor or key in feed.delivered or _filled_in(feed, key, at):
        return None
    found = next(iter(due(feed, declared, key)), None)
    if found is None or found.key != key or (found.off and not _on_holidays(feed, declared)):
        return None
    return found if found.late < at < found.missing else None


def _filled_in(feed: Feed, key: Key, at: datetime) -> bool:
    """Whether a batch is of a day done with, or one of many days sent at once: it says nothing of hours."""
    if feed.cursor is not None and key < feed.cursor:
        return True
    last = feed.seen[-1] if feed.seen else None
    return last is not None and last.day != key[0] and at - last.at < _AT_ONCE


def _met(slot: Slot, new: Seen) -> Slot:
    if (slot.name, slot.lane) != (new.slot, new.lane) or not slot.in_row:
        return slot
    return replace(slot, in_row=0, since=None)


def _late(feed: Feed, each: Due) -> Noticed:
    return Noticed(
        kind="late",
        feed=feed.feed,
        at=each.late,
        day=each.day,
        slot=each.slot,
        words=f"The batch of {each.day} was due by {stamp(each.late)[:16]}Z and is not here.",
        fix="Nothing yet: it counts as missing from " + stamp(each.missing)[:16] + "Z.",
    )


def _is_missing(feed: Feed, each: Due, miss: Miss, in_row: int) -> Noticed:
    again = f" It is the {in_row}. miss in a row." if in_row > 1 else ""
    return Noticed(
        kind="missing",
        feed=feed.feed,
        at=each.missing,
        day=each.day,
        slot=each.slot,
        incident=miss.incident,
        words=f"The batch of {each.day} ({each.slot}) did not come.{again}",
        fix="Ask whoever sends it. If the schedule changed, the owner accepts that; until then it is missed.",
        numbers=(("in_row", float(in_row)),),
    )


def _page(feed: Feed, miss: Miss) -> Noticed:
    assert miss.page_at is not None
    return Noticed(
        kind="missing_page",
        feed=feed.feed,
        at=miss.page_at,
        day=miss.day,
        slot=miss.slot,
        incident=miss.incident,
        page=True,
        words=f"The batch of {miss.day} ({miss.slot}) is still not here.",
        fix="Call whoever sends it; decide whether its readers go on with the last good batch.",
    )


def _came_late(arrival: Arrival, miss: Miss) -> Noticed:
    behind = (arrival.at - miss.missing_at) / _HOUR
    return Noticed(
        kind="arrived_late",
        feed=arrival.feed,
        at=arrival.at,
        day=miss.day,
        slot=miss.slot,
        incident=miss.incident,
        words=f"The batch of {miss.day} came {behind:.1f} h after it counted as missing.",
        fix="Runs that went on without it can be looked at again.",
    )


def _came_after_due(arrival: Arrival, each: Due) -> Noticed:
    behind = (arrival.at - each.late) / _HOUR
    return Noticed(
        kind="arrived_late",
        feed=arrival.feed,
        at=arrival.at,
        day=each.day,
        slot=each.slot,
        words=f"The batch of {each.day} came {behind:.1f} h after it was due.",
        fix="Nothing to do: it did not count as missing yet.",
    )


def _new_slot(arrival: Arrival, name: str) -> Noticed:
    return Noticed(
        kind="new_slot",
        feed=arrival.feed,
        at=arrival.at,
        slot=name,
        words=f"Batches now come at {name}, too: from here on they are expected.",
        fix="If they should not be, the owner accepts the slot as gone.",
    )
