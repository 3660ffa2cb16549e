"""Step 5 and 6: people are asked, and their answer binds to exactly what they saw.

A question is a row; nothing waits in memory. A vote, its ledger entry and the run's next segment
commit in one transaction. Silence is refusal: there is no setting for anything else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from bridgehead.declare.model import seconds
from bridgehead.enforce import journal, rows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.journal import Granted
from bridgehead.enforce.park import Park
from bridgehead.enforce.question import Question
from bridgehead.enforce.stop import wake
from bridgehead.enforce.wording import ask_people
from bridgehead.kernel.canonical import canonical_bytes, digest
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Ask, Reason, Refuse
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.ids import new_id
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import tables as t

STEP = 5
Answer = Literal["approve", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a question stands after a vote: its state, and how many more people must agree."""

    approval: str
    state: str
    still_needed: int


def look_up(boundary: Boundary, row: journal.Found | None) -> Granted | Refuse | None:
    """Return the answer people gave at a position: a yes, a no, or None where nobody was asked.

    Raises ``Park`` while the question is open.
    """
    if row is None or not row.approval:
        return None
    with boundary.store.reading() as connection:
        found = connection.execute(select(t.approval).where(t.approval.c.id == row.approval)).one()
        votes = connection.execute(
            select(t.vote).where(t.vote.c.approval == found.id).order_by(t.vote.c.at)
        ).all()
        opened = boundary.ledger.body(connection, found.opened_entry)
        closed = boundary.ledger.body(connection, found.closed_entry) if found.closed_entry else {}
    match found.state:
        case "open":
            raise Park(found.id)
        case "superseded":
            return None
        # Used by this very crossing: its call was begun, changes nothing, and is begun again.
        case "approved" | "used":
            return Granted(
                approval=found.id,
                rules=tuple(json.loads(found.rules)),
                digest=found.digest,
                bound=opened["question"]["bound"],
                by=tuple(vote.principal for vote in votes if vote.answer == "approve"),
                reason=closed.get("reason", ""),
            )
    return _answered_no(found.state, closed)


def bound(boundary: Boundary, crossing: Crossing, evidence: Evidence) -> str:
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
    rules too: a question about the new ones alone would void the old yes, and the other way round.
    """
    if before is not None:
        together = tuple(dict.fromkeys((*before.rules, *decision.approvals)))
        decision = replace(decision, approvals=together)
    now = boundary.clock.now()
    rules = [boundary.charter.approvals[name] for name in decision.approvals]
    due_at = stamp(now + timedelta(seconds=min(seconds(rule.within) for rule in rules)))
    question = ask_people(
        boundary,
        crossing,
        decision,
        evidence,
        inverse,
        id=new_id("apr", boundary.clock),
        bound=bound(boundary, crossing, evidence),
        opened_at=stamp(now),
        due_at=due_at,
    )

    def work(connection: Connection) -> Work:
        _asked_row(connection, boundary, crossing, question, evidence, decision)
        if before is not None:
            connection.execute(
                update(t.approval).where(t.approval.c.id == before.approval).values(state="superseded")
            )
        connection.execute(insert(t.approval).values(**_approval_row(boundary, crossing, decision, question)))
        body = {"question": question.as_value(), "reasons": journal.reasons_of(decision)}
        fields = journal.fields_of(crossing, decision)
        approval = {"id": question.id, "digest": question.digest()}
        asked = journal.draft(
            "action.asked", crossing, fields, {"arguments": dict(crossing.action.arguments)}
        )
        opened = journal.draft("approval.opened", crossing, fields | {"approval": approval}, body)

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            connection.execute(
                update(t.approval).where(t.approval.c.id == question.id).values(opened_entry=written[1].index)
            )
            journal.point(crossing, "intent_entry")(connection, written)

        return Work(drafts=(asked, opened), then=then)

    await boundary.ledger.commit(work)
    raise Park(question.id)


def question(boundary: Boundary, connection: Connection, approval: str) -> Question:
    """Return what an approver is shown. Raises ``ApprovalError`` (BH-APR-001) for an unknown id."""
    row = connection.execute(select(t.approval.c.opened_entry).where(t.approval.c.id == approval)).first()
    if row is None:
        raise ApprovalError(
            "BH-APR-001", f"there is no question {approval}", fix="`bridgehead approvals` lists them."
        )
    return Question.from_value(boundary.ledger.body(connection, row.opened_entry)["question"])


def vote(
    boundary: Boundary, approval: str, voter: Principal, answer: Answer, digest: str, reason: str
) -> Standing:
    """Count one person's answer to what they were shown (``digest``).

    Raises ``ApprovalError``: BH-APR-001 unknown, 002 closed, 003 the question changed, 004 own
    request, 005 not asked, 006 answered already, 007 switched off.
    """

    def work(connection: Connection) -> Work:
        row = _locked(connection, boundary, approval)
        now = stamp(boundary.clock.now())
        _may_vote(connection, boundary, row, voter, digest, now)
        connection.execute(
            insert(t.vote).values(
                approval=approval,
                principal=voter.id,
                answer=answer,
                digest=digest,
                assurance=voter.assurance,
                at=now,
            )
        )
        voted = Draft(
            kind="approval.voted",
            actor=f"human:{voter.id}",
            run=row.run,
            fields={
                "approval": {"id": approval, "digest": digest, "answer": answer},
                "position": row.position,
            },
            body={"reason": reason, "assurance": voter.assurance},
            subject=row.subject,
        )
        state, needed = _tally(connection, boundary, row)
        if state == "open":
            still_open = Standing(approval=approval, state=state, still_needed=needed)
            return Work(drafts=(voted,), value=still_open, then=_vote_entry(approval, voter.id))
        closed = _close(connection, boundary, row, state, reason, f"human:{voter.id}")
        return Work(
            drafts=(voted, closed),
            value=Standing(approval=approval, state=state, still_needed=0),
            then=_both(_vote_entry(approval, voter.id), _closed_entry(approval, 1)),
        )

    standing: Standing = boundary.ledger.append(work).value
    return standing


def obstacle(
    connection: Connection, boundary: Boundary, approval: str, voter: Principal
) -> ApprovalError | None:
    """Return why this person's answer would not count now, or None: what a page says beside its buttons."""
    row = connection.execute(select(t.approval).where(t.approval.c.id == approval)).one()
    try:
        _may_vote(connection, boundary, row, voter, row.digest, stamp(boundary.clock.now()))
    except ApprovalError as error:
        return error
    return None


