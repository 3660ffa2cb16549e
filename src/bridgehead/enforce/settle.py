"""An effect nobody heard back from: wait, probe, then adopt it, send it again, or ask a person.

Never guessed. The wait is the send budget plus how late the other system may still apply a call,
counted from the claim; it is a due time on a row, not a thread. What only a person can tell waits for one
(``settlement``); whoever settles it first, person or probe, has settled it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, update

from bridgehead.declare.model import ActionRule, seconds
from bridgehead.enforce import drafts, ending, equals, found, incidents, journal, later, probe, rows, unseen
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.equals import ready_at as ready_at
from bridgehead.enforce.park import Park
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.outcome import Done, Failed, Fault, Outcome
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Row

PATIENCE = 10
"""Settle windows, after the first, in which a system that is down is asked again before a person is: whoever
does not answer the probe is often not there for the person either, and is back by then."""
LOST = Failed(
    fault=Fault(code="BH-RUN-014", words="The process ended before the answer came.", effect_state="unknown")
)


async def settle(boundary: Boundary, crossing: Crossing, row: Row) -> Outcome | None:
    """Return the adopted outcome, or None where it is proven that nothing happened (send again).

    Raises ``Park`` while the settle window runs, when only a person can tell, and when somebody has
    told meanwhile: then the run looks again at once.
    """
    try:
        return await _settle(boundary, crossing, row)
    except ending.SettledElsewhere as settled:
        raise Park(f"settle:{crossing.position}", until=boundary.clock.now()) from settled


def ask_again_at(rule: ActionRule, called_at: str, now: datetime) -> datetime | None:
    """Return when to ask a system again that did not answer, or None once a person must be asked."""
    ready = ready_at(rule, called_at)
    window = ready - unstamp(called_at)
    again = now + max(window / 2, timedelta(seconds=1))
    return again if again <= ready + PATIENCE * window else None


def may_repeat(rule: ActionRule, first_called_at: str | None, now: datetime) -> bool:
    """Say whether the other side still drops a second call with our key.

    ``first_called_at`` is the earliest moment at which the first call can have been made; None where nobody
    knows.
    """
    if not rule.key_argument or rule.repeats != "dropped":
        return False
    if not rule.key_lifetime:
        return True
    lifetime = timedelta(seconds=seconds(rule.key_lifetime))
    return first_called_at is not None and now < unstamp(first_called_at) + lifetime


async def _settle(boundary: Boundary, crossing: Crossing, row: Row) -> Outcome | None:
    rule = crossing.rule(boundary)
    if rule is None:
        raise Park(await to_a_person(boundary, crossing, "its declaration is gone"))
    ready, now = ready_at(rule, row.called_at), boundary.clock.now()
    if now < ready:
        raise Park(f"settle:{crossing.position}", until=ready)
    if may_repeat(rule, row.first_called_at, now):
        await ending.reopen(boundary, crossing, "sent again with the same key")
        return None
    if rule.probe is None:
        why = "it can be neither asked about nor repeated"
        if rule.key_argument and rule.repeats == "dropped":
            why = f"the other side has forgotten its key after {rule.key_lifetime}"
        raise Park(await to_a_person(boundary, crossing, why))
    return await _probe(boundary, crossing, row, rule)


async def _probe(boundary: Boundary, crossing: Crossing, row: Row, rule: ActionRule) -> Outcome | None:
    run = crossing.run
    place = f"{crossing.position}.p{run.segment}-{run.attempt}"
    answer = await probe.ask(boundary, crossing, row.effect_key, place)
    if answer.landed is None:
        again = ask_again_at(rule, row.called_at, boundary.clock.now()) if answer.silent else None
        if again is not None:
            raise Park(f"settle:{crossing.position}", until=again)
        raise Park(await to_a_person(boundary, crossing, answer.problem))
    with boundary.store.reading() as connection:
        before = unseen.since(connection, boundary, crossing, row, rule)
        others = equals.others(connection, boundary, crossing, rule, before)
    match found.verdict(answer.landed, others):
        case "landed":
            note = "adopted: the probe found it"
            adopted = Done(value=answer.value)
            return await ending.finish(boundary, crossing, adopted, kind="action.settled", note=note)
        case "absent" if rule.probe is not None and rule.probe.strength == "strong":
            await ending.reopen(boundary, crossing, "the probe proves that it did not happen")
            return None
        case "absent":
            why = "the probe did not find it, which proves nothing"
            raise Park(await to_a_person(boundary, crossing, why))
        case "ambiguous":
            why = "the probe cannot tell it from equal effects on record"
            raise Park(await to_a_person(boundary, crossing, why))
        case "duplicate":
            extra = int(answer.landed) - others.done - others.unclear
            raise Park(await to_a_person(boundary, crossing, "", found_of_it=extra))


async def to_a_person(boundary: Boundary, crossing: Crossing, why: str, *, found_of_it: int = 0) -> str:
    """Open an incident, once, and return what the run waits for.

    A call whose process died is ``unknown`` from here on, so that a person may settle it. An undo goes on
    without what only a person can tell, so a compensation is asked about once more, later (``late``).
    """
    what = "duplicate" if found_of_it else "unknown"
    words = f"Nobody knows whether {crossing.action.label()} happened: {why}."
    if found_of_it:
        words = (
            f"{crossing.action.label()} was meant once, and the probe found it {found_of_it} times: "
            "a person has to say which one counts and take the others back."
        )

    def work(connection: Connection) -> Work:
        lost = _lost(connection, boundary, crossing)
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
        )

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            if lost:
                journal.point(crossing, "outcome_entry")(connection, written)

        return Work(drafts=(*lost, *raised), then=then)

    await boundary.ledger.commit(work)
    return f"person:{crossing.position}"


def _look_again(connection: Connection, boundary: Boundary, crossing: Crossing) -> None:
    rule = crossing.rule(boundary)
    if crossing.undoes is not None and rule is not None and later.looked_at(rule):
        again = stamp(boundary.clock.now() + later.wait(rule))
        here = rows.at(crossing.run.id, crossing.position)
        connection.execute(update(t.crossing).where(*here).values(look_again_at=again))


def _lost(connection: Connection, boundary: Boundary, crossing: Crossing) -> tuple[Draft, ...]:
    """Make the row of a call whose process died ``unknown``; return the entry that says so, if it did."""
    row = rows.find(connection, crossing.run.id, crossing.position)
    if row is None or row.state not in ("claimed", "unknown"):
        raise ending.SettledElsewhere(crossing)
    if row.state == "unknown":
        return ()
    connection.execute(
        update(t.crossing).where(*rows.at(crossing.run.id, crossing.position)).values(state="unknown")
    )
    return (drafts.ended("action.outcome", crossing, LOST),)
