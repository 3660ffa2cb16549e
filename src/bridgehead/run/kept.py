"""One row for each schedule: as which release declares it, and how far it has come.

A release that comes into force changes the rows once. What was due before it and nobody had dealt with is
recorded as missed, so that no time is lost between two releases. Called by ``schedules``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, takewhile
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from bridgehead.declare.cron import Timing
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.record import Work
from bridgehead.record.unit import as_one
from bridgehead.run.due import UNSURE, Verdict
from bridgehead.run.occurrences import record, tell
from bridgehead.store import tables as t

REPLACED = "another release took its place before it was started"
_RESTORED = select(func.max(t.restored.c.restored_at))


def keep_up(boundary: Boundary) -> None:
    """Bring the rows to what the release in force declares, where they are not."""
    with boundary.store.reading() as connection:
        rows = connection.execute(select(t.schedule)).all()
    if not _agree(boundary, rows):
        boundary.ledger.append(lambda connection: _brought_up(connection, boundary))


def due(connection: Connection, now: str) -> Sequence[Row[Any]]:
    """Return the rows of the schedules that are due."""
    return connection.execute(
        select(t.schedule)
        .where(t.schedule.c.next_at <= now, t.schedule.c.ended_at.is_(None))
        .order_by(t.schedule.c.next_at)
    ).all()


def current(connection: Connection, boundary: Boundary, name: str) -> Row[Any] | None:
    """Return the row of a schedule; None where it is not of this release any more.

    INVARIANT: only inside a unit of the ledger, like everything here that changes rows. Units come one after
    the other, so nobody deals with a schedule or activates a release beside it.
    """
    if not _activated(connection, boundary):
        return None
    row = connection.execute(select(t.schedule).where(t.schedule.c.name == name)).first()
    ours = row is not None and row.ended_at is None and row.release == boundary.deployment.digest
    return row if ours else None


def move_on(connection: Connection, name: str, timing: Timing, until: datetime) -> None:
    """Say that every time up to ``until`` has been dealt with."""
    coming = next(timing.after(until), None)
    values = {"since": stamp(until), "next_at": stamp(coming) if coming else None}
    connection.execute(update(t.schedule).where(t.schedule.c.name == name).values(**values))


def _agree(boundary: Boundary, rows: Sequence[Row[Any]]) -> bool:
    current = {row.name for row in rows if row.ended_at is None}
    digest = boundary.deployment.digest
    return current == set(boundary.charter.schedules) and all(
        row.release == digest for row in rows if row.ended_at is None
    )


def _activated(connection: Connection, boundary: Boundary) -> str:
    """Return when the boundary's release came into force; empty where another one is by now."""
    row = connection.execute(
        select(t.release.c.digest, t.release.c.activated_at).where(t.release.c.active == 1)
    ).first()
    return row.activated_at if row is not None and row.digest == boundary.deployment.digest else ""


def _brought_up(connection: Connection, boundary: Boundary) -> Work:
    activated_at = _activated(connection, boundary)
    rows = {row.name: row for row in connection.execute(select(t.schedule)).all()}
    if not activated_at:
        return Work()
    begins, parts = unstamp(activated_at), []
    for name, schedule in boundary.charter.schedules.items():
        timing, row = schedule.timing(boundary.charter.calendars), rows.get(name)
        known = row is not None and row.ended_at is None
        values: dict[str, Any] = {"release": boundary.deployment.digest, "ended_at": None}
        if row is None:
            row_of = {"name": name, "timing": timing.text(), "since": activated_at}
            restored = connection.execute(_RESTORED).scalar()  # it may have had a row that was lost
            connection.execute(insert(t.schedule).values(**row_of, **values, unsure_until=restored))
        elif not known or row.timing != timing.text():
            parts += _left_over(connection, boundary, row, begins) if known else []
            values["timing"] = timing.text()
        connection.execute(update(t.schedule).where(t.schedule.c.name == name).values(**values))
        same = known and row is not None and row.timing == timing.text()
        since = unstamp(row.since) if row is not None and known else begins
        move_on(connection, name, timing, since if same else max(since, begins))
    for name, row in rows.items():
        if name not in boundary.charter.schedules and row.ended_at is None:
            parts += _left_over(connection, boundary, row, begins)
            ended = {"ended_at": stamp(boundary.clock.now()), "next_at": None}
            connection.execute(update(t.schedule).where(t.schedule.c.name == name).values(**ended))
    return as_one(parts)


def _left_over(connection: Connection, boundary: Boundary, row: Row[Any], begins: datetime) -> list[Work]:
    """Return the record of what was due before the new release, under the timing of the one before it."""

    def why(at: datetime) -> str:
        return UNSURE if row.unsure_until is not None and stamp(at) <= row.unsure_until else REPLACED

    due = takewhile(begins.__ge__, Timing.read(row.timing).after(unstamp(row.since)))
    parts = []
    for reason, times in groupby(due, why):
        first, last, count = _span(times)
        verdict = Verdict(state="missed", first=first, last=last, count=count, why=reason)
        noted = record(connection, boundary, row.name, verdict)
        parts += [noted, tell(connection, boundary, row.name, verdict)]
    return parts


def _span(times: Iterator[datetime]) -> tuple[datetime, datetime, int]:
    """Return the first, the last and how many: they may be too many to hold."""
    first = last = next(times)
    count = 1
    for at in times:
        last, count = at, count + 1
    return first, last, count
