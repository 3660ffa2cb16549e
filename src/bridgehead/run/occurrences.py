"""The record of what became of a schedule's times: rows, entries, and the owner's incident.

In: a connection inside a unit of work. Out: work to be recorded with it. Never: decides or starts anything.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from bridgehead.enforce import incidents
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, EntryKind, Written
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.run.due import UNSURE, State, Verdict
from bridgehead.store import tables as t

CLOCK = "service:schedule"
ABOUT = "schedule:"
"""What the kind of an incident about a schedule begins with; its name follows."""
KINDS: dict[State, EntryKind] = {
    "held": "schedule.held",
    "started": "schedule.started",
    "skipped": "schedule.skipped",
    "missed": "schedule.missed",
}


def record(
    connection: Connection,
    boundary: Boundary,
    schedule: str,
    verdict: Verdict,
    *,
    run: str = "",
    by: str = "",
    body: Any = None,
) -> Work:
    """Record what became of a time; a time that was held back before gets its end."""
    at, last = stamp(verdict.first), stamp(verdict.last)
    values = {
        "last_at": last,
        "count": verdict.count,
        "state": verdict.state,
        "why": verdict.why,
        "run": run,
        "by": by,
        "decided_at": stamp(boundary.clock.now()),
    }
    here = (t.occurrence.c.schedule == schedule, t.occurrence.c.at == at)
    if connection.execute(select(t.occurrence.c.at).where(*here)).first() is None:
        connection.execute(insert(t.occurrence).values(schedule=schedule, at=at, **values))
    else:
        connection.execute(update(t.occurrence).where(*here).values(**values))
    draft = Draft(
        kind=KINDS[verdict.state],
        actor=by or CLOCK,
        run=run,
        fields={
            "release": boundary.deployment.digest,
            "schedule": {"name": schedule, "at": at, "last_at": last, "count": verdict.count},
            "note": verdict.why[:256],
        },
        body=body,
    )

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        connection.execute(update(t.occurrence).where(*here).values(entry=written[0].index))

    return Work(drafts=(draft,), then=then)


def tell(connection: Connection, boundary: Boundary, schedule: str, verdict: Verdict) -> Work:
    """Tell the owner that something was missed, unless an incident about this schedule is open.

    It stays open until a person has seen it, whatever later runs do: nothing goes by unnoticed.
    """
    words, owner = missed(schedule, verdict), boundary.directory().owner.person
    drafts = incidents.open_kind_once(
        connection, boundary.clock, ABOUT + schedule, words, owner=owner, actor=CLOCK
    )
    return Work(drafts=drafts)


def missed(schedule: str, verdict: Verdict) -> str:
    """Return in words what was missed."""
    first, last = (f"{at:%Y-%m-%d %H:%MZ}" for at in (verdict.first, verdict.last))
    times = (
        f"for {first}" if verdict.count == 1 else f"for {verdict.count} of its times, from {first} to {last}"
    )
    sure = "is not started again" if verdict.why == UNSURE else "did not start"
    return f"Schedule {schedule} {sure} {times}: {verdict.why}."


def clear(
    connection: Connection, boundary: Boundary, schedule: str, by: Principal, reason: str
) -> tuple[Draft, ...]:
    """Close what is open about a schedule: a person has seen it. Return the entry that says so, if any."""
    body = {"reason": reason, "assurance": by.assurance}
    return incidents.close_kind(connection, boundary.clock, ABOUT + schedule, actor=by.label(), body=body)
