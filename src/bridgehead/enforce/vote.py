"""One person's answer to what they were shown. The vote, its entry and what follows commit together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, insert, or_, select, update

from bridgehead.enforce import delegate, incidents, separation, tally
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.close import Then, both, close, entry, locked, pointed
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import tables as t

Answer = Literal["approve", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a question stands after a vote: its state, and how many more people must agree."""

    approval: str
    state: str
    still_needed: int


class Right(NamedTuple):
    """By whose right somebody answers: their own, or that of ``on_behalf_of`` under a delegation."""

    on_behalf_of: str = ""
    delegation: str = ""


def vote(
    boundary: Boundary,
    approval: str,
    voter: Principal,
    answer: Answer,
    digest: str,
    reason: str,
    on_behalf_of: str = "",
) -> Standing:
    """Count one person's answer to what they were shown (``digest``).

    ``on_behalf_of`` names whose delegation is used; without it people answer by their own right, and
    by a delegation only where they have none. Raises ``ApprovalError``: BH-APR-001 unknown, 002 closed,
    003 the question changed, 004 own request, 005 not asked, 006 answered already, 007 switched off,
    020 to 022 somebody else must decide.
    """

    def work(connection: Connection) -> Work:
        row = locked(connection, approval)
        now = stamp(boundary.clock.now())
        right = may_answer(connection, boundary, row, voter, digest, on_behalf_of)
        add_vote(connection, row, voter, answer, now, right)
        fields = {"answer": answer} | ({"by": [voter.id, right.on_behalf_of]} if right.delegation else {})
        body = {"reason": reason, "assurance": voter.assurance}
        voted = entry("approval.voted", row, fields, body, f"human:{voter.id}")
        state, needed = tally.state(connection, boundary, row)
        standing = Standing(approval=approval, state=state, still_needed=needed)
        if state == "open":
            return Work(drafts=(voted,), value=standing, then=point_vote(approval, voter.id))
        closed = close(connection, boundary, row, state, reason, f"human:{voter.id}")
        more: tuple[Draft, ...] = ()
        if row.kind == "review" and state == "refused":
            words = f"{voter.id} found that the emergency was not in order: {reason or 'no reason given'}"
            more = (incidents.of_question(connection, boundary, row, f"emergency:{row.id}", words),)
        then = both(point_vote(approval, voter.id), pointed(approval, "closed_entry", 1))
        return Work(drafts=(voted, closed, *more), value=standing, then=then)

    standing: Standing = boundary.ledger.append(work).value
    return standing


def obstacle(
    connection: Connection, boundary: Boundary, approval: str, voter: Principal, on_behalf_of: str = ""
) -> ApprovalError | None:
    """Return why this person's answer would not count now, or None: what a page says beside its buttons."""
    row = connection.execute(select(t.approval).where(t.approval.c.id == approval)).one()
    try:
        may_answer(connection, boundary, row, voter, row.digest, on_behalf_of)
    except ApprovalError as error:
        return error
    return None


def may_answer(
    connection: Connection,
    boundary: Boundary,
    row: Row[Any],
    voter: Principal,
    digest: str,
    on_behalf_of: str = "",
) -> Right:
    """Return by whose right somebody may answer this question now. Raises ``ApprovalError`` as ``vote``."""
    may_take_part(boundary, row, voter, digest)
    right = _right(connection, boundary, row, voter, on_behalf_of)
    answered = _answered(connection, row.id, {voter.id, right.on_behalf_of} - {""})
    if answered:
        raise ApprovalError(
            "BH-APR-006",
            f"{answered} has answered already",
            means="One person counts once, and so do a delegate and whoever delegated.",
        )
    return right


