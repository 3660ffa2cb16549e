"""Schedules as people look at them: when each is due next, how the last one ended, which are late.

What is late is judged when somebody looks, by the clock and the charter: also where no worker is there to
notice it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from bridgehead.declare import Deployment
from bridgehead.declare.cron import Timing
from bridgehead.declare.model import Schedule
from bridgehead.enforce.incidents import open_kinds
from bridgehead.enforce.stop import in_force
from bridgehead.explain import words
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.run.due import ON_TIME
from bridgehead.run.occurrences import ABOUT
from bridgehead.store.tables import occurrence, release, run, schedule

Standing = Literal["on time", "late", "held", "failed", "missed"]
COMING = 3
"""Times that are listed ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTime:
    """What became of the last time that was dealt with; of several passed over together, ``at`` is the last.
    ``ended`` is how its run stands, where it has one."""

    at: str
    state: str
    count: int
    why: str
    run: str
    ended: str
    words: str
    entry: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLine:
    """One schedule. ``coming`` are the next times, in UTC; ``due_since`` is set while one waits."""

    name: str
    title: str
    workflow: str
    when: str
    timezone: str
    calendar: str
    principal: str
    missed: str
    grace: str
    overlap: str
    standing: Standing
    words: str
    due_since: str
    coming: tuple[str, ...]
    last: LastTime | None


def list_schedules(connection: Connection, deployment: Deployment, now: datetime) -> tuple[ScheduleLine, ...]:
    """Return the schedules of the active release, as the charter orders them."""
    charter = deployment.charter
    rows = {row.name: row for row in connection.execute(select(schedule))}
    told = open_kinds(connection, ABOUT)
    held = in_force(connection) is not None
    begun = connection.execute(select(release.c.activated_at).where(release.c.active == 1)).scalar()
    lines = []
    for name, declared in charter.schedules.items():
        timing = declared.timing(charter.calendars)
        first = next(timing.after(unstamp(_since(rows.get(name), timing, begun or stamp(now)))), None)
        line = _line(
            name,
            declared,
            timing,
            now,
            first,
            _last(connection, name),
            held=held,
            failed=_failed(connection, name),
            told=told.get(name, ""),
        )
        lines.append(line)
    return tuple(lines)


def _line(
    name: str,
    declared: Schedule,
    timing: Timing,
    now: datetime,
    first: datetime | None,
    last: LastTime | None,
    *,
    held: bool,
    failed: bool,
    told: str,
) -> ScheduleLine:
    waits = first is not None and first <= now
    late = first is not None and now - first > ON_TIME
    standing, said = _standing(late=late, held=held and waits, failed=failed, told=told)
    return ScheduleLine(
        name=name,
        title=declared.title or name,
        workflow=declared.workflow,
        when=declared.when,
        timezone=timing.timezone,
        calendar=declared.calendar or "",
        principal=declared.principal,
        missed=declared.missed,
        grace=declared.grace,
        overlap=declared.overlap,
        standing=standing,
        words=said,
        due_since=stamp(first) if first is not None and waits else "",
        coming=tuple(stamp(at) for at in islice(timing.after(now), COMING)),
        last=last,
    )


def _standing(*, late: bool, held: bool, failed: bool, told: str) -> tuple[Standing, str]:
    if held:
        return "held", "The stop holds it back."
    if late:
        return "late", "It is due and nothing has started it: is a worker at work?"
    if failed:
        return "failed", "Its last run failed."
    if told:
        return "missed", told
    return "on time", ""


def _since(row: Row[Any] | None, timing: Timing, begun: str) -> str:
    """Return until when everything has been dealt with, also where no worker has heard of the release yet."""
    if row is None or row.ended_at is not None:
        return begun
    return str(row.since) if row.timing == timing.text() else max(str(row.since), begun)


def _failed(connection: Connection, name: str) -> bool:
    """Say whether, of the runs of a schedule, the one that ended last failed; later times may have none."""
    ended = (
        select(run.c.status)
        .where(run.c.schedule == name, run.c.status.in_(("done", "failed")))
        .order_by(run.c.ended_at.desc())
        .limit(1)
    )
    return connection.execute(ended).scalar() == "failed"


def _last(connection: Connection, name: str) -> LastTime | None:
    row = connection.execute(
        select(occurrence, run.c.status)
        .join(run, run.c.id == occurrence.c.run, isouter=True)
        .where(occurrence.c.schedule == name)
        .order_by(occurrence.c.at.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return LastTime(
        at=row.last_at,
        state=row.state,
        count=row._mapping["count"],  # a row has a method of that name, too
        why=row.why,
        run=row.run,
        ended=row.status or "",
        words=_said(row),
        entry=row.entry,
    )


def _said(row: Row[Any]) -> str:
    if row.state == "started":
        status = words.RUN.get(row.status or "", row.status or "")
        return f"started by hand, {status}" if row.by else status
    count = row._mapping["count"]
    times = "" if count == 1 else f" {count} times"
    return f"{row.state}{times}: {row.why}"
