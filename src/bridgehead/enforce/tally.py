"""Whose yes counts for a question, for which group, and how many more people must agree.

Called by ``vote`` under the lock of the question, and by pages. Never: changes anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.declare.model import Charter
from bridgehead.enforce import separation
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel import quorum
from bridgehead.kernel.quorum import Need, Needs
from bridgehead.store import tables as t

OWNER = "@owner"
"""Stands among those a question was widened to for the owner and the deputy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A group that is asked: how many of it must agree, who stands for it so far, how many are missing."""

    group: str
    needed: int
    agreed: tuple[str, ...]
    still: int


def needs_of(row: Row[Any]) -> Needs:
    """Return how many of which groups must agree to a question."""
    return tuple(Need(group, people) for group, people in json.loads(row.who))


def stands_for(charter: Charter, row: Row[Any], person: str) -> frozenset[str]:
    """Return the groups a person may stand for; whom the question was widened to may stand for any."""
    found = charter.people.get(person)
    if found is None or not found.active:
        return frozenset()
    asked = frozenset(group for group, _ in needs_of(row))
    wider = frozenset(json.loads(row.wider))
    answers_for_it = OWNER in wider and person in (charter.owner.person, charter.owner.deputy)
    return asked if answers_for_it or wider & set(found.groups) else asked & set(found.groups)


def still_agreed(connection: Connection, boundary: Boundary, row: Row[Any]) -> bool:
    """Say whether the yes to a question stands: those who gave it still take part and may decide.

    An emergency's is that of whoever may permit one. A delegation that was ended after the question was
    closed takes nothing back.
    """
    if row.kind != "emergency":
        return not quorum.missing(needs_of(row), agreed(connection, boundary, row))
    people, who = boundary.directory().people, set(json.loads(row.terms)["emergency"]["who"])
    voters = [people.get(vote.principal) for vote in _yes(connection, row.id)]
    return any(voter is not None and voter.active and who <= set(voter.groups) for voter in voters)


def agreed(connection: Connection, boundary: Boundary, row: Row[Any]) -> dict[str, frozenset[str]]:
    """Return those whose yes counts now, in order, each with the groups they may stand for.

    A delegate's yes is that of whoever delegated, and falls when the delegation is ended before
    enough people agreed. Nobody who has left, or may not decide any more, is counted.
    """
    charter, bars = boundary.directory(), separation.bars(connection, row)
    found: dict[str, frozenset[str]] = {}
    for vote in _yes(connection, row.id):
        giver = vote.on_behalf_of or vote.principal
        voter = charter.people.get(vote.principal)
        if voter is None or not voter.active or bars.keys() & {giver, vote.principal}:
            continue
        if vote.delegation and _ended_in_time(vote.delegation_ended, row.closed_at):
            continue
        groups = stands_for(charter, row, giver)
        if groups:
            found[vote.principal] = groups
    return found


def state(connection: Connection, boundary: Boundary, row: Row[Any]) -> tuple[str, int]:
    """Return the state after the votes so far, and how many more people must agree. One no refuses."""
    refused = select(t.vote.c.at).where(t.vote.c.approval == row.id, t.vote.c.answer == "refuse")
    if connection.execute(refused).first() is not None:
        return "refused", 0
    missing = quorum.missing(needs_of(row), agreed(connection, boundary, row))
    return ("open", missing) if missing else ("approved", 0)


def places(connection: Connection, boundary: Boundary, row: Row[Any]) -> tuple[Place, ...]:
    """Return for each group who stands for it and how many are missing: what a page shows."""
    needs = needs_of(row)
    seated = quorum.assign(needs, agreed(connection, boundary, row))
    return tuple(
        Place(group=group, needed=people, agreed=seated[group], still=people - len(seated[group]))
        for group, people in needs
    )


def _ended_in_time(ended: str | None, closed: str | None) -> bool:
    return ended is not None and (closed is None or ended < closed)


def _yes(connection: Connection, approval: str) -> list[Row[Any]]:
    ended = t.delegation.c.ended_at.label("delegation_ended")
    return list(
        connection.execute(
            select(t.vote, ended)
            .outerjoin(t.delegation, t.delegation.c.id == t.vote.c.delegation)
            .where(t.vote.c.approval == approval, t.vote.c.answer == "approve")
            .order_by(t.vote.c.at, t.vote.c.principal)
        ).all()
    )