def may_take_part(boundary: Boundary, row: Row[Any], person: Principal, digest: str) -> None:
    """Raise ``ApprovalError`` unless this person is here, the question is open and is the one they saw."""
    known = boundary.directory().people.get(person.id)
    if known is None or not known.active or person.kind != "human":
        raise ApprovalError("BH-APR-007", f"{person.id} does not take part in this deployment any more")
    # A review is owed even when it is late.
    over = row.kind != "review" and row.due_at <= stamp(boundary.clock.now())
    if row.state != "open" or over:
        raise closed()
    if digest != row.digest:
        raise ApprovalError(
            "BH-APR-003",
            "the question has changed since you saw it",
            means="Your answer was not counted.",
            fix="Read it again and answer again.",
        )


def closed() -> ApprovalError:
    """Return the error for an answer that came too late."""
    return ApprovalError(
        "BH-APR-002",
        "the question is closed",
        means="Your answer came after the decision and does not count.",
    )


def add_vote(
    connection: Connection, row: Row[Any], voter: Principal, answer: Answer, now: str, right: Right
) -> None:
    """Insert the row of a vote."""
    # A yes that fell with its delegation makes room for another by the same person.
    connection.execute(
        t.vote.delete().where(
            t.vote.c.approval == row.id, t.vote.c.principal == voter.id, t.vote.c.delegation.in_(_ended())
        )
    )
    connection.execute(
        insert(t.vote).values(
            approval=row.id,
            principal=voter.id,
            answer=answer,
            digest=row.digest,
            assurance=voter.assurance,
            at=now,
            **right._asdict(),
        )
    )


def point_vote(approval: str, voter: str) -> Then:
    """Return the step that stores the index of the first entry in a vote."""

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        connection.execute(
            update(t.vote)
            .where(t.vote.c.approval == approval, t.vote.c.principal == voter)
            .values(entry=written[0].index)
        )

    return then


def may_decide(connection: Connection, boundary: Boundary, row: Row[Any]) -> set[str]:
    """Return everybody who may decide this question by their own right."""
    charter, bars = boundary.directory(), separation.bars(connection, row)
    return {
        person for person in charter.people if person not in bars and tally.stands_for(charter, row, person)
    }


def _right(
    connection: Connection, boundary: Boundary, row: Row[Any], voter: Principal, on_behalf_of: str
) -> Right:
    charter, bars = boundary.directory(), separation.bars(connection, row)
    if voter.id in bars:
        raise separation.refusal(bars[voter.id], may_decide(connection, boundary, row))
    if on_behalf_of in ("", voter.id) and tally.stands_for(charter, row, voter.id):
        return Right()
    now = stamp(boundary.clock.now())
    held = delegate.held_by(connection, voter.id, json.loads(row.rules), now)
    usable = [
        each
        for each in held
        if on_behalf_of in ("", each.delegator) and tally.stands_for(charter, row, each.delegator)
    ]
    free = [each for each in usable if each.delegator not in bars]
    if usable and not free:
        raise separation.refusal(bars[usable[0].delegator], may_decide(connection, boundary, row))
    if not free:
        raise ApprovalError(
            "BH-APR-005",
            f"{voter.id} was not asked" + (f" in place of {on_behalf_of}" if on_behalf_of else ""),
            means=f"This question is for {' and '.join(group for group, _ in tally.needs_of(row))}.",
        )
    # Whoever has not answered yet is answered for first.
    chosen = min(free, key=lambda each: bool(_answered(connection, row.id, {each.delegator})))
    return Right(chosen.delegator, chosen.id)


def _answered(connection: Connection, approval: str, people: Iterable[str]) -> str:
    """Return who of these people answered, themselves or through a delegate; empty for nobody."""
    wanted = sorted(people)
    found = connection.execute(
        select(t.vote.c.principal, t.vote.c.on_behalf_of).where(
            t.vote.c.approval == approval,
            or_(t.vote.c.principal.in_(wanted), t.vote.c.on_behalf_of.in_(wanted)),
            or_(t.vote.c.answer == "refuse", t.vote.c.delegation.not_in(_ended())),
        )
    ).first()
    if found is None:
        return ""
    return str(found.principal if found.principal in wanted else found.on_behalf_of)


def _ended() -> Any:
    return select(t.delegation.c.id).where(t.delegation.c.ended_at.is_not(None))
