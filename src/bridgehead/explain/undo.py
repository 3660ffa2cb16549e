"""What was, is or would be taken back: releases, undos, and one undo item by item, for doors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, Row, func, select

from bridgehead.kernel.money import Money
from bridgehead.kernel.undoing import outcome
from bridgehead.store import tables as t

GROUP_WORDS = {
    "automatic": "taken back once the plan is agreed to",
    "approval": "taken back after somebody agrees to each by itself",
    "impossible": "cannot be taken back: a person sees to them",
    "changed": "left as they are: somebody changed the record since",
    "unknown": "unclear: a person finds out first",
    "nothing": "nothing to do: taken back already, or never happened",
}
STATE_WORDS = {
    "stopping": "its runs are coming to rest and its records are read",
    "looking": "its records are being read",
    "planned": "a plan; nothing was stopped or taken back",
    "asking": "waits until somebody agrees to the plan",
    "running": "is being taken back",
    "ended": "ended",
    "refused": "refused: nothing was taken back",
}
OUTCOME_WORDS = {
    "undone": "taken back",
    "pending": "still to come",
    "refused": "refused",
    "skipped": "left: the record was changed since",
    "person": "needs a person",
    "impossible": "cannot be taken back",
    "unknown": "unclear",
    "nothing": "nothing to do",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLine:
    """One release. ``words`` says whether it is active, stopped or replaced."""

    digest: str
    words: str
    active: bool
    stopped: bool
    runs: int
    open_runs: int
    effects: int
    activated_at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoLine:
    """One undo in a list."""

    id: str
    scope: str
    target: str
    state: str
    words: str
    ordered_by: str
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLine:
    """How many effects a group of the plan has."""

    group: str
    number: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One effect of an undo: what it was, and what became or will become of it."""

    number: int
    run: str
    position: str
    words: str
    amount_words: str
    group: str
    outcome: str
    outcome_words: str
    why: str
    after: int
    person: str
    due_at: str
    saga: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoView:
    """One undo, whole. ``question`` is the open approval of its plan; ``next`` says what to do now."""

    id: str
    scope: str
    target: str
    state: str
    words: str
    ordered_by: str
    created_at: str
    ended_at: str
    plan_digest: str
    expected: str
    plan_entry: int | None
    ordered_entry: int | None
    certificate_entry: int | None
    question: str
    at_rest: bool
    groups: tuple[GroupLine, ...]
    outcomes: tuple[GroupLine, ...]
    items: tuple[ItemLine, ...]
    next: tuple[str, ...]


def releases(connection: Connection) -> tuple[ReleaseLine, ...]:
    """Return every release, the newest first."""
    rows = connection.execute(select(t.release).order_by(t.release.c.activated_at.desc())).all()
    return tuple(_release(connection, row) for row in rows)


def undos(connection: Connection, target: str = "") -> tuple[UndoLine, ...]:
    """Return every undo, or those of one run or release, the newest first."""
    query = select(t.undo).order_by(t.undo.c.created_at.desc(), t.undo.c.id.desc())
    rows = connection.execute(query.where(t.undo.c.target == target) if target else query)
    return tuple(
        UndoLine(
            id=row.id,
            scope=row.scope,
            target=row.target,
            state=row.state,
            words=STATE_WORDS[row.state],
            ordered_by=row.ordered_by,
            created_at=row.created_at,
        )
        for row in rows
    )


def find_release(connection: Connection, beginning: str) -> list[str]:
    """Return the digests of the releases that begin so."""
    rows = connection.execute(
        select(t.release.c.digest).where(t.release.c.digest.startswith(beginning, autoescape=True))
    )
    return [row.digest for row in rows]


def last_executed(connection: Connection, target: str) -> str | None:
    """Return the undo that was last ordered to take something back, whatever became of it."""
    return connection.execute(
        select(t.undo.c.id)
        .where(t.undo.c.target == target, t.undo.c.state.not_in(("looking", "planned")))
        .order_by(t.undo.c.created_at.desc())
        .limit(1)
    ).scalar()


