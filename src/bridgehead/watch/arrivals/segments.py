"""Whether every store, country, account class is in a batch: one may lack at a usual total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from bridgehead.watch.arrivals.event import Arrival, Kind, Noticed
from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.arrivals.volume import Point, Volume, judged, kept

MOST = 20
"""Segments that are judged: the largest by the rows expected of them."""


def segments(feed: Feed, arrival: Arrival, day: date) -> tuple[Feed, tuple[Noticed, ...]]:
    """Return the feed with the batch's segments, and what is to be said of each that is short or gone.

    A segment that never was in six batches in a row is not missed, and one of which less than about half a
    dozen rows are expected may be absent by chance.
    """
    if not arrival.segments:
        return feed, ()
    if arrival.segmented_by != feed.segmented_by:  # the values of another column are not missed
        feed = replace(feed, segments=(), segmented_by=arrival.segmented_by)
    counted, known = dict(arrival.segments), dict(feed.segments)
    largest = sorted(known, key=lambda name: -_recent(known[name]))[:MOST]
    names = dict.fromkeys((*largest, *sorted(counted, key=lambda name: -counted[name])))
    said: list[Noticed] = []
    for name in list(names)[: 2 * MOST]:
        volume = judged(known.get(name, ()), feed.weekday(day), counted.get(name, 0), chance=True)
        if name in known or counted.get(name, 0):
            known[name] = kept(known.get(name, ()), volume)
        said += _said(arrival, day, name, volume)
    return replace(feed, segments=_stored(known)), tuple(said)


def _recent(history: tuple[Point, ...]) -> float:
    return max((count for _, count, _ in history[-10:]), default=0.0)


def _stored(known: Mapping[str, tuple[Point, ...]]) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    largest = sorted(known, key=lambda name: (-_recent(known[name]), name))[: 2 * MOST]
    return tuple((name, known[name]) for name in sorted(largest))


def _said(arrival: Arrival, day: date, name: str, volume: Volume) -> list[Noticed]:
    if volume.verdict != "partial":
        return []
    kind: Kind = "segment_partial" if volume.rows else "segment_missing"
    what = f"{volume.share:.0%} of its rows" if volume.rows else "no rows at all"
    return [
        Noticed(
            kind=kind,
            feed=arrival.feed,
            at=arrival.at,
            day=day,
            words=f"Batch {arrival.batch} has {what} for {name}: about {volume.expected:.0f} were expected.",
            fix=f"Ask the sender for {name}; whatever needs it goes on with the last good batch.",
            numbers=(("rows", float(volume.rows)), ("expected", volume.expected), ("z", volume.z)),
        )
    ]
