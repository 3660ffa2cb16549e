"""Schedules: runs that the clock starts, each time at most once, whoever looks and however often.

Any number of workers sweep; one row for each schedule says how far it has come, and whoever moves it on does
so in the transaction that starts the run and records what became of each time. A run's id comes from the
schedule and the time, so that the database itself would refuse a second one. Only the release in force
counts: that too is looked at in the transaction.

Called by the engines every few seconds. Never: carries a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.declare.cron import Timing
from bridgehead.declare.model import Schedule, seconds
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.incidents import open_kinds
from bridgehead.enforce.stop import in_force
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork, as_one
from bridgehead.run import kept, runs
from bridgehead.run.due import ON_TIME, STOPPED, UNSURE, Situation, Verdict, verdicts
from bridgehead.run.occurrences import ABOUT, clear, record, tell
from bridgehead.store import tables as t

INACTIVE = "the person for whom it runs is not active"
AT_ONCE = 5_000
"""Times of one schedule dealt with in one transaction; after a long silence the rest follows."""


class Schedules:
    """The schedules of one deployment. ``models`` says which models are replaced on this machine."""

    def __init__(self, active: Callable[[], Boundary], models: Callable[[], Mapping[str, str]]) -> None:
        self._active, self._models = active, models

    def sweep(self) -> int:
        """Deal with what is due by now; return how many schedules that was."""
        boundary = self._active()
        kept.keep_up(boundary)
        with boundary.store.reading() as connection:
            rows = kept.due(connection, stamp(boundary.clock.now()))
            held = _held(connection) if in_force(connection) else {}
            told = open_kinds(connection, ABOUT)
        for row in rows:
            if row.name not in held or (row.name not in told and _is_over(boundary, row)):
                boundary.ledger.append(self._deal(boundary, row))
        return len(rows)

    def start_now(self, name: str, by: Principal, reason: str) -> str:
        """Start a schedule's run by hand, as its principal; return the run's id. What was missed is thereby
        seen, and its incident closed.

        Raises ``EngineError``: BH-RUN-034 no such schedule, BH-RUN-035 the deployment is stopped, BH-RUN-036
        an earlier run has not ended, BH-RUN-039 another release came into force, BH-RUN-040 the person for
        whom it runs is not active, and what ``runs.start`` raises.
        """
        boundary = self._active()
        kept.keep_up(boundary)
        if name not in boundary.charter.schedules:
            raise EngineError(
                "BH-RUN-034",
                f"no schedule {name!r} is declared",
                fix=f"Choose one of: {', '.join(boundary.charter.schedules) or 'none is declared'}.",
            )
        return str(boundary.ledger.append(self._by_hand(boundary, name, by, reason)).value)

    def seen(self, name: str, by: Principal, reason: str) -> bool:
        """Close what is open about a schedule: the owner or the deputy knows of it. Return whether there was
        anything. Raises ``EngineError``: BH-RUN-038 somebody else says so."""
        boundary = self._active()
        owner = boundary.directory().owner
        if by.id not in (owner.person, owner.deputy):
            raise EngineError(
                "BH-RUN-038",
                f"{by.id} may not close what the owner is told",
                means="It stays open.",
                fix=f"Ask {owner.person} or {owner.deputy}.",
            )

        def work(connection: Connection) -> Work:
            cleared = clear(connection, boundary, name, by, reason)
            return Work(drafts=cleared, value=bool(cleared))

        return bool(boundary.ledger.append(work).value)

    def _deal(self, boundary: Boundary, seen: Row[Any]) -> UnitOfWork:
        """Return the unit that deals with every time that is due, unless somebody else has."""
        timing, now = Timing.read(seen.timing), boundary.clock.now()
        coming = timing.after(unstamp(seen.since))
        due = list(islice(takewhile(now.__ge__, coming), AT_ONCE + 1))
        more = len(due) > AT_ONCE
        due = due[:AT_ONCE]

        def work(connection: Connection) -> Work:
            row = kept.current(connection, boundary, seen.name)
            if row is None or row.since != seen.since or row.timing != seen.timing or not due:
                return Work()
            was_held = row.name in _held(connection)
            if in_force(connection) is not None:
                return as_one(_hold(connection, boundary, row, due[0], known=was_held))
            about = Situation(
                now=now,
                late=lateness(boundary.charter.schedules[row.name]),
                was_stopped=was_held,
                unsure_until=unstamp(row.unsure_until) if row.unsure_until else None,
                more=more,
            )
            found = verdicts(due, about)
            parts = [self._settled(connection, boundary, row.name, verdict) for verdict in found]
            kept.move_on(connection, row.name, timing, due[-1])
            return as_one(parts)

        return work

    def _settled(self, connection: Connection, boundary: Boundary, name: str, verdict: Verdict) -> Work:
        if verdict.state == "started":
            return self._started(connection, boundary, name, verdict)
        if verdict.state == "missed":
            return _missed(connection, boundary, name, verdict)
        return record(connection, boundary, name, verdict)

    def _started(self, connection: Connection, boundary: Boundary, name: str, verdict: Verdict) -> Work:
        """Start the run that is due, or say why not."""
        schedule, at = boundary.charter.schedules[name], verdict.first
        earlier = _under_way(connection, name) if schedule.overlap == "skip" else ""
        if earlier:
            return record(connection, boundary, name, _as(verdict, "skipped", f"{earlier} has not ended"))
        if not _is_active(boundary, schedule.principal):
            return _missed(connection, boundary, name, _as(verdict, "missed", INACTIVE))
        try:
            started = self._starting(boundary, name, at, key=key_of(name, at))(connection)
        except EngineError as error:
            return _missed(connection, boundary, name, _as(verdict, "missed", error.what))
        return as_one([started, record(connection, boundary, name, verdict, run=str(started.value))])

    def _starting(self, boundary: Boundary, name: str, at: datetime, *, key: str) -> UnitOfWork:
        schedule, calendars = boundary.charter.schedules[name], boundary.charter.calendars
        models = {f"model:{model}": other for model, other in self._models().items()}
        return runs.starting(
            boundary,
            workflow=schedule.workflow,
            input=schedule.case(calendars, at),
            bindings=schedule.bindings | models,
            title=schedule.called(name, calendars, at),
            on_behalf=schedule.principal,
            key=key,
            schedule=name,
        )

    def _by_hand(self, boundary: Boundary, name: str, by: Principal, reason: str) -> UnitOfWork:
        now = boundary.clock.now()
        start = self._starting(boundary, name, now, key="")

        def work(connection: Connection) -> Work:
            if kept.current(connection, boundary, name) is None:
                raise _replaced(name)
            stop = in_force(connection)
            if stop is not None:
                raise _stopped(stop.set_by, stop.reason)
            principal = boundary.charter.schedules[name].principal
            if not _is_active(boundary, principal):
                raise _inactive(name, principal)
            if boundary.charter.schedules[name].overlap == "skip" and (run := _under_way(connection, name)):
                raise _overlaps(name, run)
            started = start(connection)
            verdict = Verdict(state="started", first=now, last=now, count=1, why="started by hand")
            said = {"reason": reason, "assurance": by.assurance}
            noted = record(
                connection, boundary, name, verdict, run=str(started.value), by=by.label(), body=said
            )
            made_up = Work(drafts=clear(connection, boundary, name, by, reason))
            both = as_one([started, noted, made_up])
            return Work(drafts=both.drafts, then=both.then, value=started.value)

        return work


def lateness(schedule: Schedule) -> timedelta:
    """Return how late a run may start."""
    if schedule.missed == "skip":
        return ON_TIME
    return max(timedelta(seconds=seconds(schedule.grace)), ON_TIME)


def key_of(schedule: str, at: datetime) -> str:
    """Return the key of the run that is due at a moment: the same for everybody who starts it."""
    return f"schedule:{schedule}:{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _as(verdict: Verdict, state: Any, why: str) -> Verdict:
    return Verdict(state=state, first=verdict.first, last=verdict.last, count=verdict.count, why=why)


def _hold(
    connection: Connection, boundary: Boundary, row: Row[Any], first: datetime, *, known: bool
) -> list[Work]:
    """Record once that the stop holds a schedule back, and tell the owner once it is too late for a run.

    What becomes of each time is recorded when the stop is lifted. What was due before a restore may have been
    started then, so nobody is told that it was not.
    """
    verdict = Verdict(state="held", first=first, last=first, count=1, why=STOPPED)
    held = [] if known else [record(connection, boundary, row.name, verdict)]
    if not _is_over(boundary, row):
        return held
    unsure = row.unsure_until is not None and stamp(first) <= row.unsure_until
    told = _as(verdict, "missed", UNSURE if unsure else STOPPED)
    return [*held, tell(connection, boundary, row.name, told)]


def _is_over(boundary: Boundary, row: Row[Any]) -> bool:
    """Say whether it is too late to make up for what is due."""
    late = lateness(boundary.charter.schedules[row.name])
    return boundary.clock.now() - unstamp(row.next_at) > late


def _missed(connection: Connection, boundary: Boundary, name: str, verdict: Verdict) -> Work:
    noted = record(connection, boundary, name, verdict)
    return as_one([noted, tell(connection, boundary, name, verdict)])


def _held(connection: Connection) -> dict[str, str]:
    """Return the schedules that are held back, each with the time."""
    rows = connection.execute(
        select(t.occurrence.c.schedule, t.occurrence.c.at).where(t.occurrence.c.state == "held")
    )
    return {row.schedule: row.at for row in rows}


def _under_way(connection: Connection, name: str) -> str:
    found = select(t.run.c.id).where(t.run.c.schedule == name, t.run.c.status.in_(("running", "waiting")))
    return str(connection.execute(found.limit(1)).scalar() or "")


def _is_active(boundary: Boundary, person: str) -> bool:
    found = boundary.directory().people.get(person)
    return found is not None and found.active


def _replaced(name: str) -> EngineError:
    return EngineError(
        "BH-RUN-039",
        f"another release came into force while schedule {name} was to be started",
        means="Nothing was started: it may say something else about this schedule.",
        fix="Look at it with `bridgehead schedules`, and start it again.",
    )


def _inactive(name: str, person: str) -> EngineError:
    return EngineError(
        "BH-RUN-040",
        f"{person}, for whom schedule {name} runs, is not active",
        means="Nothing was started.",
        fix="Name somebody who is active as `principal` of the schedule.",
    )


def _stopped(by: str, reason: str) -> EngineError:
    return EngineError(
        "BH-RUN-035",
        f"the deployment was stopped by {by}: {reason}",
        means="Nothing was started.",
        fix="The owner or the deputy lifts the stop: `bridgehead resume`.",
    )


def _overlaps(name: str, run: str) -> EngineError:
    return EngineError(
        "BH-RUN-036",
        f"{run}, an earlier run of schedule {name}, has not ended",
        means="Nothing was started: the charter says `overlap: skip`.",
        fix=f"Wait until it has ended; `bridgehead show {run}` says what it waits for.",
    )
