"""What was learned by a clock that was ahead is no more once it is put right: otherwise nothing would be
expected before its time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridgehead.watch.arrivals.state import Feed, Rows, Slot


def righted(feed: Feed, now: datetime, limit: datetime) -> Feed:
    """Return the feed without moments after ``limit``: what came then came, nobody knows when; what was
    missed then was not due. It is expected from ``now`` on."""
    if not is_ahead(feed, limit):
        return feed
    today = now.date()
    seen = tuple(each for each in feed.seen if each.at <= limit)
    named = {(each.day, each.lane) for each in feed.seen if each.named}
    return replace(
        feed,
        first=min(feed.first, now) if feed.first is not None else None,
        seen=seen,
        delivered=tuple(key for key in feed.delivered if key[0] <= today or key in named),
        missed=tuple(miss for miss in feed.missed if miss.missing_at <= limit),
        cursor=(today, 0) if feed.status == "active" else None,
        since=min(feed.since, today) if feed.since is not None else None,
        late_told=None,
        in_row=0,
        row_since=None,
        slots=tuple(_slot(slot) for slot in feed.slots),
        ahead=None,
        table=Rows(newest=feed.table.newest, column=feed.table.column) if feed.table is not None else None,
    )


def is_ahead(feed: Feed, limit: datetime) -> bool:
    """Say whether any of it is of a time after ``limit``."""
    moments = [
        feed.first,
        *(each.at for each in feed.seen[-1:]),
        *(miss.missing_at for miss in feed.missed[-1:]),
    ]
    if feed.table is not None:
        moments += [feed.table.since, feed.table.changed]
    return any(at is not None and at > limit for at in moments)


def _slot(slot: Slot) -> Slot:
    return replace(slot, in_row=0, since=None) if slot.in_row else slot
