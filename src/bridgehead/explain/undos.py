"""Releases and runs with what was, is or would be taken back of them, as lists for doors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from bridgehead.enforce.rows import BEGUN
from bridgehead.explain.runs import LINES, MADE, RunLine, run_line
from bridgehead.explain.viewer import Viewer
from bridgehead.explain.words import plural
from bridgehead.kernel.undoing import outcome
from bridgehead.store import tables as t
from bridgehead.store.overtaken import overtaken

STATE_WORDS = {
    "stopping": "its runs are coming to rest and its records are read",
    "looking": "its records are being read",
    "planned": "a plan; nothing was stopped or taken back",
    "asking": "waits until somebody agrees to the plan",
    "running": "is being taken back",
    "ended": "ended",
    "refused": "refused: nothing was taken back",
    "dropped": "a plan that was dropped: a newer plan or an order took its place",
}
_AGREED = "agreed, not yet carried on"
PLANS = ("looking", "planned", "dropped")
"""Nothing was ordered: records are read, there is a plan, or none was made in the end."""
UNDER_WAY = ("stopping", "asking", "running")
_EFFECTS = (t.crossing.c.kind == "act", t.crossing.c.effect != "read", BEGUN)

# The ledger knows which of two orders of the same moment came first.
_NEWEST = (t.undo.c.created_at.desc(), t.undo.c.ordered_entry.desc())


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLine:
    """One release. ``words`` says whether it is active, stopped or replaced; ``effects`` are changes that
    are known to have happened."""

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
    """One undo in a list. ``undone`` of its ``effects`` are taken back, ``pending`` are still to come.

    ``title`` says what it takes back. ``plan_digest`` is that of its own plan, ``expected`` that of the plan
    its orderer saw.
    """

    id: str
    scope: str
    target: str
    title: str
    state: str
    words: str
    ordered_by: str
    created_at: str
    plan_digest: str
    expected: str
    effects: int
    undone: int
    pending: int


def releases(connection: Connection) -> tuple[ReleaseLine, ...]:
    """Return every release, the newest first."""
    rows = connection.execute(select(t.release).order_by(t.release.c.activated_at.desc())).all()
    return tuple(_release(connection, row) for row in rows)


def one_release(connection: Connection, digest: str) -> ReleaseLine | None:
    """Return one release; None where there is none."""
    row = connection.execute(select(t.release).where(t.release.c.digest == digest)).first()
    return None if row is None else _release(connection, row)


def undos(connection: Connection, target: str = "", viewer: Viewer | None = None) -> tuple[UndoLine, ...]:
    """Return every undo, or those of one run or release, the newest first.

    A viewer who may not see runs is not told which run was taken back.
    """
    query = select(t.undo).order_by(*_NEWEST)
    rows = connection.execute(query.where(t.undo.c.target == target) if target else query).all()
    lines = _lines(connection, rows)
    if viewer is None or viewer.may("runs"):
        return lines
    return tuple(line for line in lines if line.scope == "release")


def since(connection: Connection, undo: str) -> UndoLine | None:
    """Return what overtook a plan: the newest order or other plan for its target; None while it holds."""
    lines = undos(connection, _target(connection, undo))
    own = next(line for line in lines if line.id == undo)
    for line in lines[: lines.index(own)]:
        ordered = line.state not in PLANS
        if ordered or line.plan_digest not in ("", own.plan_digest):
            return line
    return None


def so_far(connection: Connection, undo: str) -> str:
    """Return in words how far an undo is: how many records were read, how many effects are taken back."""
    row = connection.execute(select(t.undo).where(t.undo.c.id == undo)).one()
    if row.plan_digest:
        one = _lines(connection, [row])[0]
        return f"{one.words}: {one.undone} of {one.effects} effects are taken back"
    looks = (t.crossing.c.run == row.run, t.crossing.c.position.startswith("see."))
    read = connection.execute(select(func.count()).select_from(t.crossing).where(*looks)).scalar_one()
    total = effects_of(connection, row.scope, row.target)
    return f"{STATE_WORDS[row.state]}: {read} looks at the records of {total} effects"


def undos_about(connection: Connection, run: str) -> tuple[UndoLine, ...]:
    """Return every undo that lists an effect of a run, or that the run itself carries; the newest first."""
    item = t.undo_item.c
    listed = select(item.undo).where(or_(item.run == run, item.saga == run))
    rows = connection.execute(
        select(t.undo)
        .where(or_(t.undo.c.target == run, t.undo.c.run == run, t.undo.c.id.in_(listed)))
        .order_by(*_NEWEST)
    ).all()
    return _lines(connection, rows)


def undo_of(connection: Connection, run: str) -> str:
    """Return the undo that a run carries, or takes effects back for; empty where it is another run."""
    item = t.undo_item.c
    sagas = select(item.undo).where(item.saga == run)
    found = connection.execute(
        select(t.undo.c.id).where(or_(t.undo.c.run == run, t.undo.c.id.in_(sagas)))
    ).scalar()
    return str(found or "")


def runs_with_effects(connection: Connection, limit: int) -> tuple[RunLine, ...]:
    """Return the newest runs that did something in another system."""
    changed = select(t.crossing.c.run).where(t.crossing.c.run == t.run.c.id, *_EFFECTS).exists()
    rows = connection.execute(
        LINES.where(t.run.c.kind == "case", changed)
        .order_by(t.run.c.created_at.desc(), t.run.c.id.desc())
        .limit(limit)
    )
    return tuple(run_line(row) for row in rows)


def effects_of(connection: Connection, scope: str, target: str) -> int:
    """Return how many effects a run or a release had so far, whatever became of them."""
    column = t.run.c.id if scope == "run" else t.run.c.release
    return connection.execute(
        select(func.count())
        .select_from(t.crossing)
        .join(t.run, t.run.c.id == t.crossing.c.run)
        .where(column == target, t.run.c.kind == "case", *_EFFECTS)
    ).scalar_one()


def is_case(connection: Connection, run: str) -> bool:
    """Say whether a run did work of its own, so that it can be taken back."""
    kind = connection.execute(select(t.run.c.kind).where(t.run.c.id == run)).scalar()
    return kind == "case"


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
        .where(t.undo.c.target == target, t.undo.c.state.not_in(PLANS))
        .order_by(*_NEWEST)
        .limit(1)
    ).scalar()


def _target(connection: Connection, undo: str) -> str:
    return str(connection.execute(select(t.undo.c.target).where(t.undo.c.id == undo)).scalar_one())


def _lines(connection: Connection, rows: Iterable[Row[Any]]) -> tuple[UndoLine, ...]:
    found = list(rows)
    outcomes = _outcomes(connection, {row.id: row.state for row in found})
    return tuple(
        _line(row, title_of(connection, row), standing(connection, row), outcomes[row.id]) for row in found
    )


def _outcomes(connection: Connection, states: dict[str, str]) -> dict[str, Counter[str]]:
    item = t.undo_item.c
    rows = connection.execute(
        select(item.undo, item.group, item.state, func.count().label("number"))
        .where(item.undo.in_(states))
        .group_by(item.undo, item.group, item.state)
    )
    found: dict[str, Counter[str]] = {undo: Counter() for undo in states}
    for row in rows:
        found[row.undo][outcome(row.group, row.state, states[row.undo])] += row.number
    return found


def title_of(connection: Connection, undo: Row[Any]) -> str:
    """Return what an undo takes back, in words: ``release 3f9c2a91b0de``, ``run Ticket 7``."""
    if undo.scope == "release":
        return f"release {undo.target[:12]}"
    title = connection.execute(select(t.run.c.title).where(t.run.c.id == undo.target)).scalar()
    return f"run {title or undo.target}"


def standing(connection: Connection, row: Row[Any]) -> tuple[str, str]:
    """Return how an undo stands, and in words: its state, and what of it nobody has written there yet."""
    if row.state == "looking" and overtaken(connection, row):
        return "dropped", STATE_WORDS["dropped"]
    if row.state == "asking":
        asked = (t.approval.c.run == row.run, t.approval.c.position == "agree")
        yes = select(t.approval.c.id).where(*asked, t.approval.c.state == "approved")
        if connection.execute(yes).first() is not None:
            return row.state, _AGREED
    if row.state == "running" and (left := _open(connection, row.id)):
        return row.state, f"waits for people: {plural(left, 'question')} about what takes effects back"
    return row.state, STATE_WORDS[row.state]


def _open(connection: Connection, undo: str) -> int:
    """Return how many questions about compensations of an undo nobody has answered yet."""
    sagas = select(t.undo_item.c.saga).where(t.undo_item.c.undo == undo, t.undo_item.c.saga != "")
    return connection.execute(
        select(func.count())
        .select_from(t.approval)
        .where(t.approval.c.state == "open", t.approval.c.kind == "question", t.approval.c.run.in_(sagas))
    ).scalar_one()


def _line(row: Row[Any], title: str, standing: tuple[str, str], outcomes: Counter[str]) -> UndoLine:
    state, words = standing
    return UndoLine(
        id=row.id,
        scope=row.scope,
        target=row.target,
        title=title,
        state=state,
        words=words,
        ordered_by=row.ordered_by,
        created_at=row.created_at,
        plan_digest=row.plan_digest,
        expected=row.expected,
        effects=outcomes.total(),
        undone=outcomes["undone"],
        pending=outcomes["pending"],
    )


def _release(connection: Connection, row: Row[Any]) -> ReleaseLine:
    of_it = (t.run.c.release == row.digest, t.run.c.kind == "case")
    runs = connection.execute(select(func.count()).select_from(t.run).where(*of_it)).scalar_one()
    effects = connection.execute(
        select(func.count())
        .select_from(t.crossing)
        .join(t.run, t.run.c.id == t.crossing.c.run)
        .where(*of_it, *MADE)
    ).scalar_one()
    open_runs = connection.execute(
        select(func.count()).where(*of_it, t.run.c.status.in_(("running", "waiting")))
    ).scalar_one()
    words = "stopped" if row.state == "stopped" else "active" if row.active else "replaced"
    return ReleaseLine(
        digest=row.digest,
        words=words,
        active=bool(row.active),
        stopped=row.state == "stopped",
        runs=runs,
        open_runs=int(open_runs),
        effects=effects,
        activated_at=row.activated_at,
        by=row.activated_by,
    )
