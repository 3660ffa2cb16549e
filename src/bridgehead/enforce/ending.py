"""How a crossing ends: done, failed or unknown (step 10), refused, or ready to be sent again.

Row, entry, money, lane and incident commit together. A row gets its end once; whoever comes second is told
so (``SettledElsewhere``) and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, case, select, update

from bridgehead.enforce import (
    budget,
    drafts,
    hand_over,
    health,
    incidents,
    inspection,
    journal,
    lanes,
    later,
    missing,
    outcomes,
    rows,
)
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.close import go_on
from bridgehead.enforce.journal import Denied, SettledElsewhere
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Refuse
from bridgehead.kernel.entry import Draft, EntryKind
from bridgehead.kernel.outcome import Done, Failed, Outcome, Refused
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t


async def finish(
    boundary: Boundary,
    crossing: Crossing,
    outcome: Done | Failed,
    *,
    kind: EntryKind = "action.outcome",
    note: str = "",
    called_at: datetime | None = None,
    repeats: bool = False,
    answers: Sequence[str] = (),
) -> Outcome:
    """Step 10: record how it ended; return it as the journal will return it ever after.

    ``called_at`` is when the call was claimed that this is the answer to; ``repeats`` as in ``Claimed``.
    ``answers`` are the kinds of incidents (``incidents.WHATS``) that are closed by it. Raises
    ``SettledElsewhere`` where the row has its end already; an answer that comes too late is told as an
    incident.
    """
    if repeats:
        outcome, answers = _of_a_repeat(outcome), ("unknown",)
    entry = drafts.ended(kind, crossing, outcome, note=note)
    # What the other system answered to the call that was made is true whoever carries the run on by now; the
    # row is guarded by the time of that call.
    own = called_at is not None and crossing.action.effect != "read"
    ledger = boundary.ledger.unfenced() if own else boundary.ledger
    try:
        receipt = await ledger.commit(_finishing(boundary, crossing, outcome, entry, called_at, answers))
    except Denied as denied:
        return await refuse(boundary, crossing, denied.refuse)
    if not receipt.value:
        raise SettledElsewhere(crossing)
    return outcomes.returned(entry.body)


def finishing(boundary: Boundary, crossing: Crossing, outcome: Failed) -> UnitOfWork:
    """Return the unit that records a failure where nobody waits for it; nothing where it has its end."""
    return _finishing(boundary, crossing, outcome, drafts.ended("action.outcome", crossing, outcome), None)


async def refuse(boundary: Boundary, crossing: Crossing, refusal: Refuse) -> Refused:
    """Record a refusal with its reasons; every exit is recorded.

    An effect that may have happened is not refused: that would say that it did not happen. Raises ``Park``
    for a person then, and ``SettledElsewhere`` where a person has changed what is asked meanwhile.
    """
    refused = refusing(boundary, crossing, refusal)

    def work(connection: Connection) -> Work:
        journal.require_current(crossing, rows.find(connection, crossing.run.id, crossing.position))
        return refused(connection)

    try:
        await boundary.ledger.commit(work)
    except journal.Unclear as unclear:
        raise await hand_over.instead(boundary, crossing, refusal, unclear.called_at) from None
    return Refused(decision=refusal)


def refusing(boundary: Boundary, crossing: Crossing, refusal: Refuse) -> UnitOfWork:
    """Return the unit that records a refusal, whatever was changed about what is asked.

    It raises ``Unclear`` for an effect that may have happened, ``SettledElsewhere`` for what has its end.
    """
    body = {
        "arguments": dict(crossing.action.arguments),
        "reasons": drafts.reasons_of(refusal),
        "step": refusal.step,
    }

    def work(connection: Connection) -> Work:
        now = stamp(boundary.clock.now())
        values = {
            "state": "refused",
            "ended_at": now,
            "decision": drafts.decision_text(refusal),
        }
        earlier = rows.find(connection, crossing.run.id, crossing.position)
        journal.require_clear(earlier)
        if earlier is not None and earlier.state in ("done", "failed", "refused"):
            raise SettledElsewhere(crossing)
        fields = drafts.fields_of(crossing, refusal) | {"step": refusal.step}
        if earlier is None:
            rows.add(connection, **journal.new_row(boundary, crossing, now), **values)
            journal.count(connection, crossing, effect=False)
        else:
            if earlier.state == "claimed":
                # Its answer is withheld (step 9), or was lost and is not sought again.
                fields |= drafts.noted(budget.lose(connection, boundary, crossing))
                lanes.leave(connection, boundary, crossing)
            connection.execute(
                update(t.crossing).where(*rows.at(crossing.run.id, crossing.position)).values(**values)
            )
        return Work(
            drafts=(drafts.about("action.refused", crossing, fields, body),),
            then=journal.point(crossing, "outcome_entry"),
        )

    return work


async def reopen(boundary: Boundary, crossing: Crossing, note: str, answers: Sequence[str]) -> None:
    """Record that an unclear effect did not happen, so that it may be sent again.

    ``answers`` as in ``finish``. Raises ``SettledElsewhere`` where somebody has settled it meanwhile.
    """

    await _begin_anew(boundary, crossing, note, reopen_row, answers)


async def retry(boundary: Boundary, crossing: Crossing, note: str) -> None:
    """Record that an effect which provably did not happen may be sent again, under its key and its yes.

    For what the house itself does; a workflow is told that it failed, and decides. Raises
    ``SettledElsewhere`` where it did not end that way.
    """
    await _begin_anew(boundary, crossing, note, _retry_row, ("unknown",))


async def _begin_anew(
    boundary: Boundary,
    crossing: Crossing,
    note: str,
    move: Callable[[Connection, str, str], bool],
    answers: Sequence[str],
) -> None:
    def work(connection: Connection) -> Work:
        if not move(connection, crossing.run.id, crossing.position):
            raise SettledElsewhere(crossing)
        fields = drafts.fields_of(crossing, None) | {
            "outcome": {"state": "intent", "effect_state": "none"},
            "note": note,
        }
        settled = drafts.about("action.settled", crossing, fields, None)
        return Work(drafts=(settled, *_closed(connection, boundary, crossing, answers)))

    await boundary.ledger.commit(work)


def reopen_row(connection: Connection, run: str, position: str) -> bool:
    """Make an unclear effect ready to be sent again; return False where it is settled already.

    A yes of people that its claim had used up was not used after all, and stands until it is too old, or
    until somebody who gave it has wanted it back.
    """
    if not rows.reopen(connection, run, position):
        return False
    _give_back(connection, run, position)
    return True


def _retry_row(connection: Connection, run: str, position: str) -> bool:
    if not rows.retry(connection, run, position):
        return False
    _give_back(connection, run, position)
    return True


def _give_back(connection: Connection, run: str, position: str) -> None:
    """Let the yes of people stand that a claim had used up."""
    used = select(t.crossing.c.approval).where(*rows.at(run, position)).scalar_subquery()
    # Somebody may have wanted the yes back while it was used: then it is not given again.
    taken_back = case((t.approval.c.late_revocation.is_(None), "approved"), else_="revoked")
    connection.execute(
        update(t.approval)
        .where(t.approval.c.id == used, t.approval.c.state == "used")
        .values(state=taken_back)
    )


def _finishing(
    boundary: Boundary,
    crossing: Crossing,
    outcome: Done | Failed,
    entry: Draft,
    called_at: datetime | None,
    answers: Sequence[str] = (),
) -> UnitOfWork:
    state = outcomes.state_of(outcome)

    def work(connection: Connection) -> Work:
        now = boundary.clock.now()
        ended = rows.end(
            connection,
            crossing.run.id,
            crossing.position,
            outcomes.row_state(outcome),
            None if state == "unknown" else stamp(now),
            look_again_at=later.due(boundary, crossing, outcome, now),
            called_at=stamp(called_at) if called_at is not None else "",
        )
        if ended == rows.NOT:
            return Work(drafts=_too_late(connection, boundary, crossing, state, called_at), value=False)
        budget.settle(connection, boundary, crossing, Decimal(outcome.usage.cost))
        lanes.leave(connection, boundary, crossing)
        health.answered(connection, boundary, crossing)
        missing.note(connection, boundary, crossing, outcome)
        if isinstance(outcome, Done):
            _identify(connection, boundary, crossing, outcome)
        closes = ("unknown",) if ended == rows.GIVEN_UP else answers
        closed = _closed(connection, boundary, crossing, closes) if state != "unknown" else ()
        if ended == rows.GIVEN_UP:  # its run may wait for a person, who need not say it now
            go_on(connection, crossing.run.id, stamp(now))
        return Work(drafts=(entry, *closed), value=True, then=journal.point(crossing, "outcome_entry"))

    return work


def _too_late(
    connection: Connection, boundary: Boundary, crossing: Crossing, state: str, called_at: datetime | None
) -> tuple[Draft, ...]:
    """Tell of an answer to a call that others have settled since: what they rested on may be wrong now."""
    if called_at is None or crossing.action.effect == "read":
        return ()
    words = (
        f"An answer to a call of {crossing.action.label()} came after it had been settled without it: "
        f"{'it happened' if state == 'done' else state}. Whatever was done since may have repeated it."
    )
    run = crossing.run
    return incidents.open_once(
        connection, boundary, run.id, crossing.position, "late-answer", words, subject=run.subject
    )


def _of_a_repeat(outcome: Done | Failed) -> Done | Failed:
    """Return what the answer to a repeated call says about the effect: a no to this call, or that it was
    never sent, says nothing about the call before."""
    if isinstance(outcome, Done) or outcome.fault.effect_state != "none":
        return outcome
    words = f"{outcome.fault.words} An earlier call may have happened."
    return replace(outcome, fault=replace(outcome.fault, words=words, effect_state="unknown"))


def _closed(
    connection: Connection, boundary: Boundary, crossing: Crossing, whats: Sequence[str]
) -> tuple[Draft, ...]:
    """Close the incidents that are answered by now. Whatever else is open about it is a person's to close."""
    if not whats:
        return ()
    run = crossing.run
    if "duplicate" in whats:
        connection.execute(
            update(t.crossing)
            .where(*rows.at(run.id, crossing.position), t.crossing.c.settled == "duplicate")
            .values(settled="")
        )
    return incidents.close(
        connection,
        boundary,
        run.id,
        crossing.position,
        actor="service:settle",
        subject=run.subject,
        whats=whats,
    )


def _identify(connection: Connection, boundary: Boundary, crossing: Crossing, outcome: Done) -> None:
    rule = crossing.rule(boundary)
    if rule is None or not rule.identifies or crossing.evidence_of:
        return
    if not boundary.charter.workflows[crossing.run.workflow].subject:
        return
    connection.execute(
        update(t.run)
        .where(t.run.c.id == crossing.run.id, t.run.c.subject == "")
        .values(subject=outcome.value)
    )
    known = connection.execute(select(t.run.c.subject).where(t.run.c.id == crossing.run.id)).scalar_one()
    if known != outcome.value:  # two branches asked at the same moment
        raise Denied(inspection.second_identity(boundary, crossing))
    crossing.run.subject = known
