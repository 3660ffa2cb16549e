"""An effect that only a person can settle: its owner is told, once, and its run waits for the answer.

Called by whoever cannot tell what became of an effect, or may not send it again. Never: settles anything.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from bridgehead.enforce import drafts, incidents, journal, later, rows, windows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.journal import SettledElsewhere
from bridgehead.enforce.park import Park
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Decision
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.outcome import Failed, Fault
from bridgehead.record import Work
from bridgehead.store import tables as t

LOST = Failed(
    fault=Fault(code="BH-RUN-014", words="The process ended before the answer came.", effect_state="unknown")
)
UNREAD = "facts"
"""The rule of a refusal because a record could not be read: the other system may be back soon."""


async def to_a_person(
    boundary: Boundary,
    crossing: Crossing,
    why: str,
    *,
    found_of_it: int = 0,
    reasons: list[dict[str, str]] | None = None,
) -> str:
    """Open an incident, once, and return what the run waits for.

    A call whose process died is ``unknown`` from here on, so that a person may settle it. An undo goes on
    without what only a person can tell, so a compensation is asked about once more, later (``late``).
    ``reasons`` are those of a decision that keeps it from being sent again.
    """
    what = "duplicate" if found_of_it else "unknown"
    words = f"Nobody knows whether {crossing.action.label()} happened: {why}."
    if found_of_it:
        words = (
            f"{crossing.action.label()} was meant once, and the probe found it {found_of_it} times: "
            "a person has to say which one counts and take the others back."
        )

    def work(connection: Connection) -> Work:
        lost = _lost(connection, crossing)
        _look_again(connection, boundary, crossing)
        if found_of_it:
            connection.execute(
                update(t.crossing)
                .where(*rows.at(crossing.run.id, crossing.position))
                .values(settled="duplicate")
            )
        raised = incidents.open_once(
            connection,
            boundary,
            crossing.run.id,
            crossing.position,
            what,
            words,
            subject=crossing.run.subject,
            more={"reasons": reasons} if reasons else {},
        )

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            if lost:
                journal.point(crossing, "outcome_entry")(connection, written)

        return Work(drafts=(*lost, *raised), then=then)

    await boundary.ledger.commit(work)
    return f"person:{crossing.position}"


async def instead(boundary: Boundary, crossing: Crossing, decision: Decision, called_at: str) -> Park:
    """Return what the run waits for, where an effect that may have happened may not be sent again now.

    A refusal would say that it did not happen, a question would ask about something new. Where only a record
    could not be read, it is tried again for a while.
    """
    rules = [reason.rule for reason in decision.reasons]
    rule = crossing.rule(boundary)
    if rule is not None and rules == [UNREAD]:
        again: datetime | None = windows.ask_again_at(rule, called_at, boundary.clock.now())
        if again is not None:
            return Park(f"settle:{crossing.position}", until=again)
    why = f"it may not be sent again now ({', '.join(rules) or 'people would have to agree anew'})"
    return Park(await to_a_person(boundary, crossing, why, reasons=drafts.reasons_of(decision)))


def _look_again(connection: Connection, boundary: Boundary, crossing: Crossing) -> None:
    rule = crossing.rule(boundary)
    if crossing.undoes is not None and rule is not None and later.looked_at(rule):
        again = stamp(boundary.clock.now() + later.wait(rule))
        here = rows.at(crossing.run.id, crossing.position)
        connection.execute(update(t.crossing).where(*here).values(look_again_at=again))


def _lost(connection: Connection, crossing: Crossing) -> tuple[Draft, ...]:
    """Make the row of a call whose process died ``unknown``; return the entry that says so, if it did."""
    row = rows.find(connection, crossing.run.id, crossing.position)
    if row is None or row.state not in ("claimed", "unknown"):
        raise SettledElsewhere(crossing)
    if row.state == "unknown":
        return ()
    connection.execute(
        update(t.crossing).where(*rows.at(crossing.run.id, crossing.position)).values(state="unknown")
    )
    return (drafts.ended("action.outcome", crossing, LOST),)
