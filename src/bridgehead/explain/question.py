"""One question to people, as one viewer sees it: what was asked, who answered, what it rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.declare.model import Charter
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.question import UNENDORSED, Question
from bridgehead.enforce.vote import may_decide
from bridgehead.explain import words
from bridgehead.explain.differences import Difference
from bridgehead.explain.differences import differences as compare
from bridgehead.explain.inbox import asked_of, groups, requesters, shown, why_not
from bridgehead.explain.recorded import Book, Recorded, at_position, entries_of, entry_at
from bridgehead.explain.standing import GroupLine, MayDo, RungLine, groups_asked, ladder, may_do, name_of
from bridgehead.explain.strip import Asked, Step, strip
from bridgehead.explain.viewer import Viewer
from bridgehead.explain.weigh import Point, is_old, weigh
from bridgehead.store.tables import approval, crossing, run, vote


@dataclass(frozen=True, slots=True, kw_only=True)
class FactLine:
    """A fact the question rests on. ``old`` marks one read more than an hour ago."""

    name: str
    value: str
    source: str
    as_of: str
    age: str
    old: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueLine:
    """A value nothing stands behind: which argument it is, what it is, and where it came from."""

    argument: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteLine:
    """One person's answer."""

    person: str
    name: str
    answer: str
    at: str
    reason: str
    digest: str
    entry: int | None
    in_place_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionView:
    """A question and everything beside it on the page.

    ``arguments`` are what is asked about, as people read it, each with its name.
    ``why_not`` is empty when the viewer may answer; ``others`` are the people who can.
    ``read_with`` and ``read_at`` are set where all facts come from one place at one time.
    ``successor`` is the question that took this one's place, with the ``differences``; ``predecessor`` the
    one whose place it took, with what ``changed``. ``kind`` is question, emergency or review.
    """

    id: str
    run: str
    position: str
    run_title: str
    release: str
    state: str
    state_words: str
    digest: str
    question: Question | None
    effect_words: str
    arguments: tuple[tuple[str, Any], ...]
    facts: tuple[FactLine, ...]
    values: tuple[ValueLine, ...]
    read_with: str
    read_at: str
    points: tuple[Point, ...]
    strip: tuple[Step, ...]
    votes: tuple[VoteLine, ...]
    quorum: int
    still_needed: int
    who: str
    who_words: str
    why_not: str
    others: tuple[str, ...]
    opened_at: str
    due_at: str
    left: str
    closed_at: str
    opened_entry: int
    closed_entry: int | None
    next: str
    previous: str
    successor: str
    differences: tuple[Difference, ...]
    kind: str
    predecessor: str
    changed: tuple[Difference, ...]
    changed_by: str
    asked_groups: tuple[GroupLine, ...]
    ladder: tuple[RungLine, ...]
    may: MayDo
    valid_until: str


