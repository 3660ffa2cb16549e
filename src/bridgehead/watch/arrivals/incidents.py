"""One incident for one cause: a failed job that feeds twelve tables is not twelve alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridgehead.watch.arrivals.event import Noticed

TOGETHER = timedelta(hours=12)
_FROM_UPSTREAM = frozenset({"missing", "missing_page", "late", "partial", "empty"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What belongs together: ``cause`` is a feed, or the job or system upstream that several hang on."""

    cause: str
    began: datetime
    feeds: tuple[str, ...]
    noticed: tuple[Noticed, ...]
    page: bool


def incidents(
    noticed: Sequence[Noticed], upstream: Mapping[str, Sequence[str]], together: timedelta = TOGETHER
) -> tuple[Incident, ...]:
    """Return alarms grouped by cause and time, the earliest first.

    ``upstream`` names what a feed hangs on, the nearest first. A cause is the farthest of these of which at
    least two feeds, and half of all that hang on it, have something of the same stretch of time; otherwise
    the feed itself.
    """
    open_: list[list[Noticed]] = []
    for each in sorted(noticed, key=lambda one: (one.at, one.feed)):
        if open_ and each.at - open_[-1][0].at <= together:
            open_[-1].append(each)
        else:
            open_.append([each])
    found = [one for stretch in open_ for one in _of_one_stretch(stretch, upstream)]
    return tuple(sorted(_joined(found), key=lambda one: (one.began, one.cause)))


def _of_one_stretch(noticed: Sequence[Noticed], upstream: Mapping[str, Sequence[str]]) -> list[Incident]:
    failing = {each.feed for each in noticed if each.kind in _FROM_UPSTREAM}
    by_cause: dict[str, list[Noticed]] = {}
    for each in noticed:
        name = cause(each.feed, failing, upstream) if each.kind in _FROM_UPSTREAM else each.feed
        by_cause.setdefault(name, []).append(each)
    return [_incident(name, parts) for name, parts in by_cause.items()]


def cause(feed: str, failing: Set[str], upstream: Mapping[str, Sequence[str]]) -> str:
    """Return what a feed's failure is laid to, given all that fail now: the feed, or what it hangs on."""
    for far in reversed(upstream.get(feed, ())):
        hanging = {name for name, chain in upstream.items() if far in chain}
        if len(hanging & failing) >= max(2, len(hanging) / 2):
            return far
    return feed


def _incident(cause: str, noticed: Sequence[Noticed]) -> Incident:
    return Incident(
        cause=cause,
        began=min(each.at for each in noticed),
        feeds=tuple(sorted({each.feed for each in noticed})),
        noticed=tuple(noticed),
        page=any(each.page for each in noticed),
    )


def _joined(found: Sequence[Incident]) -> list[Incident]:
    """Return incidents with what goes on in a feed's own story put together, however long it lasts."""
    kept: list[Incident] = []
    for one in found:
        names = {each.incident for each in one.noticed if each.incident}
        index = next(
            (i for i, old in enumerate(kept) if old.cause == one.cause and _names(old) & names), None
        )
        if index is None:
            kept.append(one)
        else:
            kept[index] = _incident(one.cause, (*kept[index].noticed, *one.noticed))
    return kept


def _names(incident: Incident) -> set[str]:
    return {each.incident for each in incident.noticed if each.incident}
