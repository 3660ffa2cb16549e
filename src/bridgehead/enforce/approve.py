"""Step 5 and 6: people are asked, and their answer binds to exactly what they saw.

A question is a row; nothing waits in memory. What people do with it stands beside this file: ``vote``,
``revoke``, ``edit`` (change what is asked), ``emergency`` (break-glass), ``delegate``; ``sweep`` is what
time does with it. Each commits with its ledger entry and the run's next segment in one transaction.
Silence is refusal: there is no setting for anything else.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from bridgehead.enforce import drafts, endorse, hand_over, journal, opening, rows, tally
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.changes import changes
from bridgehead.enforce.claim import Granted
from bridgehead.enforce.close import entry, pointed
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.park import Park
from bridgehead.enforce.question import Question
from bridgehead.enforce.sweep import expire as expire
from bridgehead.enforce.sweep import sweep as sweep
from bridgehead.enforce.sweep import sweep_beside as sweep_beside
from bridgehead.enforce.sweep import withdrawing as withdrawing
from bridgehead.enforce.vote import Answer as Answer
from bridgehead.enforce.vote import Standing as Standing
from bridgehead.enforce.vote import obstacle as obstacle
from bridgehead.enforce.vote import vote as vote
from bridgehead.enforce.wording import ask_people
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Ask, Decision, Permit, Reason, Refuse
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.errors import ApprovalError, LedgerError
from bridgehead.kernel.ids import new_id
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

STEP = 5
_ASKED = Statement(select(t.approval).where(t.approval.c.id == bindparam("approval")))
_AGREED = Statement(
    select(t.vote.c.principal)
    .where(t.vote.c.approval == bindparam("approval"), t.vote.c.answer == "approve")
    .order_by(t.vote.c.at)
)


def look_up(connection: Connection, boundary: Boundary, row: Row | None) -> Granted | Refuse | None:
    """Return the answer people gave at a position: a yes, a no, or None where nobody was asked.

    Raises ``Park`` while the question is open.
    """
    if row is None or not row.approval:
        return None
    found = _ASKED.one(connection, approval=row.approval)
    closed = boundary.ledger.body(connection, found.closed_entry) if found.closed_entry else {}
    match found.state:
        case "open":
            raise Park(found.id)
        case "superseded":
            return None
        # Used by this very crossing: its call was begun, changes nothing, and is begun again.
        case "approved" | "used":
            opened = boundary.ledger.body(connection, found.opened_entry)
            return Granted(
                approval=found.id,
                rules=tuple(json.loads(found.rules)),
                digest=found.digest,
                bound=opened["question"]["bound"],
                by=tuple(vote.principal for vote in _AGREED.all(connection, approval=found.id)),
                reason=closed.get("reason", ""),
                sick=tuple(opened["question"].get("sick", ())),
                stands=found.state == "used" or tally.still_agreed(connection, boundary, found),
            )
    return _answered_no(found.state, closed)


def bound(crossing: Crossing, evidence: Evidence) -> str:
    """Return the digest an approval binds to, computed when asking and again before acting."""
    return digest(
        {
            "action": crossing.action_digest,
            "evidence": evidence.for_digest(),
            "release": crossing.run.release,
            "chain": crossing.run.principal.label(),
            "run": crossing.run.id,
            "position": crossing.position,
            "subject": crossing.run.subject,
        }
    )


def still_fits(crossing: Crossing, evidence: Evidence, granted: Granted) -> bool:
    """Say whether a yes is to what would happen now, and those who gave it still may decide.

    Data that were mended since are no reason to ask again; a clause that broke since is.
    """
    if not set(evidence.sick) <= set(granted.sick):
        return False
    return granted.stands and granted.bound == bound(crossing, replace(evidence, sick=granted.sick))


def heed_edit(
    boundary: Boundary, crossing: Crossing, decision: Decision, granted: Granted | None
) -> Decision:
    """Return the decision about an action a person changed: others are asked, whatever the policy says."""
    if crossing.edit is None or granted is not None or not isinstance(decision, Permit):
        return decision
    words = "A person changed what was asked; others decide about the change."
    place = ("actions", crossing.action.target, "editable")
    return Ask(approvals=crossing.edit.rules, reasons=(boundary.reason("approval.edited", words, *place),))


async def ask(
    boundary: Boundary,
    crossing: Crossing,
    decision: Ask,
    evidence: Evidence,
    inverse: dict[str, Any] | None,
    before: Granted | None,
) -> None:
    """Open a question about a crossing and park the run. Always raises ``Park``.

    ``before`` is a yes that no longer fits: it is superseded, and people are asked again, about its
    rules too: a question about the new ones alone would void the old yes, and the other way round. So
    is a question whose action somebody changed.
    """
    earlier = before.approval if before else crossing.edit.question if crossing.edit else ""
    rules = before.rules if before else crossing.edit.rules if crossing.edit else ()
    decision = replace(decision, approvals=tuple(dict.fromkeys((*rules, *decision.approvals))))
    now = boundary.clock.now()
    declared = [boundary.charter.approvals[name] for name in decision.approvals]
    question = ask_people(
        boundary,
        crossing,
        decision,
        evidence,
        inverse,
        id=new_id("apr", boundary.clock),
        bound=bound(crossing, evidence),
        opened_at=stamp(now),
        due_at=stamp(opening.due(boundary, declared, now)),
    )
    question = _beside(boundary, question, earlier)
    row = opening.row(
        question,
        opening.needs(declared),
        opening.chain_of(crossing.run.principal),
        opening.terms(boundary, crossing, decision.approvals, now),
        barred=_barred(boundary, crossing, earlier),
    )

    def work(connection: Connection) -> Work:
        row_now = rows.find(connection, crossing.run.id, crossing.position)
        journal.require_current(crossing, row_now)
        journal.require_clear(row_now)
        _asked_row(connection, boundary, crossing, question, evidence, decision)
        connection.execute(insert(t.approval).values(**row))
        body = {"question": question.as_value(), "reasons": drafts.reasons_of(decision)}
        if endorsing(boundary, crossing, decision):
            # What a yes endorses for the rest of the run: these values, and no others.
            body["endorses"] = endorse.asked(boundary, crossing, evidence.values)
        fields = drafts.fields_of(crossing, decision)
        approval = {"id": question.id, "digest": question.digest(), "supersedes": earlier}
        asked = drafts.about("action.asked", crossing, fields, {"arguments": dict(crossing.action.arguments)})
        opened = drafts.about("approval.opened", crossing, fields | {"approval": approval}, body)
        voided = _void(connection, before) if before is not None else ()

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            pointed(question.id, "opened_entry", 1)(connection, written)
            journal.point(crossing, "intent_entry")(connection, written)
            if voided:
                pointed(earlier, "closed_entry", 2)(connection, written)

        return Work(drafts=(asked, opened, *voided), then=then)

    try:
        await boundary.ledger.commit(work)
    except journal.Unclear as unclear:
        raise await hand_over.instead(boundary, crossing, decision, unclear.called_at) from None
    raise Park(question.id)


def endorsing(boundary: Boundary, crossing: Crossing, decision: Ask) -> bool:
    """Say whether a yes to this question endorses the values nothing stands behind."""
    if crossing.rule(boundary) is None or boundary.charter.provenance == "off":
        return False
    return endorse.approval_rule(boundary, crossing.action.target) in decision.approvals


def _barred(boundary: Boundary, crossing: Crossing, earlier: str) -> dict[str, str]:
    """Return everybody who had a hand in what is asked now: who changed it, in whose place, and whoever
    changed the questions it takes the place of."""
    found: dict[str, str] = {}
    if earlier:
        with boundary.store.reading() as connection:
            before = connection.execute(
                select(t.approval.c.barred).where(t.approval.c.id == earlier)
            ).scalar()
        found |= json.loads(before or "{}")
    if crossing.edit is not None:
        found |= dict.fromkeys((crossing.edit.by, *crossing.edit.in_place_of), "edit")
    return found


def question(boundary: Boundary, connection: Connection, approval: str) -> Question:
    """Return what an approver is shown. Raises ``ApprovalError`` (BH-APR-001) for an unknown id."""
    row = connection.execute(select(t.approval.c.opened_entry).where(t.approval.c.id == approval)).first()
    if row is None:
        raise ApprovalError(
            "BH-APR-001", f"there is no question {approval}", fix="`bridgehead approvals` lists them."
        )
    return Question.from_value(boundary.ledger.body(connection, row.opened_entry)["question"])


def _beside(boundary: Boundary, asked: Question, earlier: str) -> Question:
    """Return a question with what changed since the one it takes the place of."""
    if not earlier:
        return asked
    with boundary.store.reading() as connection:
        try:
            was = question(boundary, connection, earlier)
        except LedgerError:  # its content was erased: there is nothing to lay beside it
            return replace(asked, supersedes=earlier)
    return replace(asked, supersedes=earlier, changed=changes(was, asked))


def _void(connection: Connection, before: Granted) -> tuple[Draft, ...]:
    """Supersede a yes that no longer fits; one that was taken back meanwhile keeps that end."""
    row = connection.execute(
        select(t.approval).where(t.approval.c.id == before.approval).with_for_update()
    ).one()
    if row.state not in ("approved", "used"):
        raise Park(row.id)  # it has its answer already: the next segment reads it
    connection.execute(
        update(t.approval).where(t.approval.c.id == row.id).values(state="superseded", next_rung_at=None)
    )
    why = {"reason": "what was approved is not what would happen now"}
    return (entry("approval.closed", row, {"state": "superseded"}, why, "service:approvals"),)


def _asked_row(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    question: Question,
    evidence: Evidence,
    decision: Ask,
) -> None:
    values = {
        "state": "asked",
        "approval": question.id,
        "decision": drafts.decision_text(decision),
        "amount": evidence.amount_text,
        "currency": evidence.currency,
        # Both follow from the arguments, which a person may have changed.
        "effect_key": crossing.key,
        "record": journal.record_name(boundary, crossing, evidence.facts) or "",
    }
    if rows.find(connection, crossing.run.id, crossing.position) is None:
        now = stamp(boundary.clock.now())
        rows.add(connection, **(journal.new_row(boundary, crossing, now) | values))
    else:
        connection.execute(
            update(t.crossing).where(*rows.at(crossing.run.id, crossing.position)).values(**values)
        )


def _answered_no(state: str, closed: dict[str, Any]) -> Refuse:
    said = closed.get("reason", "")
    words = {
        "refused": f"A person refused it{f': {said}' if said else '.'}",
        "expired": "Nobody answered in time, and silence is refusal.",
        "revoked": "The approval was taken back before it was used.",
    }[state]
    return Refuse(step=STEP, reasons=(Reason(rule=f"approval.{state}", words=words),))
