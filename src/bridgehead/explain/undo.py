"""One undo item by item: what was, is or would be taken back, and what came of it, for doors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.enforce import recall, unclear
from bridgehead.enforce.boundary import Boundary
from bridgehead.explain import words
from bridgehead.explain.balance import MoneyLine, money_lines, sentence
from bridgehead.explain.question import may_see
from bridgehead.explain.runs import waits_for
from bridgehead.explain.undos import standing, title_of
from bridgehead.explain.viewer import Viewer
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.kernel.money import Money
from bridgehead.kernel.undoing import outcome
from bridgehead.store import tables as t

GROUP_WORDS = words.GROUP
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
class GroupLine:
    """How many effects a group of the plan has."""

    group: str
    number: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One effect of an undo: what it was, and what became or will become of it.

    ``saga`` is the run that takes it back; ``question`` the open approval of its compensation.
    """

    number: int
    run: str
    run_title: str
    position: str
    target: str
    words: str
    amount: str
    currency: str
    amount_words: str
    group: str
    outcome: str
    outcome_words: str
    why: str
    after: int
    person: str
    due_at: str
    saga: str
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedLine:
    """An effect that is planned otherwise than in the plan its orderer saw."""

    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoView:
    """One undo, whole. ``sentence`` says how it stands; ``next`` says what to do now.

    ``question`` is the open approval of its plan, ``questions`` those of its compensations, too;
    ``agreement`` the approval of the plan whatever became of it, with who said yes. ``changed`` lists what
    is otherwise than in the plan of digest ``expected``. ``waiting`` and ``fault`` say why it does not go on.
    ``person`` sees until ``due_at`` to what is not taken back.
    """

    id: str
    scope: str
    target: str
    title: str
    state: str
    words: str
    sentence: str
    ordered_by: str
    created_at: str
    ended_at: str
    rate: str
    run: str
    plan_digest: str
    expected: str
    changed: tuple[ChangedLine, ...]
    plan_entry: int | None
    ordered_entry: int | None
    certificate_entry: int | None
    question: str
    questions: tuple[str, ...]
    agreement: str
    agreed_by: tuple[str, ...]
    at_rest: bool
    waiting: str
    fault: bool
    groups: tuple[GroupLine, ...]
    outcomes: tuple[GroupLine, ...]
    money: tuple[MoneyLine, ...]
    items: tuple[ItemLine, ...]
    person: str
    due_at: str
    next: tuple[str, ...]


def undo_view(connection: Connection, undo: str) -> UndoView | None:
    """Return one undo; None where there is none."""
    row = connection.execute(select(t.undo).where(t.undo.c.id == undo)).first()
    return None if row is None else _view(connection, row)


def asked_about(connection: Connection, run: str) -> UndoView | None:
    """Return the undo whose plan the question of a run is about; None for a run that asks anything else."""
    row = connection.execute(select(t.undo).where(t.undo.c.run == run)).first()
    return None if row is None else _view(connection, row)


def undo_for(connection: Connection, boundary: Boundary, viewer: Viewer, undo: str) -> UndoView | None:
    """Return one undo for a viewer; None where there is none, or none this viewer may see.

    Whoever is asked about the plan sees the plan. Another viewer who may not see runs gets what a release's
    undo came to, in numbers, and not its effects.
    """
    view = undo_view(connection, undo)
    if view is None or viewer.may("runs") or _is_asked(connection, boundary, viewer, view.agreement):
        return view
    if view.scope == "run" or not viewer.may("deployments"):
        return None
    return replace(view, items=(), changed=(), run="", question="", questions=(), agreement="", next=())


def titled(
    connection: Connection, boundary_of: Callable[[str], Boundary], items: Iterable[ItemLine]
) -> tuple[ItemLine, ...]:
    """Return items with the words each effect was recorded with, where they are still known."""
    return tuple(replace(item, words=_headline(connection, boundary_of, item)) for item in items)


def counted(words: Mapping[str, str], numbers: Mapping[str, int]) -> tuple[GroupLine, ...]:
    """Return numbers with their words, in the order of the words; what is none is left out."""
    return tuple(
        GroupLine(group=name, number=numbers[name], words=said)
        for name, said in words.items()
        if numbers.get(name)
    )


def _view(connection: Connection, row: Row[Any]) -> UndoView:
    asked = _questions(connection, row)
    items = _items(connection, row, asked)
    state, stands = standing(connection, row)
    own = connection.execute(select(t.run.c.status, t.run.c.waiting_for).where(t.run.c.id == row.run)).first()
    agreement, agreed_by = _agreement(connection, row)
    outcomes = counted(OUTCOME_WORDS, Counter(item.outcome for item in items))
    planned = counted(GROUP_WORDS, Counter(item.group for item in items))
    money = money_lines(items)
    said = row.plan_digest and sentence(row.state, planned, outcomes, money)
    questions = [one.id for one in asked]
    rest = next((item for item in items if item.person and item.outcome != "pending"), None)
    return UndoView(
        id=row.id,
        scope=row.scope,
        target=row.target,
        title=title_of(connection, row),
        state=state,
        words=f"{row.scope.capitalize()} {row.target[:16]}: {stands}",
        sentence=said or f"The {row.scope}: {stands}.",
        ordered_by=row.ordered_by,
        created_at=row.created_at,
        ended_at=row.ended_at or "",
        rate=row.rate,
        run=row.run,
        plan_digest=row.plan_digest,
        expected=row.expected,
        changed=_changed(connection, row, items),
        plan_entry=row.plan_entry,
        ordered_entry=row.ordered_entry,
        certificate_entry=row.certificate_entry,
        question=questions[0] if row.state == "asking" and questions else "",
        questions=tuple(questions),
        agreement=agreement,
        agreed_by=agreed_by,
        at_rest=state in ("planned", "ended", "refused", "dropped") or bool(questions),
        waiting=waits_for("stop") if own is not None and own.waiting_for.startswith("stop") else "",
        fault=own is not None and own.status == "failed",
        groups=planned,
        outcomes=outcomes,
        money=money,
        items=items,
        person=rest.person if rest else "",
        due_at=rest.due_at if rest else "",
        next=() if state == "dropped" else _next(row, questions),
    )