def expire(boundary: Boundary) -> int:
    """Close the questions whose time is over, as refused; return how many."""
    with boundary.store.reading() as connection:
        due = connection.execute(
            select(t.approval.c.id)
            .where(t.approval.c.state == "open", t.approval.c.due_at <= stamp(boundary.clock.now()))
            .limit(500)
        ).all()
    for row in due:
        boundary.ledger.append(_unanswered(boundary, row.id, "nobody answered in time"))
    return len(due)


async def withdraw(boundary: Boundary, approval: str, why: str) -> None:
    """Close a question that is of no use any more, if it is open still: no answer to it counts."""
    await boundary.ledger.commit(_unanswered(boundary, approval, why))


def _unanswered(boundary: Boundary, approval: str, why: str) -> Any:
    def work(connection: Connection) -> Work:
        row = _locked(connection, boundary, approval)
        if row.state != "open":
            return Work(drafts=())
        closed = _close(connection, boundary, row, "expired", why, "service:clock")
        return Work(drafts=(closed,), then=_closed_entry(approval, 0))

    return work


def _locked(connection: Connection, boundary: Boundary, approval: str) -> Row[Any]:
    row = connection.execute(select(t.approval).where(t.approval.c.id == approval).with_for_update()).first()
    if row is None:
        raise ApprovalError(
            "BH-APR-001", f"there is no question {approval}", fix="`bridgehead approvals` lists them."
        )
    return row


def _may_vote(
    connection: Connection, boundary: Boundary, row: Row[Any], voter: Principal, digest: str, now: str
) -> None:
    people = boundary.directory().people
    person = people.get(voter.id)
    if person is None or not person.active or voter.kind != "human":
        raise ApprovalError("BH-APR-007", f"{voter.id} does not take part in this deployment any more")
    if row.state != "open" or row.due_at <= now:
        raise ApprovalError(
            "BH-APR-002",
            "the question is closed",
            means="Your answer came after the decision and does not count.",
        )
    if digest != row.digest:
        raise ApprovalError(
            "BH-APR-003",
            "the question has changed since you saw it",
            means="Your answer was not counted.",
            fix="Read it again and answer again.",
        )
    groups = {group for group, _ in json.loads(row.who)}
    if voter.id in json.loads(row.requester) or voter.id == row.subject:
        others = sorted(
            name for name, other in people.items() if groups & set(other.groups) and name != voter.id
        )
        raise ApprovalError(
            "BH-APR-004",
            "nobody approves their own request, or one about themselves",
            fix=f"These people can: {', '.join(others) or 'nobody; tell the owner'}.",
        )
    if not groups & set(person.groups):
        raise ApprovalError(
            "BH-APR-005",
            f"{voter.id} was not asked",
            means=f"This question is for {' and '.join(sorted(groups))}.",
        )
    if connection.execute(
        select(t.vote.c.at).where(t.vote.c.approval == row.id, t.vote.c.principal == voter.id)
    ).first():
        raise ApprovalError("BH-APR-006", f"{voter.id} has answered already", means="One person counts once.")