def undo_view(connection: Connection, undo: str) -> UndoView | None:
    """Return one undo; None where there is none."""
    row = connection.execute(select(t.undo).where(t.undo.c.id == undo)).first()
    if row is None:
        return None
    found = connection.execute(
        select(t.undo_item).where(t.undo_item.c.undo == undo).order_by(t.undo_item.c.number)
    ).all()
    items = tuple(_item(item, row.state) for item in found)
    groups, outcomes = Counter(item.group for item in items), Counter(item.outcome for item in items)
    open_questions = _questions(connection, row)
    return UndoView(
        id=row.id,
        scope=row.scope,
        target=row.target,
        state=row.state,
        words=f"{row.scope.capitalize()} {row.target[:16]}: {STATE_WORDS[row.state]}",
        ordered_by=row.ordered_by,
        created_at=row.created_at,
        ended_at=row.ended_at or "",
        plan_digest=row.plan_digest,
        expected=row.expected,
        plan_entry=row.plan_entry,
        ordered_entry=row.ordered_entry,
        certificate_entry=row.certificate_entry,
        question=open_questions[0] if row.state == "asking" and open_questions else "",
        at_rest=row.state in ("planned", "ended", "refused") or bool(open_questions),
        groups=tuple(
            GroupLine(group=name, number=groups[name], words=said)
            for name, said in GROUP_WORDS.items()
            if groups[name]
        ),
        outcomes=tuple(
            GroupLine(group=name, number=outcomes[name], words=said)
            for name, said in OUTCOME_WORDS.items()
            if outcomes[name]
        ),
        items=items,
        next=_next(row, open_questions),
    )


def _questions(connection: Connection, row: Row[tuple[object, ...]]) -> list[str]:
    """Return the open questions of an undo and of its sagas."""
    sagas = select(t.undo_item.c.saga).where(t.undo_item.c.undo == row.id, t.undo_item.c.saga != "")
    found = connection.execute(
        select(t.approval.c.id)
        .where(t.approval.c.state == "open", (t.approval.c.run == row.run) | t.approval.c.run.in_(sagas))
        .order_by(t.approval.c.opened_at)
    )
    return [one.id for one in found]


def _next(row: Row[tuple[object, ...]], questions: list[str]) -> tuple[str, ...]:
    if row.state == "planned":
        what = row.target if row.scope == "run" else f"--release {row.target[:16]}"
        order = f"bridgehead undo {what} --execute --digest {row.plan_digest} --as PERSON --reason WHY"
        return (f"Take it back with: {order}",)
    if questions:
        return tuple(
            f"Somebody who is asked agrees with: bridgehead approve {one} --as PERSON" for one in questions
        )
    if row.state in ("ended", "refused"):
        return ("The certificate: add --certificate.",)
    return ("`bridgehead up` carries it on.",)


def _item(row: Row[tuple[object, ...]], state: str) -> ItemLine:
    what = outcome(row.group, row.state, state)
    settled = what in ("undone", "nothing")
    return ItemLine(
        number=row.number,
        run=row.run,
        position=row.position,
        words=f"{row.target} ({row.run} at {row.position})",
        amount_words=_money(row.amount, row.currency),
        group=row.group,
        outcome=what,
        outcome_words=OUTCOME_WORDS[what],
        why=row.why,
        after=row.after,
        person="" if settled else row.person,
        due_at="" if settled else row.due_at,
        saga=row.saga,
    )


def _money(amount: str, currency: str) -> str:
    if not amount:
        return ""
    return str(Money(amount=Decimal(amount), currency=currency)) if currency else amount


def _release(connection: Connection, row: Row[tuple[object, ...]]) -> ReleaseLine:
    of_it = (t.run.c.release == row.digest, t.run.c.kind == "case")
    runs, effects = connection.execute(
        select(func.count(), func.coalesce(func.sum(t.run.c.effects), 0)).where(*of_it)
    ).one()
    open_runs = connection.execute(
        select(func.count()).where(*of_it, t.run.c.status.in_(("running", "waiting")))
    ).scalar_one()
    words = "stopped" if row.state == "stopped" else "active" if row.active else "replaced"
    return ReleaseLine(
        digest=row.digest,
        words=words,
        active=bool(row.active),
        stopped=row.state == "stopped",
        runs=int(runs),
        open_runs=int(open_runs),
        effects=int(effects),
        activated_at=row.activated_at,
        by=row.activated_by,
    )