def question(
    connection: Connection, boundary: Boundary, viewer: Viewer, approval_id: str
) -> QuestionView | None:
    """Return one question for a viewer; None when there is none, or none this viewer may see.

    People of the group that is asked see it, and whoever may read the runs' content.
    """
    row = connection.execute(select(approval).where(approval.c.id == approval_id)).first()
    if row is None or not may_see(connection, boundary, row, viewer):
        return None
    book, charter, now = boundary.ledger, boundary.directory(), boundary.clock.now()
    asked = shown(connection, book, row)
    entries = entries_of(connection, book, row.run, bodies=False)
    votes = _votes(connection, book, charter, row.id)
    lines = groups_asked(connection, boundary, row)
    agreed = row.quorum - sum(line.still for line in lines)
    successor = _successor(connection, row)
    return QuestionView(
        id=row.id,
        run=row.run,
        position=row.position,
        run_title=_run_title(connection, row.run),
        release=asked.release if asked else "",
        state=row.state,
        state_words=words.APPROVAL.get(row.state, row.state),
        digest=row.digest,
        question=asked,
        effect_words=_effect(asked) if asked else "",
        arguments=arguments(asked) if asked else (),
        facts=(facts := tuple(line for line in _facts(asked, now) if not line.name.endswith(UNENDORSED))),
        values=_values(asked),
        read_with=_same([fact.source for fact in facts]),
        read_at=_same([fact.as_of for fact in facts]),
        points=weigh(connection, asked, row, entries, now) if asked else (),
        strip=_strip(connection, row, entries, agreed),
        votes=votes,
        quorum=row.quorum,
        still_needed=sum(line.still for line in lines),
        who=" and ".join(groups(row)),
        who_words=" ".join(line.description for line in lines),
        why_not=why_not(connection, boundary, viewer, row.id),
        others=_others(connection, boundary, row, {viewer.id, *(item.person for item in votes)}),
        opened_at=row.opened_at,
        due_at=row.due_at,
        left=words.until(row.due_at, now),
        closed_at=row.closed_at or "",
        opened_entry=row.opened_entry,
        closed_entry=row.closed_entry,
        next=_neighbour(connection, boundary, viewer, row, later=True),
        previous=_neighbour(connection, boundary, viewer, row, later=False),
        successor=successor.id if successor is not None else "",
        differences=compare(asked, shown(connection, book, successor)) if successor is not None else (),
        kind=row.kind,
        predecessor=row.supersedes,
        changed=_changed(asked),
        changed_by=name_of(charter, asked.changed_by) if asked and asked.changed_by else "",
        asked_groups=lines,
        ladder=ladder(row),
        may=may_do(connection, boundary, row, viewer, asked),
        valid_until=row.valid_until or "",
    )


def _changed(asked: Question | None) -> tuple[Difference, ...]:
    changed = asked.changed if asked else ()
    return tuple(Difference(name=each.name, was=each.was, now=each.now) for each in changed)


def may_see(connection: Connection, boundary: Boundary, row: Row[Any], viewer: Viewer) -> bool:
    """Say whether a viewer may see a question (a row of ``approval``).

    They are asked, or asked themselves, or see everything that was recorded.
    """
    emergency = json.loads(row.terms).get("emergency") or {}
    concerned = {*groups(row), *json.loads(row.wider), *emergency.get("who", ())}
    if viewer.groups & concerned or viewer.id in requesters(row) or viewer.may("bodies"):
        return True
    asked = select(approval.c.id).where(approval.c.id == row.id, asked_of(connection, boundary, viewer))
    return connection.execute(asked).first() is not None


def _facts(asked: Question | None, now: datetime) -> tuple[FactLine, ...]:
    return tuple(
        FactLine(
            name=fact.name.replace("_", " "),
            value=fact.value,
            source=fact.source,
            as_of=fact.as_of,
            age=words.age(fact.as_of, now) if fact.as_of else "",
            old=is_old(fact.as_of, now),
        )
        for fact in (asked.facts if asked else ())
    )


def _values(asked: Question | None) -> tuple[ValueLine, ...]:
    return tuple(
        ValueLine(argument=fact.name.removesuffix(UNENDORSED), value=fact.value, source=fact.source)
        for fact in (asked.facts if asked else ())
        if fact.name.endswith(UNENDORSED)
    )


