"""Which batches of a table came, which did not, and what is expected next.

In: rows of batches, and what the watch remembers of a feed. Out: one line for each feed, and its calendar.
Never: looks at data, or for files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, select

from bridgehead.declare import Deployment
from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t
from bridgehead.watch import upstream
from bridgehead.watch.arrivals.pattern import Pattern
from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.feeds import remembered
from bridgehead.watch.feeds.said import about

Standing = Literal["missing", "late", "learning", "in order", "unknown"]
State = Literal[
    "quarantined",
    "missing",
    "written off",
    "partial",
    "late",
    "came",
    "expected",
    "learning",
    "not expected",
    "",
]
STATES: dict[State, str] = {
    "came": "came in time",
    "late": "late",
    "partial": "came in part",
    "missing": "did not come",
    "written off": "did not come, written off",
    "quarantined": "kept apart",
    "expected": "expected",
    "learning": "still learning",
    "not expected": "not expected",
}
"""What a day of the calendar may be, in words; empty for days before the first batch."""
_WORST: tuple[State, ...] = ("quarantined", "missing", "written off", "partial", "late", "came")
WEEKS = 12
"""Weeks of the calendar."""
LAST = 10
"""Batches listed."""
_ORDER: tuple[Standing, ...] = ("missing", "late", "unknown", "learning", "in order")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A batch that came: what became of it, and everything that was noticed of it."""

    name: str
    label: str
    at: str
    days: tuple[str, ...]
    rows: int | None
    state: str
    words: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A day of the calendar."""

    day: date
    state: State
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedArrivals:
    """The arrivals of one table. ``cadence`` is what is expected in words, ``slots`` the names by which an
    owner speaks of it; moments are stamps in UTC, empty where there are none."""

    source: str
    table: str
    standing: Standing
    cadence: str
    slots: tuple[str, ...]
    retired: tuple[str, ...]
    next_day: str
    due_by: str
    missing_from: str
    missed: tuple[str, ...]
    in_a_row: int
    last: tuple[Came, ...]
    upstream: tuple[str, ...]
    incident: str
    proposed: str
    short: str
    looked_at: str


def feeds(connection: Connection, deployment: Deployment, now: datetime) -> tuple[FeedArrivals, ...]:
    """Return the arrivals of every table of which batches are awaited, the worst first."""
    rows = connection.execute(select(t.feed.c.source, t.feed.c.object)).all()
    declared = deployment.charter.sources
    known = [row for row in rows if row.source in declared and row.object in declared[row.source].tables]
    found = (feed(connection, row.source, row.object, now) for row in known)
    lines = [line for line in found if line is not None]
    return tuple(sorted(lines, key=lambda line: (_ORDER.index(line.standing), line.source, line.table)))


def feed(connection: Connection, source: str, table: str, now: datetime) -> FeedArrivals | None:
    """Return the arrivals of a table; None where none are awaited."""
    row = connection.execute(
        select(t.feed.c.looked_at).where(t.feed.c.source == source, t.feed.c.object == table)
    ).first()
    if row is None:
        return None
    known = remembered.load(connection, source, table).feed
    broken = _clauses(connection, source, table)
    ahead = known.ahead
    return FeedArrivals(
        source=source,
        table=table,
        standing=_standing(known, broken),
        cadence=_cadence(known),
        slots=tuple(dict.fromkeys(slot.name for slot in known.slots if slot.status == "active")),
        retired=tuple(
            f"{slot.name}: {slot.retired_by}, {slot.retired_why}"
            for slot in known.slots
            if slot.status == "retired"
        ),
        next_day=ahead.day.isoformat() if ahead else "",
        due_by=stamp(ahead.late) if ahead else "",
        missing_from=stamp(ahead.missing) if ahead else "",
        missed=tuple(miss.day.isoformat() for miss in known.missed),
        in_a_row=max([known.in_row, *(slot.in_row for slot in known.slots if slot.status == "active")]),
        last=tuple(_came(connection, source, table, LAST)),
        upstream=known.upstream,
        incident=_incident(connection, known, f"{source}.{table}"),
        proposed=known.proposed,
        short=known.short,
        looked_at=row.looked_at,
    )


def calendar(connection: Connection, source: str, table: str, now: datetime) -> tuple[tuple[Cell, ...], ...]:
    """Return weeks of seven days, Monday first, the last one the week of now."""
    known = remembered.load(connection, source, table).feed
    came = list(_came(connection, source, table, WEEKS * 7 * 4))
    today = now.date()
    monday = today - today.weekday() * _DAY - (WEEKS - 1) * 7 * _DAY
    return tuple(
        tuple(_cell(known, came, monday + (7 * week + number) * _DAY, today) for number in range(7))
        for week in range(WEEKS)
    )


def _standing(known: Feed, broken: Iterable[str]) -> Standing:
    clauses = set(broken)
    if "arrival.look" in clauses:
        return "unknown"
    if clauses & {"arrival.missing", "arrival.unsure", "arrival.short"}:
        return "missing"
    if "arrival.late" in clauses:
        return "late"
    return "in order" if known.ahead is not None else "learning"


def _clauses(connection: Connection, source: str, table: str) -> list[str]:
    rows = connection.execute(
        select(t.breach.c.clause).where(t.breach.c.source == source, t.breach.c.object == table)
    )
    return [row.clause for row in rows]


def _cadence(known: Feed) -> str:
    """Return when batches are expected, in words."""
    when, zone, lag = (known.schedule or "learned, UTC, 0").rsplit(", ", 2)
    later = f", {lag} days after the day they are for" if lag != "0" else ""
    if when == "learned":
        if known.pattern is None or known.status == "learning":
            return "not known yet: it is learned from what comes"
        return f"learned: {_pattern(known, known.pattern)} ({zone})"
    if known.slots and known.slots[0].name == "cron":
        return f"declared: {_at(when)} ({zone}{later})"
    return f"declared: {_pattern(known, known.pattern) if known.pattern else when} ({zone}{later})"


_AT = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* ([\d,-]+|\*)")
_DAYS = {"1": "Mon", "2": "Tue", "3": "Wed", "4": "Thu", "5": "Fri", "6": "Sat", "0": "Sun", "7": "Sun"}


def _at(cron: str) -> str:
    """Return cron text as people say it, where that is simple: ``05:00, Mon to Fri``."""
    match = _AT.fullmatch(cron)
    if match is None:
        return f"cron {cron}"
    days = "every day" if match[3] == "*" else re.sub(r"\d", lambda one: _DAYS.get(one[0], one[0]), match[3])
    return f"{int(match[2]):02}:{int(match[1]):02}, {days.replace('-', ' to ').replace(',', ', ')}"


def _pattern(known: Feed, pattern: Pattern) -> str:
    active = [slot.name for slot in known.slots if slot.status == "active"]
    return ", ".join(dict.fromkeys(active)) or pattern.shape


def _incident(connection: Connection, known: Feed, name: str) -> str:
    """Return the words of the incident that is open about its batches."""
    rows = connection.execute(
        select(t.incident.c.words).where(
            t.incident.c.kind.in_([upstream.ABOUT + each for each in (name, *known.upstream)]),
            t.incident.c.closed_at.is_(None),
        )
    )
    return next((row.words for row in rows if name in row.words), "")


def _came(connection: Connection, source: str, table: str, most: int) -> Iterator[Came]:
    """Yield batches, the last first."""
    rows = connection.execute(
        select(t.batch)
        .where(t.batch.c.source == source, t.batch.c.object == table)
        .order_by(t.batch.c.first_seen_at.desc())
        .limit(most)
    )
    for row in rows:
        said = about(row.said).said
        yield Came(
            name=row.name,
            label=row.name.rpartition("@")[0] or row.name,
            at=row.first_seen_at,
            days=tuple(json.loads(row.about)),
            rows=row.rows,
            state=row.state,
            words=" ".join(each.words for each in said),
            kinds=tuple(each.kind for each in said),
        )


def _cell(known: Feed, came: list[Came], day: date, today: date) -> Cell:
    states = list(_states(known, came, day))
    if states:
        worst = min(states, key=_WORST.index)
        return Cell(day=day, state=worst, words=STATES[worst])
    state = _empty(known, day, today)
    return Cell(day=day, state=state, words=STATES.get(state, ""))


def _states(known: Feed, came: list[Came], day: date) -> Iterator[State]:
    """Yield what happened to the batches of a day."""
    if any(miss.day == day for miss in known.missed):
        yield "missing"
    elif any(gone == day for gone, _ in known.gone):
        yield "written off"
    seen = [each for each in known.seen if each.day == day]
    for each in seen:
        is_judged = known.since is None or day >= known.since  # nobody expected those before
        yield "came" if (each.in_time and not each.late) or not is_judged else "late"
    times = {stamp(each.at) for each in seen}
    for batch in came:
        mine = batch.days or ((day.isoformat(),) if batch.at in times else (batch.at[:10],))
        if day.isoformat() not in mine or batch.state in ("set aside", "replaced", "discarded"):
            continue
        if batch.state in ("quarantined", "landed"):
            yield "quarantined"
        elif {"partial", "segment_missing", "segment_partial"} & set(batch.kinds):
            yield "partial"
        elif not seen:
            yield "late" if "arrived_late" in batch.kinds else "came"


def _empty(known: Feed, day: date, today: date) -> State:
    """Return what a day without a batch is."""
    if known.ahead is not None and day == known.ahead.day:
        return "late" if known.late_told is not None and known.late_told[0] == day else "expected"
    if known.first is None or day < known.first.date():
        return ""
    if day > today:
        return ""
    if known.since is None or day < known.since:
        return "learning" if known.schedule.startswith("learned") else ""
    return "not expected"
