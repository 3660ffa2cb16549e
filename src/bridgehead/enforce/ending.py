"""How a crossing ends: done, failed or unknown (step 10), refused, or ready to be sent again.

Row, entry, money, lane and incident commit together. A row gets its end once; whoever comes second is told
so (``SettledElsewhere``) and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, case, select, update

from bridgehead.enforce import budget, drafts, incidents, inspection, journal, lanes, later, outcomes, rows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.journal import Denied
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Refuse
from bridgehead.kernel.entry import Draft, EntryKind
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.outcome import Done, Failed, Outcome, Refused
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t


class SettledElsewhere(EngineError):
    """Somebody else, a person or another process, has said meanwhile how an effect ended."""

    def __init__(self, crossing: Crossing) -> None:
        super().__init__(
            "BH-RUN-004",
            f"the crossing at {crossing.position} of {crossing.run.id} was settled by someone else",
            means="What is recorded stays; this answer comes second and changes nothing.",
        )


async def finish(
    boundary: Boundary,
    crossing: Crossing,
    outcome: Done | Failed,
    *,
    kind: EntryKind = "action.outcome",
    note: str = "",
    called_at: datetime | None = None,
) -> Outcome:
    """Step 10: record how it ended; return it as the journal will return it ever after.

    ``called_at`` is when the call was claimed that this is the answer to. Raises ``SettledElsewhere``
    where the row has its end already; an answer that comes too late is told as an incident.
    """
    entry = drafts.ended(kind, crossing, outcome, note=note)
    try:
        receipt = await boundary.ledger.commit(_finishing(boundary, crossing, outcome, entry, called_at))
    except Denied as denied:
        return await refuse(boundary, crossing, denied.refuse)
    except EngineError:  # its segment is another process's by now
        if called_at is not None:
            await _tell_beyond(boundary, crossing, outcomes.state_of(outcome), called_at)
        raise
    if not receipt.value:
        raise SettledElsewhere(crossing)
    return outcomes.returned(entry.body)


async def _tell_beyond(boundary: Boundary, crossing: Crossing, state: str, called_at: datetime) -> None:
    """Tell of the answer to a call whose process has lost the run, where it was settled without the answer.

    Where it was not yet, nothing is recorded: whoever carries the run on settles it.
    """

    def work(connection: Connection) -> Work:
        row = rows.find(connection, crossing.run.id, crossing.position)
        if row is None or (row.state == "claimed" and row.called_at == stamp(called_at)):
            return Work()
        return Work(drafts=_too_late(connection, boundary, crossing, state, called_at))

    await boundary.ledger.unfenced().commit(work)


def finishing(boundary: Boundary, crossing: Crossing, outcome: Failed) -> UnitOfWork:
    """Return the unit that records a failure where nobody waits for it; nothing where it has its end."""
    return _finishing(boundary, crossing, outcome, drafts.ended("action.outcome", crossing, outcome), None)


async def refuse(boundary: Boundary, crossing: Crossing, refusal: Refuse) -> Refused:
    """Record a refusal with its reasons; every exit is recorded."""
    await boundary.ledger.commit(refusing(boundary, crossing, refusal))
    return Refused(decision=refusal)


def refusing(boundary: Boundary, crossing: Crossing, refusal: Refuse) -> UnitOfWork:
    """Return the unit that records a refusal."""
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


async def reopen(boundary: Boundary, crossing: Crossing, note: str) -> None:
    """Record that an unclear effect did not happen, so that it may be sent again.

    Raises ``SettledElsewhere`` where somebody has settled it meanwhile.
    """

    await _begin_anew(boundary, crossing, note, reopen_row)


async def retry(boundary: Boundary, crossing: Crossing, note: str) -> None:
    """Record that an effect which provably did not happen may be sent again, under its key and its yes.

    For what the house itself does; a workflow is told that it failed, and decides. Raises
    ``SettledElsewhere`` where it did not end that way.
    """
    await _begin_anew(boundary, crossing, note, _retry_row)


async def _begin_anew(
    boundary: Boundary, crossing: Crossing, note: str, move: Callable[[Connection, str, str], bool]
) -> None:
    def work(connection: Connection) -> Work:
        if not move(connection, crossing.run.id, crossing.position):
            raise SettledElsewhere(crossing)
        fields = drafts.fields_of(crossing, None) | {
            "outcome": {"state": "intent", "effect_state": "none"},
            "note": note,
        }
        settled = drafts.about("action.settled", crossing, fields, None)
        return Work(drafts=(settled, *_closed(connection, boundary, crossing)))

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
    boundary: Boundary, crossing: Crossing, outcome: Done | Failed, entry: Draft, called_at: datetime | None
) -> UnitOfWork:
    state = outcomes.state_of(outcome)

    def work(connection: Connection) -> Work:
        now = boundary.clock.now()
        if not rows.end(
            connection,
            crossing.run.id,
            crossing.position,
            outcomes.row_state(outcome),
            None if state == "unknown" else stamp(now),
            look_again_at=later.due(boundary, crossing, outcome, now),
            called_at=stamp(called_at) if called_at is not None else "",
        ):
            return Work(drafts=_too_late(connection, boundary, crossing, state, called_at), value=False)
        budget.settle(connection, boundary, crossing, Decimal(outcome.usage.cost))
        lanes.leave(connection, boundary, crossing)
        if isinstance(outcome, Done):
            _identify(connection, boundary, crossing, outcome)
        closed = _closed(connection, boundary, crossing) if entry.kind == "action.settled" else ()
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


def _closed(connection: Connection, boundary: Boundary, crossing: Crossing) -> tuple[Draft, ...]:
    run = crossing.run
    return incidents.close(
        connection, boundary, run.id, crossing.position, actor="service:settle", subject=run.subject
    )


def _identify(connection: Connection, boundary: Boundary, crossing: Crossing, outcome: Done) -> None:
    rule = crossing.rule(boundary)
    if not boundary.charter.workflows[crossing.run.workflow].subject:
        return
    if rule is None or not rule.identifies or crossing.evidence_of:
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
