"""A yes is taken back: until the claim it wins, afterwards it is on record and says what is left to do.

The row of the question decides: the claim makes it ``used`` only where it is ``approved``, this makes it
``revoked`` only where it is not used. One of them wins; both are recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from bridgehead.enforce import incidents
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.close import Then, entry, go_on, locked, pointed
from bridgehead.enforce.reason import given
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import tables as t


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """How it went: ``in_time`` when the action will not happen, ``words`` for the person."""

    approval: str
    in_time: bool
    words: str


def revoke(boundary: Boundary, approval: str, person: Principal, reason: str) -> Revocation:
    """Take back a yes that this person gave, or that was given in their place.

    One person's is enough: what they agreed to is not done. Raises ``ApprovalError``: BH-APR-001
    unknown, 007 switched off, 025 no yes of theirs, 026 nothing left to take back, 027 no reason.
    """
    why = given(reason)

    def work(connection: Connection) -> Work:
        row = locked(connection, approval)
        may_revoke(connection, boundary, row, person)
        if row.kind == "review":
            return _of_a_review(connection, boundary, row, person, why)
        in_time = row.state in ("open", "approved")
        now = stamp(boundary.clock.now())
        if in_time:
            connection.execute(
                update(t.approval)
                .where(t.approval.c.id == approval)
                .values(state="revoked", closed_at=now, next_rung_at=None)
            )
            go_on(connection, row.run, now)
        fields = {
            "answer": "in time" if in_time else "too late",
            "state": "revoked" if in_time else row.state,
        }
        body = {"reason": why, "assurance": person.assurance}
        taken_back = entry("approval.revoked", row, fields, body, f"human:{person.id}")
        then: Then = pointed(approval, "closed_entry" if in_time else "late_revocation", 0)
        words = _IN_TIME if in_time else _too_late(row.run, _effect(connection, row))
        value = Revocation(approval=approval, in_time=in_time, words=words)
        return Work(drafts=(taken_back,), value=value, then=then)

    revocation: Revocation = boundary.ledger.append(work).value
    return revocation


def _of_a_review(
    connection: Connection, boundary: Boundary, row: Row[Any], person: Principal, why: str
) -> Work:
    """Take a yes out of a review: an open one stays owed, one that was made is its owner's to look at."""
    theirs = or_(t.vote.c.principal == person.id, t.vote.c.on_behalf_of == person.id)
    connection.execute(t.vote.delete().where(t.vote.c.approval == row.id, theirs))
    made = row.state == "approved"
    body = {"reason": why, "assurance": person.assurance}
    taken_back = entry("approval.revoked", row, {"state": row.state}, body, f"human:{person.id}")
    more: tuple[Draft, ...] = ()
    if made:
        words = f"{person.id} takes back that the emergency was in order: {why}"
        more = (incidents.of_question(connection, boundary, row, f"emergency:{row.id}", words),)
    said = "The review was made; its owner is told." if made else "The review stays open: it is still owed."
    value = Revocation(approval=row.id, in_time=not made, words=said)
    then = pointed(row.id, "late_revocation", 0) if made else None
    return Work(drafts=(taken_back, *more), value=value, then=then)


def may_revoke(connection: Connection, boundary: Boundary, row: Row[Any], person: Principal) -> None:
    """Raise ``ApprovalError`` unless this person has a yes here that can still be taken back."""
    known = boundary.directory().people.get(person.id)
    if known is None or not known.active or person.kind != "human":
        raise ApprovalError("BH-APR-007", f"{person.id} does not take part in this deployment any more")
    theirs = select(t.vote.c.at).where(
        t.vote.c.approval == row.id,
        t.vote.c.answer == "approve",
        or_(t.vote.c.principal == person.id, t.vote.c.on_behalf_of == person.id),
    )
    if connection.execute(theirs).first() is None:
        raise ApprovalError(
            "BH-APR-025",
            f"{person.id} has not agreed to it, so there is nothing of theirs to take back",
            fix="To say no to an open question, refuse it.",
        )
    if row.state not in ("open", "approved", "used") or row.late_revocation is not None:
        raise ApprovalError(
            "BH-APR-026",
            "there is nothing left to take back",
            means=f"The question is {row.state}.",
            fix="`bridgehead show` tells what became of it.",
        )


_IN_TIME = "The yes is taken back; the action is refused."


def _too_late(run: str, effect: str) -> str:
    undone = f"To have it undone: bridgehead undo {run}"
    final = "Its effect is final: no action takes it back."
    return (
        "It was used before you took it back, so this stops nothing by itself. It is on record; if it "
        f"turns out not to have happened, it is not sent again. {final if effect == 'final' else undone}"
    )


def _effect(connection: Connection, row: Row[Any]) -> str:
    """Return what the charter of the run said of the action: read, write or final."""
    at = (t.crossing.c.run == row.run, t.crossing.c.position == row.position)
    return str(connection.execute(select(t.crossing.c.effect).where(*at)).scalar() or "")
