"""Break-glass: one person of a named group permits at once, with a reason; others look at it afterwards.

The review opens in the same transaction. It has its own deadline, is never answered by whoever used the
emergency, and does not expire: when it is overdue its owner gets an incident, and it stays owed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bridgehead.enforce import opening, separation
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.close import both, close, entry, locked, pointed
from bridgehead.enforce.question import Question
from bridgehead.enforce.reason import given
from bridgehead.enforce.vote import Right, add_vote, may_decide, may_take_part, point_vote
from bridgehead.kernel import quorum
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.ids import new_id
from bridgehead.kernel.principal import Principal
from bridgehead.kernel.quorum import Need
from bridgehead.record import Work
from bridgehead.store import tables as t


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """What was permitted at once, and the review that must follow, with its deadline (RFC 3339)."""

    approval: str
    review: str
    review_due_at: str


def break_glass(boundary: Boundary, approval: str, person: Principal, digest: str, reason: str) -> Permitted:
    """Permit what a question asks, alone and at once.

    Raises ``ApprovalError``: BH-APR-001 unknown, 002 closed, 003 it changed, 004 and 020 to 022 somebody
    else must, 007 switched off, 027 no reason, 030 no emergency of theirs.
    """
    why = given(reason)
    with boundary.store.reading() as connection:
        opened = connection.execute(
            select(t.approval.c.opened_entry).where(t.approval.c.id == approval)
        ).scalar()
        shown = {} if opened is None else boundary.ledger.body(connection, opened)["question"]

    def work(connection: Connection) -> Work:
        row = locked(connection, approval)
        may_take_part(boundary, row, person, digest)
        emergency = may_break(connection, boundary, row, person)
        now = boundary.clock.now()
        by, due_at = f"human:{person.id}", now + timedelta(seconds=emergency["within"])
        connection.execute(update(t.approval).where(t.approval.c.id == approval).values(kind="emergency"))
        connection.execute(
            t.vote.delete().where(t.vote.c.approval == approval, t.vote.c.principal == person.id)
        )
        add_vote(connection, row, person, "approve", stamp(now), Right())
        said = {"reason": why, "assurance": person.assurance}
        broken = entry("approval.emergency", row, {"answer": "approve"}, said, by)
        done = close(connection, boundary, row, "approved", f"in an emergency: {why}", by)
        review = _review(boundary, shown, emergency, person, why, (stamp(now), stamp(due_at)))
        connection.execute(
            insert(t.approval).values(
                **opening.row(
                    review,
                    _needs(emergency),
                    json.loads(row.requester),
                    opening.review_terms(emergency, now, due_at),
                    kind="review",
                    barred=json.loads(row.barred) | {person.id: "emergency"},
                )
            )
        )
        about = {"id": review.id, "digest": review.digest(), "kind": "review", "due_at": review.due_at}
        opened = replace(
            entry("approval.opened", row, {}, {"question": review.as_value(), "reasons": []}, by),
            fields={"approval": about, "position": review.position},
        )
        then = both(
            point_vote(approval, person.id),
            pointed(approval, "closed_entry", 1),
            pointed(review.id, "opened_entry", 2),
        )
        value = Permitted(approval=approval, review=review.id, review_due_at=review.due_at)
        return Work(drafts=(broken, done, opened), value=value, then=then)

    permitted: Permitted = boundary.ledger.append(work).value
    return permitted


def obstacle(
    connection: Connection, boundary: Boundary, approval: str, person: Principal
) -> ApprovalError | None:
    """Return why this person may not permit this at once now, or None."""
    row = connection.execute(select(t.approval).where(t.approval.c.id == approval)).one()
    try:
        may_take_part(boundary, row, person, row.digest)
        may_break(connection, boundary, row, person)
    except ApprovalError as error:
        return error
    return None


def may_break(connection: Connection, boundary: Boundary, row: Row[Any], person: Principal) -> dict[str, Any]:
    """Return what an emergency takes here, if this person may use it. Raises ``ApprovalError``."""
    emergency: dict[str, Any] | None = json.loads(row.terms).get("emergency")
    bars = separation.bars(connection, row)
    if person.id in bars:
        raise separation.refusal(bars[person.id], may_decide(connection, boundary, row))
    known = boundary.directory().people.get(person.id)
    if emergency is None or known is None or not set(emergency["who"]) <= set(known.groups):
        groups = " and ".join(emergency["who"]) if emergency else ""
        raise ApprovalError(
            "BH-APR-030",
            f"{person.id} may not permit this in an emergency",
            means=f"It takes a member of {groups}." if groups else "Its rules know no emergency.",
            fix="Answer the question, or ask those who are asked.",
        )
    return emergency


def _review(
    boundary: Boundary,
    shown: Mapping[str, Any],
    emergency: Mapping[str, Any],
    person: Principal,
    reason: str,
    between: tuple[str, str],
) -> Question:
    owner = boundary.directory().owner.person
    asked = Question.from_value(shown)
    return replace(
        asked,
        id=new_id("apr", boundary.clock),
        position=f"{asked.position}.review",
        title=f"Was it in order that {person.id} permitted in an emergency: {asked.title}",
        asked_because=tuple(emergency["questions"]),
        reasons=(f"{person.id} said: {reason}", f"{owner} answers for this review."),
        rules=tuple(emergency["rules"]),
        who=quorum.words(_needs(emergency)),
        quorum=sum(people for _, people in _needs(emergency)),
        opened_at=between[0],
        due_at=between[1],
        bound="",
        supersedes="",
        changed=(),
    )


def _needs(emergency: Mapping[str, Any]) -> quorum.Needs:
    return tuple(Need(group, people) for group, people in emergency["needs"])
