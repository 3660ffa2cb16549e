"""What a restore records and changes, in one transaction, before anybody else sees the store.

Between the backup and the restore the deployment went on: what it did then is in no journal any more. So the
deployment is stopped until its owner lifts it, and each run that was under way is marked: from then on
``enforce.presumed`` treats every effect of it that the journal does not hold as one that may have happened.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, update

from bridgehead.enforce import incidents
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.ids import new_id
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t

OPEN = ("running", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What a restore found under way. ``lost`` is how many entries are known to be missing, if any are."""

    stop: str
    open_runs: int
    unclear: int
    asked_again: int


def mark(clock: Clock, by: str, taken_at: str, size: int, lost: int) -> UnitOfWork:
    """Return the unit that marks a store as restored from a backup taken at ``taken_at`` with ``size``
    entries."""

    def work(connection: Connection) -> Work:
        now, words = stamp(clock.now()), _words(taken_at, lost)
        done = Aftermath(
            stop=_stop(connection, clock, now, by, words),
            open_runs=_mark_runs(connection, now, taken_at),
            unclear=_unclear(connection, now),
            asked_again=_ask_again(connection, now),
        )
        _forget_processes(connection, now)
        _remember(connection, clock, now, by, taken_at)
        connection.execute(update(t.schedule).values(unsure_until=now))
        connection.execute(update(t.looked_at).values(good_until=now))  # what was found since, nobody knows
        incidents.open_row(connection, clock, "restored", words)
        body = {
            "taken_at": taken_at,
            "entries": size,
            "entries_lost": lost,
            "open_runs": done.open_runs,
            "words": words,
        }
        drafts = (
            Draft(kind="store.restored", actor=by, fields={"note": f"backup of {taken_at}"}, body=body),
            Draft(kind="stop.set", actor=by, body={"reason": words, "assurance": "restore"}),
            Draft(kind="finding.raised", actor=by, fields={"note": "restored"}, body={"words": words}),
        )
        return Work(drafts=drafts, value=done)

    return work


def _words(taken_at: str, lost: int) -> str:
    missing = f" {lost} entries of the ledger are known to be missing." if lost else ""
    return (
        f"Restored from a backup of {taken_at[:19]}. What was done after it is not on record here.{missing}"
        " Lift this stop when the other systems have been looked at."
    )


def _stop(connection: Connection, clock: Clock, now: str, by: str, words: str) -> str:
    """Stop the deployment. One that was stopped already stays so too: each stop is lifted by itself."""
    stop = new_id("stop", clock)
    connection.execute(insert(t.stop).values(id=stop, set_by=by, reason=words, set_at=now))
    return stop


def _mark_runs(connection: Connection, now: str, taken_at: str) -> int:
    # A run that was restored before keeps the older backup's time: its keys may be that old.
    marked = connection.execute(
        update(t.run)
        .where(t.run.c.status.in_(OPEN))
        .values(restored_at=now, backup_at=func.coalesce(t.run.c.backup_at, taken_at))
    )
    return int(marked.rowcount)


def _unclear(connection: Connection, now: str) -> int:
    """Let the settle window of what was under way count from now: it may have been sent again since."""
    found = connection.execute(
        update(t.crossing)
        .where(t.crossing.c.state.in_(("claimed", "unknown")), t.crossing.c.effect != "read")
        .values(called_at=now)
    )
    return int(found.rowcount)


def _ask_again(connection: Connection, now: str) -> int:
    """A yes that was not used yet may have been used, or revoked, since: people are asked again."""
    found = connection.execute(
        update(t.approval).where(t.approval.c.state == "approved").values(state="superseded", closed_at=now)
    )
    return int(found.rowcount)


def _forget_processes(connection: Connection, now: str) -> None:
    """Nobody is at work on a restored store, and nobody is signed in."""
    connection.execute(
        update(t.segment).where(t.segment.c.state.not_in(("ready", "ended"))).values(state="ready", boot="")
    )
    connection.execute(update(t.session).where(t.session.c.ended_at.is_(None)).values(ended_at=now))
    connection.execute(update(t.signin).where(t.signin.c.used_at.is_(None)).values(used_at=now))


def _remember(connection: Connection, clock: Clock, now: str, by: str, taken_at: str) -> None:
    """Runs with a key that are started from now on may have been started before (``run.runs``)."""
    values = {"id": new_id("restored", clock), "taken_at": taken_at, "restored_at": now, "restored_by": by}
    connection.execute(insert(t.restored).values(values))
