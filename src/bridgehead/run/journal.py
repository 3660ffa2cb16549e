"""Replay: a crossing that is finished returns what was recorded; anything else is performed.

The first pass and every replay see equal values, because values make the round trip through the
canonical form before they are returned the first time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, bindparam, select

from bridgehead.declare.model import seconds
from bridgehead.enforce import drafts, edit, ending, journal, outcomes, presumed, rows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.journal import SettledElsewhere
from bridgehead.enforce.park import Park
from bridgehead.enforce.perform import perform
from bridgehead.enforce.settle import settle
from bridgehead.kernel.action import Action
from bridgehead.kernel.canonical import decoded, encoded_bytes
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Permit, Refuse
from bridgehead.kernel.errors import Nondeterminism
from bridgehead.kernel.outcome import Failed, Outcome
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

FINISHED = ("done", "refused", "failed")
_OPEN = Statement(
    select(t.crossing.c.position, t.crossing.c.kind, t.crossing.c.target).where(
        t.crossing.c.run == bindparam("of_run"),
        and_(*(t.crossing.c.state != state for state in FINISHED)),
        t.crossing.c.position.not_like("%.p0-%"),  # a late look, made beside the run
    )
)


async def cross(boundary: Boundary, crossing: Crossing) -> Outcome:
    """Return the outcome at a position: from the journal, or by taking the action now.

    Raises ``Nondeterminism`` when the journal holds another action there, ``Park`` when the run has
    to wait.
    """
    row = _row(boundary, crossing)
    if row is not None and row.state in FINISHED:
        return outcomes.recorded(boundary, row)
    if row is not None and row.edit_entry is not None:
        crossing = edit.applied(boundary, crossing, row)
    if presumed.may_have_happened(crossing, row):
        row = await presumed.presume(boundary, crossing)
    if row is not None and row.effect != "read" and row.state in ("claimed", "unknown"):
        await presumed.require_same_arguments(boundary, crossing, row)
        settled = await settle(boundary, crossing, row)
        if settled is not None:
            return settled
    try:
        outcome = await perform(boundary, crossing)
    except SettledElsewhere as settled:
        # This answer came second; the next segment reads what is recorded.
        raise Park(f"settle:{crossing.position}", until=boundary.clock.now()) from settled
    finally:
        boundary.in_the_air.leave()
    if isinstance(outcome, Failed) and outcome.fault.effect_state == "unknown":
        raise _wait_to_settle(boundary, crossing)
    return outcome


async def refuse(boundary: Boundary, crossing: Crossing, refusal: Refuse) -> Outcome:
    """Refuse what the workflow's own step rules out, recorded once at its position."""
    row = _row(boundary, crossing)
    if row is not None:
        return outcomes.recorded(boundary, row)
    return await ending.refuse(boundary, crossing, refusal)


async def value(boundary: Boundary, crossing: Crossing, make: Any) -> Any:
    """Return a value of the run itself (time, randomness), recorded once at its position."""
    row = _row(boundary, crossing)
    if row is not None:
        body = boundary.store.look(lambda connection: boundary.ledger.body(connection, row.outcome_entry))
        return body["value"]
    made = decoded(encoded_bytes(make()))
    now = stamp(boundary.clock.now())
    draft = drafts.about(
        "run.noted", crossing, drafts.fields_of(crossing, Permit()) | {"note": "value"}, {"value": made}
    )

    def work(connection: Any) -> Work:
        rows.add(
            connection, **journal.new_row(boundary, crossing, now), state="done", ended_at=now, attempt=1
        )
        return Work(drafts=(draft,), then=journal.point(crossing, "outcome_entry"))

    await boundary.ledger.commit(work)
    return made


def require_finished(boundary: Boundary, run: str) -> None:
    """Raise ``Nondeterminism`` where a run ends with a crossing its code came to before and not any more.

    Nobody would settle it, and nobody would wait for the answer to its question.
    """
    row = boundary.store.look(lambda connection: _OPEN.first(connection, of_run=run))
    if row is not None:
        raise Nondeterminism(row.position, f"{row.kind}:{row.target}", "the end of the workflow")


def of_the_run(kind: str) -> Action:
    """Return the action that stands for a value of the run: it crosses nothing."""
    return Action(kind="act", target=f"run:{kind}", arguments={}, effect="read")


def _row(boundary: Boundary, crossing: Crossing) -> Row | None:
    row = boundary.store.look(lambda connection: rows.find(connection, crossing.run.id, crossing.position))
    if row is not None and row.action_digest != crossing.asked_digest:
        raise Nondeterminism(crossing.position, f"{row.kind}:{row.target}", crossing.action.label())
    return row


def _wait_to_settle(boundary: Boundary, crossing: Crossing) -> Park:
    rule = crossing.rule(boundary)
    window = seconds(rule.send_budget) + seconds(rule.settle) if rule else 0.0
    return Park(f"settle:{crossing.position}", until=boundary.clock.now() + timedelta(seconds=window))
