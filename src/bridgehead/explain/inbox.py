"""What waits for people, for one viewer: what they may answer first, by due time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, false, func, or_, select

from bridgehead.enforce.approve import obstacle
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.delegate import held_by
from bridgehead.enforce.question import Question
from bridgehead.enforce.tally import OWNER, needs_of
from bridgehead.explain import words
from bridgehead.explain.figures import Figure
from bridgehead.explain.recorded import Book
from bridgehead.explain.viewer import Viewer
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.quorum import words as quorum_words
from bridgehead.store.tables import approval, vote

LIMIT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One question in a list. ``mine`` says the viewer may answer; ``why_not`` says why they may not.

    ``needs`` says how many of which groups must agree; ``changed`` that it takes another one's place.
    """

    id: str
    run: str
    title: str
    amount: str
    asked_because: str
    asked_by: str
    effect: str
    undo: str
    due_at: str
    left: str
    opened_at: str
    who: str
    quorum: int
    votes: int
    mine: bool
    why_not: str
    stand_in: bool
    entry: int
    kind: str
    needs: str
    changed: bool
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question the viewer answered lately."""

    id: str
    title: str
    answer: str
    at: str
    state: str
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Everything open that the viewer's groups are asked, and what the viewer answered last.

    ``more`` counts open questions beyond those listed.
    """

    waiting: tuple[Waiting, ...]
    answered: tuple[Answered, ...]
    open: Figure
    more: int


def inbox(connection: Connection, boundary: Boundary, viewer: Viewer, limit: int = LIMIT) -> Inbox:
    """Return the viewer's inbox: questions to their groups, those they may answer first, by due time."""
    ours, now = _open_for(connection, boundary, viewer), boundary.clock.now()
    total = connection.execute(select(func.count()).select_from(ours.subquery())).scalar_one()
    rows = connection.execute(ours.order_by(approval.c.due_at, approval.c.id).limit(limit)).all()
    voted = _votes(connection, [row.id for row in rows])
    listed = [_waiting(connection, boundary, row, viewer, now, voted.get(row.id, 0)) for row in rows]
    listed.sort(key=lambda item: (not item.mine, item.due_at, item.id))
    return Inbox(
        waiting=tuple(listed),
        answered=_answered(connection, boundary.ledger, viewer),
        open=Figure(label="open questions", value=str(total), query="approvals-open"),
        more=total - len(listed),
    )


def why_not(connection: Connection, boundary: Boundary, viewer: Viewer, approval_id: str) -> str:
    """Return why the viewer's answer would not count, in the words of the vote itself; empty if it would, and
    where nobody is named who could answer."""
    if not viewer.id:
        return ""
    error = obstacle(connection, boundary, approval_id, viewer.principal("page"))
    if error is None:
        return ""
    return " ".join(part for part in (f"{error.what[:1].upper()}{error.what[1:]}.", error.means) if part)


def requesters(row: Row[Any]) -> frozenset[str]:
    """Return the ids of everyone in the chain that asked for the action."""
    return frozenset(json.loads(row.requester))


def groups(row: Row[Any]) -> tuple[str, ...]:
    """Return the groups that are asked."""
    return tuple(group for group, _ in json.loads(row.who))


def asked_of(connection: Connection, boundary: Boundary, viewer: Viewer) -> ColumnElement[bool]:
    """Return the scope of a viewer's inbox: questions to one of their groups, those widened to them, and
    those they may answer in another's place.

    ``who`` holds ``[["support-leads",1]]``; a group's name holds no quote, so the match is exact.
    """
    charter, now = boundary.directory(), stamp(boundary.clock.now())
    wider = sorted(viewer.groups)
    if viewer.id in (charter.owner.person, charter.owner.deputy):
        wider.append(OWNER)
    in_place_of = [
        and_(
            _of_groups(charter.people[each.delegator].groups),
            or_(*(_holds(approval.c.rules, rule) for rule in each.rules)),
        )
        for each in held_by(connection, viewer.id, (), now)
        if each.delegator in charter.people
    ]
    return or_(_of_groups(viewer.groups), *(_holds(approval.c.wider, name) for name in wider), *in_place_of)


def _of_groups(names: Iterable[str]) -> ColumnElement[bool]:
    return or_(
        false(), *(approval.c.who.contains(f'["{group}",', autoescape=True) for group in sorted(names))
    )


def _holds(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    return column.contains(f'"{name}"', autoescape=True)


def shown(connection: Connection, book: Book, row: Row[Any]) -> Question | None:
    """Return the question as it was put; None once its content was erased."""
    try:
        return Question.from_value(book.body(connection, row.opened_entry)["question"])
    except LedgerError:
        return None


def _open_for(connection: Connection, boundary: Boundary, viewer: Viewer) -> Select[Any]:
    # The scope filter comes first: another group's questions are never read here.
    return select(approval).where(asked_of(connection, boundary, viewer), approval.c.state == "open")


def _votes(connection: Connection, ids: list[str]) -> dict[str, int]:
    found = connection.execute(
        select(vote.c.approval, func.count()).where(vote.c.approval.in_(ids)).group_by(vote.c.approval)
    )
    return {row.approval: row[1] for row in found}


def _waiting(
    connection: Connection, boundary: Boundary, row: Row[Any], viewer: Viewer, now: datetime, votes: int
) -> Waiting:
    asked = shown(connection, boundary.ledger, row)
    barred = why_not(connection, boundary, viewer, row.id)
    return Waiting(
        id=row.id,
        run=row.run,
        title=asked.title if asked else "A question whose content was erased",
        amount=asked.amount if asked else "",
        asked_because=" ".join(asked.asked_because) if asked else "",
        asked_by=asked.requester if asked else "",
        effect=asked.effect if asked else "",
        undo=asked.can_be_undone if asked else "",
        due_at=row.due_at,
        left=words.until(row.due_at, now),
        opened_at=row.opened_at,
        who=" and ".join(groups(row)),
        quorum=row.quorum,
        votes=votes,
        mine=bool(viewer.id) and not barred,
        why_not=barred,
        stand_in=bool(asked and asked.stand_in),
        entry=row.opened_entry,
        kind=row.kind,
        needs=quorum_words(needs_of(row)),
        changed=bool(row.supersedes),
        digest=row.digest,
    )


def _answered(connection: Connection, book: Book, viewer: Viewer) -> tuple[Answered, ...]:
    rows = connection.execute(
        select(approval, vote.c.answer, vote.c.at, vote.c.entry.label("voted_entry"))
        .join(vote, vote.c.approval == approval.c.id)
        .where(vote.c.principal == viewer.id)
        .order_by(vote.c.at.desc())
        .limit(5)
    ).all()
    return tuple(
        Answered(
            id=row.id,
            title=asked.title if (asked := shown(connection, book, row)) else "content erased",
            answer="approved" if row.answer == "approve" else "refused",
            at=row.at,
            state=words.APPROVAL.get(row.state, row.state),
            entry=row.voted_entry if row.voted_entry is not None else row.opened_entry,
        )
        for row in rows
    )
