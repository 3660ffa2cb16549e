"""Effects that are open or unclear: how each stands, since when, what happens next, and who must act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, and_, case, or_, select

from bridgehead.enforce import incidents, recall, unclear
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.settlement import SURPRISES, obstacle, open_to_answers
from bridgehead.enforce.settlers import settlers
from bridgehead.enforce.windows import may_repeat, ready_at
from bridgehead.explain import words
from bridgehead.explain.inbox import groups, shown
from bridgehead.explain.viewer import Viewer
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.store.tables import approval, crossing, run

Which = Literal["open", "unknown", "all"]
LIMIT = 200
NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectLine:
    """One effect in a list. ``next`` is what happens now, ``at`` when (RFC 3339) where that is known.

    ``who`` is who must act; ``people`` are the names of those who can. ``answerable`` says that a person
    may settle it, ``mine`` that the viewer may. ``why`` are the words of its open incidents.
    """

    run: str
    position: str
    title: str
    run_title: str
    target: str
    effect: str
    amount: str
    state: str
    settled: str
    state_words: str
    since: str
    next: str
    at: str
    who: str
    people: tuple[str, ...]
    answerable: bool
    mine: bool
    why: tuple[str, ...]
    question: str
    entry: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """A list of effects, what needs somebody first. ``more`` says that there are others behind these."""

    which: Which
    lines: tuple[EffectLine, ...]
    more: bool


def list_effects(
    connection: Connection,
    boundary_of: Callable[[str], Boundary],
    viewer: Viewer | None = None,
    *,
    run_id: str = "",
    which: Which = "open",
    limit: int = LIMIT,
) -> Effects:
    """Return effects, oldest first, those a person must settle before the others.

    ``boundary_of`` gives the boundary of a release. A viewer without the right to see runs gets only what
    they may settle; without a viewer everything is listed.
    """
    wanted = _wanted(run_id, which).order_by(_URGENT, crossing.c.started_at).limit(limit + 1)
    rows = connection.execute(wanted).all()
    lines = [_line(connection, boundary_of, viewer, row) for row in rows[:limit]]
    seen = [line for line in lines if viewer is None or viewer.may("runs") or line.mine]
    seen.sort(key=lambda line: (not line.mine, not line.answerable, line.since))
    return Effects(which=which, lines=tuple(seen), more=len(rows) > limit)


def one_effect(
    connection: Connection,
    boundary_of: Callable[[str], Boundary],
    viewer: Viewer | None,
    run_id: str,
    position: str,
) -> EffectLine | None:
    """Return the line of one effect; None where there is none."""
    found = connection.execute(_wanted(run_id, "all").where(crossing.c.position == position)).first()
    return None if found is None else _line(connection, boundary_of, viewer, found)


# Before the limit, so that thousands that wait for an answer never hide the one that somebody must settle.
_URGENT = case(
    (or_(crossing.c.state.in_(("unknown", "claimed")), crossing.c.settled.in_(SURPRISES)), 0), else_=1
)


def _wanted(run_id: str, which: Which) -> Select[Any]:
    statement = (
        select(crossing, run.c.release, run.c.status, run.c.title)
        .join(run, run.c.id == crossing.c.run)
        .where(crossing.c.kind == "act", crossing.c.effect != "read")
    )
    if run_id:
        statement = statement.where(crossing.c.run == run_id)
    surprising = and_(
        crossing.c.settled != "", crossing.c.settled != "confirmed", crossing.c.settled.in_(SURPRISES)
    )
    match which:
        case "all":
            return statement
        case "unknown":
            return statement.where(or_(crossing.c.state == "unknown", surprising))
        case "open":
            # What was to be sent again is not, once its run has ended.
            going = and_(crossing.c.state == "intent", run.c.status.in_(("running", "waiting")))
            return statement.where(
                or_(crossing.c.state.in_(("asked", "claimed", "unknown")), going, surprising)
            )


def _line(
    connection: Connection, boundary_of: Callable[[str], Boundary], viewer: Viewer | None, row: Row[Any]
) -> EffectLine:
    boundary = boundary_of(recall.release_of(connection, row.release, row))
    of_run = recall.run_row(connection, row.run)
    asked = settlers(boundary, row.target, of_run)
    answerable = open_to_answers(row)
    why = incidents.open_about(connection, row.run, row.position)
    following, at, who = _next(connection, boundary, row, handed_over=bool(why))
    people = asked.people if answerable else ()
    names = boundary.directory().people
    mine = viewer is not None and answerable and not _barred(connection, boundary, viewer, row)
    return EffectLine(
        run=row.run,
        position=row.position,
        title=_title(connection, boundary, row, of_run),
        run_title=row.title,
        target=row.target,
        effect=row.effect,
        amount=unclear.money(row),
        state=row.state,
        settled=row.settled,
        state_words=words.crossing(row.state, row.settled),
        since=row.called_at or row.started_at,
        next=following,
        at=at,
        who=asked.words() if who == "person" else who,
        people=tuple(names[each].name for each in people),
        answerable=answerable,
        mine=mine,
        why=why,
        question=row.approval if row.state == "asked" else "",
        entry=row.outcome_entry if row.outcome_entry is not None else row.intent_entry,
    )


def _title(connection: Connection, boundary: Boundary, row: Row[Any], of_run: Any) -> str:
    """Return the effect in words: those people are asked with, where nothing was sent yet."""
    if row.state == "asked":
        asked = connection.execute(select(approval).where(approval.c.id == row.approval)).first()
        question = shown(connection, boundary.ledger, asked) if asked is not None else None
        if question is not None:
            return question.title
    return unclear.headline(connection, boundary, row, of_run)


def _barred(connection: Connection, boundary: Boundary, viewer: Viewer, row: Row[Any]) -> bool:
    by = viewer.principal("page")
    return obstacle(connection, boundary, row.run, row.position, by) is not None


def _next(
    connection: Connection, boundary: Boundary, row: Row[Any], *, handed_over: bool
) -> tuple[str, str, str]:
    """Return what happens next, when, and who must act (``person``: those who settle it)."""
    match row.state:
        case "asked":
            return _asked(connection, row)
        case "intent":
            return "it is sent when its run goes on", "", NOBODY
        case "claimed" | "unknown":
            return _unclear(boundary, row, handed_over)
    if row.settled in SURPRISES:
        return "a person says what is true of it", "", "person"
    if row.look_again_at:
        return "it is asked about once more", row.look_again_at, NOBODY
    return "nothing more", "", NOBODY


def _asked(connection: Connection, row: Row[Any]) -> tuple[str, str, str]:
    found = connection.execute(select(approval).where(approval.c.id == row.approval)).first()
    if found is None:
        return "people are asked", "", "people"
    return "people answer, or it is refused", found.due_at, " and ".join(groups(found))


def _unclear(boundary: Boundary, row: Row[Any], handed_over: bool) -> tuple[str, str, str]:
    rule, now = boundary.charter.actions.get(row.target), boundary.clock.now()
    if row.look_again_at:  # its run has ended; the sweep asks
        return "the other system is asked about it", row.look_again_at, NOBODY
    if rule is None or handed_over or row.status not in ("running", "waiting"):
        return "a person says what became of it", "", "person"
    ready = ready_at(rule, row.called_at)
    at, over = stamp(ready), ready <= now
    if row.state == "claimed" and not over:
        return "its answer is awaited", at, NOBODY
    if may_repeat(rule, row.first_called_at, max(now, ready), row.attempt):
        return "it is sent again with the same key", at, NOBODY
    if rule.probe is not None:
        return "the other system is asked about it", at, NOBODY
    return "a person says what became of it", "" if over else at, "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """One effect and everything a person is shown who settles it.

    ``digest`` is what their answer binds to, ``rules`` the release whose rules it falls under.
    ``why_not`` is empty when the viewer may answer;
    ``early`` says until when "it did not happen" is not taken.
    """

    case: unclear.Case
    line: EffectLine
    rules: str
    digest: str
    why_not: str
    can: tuple[str, ...]
    early: str


def case_view(
    connection: Connection,
    boundary_of: Callable[[str], Boundary],
    viewer: Viewer,
    run_id: str,
    position: str,
) -> CaseView | None:
    """Return one effect for a viewer; None where there is none, or none this viewer may see."""
    line = one_effect(connection, boundary_of, viewer, run_id, position)
    if line is None or not (viewer.may("runs") or line.mine):
        return None
    row = connection.execute(_wanted(run_id, "all").where(crossing.c.position == position)).one()
    boundary = boundary_of(recall.release_of(connection, row.release, row))
    found = unclear.case(connection, boundary, run_id, position)
    assert found is not None  # it has a line
    barred = obstacle(connection, boundary, run_id, position, viewer.principal("page"))
    return CaseView(
        case=found,
        line=line,
        rules=boundary.deployment.digest,
        digest=found.digest(),
        why_not=_said(barred),
        can=line.people,
        early=_early(boundary, row, boundary.clock.now()),
    )


def _said(error: BridgeheadError | None) -> str:
    if error is None:
        return ""
    return " ".join(part for part in (f"{error.what[:1].upper()}{error.what[1:]}.", error.means) if part)


def _early(boundary: Boundary, row: Row[Any], now: datetime) -> str:
    rule = boundary.charter.actions.get(row.target)
    if rule is None or row.state != "unknown":
        return ""
    ready = ready_at(rule, row.called_at)
    return stamp(ready) if now < ready else ""