def _same(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else ""


def _effect(asked: Question) -> str:
    """Return what the action does, as sentences; whether it can be taken back is the question's own text."""
    if asked.only_asks:
        return ""
    change = "It changes nothing." if asked.effect == "read" else "It changes a record in another system."
    return change + (" It leaves the company." if asked.outward else "")


def arguments(asked: Question) -> tuple[tuple[str, Any], ...]:
    """Return what is asked about, name by name: an action's arguments, or what a question rests on.

    Nothing the digest binds to is left out; a question's own text is its title.
    """
    if not asked.only_asks:
        return tuple(asked.arguments.items())
    rest = {name: value for name, value in asked.arguments.items() if name not in ("question", "evidence")}
    evidence = asked.arguments.get("evidence")
    said = rest | (
        dict(evidence) if isinstance(evidence, Mapping) else {"evidence": evidence} if evidence else {}
    )
    return tuple((name.replace("_", " "), _in_words(value)) for name, value in said.items())


def _in_words(value: Any) -> Any:
    """Return names with their values as text, the groups of an undo in words; anything else as it is."""
    if not isinstance(value, Mapping):
        return value
    return "; ".join(
        f"{each} {words.GROUP[name]}" if name in words.GROUP else f"{name}: {each}"
        for name, each in value.items()
    )


def _votes(connection: Connection, book: Book, charter: Charter, approval_id: str) -> tuple[VoteLine, ...]:
    rows = connection.execute(select(vote).where(vote.c.approval == approval_id).order_by(vote.c.at)).all()
    lines = []
    for row in rows:
        written = entry_at(connection, book, row.entry) if row.entry is not None else None
        person = charter.people.get(row.principal)
        lines.append(
            VoteLine(
                person=row.principal,
                name=person.name if person else row.principal,
                answer=row.answer,
                at=row.at,
                reason=str(written.said("reason", "")) if written else "",
                digest=row.digest,
                entry=row.entry,
                in_place_of=name_of(charter, row.on_behalf_of) if row.on_behalf_of else "",
            )
        )
    return tuple(lines)


def _others(connection: Connection, boundary: Boundary, row: Row[Any], but: set[str]) -> tuple[str, ...]:
    """Return the names of the people who can still answer by their own right."""
    charter = boundary.directory()
    return tuple(name_of(charter, each) for each in sorted(may_decide(connection, boundary, row) - but))


def _run_title(connection: Connection, run_id: str) -> str:
    return str(connection.execute(select(run.c.title).where(run.c.id == run_id)).scalar_one())


def _strip(
    connection: Connection, row: Row[Any], entries: tuple[Recorded, ...], agreed: int
) -> tuple[Step, ...]:
    place = connection.execute(
        select(crossing.c.state).where(crossing.c.run == row.run, crossing.c.position == row.position)
    ).scalar()
    return strip(at_position(entries, row.position), place or "asked", asked(row, agreed))


def asked(row: Row[Any], agreed: int) -> Asked:
    """Return what the strip says about an approval."""
    said = {
        "open": f"{agreed} of {row.quorum} agreed",
        "approved": f"{agreed} of {row.quorum} agreed",
        "used": f"{agreed} of {row.quorum} agreed",
        "refused": "refused by people",
        "expired": "nobody answered",
        "superseded": "changed, asked again",
        "revoked": "revoked",
    }
    if row.kind == "emergency":
        said |= dict.fromkeys(("approved", "used"), "permitted in an emergency")
    return Asked(
        state=row.state,
        opened_at=row.opened_at,
        closed_at=row.closed_at or "",
        words=said.get(row.state, row.state),
        entry=row.closed_entry if row.closed_entry is not None else row.opened_entry,
    )


def _neighbour(
    connection: Connection, boundary: Boundary, viewer: Viewer, row: Row[Any], *, later: bool
) -> str:
    """Return the id of the next (or previous) open question to the viewer's groups, by due time."""
    column = approval.c.due_at
    place = (column > row.due_at) | ((column == row.due_at) & (approval.c.id > row.id))
    if not later:
        place = (column < row.due_at) | ((column == row.due_at) & (approval.c.id < row.id))
    order = (column, approval.c.id) if later else (column.desc(), approval.c.id.desc())
    voted = select(vote.c.approval).where(vote.c.principal == viewer.id)
    found = connection.execute(
        select(approval.c.id)
        .where(asked_of(connection, boundary, viewer), approval.c.state == "open", place)
        .where(approval.c.id.not_in(voted))
        .order_by(*order)
        .limit(1)
    ).scalar()
    return found or ""


def _successor(connection: Connection, row: Row[Any]) -> Row[Any] | None:
    if row.state != "superseded":
        return None
    return connection.execute(
        select(approval)
        .where(approval.c.run == row.run, approval.c.position == row.position, approval.c.id != row.id)
        .where(approval.c.opened_at >= row.opened_at)
        .order_by(approval.c.opened_at.desc())
        .limit(1)
    ).first()