def _tally(connection: Connection, boundary: Boundary, row: Row[Any]) -> tuple[str, int]:
    """Return the state after the votes so far, and how many more people must agree. One no refuses."""
    votes = connection.execute(
        select(t.vote.c.principal, t.vote.c.answer).where(t.vote.c.approval == row.id)
    ).all()
    if any(vote.answer == "refuse" for vote in votes):
        return "refused", 0
    people = boundary.directory().people
    agreed = [people[vote.principal] for vote in votes if vote.principal in people]
    missing = _missing(json.loads(row.who), [set(person.groups) for person in agreed if person.active])
    return ("open", missing) if missing else ("approved", 0)


def _missing(needed: list[tuple[str, int]], agreed: list[set[str]]) -> int:
    """Return how many more must agree until every group has its number and nobody counts twice.

    ``agreed`` are the groups of each person who agreed. It is the largest shortfall of any set of
    groups (Hall 1935), so one person in two groups stands for one of them only.
    """
    sets = [some for size in range(1, len(needed) + 1) for some in combinations(needed, size)]
    shortfalls = [
        sum(quorum for _, quorum in some)
        - sum(1 for theirs in agreed if theirs & {group for group, _ in some})
        for some in sets
    ]
    return max([0, *shortfalls])


def _close(
    connection: Connection, boundary: Boundary, row: Row[Any], state: str, reason: str, actor: str
) -> Draft:
    """Close a question and give the run its next segment."""
    now = boundary.clock.now()
    values: dict[str, Any] = {"state": state, "closed_at": stamp(now)}
    if state == "approved":
        values["valid_until"] = stamp(now + timedelta(seconds=_valid_for(connection, row)))
    connection.execute(update(t.approval).where(t.approval.c.id == row.id).values(**values))
    wake(connection, [row.run], stamp(now))
    return Draft(
        kind="approval.closed",
        actor=actor,
        run=row.run,
        fields={"approval": {"id": row.id, "digest": row.digest, "state": state}, "position": row.position},
        body={"reason": reason},
        subject=row.subject,
    )


def _valid_for(connection: Connection, row: Row[Any]) -> float:
    """Return how long a yes holds: what the release of the run says, whichever release is active now."""
    of_run = select(t.run.c.release).where(t.run.c.id == row.run).scalar_subquery()
    charter = connection.execute(select(t.release.c.charter).where(t.release.c.digest == of_run)).scalar_one()
    rules = json.loads(charter)["approvals"]
    return min(seconds(rules[name]["valid_for"]) for name in json.loads(row.rules))


Then = Callable[[Connection, tuple[Written, ...]], None]


def _both(first: Then, second: Then) -> Then:
    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        first(connection, written)
        second(connection, written)

    return then


def _vote_entry(approval: str, voter: str) -> Then:
    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        connection.execute(
            update(t.vote)
            .where(t.vote.c.approval == approval, t.vote.c.principal == voter)
            .values(entry=written[0].index)
        )

    return then


def _closed_entry(approval: str, place: int) -> Then:
    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        connection.execute(
            update(t.approval).where(t.approval.c.id == approval).values(closed_entry=written[place].index)
        )

    return then


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
        "decision": journal.decision_text(decision),
        "amount": "" if evidence.amount is None else f"{evidence.amount.normalize():f}",
        "currency": evidence.currency,
    }
    at = (t.crossing.c.run == crossing.run.id, t.crossing.c.position == crossing.position)
    if journal.find(connection, crossing.run.id, crossing.position) is None:
        now = stamp(boundary.clock.now())
        rows.add(connection, **journal.new_row(boundary, crossing, now), **values)
    else:
        connection.execute(update(t.crossing).where(*at).values(**values))


def _approval_row(
    boundary: Boundary, crossing: Crossing, decision: Ask, question: Question
) -> dict[str, Any]:
    needed: dict[str, int] = {}
    for name in decision.approvals:
        rule = boundary.charter.approvals[name]
        needed[rule.who] = max(needed.get(rule.who, 0), rule.quorum)
    chain = [link.id for link in crossing.run.principal.chain()]
    return {
        "id": question.id,
        "run": crossing.run.id,
        "position": crossing.position,
        "rules": canonical_bytes(list(decision.approvals)).decode(),
        "digest": question.digest(),
        "who": canonical_bytes([[group, quorum] for group, quorum in sorted(needed.items())]).decode(),
        "quorum": sum(needed.values()),
        "requester": canonical_bytes(chain).decode(),
        "subject": crossing.run.subject,
        "opened_entry": -1,  # set in the same transaction, once the entry has its index
        "state": "open",
        "opened_at": question.opened_at,
        "due_at": question.due_at,
    }


def _answered_no(state: str, closed: dict[str, Any]) -> Refuse:
    said = closed.get("reason", "")
    words = {
        "refused": f"A person refused it{f': {said}' if said else '.'}",
        "expired": "Nobody answered in time, and silence is refusal.",
        "revoked": "The approval was taken back before it was used.",
    }[state]
    return Refuse(step=STEP, reasons=(Reason(rule=f"approval.{state}", words=words),))
