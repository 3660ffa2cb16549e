"""What is said of one arrival: the flow.

::

    feed = Feed(feed="orders")
    feed, said = look(feed, declared, clock.now())        # nothing came: is that news?
    feed, said = observe(feed, declared, arrival)         # something came: is it what was due?

In this order: what was due before it and did not come; nothing in it is no arrival; its control totals;
whether it was here before; its place in the slots; its rows, and those of its segments. What is set aside
(``Noticed.alarm`` of a batch that came) fills no slot where it is no batch of its own: empty, or sent again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bridgehead.watch.arrivals.declared import Declared
from bridgehead.watch.arrivals.duplicates import duplicates, sent_again
from bridgehead.watch.arrivals.event import Arrival, Kind, Noticed
from bridgehead.watch.arrivals.pattern import Pattern, learned
from bridgehead.watch.arrivals.segments import segments
from bridgehead.watch.arrivals.slots import Said, look, place
from bridgehead.watch.arrivals.state import Feed, Key
from bridgehead.watch.arrivals.totals import totals
from bridgehead.watch.arrivals.volume import SURGE_Z, Volume, apart, judged, kept, released


def observe(feed: Feed, declared: Declared, arrival: Arrival, *, unchanged: bool = False) -> Said:
    """Return the feed with an arrival, and everything there is to say of it. ``unchanged``: it is all rows of
    a table under the one name by which they always come, and they are those of the last batch."""
    feed, said = look(feed, declared, arrival.at)
    if arrival.rows == 0 and declared.empty_is_news:
        return feed, (*said, _empty(arrival))
    said = (*said, *totals(arrival))
    feed, found = duplicates(feed, arrival)
    said = (*said, *found)
    if any(each.kind == "duplicate" for each in found):
        return _again_in_its_place(feed, declared, arrival, said) if unchanged else (feed, said)
    if any(each.kind == "correction" for each in found):
        return feed, (*said, *_again(feed, arrival))
    open_ = len(feed.missed)
    feed, keys, placed = place(feed, declared, arrival)
    said = (*said, *placed)
    if arrival.rows is not None:
        feed, more = _counted(feed, arrival, keys, open_)
        said = (*said, *more)
    feed, more = segments(feed, arrival, keys[-1][0])
    return _proposed(feed, declared, arrival, (*said, *more), keys)


def repeated(feed: Feed, declared: Declared, arrival: Arrival, *, unchanged: bool) -> Said:
    """Return the feed with an arrival whose very bytes were here before under its own name, and what there is
    to say of it. ``unchanged`` as in ``observe``."""
    feed, said = look(feed, declared, arrival.at)
    said = (*said, sent_again(arrival, arrival.batch))
    return _again_in_its_place(feed, declared, arrival, said) if unchanged else (feed, said)


def _again_in_its_place(feed: Feed, declared: Declared, arrival: Arrival, said: tuple[Noticed, ...]) -> Said:
    """Return the feed with the batch in its place, where none was yet: it came, nothing changed."""
    after, keys, placed = place(feed, declared, arrival)
    if all(key in feed.delivered for key in keys):
        return feed, said
    return after, (*said, *placed)


def kept_apart(before: Feed, after: Feed) -> Feed:
    """Return a feed ``after`` it observed a batch that nobody is to read: it came, and moves nothing of what
    is expected of rows."""
    known = dict(after.segments)
    segments = tuple((name, apart(rows, known.get(name, rows))) for name, rows in before.segments)
    return replace(after, volume=apart(before.volume, after.volume), segments=segments)


def read_after_all(feed: Feed, day: date, rows: int) -> Feed:
    """Return a feed whose batch of a day was kept apart and is read now: its rows are usual ones."""
    return replace(feed, volume=released(feed.volume, feed.weekday(day), rows))


def accept_volume(feed: Feed, *, by: str, why: str) -> Feed:
    """Return the feed with its rows learned anew, because a person says that their number changed.

    Raises ``ValueError`` without a name and a reason.
    """
    if not by.strip() or not why.strip():
        raise ValueError("a changed number of rows is accepted by a person, with a reason")
    return replace(feed, volume=(), segments=())


def _counted(feed: Feed, arrival: Arrival, keys: tuple[Key, ...], open_: int) -> Said:
    assert arrival.rows is not None
    day = keys[-1][0]
    volume = judged(feed.volume, feed.weekday(day), arrival.rows, batches=len(keys))
    if volume.verdict == "surge" and open_ and len(keys) == 1:
        caught_up = judged(feed.volume, feed.weekday(day), arrival.rows, batches=1 + min(open_, 31))
        if abs(caught_up.z) < SURGE_Z:
            feed = replace(feed, volume=kept(feed.volume, caught_up))
            return feed, (_about(arrival, day, "catch_up", caught_up),)
    feed = replace(feed, volume=kept(feed.volume, volume))
    if volume.verdict in ("partial", "surge"):
        return feed, (_about(arrival, day, "partial" if volume.verdict == "partial" else "surge", volume),)
    return feed, ()


def _again(feed: Feed, arrival: Arrival) -> tuple[Noticed, ...]:
    """Say of a corrected batch that it is short, too; it teaches neither rows nor hours."""
    day = max(arrival.about, default=feed.seen[-1].day if feed.seen else arrival.at.date())
    if arrival.rows is None:
        return ()
    volume = judged(feed.volume, feed.weekday(day), arrival.rows)
    return (_about(arrival, day, "partial", volume),) if volume.verdict == "partial" else ()


def _proposed(
    feed: Feed, declared: Declared, arrival: Arrival, said: tuple[Noticed, ...], keys: tuple[Key, ...]
) -> Said:
    """Propose another cadence, once, where batches come on days on which none is due."""
    if declared.cron or feed.pattern is None or feed.status == "learning" or feed.pattern.slot(keys[-1][0]):
        return feed, said
    other = learned({each.day for each in feed.seen[-6:]}, declared.holidays)
    if other is None or other == feed.pattern or _name(other) == feed.proposed:
        return feed, said
    words = f"The last batches came as if due on {_name(other)}, and not on {_name(feed.pattern)}."
    fix = "The owner accepts the old slots as gone, or declares the cadence in the contract."
    one = Noticed(kind="new_cadence", feed=feed.feed, at=arrival.at, words=words, fix=fix)
    return replace(feed, proposed=_name(other)), (*said, one)


def _name(pattern: Pattern) -> str:
    return f"{pattern.shape} {', '.join(str(number) for number in pattern.numbers)}"


def _empty(arrival: Arrival) -> Noticed:
    return Noticed(
        kind="empty",
        feed=arrival.feed,
        at=arrival.at,
        day=max(arrival.about, default=None),
        words=f"Batch {arrival.batch} holds no rows: the job ran, the data did not come.",
        fix="Ask the sender. Where a day without rows is usual, the contract says so.",
    )


_FIXES: dict[Kind, str] = {
    "partial": "Nothing of it is used. Have it sent again, or let the owner release it.",
    "surge": "Look whether it holds rows twice; the owner accepts it where the business grew.",
    "catch_up": "Nothing to do: it makes up for batches that did not come.",
}


def _about(arrival: Arrival, day: date, kind: Kind, volume: Volume) -> Noticed:
    return Noticed(
        kind=kind,
        feed=arrival.feed,
        at=arrival.at,
        day=day,
        words=f"Batch {arrival.batch} has {volume.rows:,} rows; about {volume.expected:,.0f} were expected.",
        fix=_FIXES[kind],
        numbers=(("rows", float(volume.rows)), ("expected", volume.expected), ("z", volume.z)),
    )