def _questions(connection: Connection, row: Row[Any]) -> Sequence[Row[Any, Any, Any]]:
    """Return the open questions of an undo and of its sagas."""
    sagas = select(t.undo_item.c.saga).where(t.undo_item.c.undo == row.id, t.undo_item.c.saga != "")
    return connection.execute(
        select(t.approval.c.id, t.approval.c.run, t.approval.c.position)
        .where(t.approval.c.state == "open", (t.approval.c.run == row.run) | t.approval.c.run.in_(sagas))
        .order_by(t.approval.c.opened_at)
    ).all()


def _agreement(connection: Connection, row: Row[Any]) -> tuple[str, tuple[str, ...]]:
    """Return the latest question about the plan, and who said yes to it."""
    asked = connection.execute(
        select(t.approval.c.id)
        .where(t.approval.c.run == row.run, t.approval.c.position == "agree")
        .order_by(t.approval.c.opened_at.desc())
        .limit(1)
    ).scalar()
    if asked is None:
        return "", ()
    yes = connection.execute(
        select(t.vote.c.principal)
        .where(t.vote.c.approval == asked, t.vote.c.answer == "approve")
        .order_by(t.vote.c.principal)
    )
    return str(asked), tuple(yes.scalars())


def _is_asked(connection: Connection, boundary: Boundary, viewer: Viewer, agreement: str) -> bool:
    asked = connection.execute(select(t.approval).where(t.approval.c.id == agreement)).first()
    return asked is not None and may_see(connection, boundary, asked, viewer)


def _next(row: Row[Any], questions: list[str]) -> tuple[str, ...]:
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


def _changed(connection: Connection, row: Row[Any], items: Iterable[ItemLine]) -> tuple[ChangedLine, ...]:
    """Return what is otherwise than in the plan its orderer saw, where that plan is kept."""
    if not row.expected or not row.plan_digest or row.expected == row.plan_digest:
        return ()
    seen = connection.execute(
        select(t.undo).where(t.undo.c.target == row.target, t.undo.c.plan_digest == row.expected)
    ).first()
    if seen is None:
        return ()
    was = {_name(item): _planned(item.group) for item in _items(connection, seen, ())}
    now = {_name(item): _planned(item.group) for item in items}
    return tuple(
        ChangedLine(name=name, was=was.get(name, "not in it"), now=now.get(name, "not in it"))
        for name in {**was, **now}
        if was.get(name) != now.get(name)
    )


def _name(item: ItemLine) -> str:
    return f"{item.target} at {item.position} in {item.run_title} ({item.run})"


def _planned(group: str) -> str:
    return GROUP_WORDS[group].partition(":")[0]


def _items(
    connection: Connection, row: Row[Any], asked: Iterable[Row[Any, Any, Any]]
) -> tuple[ItemLine, ...]:
    questions = {(one.run, one.position): one.id for one in asked}
    found = connection.execute(
        select(t.undo_item, t.run.c.title.label("run_title"))
        .outerjoin(t.run, t.run.c.id == t.undo_item.c.run)
        .where(t.undo_item.c.undo == row.id)
        .order_by(t.undo_item.c.number)
    )
    return tuple(_item(one, row.state, questions.get((one.saga, str(one.number)), "")) for one in found)


def _item(row: Row[Any], state: str, question: str) -> ItemLine:
    what = outcome(row.group, row.state, state)
    settled = what in ("undone", "nothing")
    return ItemLine(
        number=row.number,
        run=row.run,
        run_title=row.run_title or row.run,
        position=row.position,
        target=row.target,
        words=f"{row.target} ({row.run} at {row.position})",
        amount=row.amount,
        currency=row.currency,
        amount_words=_money(row.amount, row.currency),
        group=row.group,
        outcome=what,
        outcome_words=OUTCOME_WORDS[what],
        why=row.why,
        after=row.after,
        person="" if settled else row.person,
        due_at="" if settled else row.due_at,
        saga=row.saga,
        question=question,
    )


def _headline(connection: Connection, boundary_of: Callable[[str], Boundary], item: ItemLine) -> str:
    of_run = recall.run_row(connection, item.run)
    row = connection.execute(
        select(t.crossing).where(t.crossing.c.run == item.run, t.crossing.c.position == item.position)
    ).first()
    if of_run is None or row is None:
        return item.target
    try:
        return unclear.headline(connection, boundary_of(of_run.release), row, of_run)
    except BridgeheadError:  # a release whose files are not here any more: its own words are lost with it
        return item.target


def _money(amount: str, currency: str) -> str:
    if not amount:
        return ""
    return str(Money(amount=Decimal(amount), currency=currency)) if currency else amount
