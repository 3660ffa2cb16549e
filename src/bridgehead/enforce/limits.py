"""Step 4: the kill switch, and how much one run may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, or_, select

from bridgehead.enforce import journal, stop
from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.enforce.park import Park
from bridgehead.kernel.decision import Ask, Decision, Reason, Refuse
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

STEP = 4
_RUN = Statement(select(t.run.c.crossings, t.run.c.effects).where(t.run.c.id == bindparam("run")))
_STOPPING = exists().where(t.undo.c.target == t.run.c.id, t.undo.c.state == "stopping")
_NOW = Statement(
    select(
        t.run.c.crossings,
        t.run.c.effects,
        t.run.c.status,
        t.release.c.state,
        _STOPPING.label("stopping"),
        select(t.stop.c.id).where(t.stop.c.lifted_at.is_(None)).limit(1).scalar_subquery().label("stop"),
    )
    .select_from(t.run)
    .outerjoin(t.release, t.release.c.digest == t.run.c.release)
    .where(t.run.c.id == bindparam("run"))
)
_OF_RECORD = (
    select(func.count().label("number"))
    .select_from(t.crossing)
    .where(
        t.crossing.c.record == bindparam("record"),
        or_(*(t.crossing.c.state == state for state in ("claimed", "done", "unknown", "asked"))),
        t.crossing.c.effect != "read",
        or_(t.crossing.c.run != bindparam("run"), t.crossing.c.position != bindparam("position")),
    )
)
_CHANGES = Statement(_OF_RECORD)
_CHANGES_UNTIL = Statement(_OF_RECORD.where(t.crossing.c.intent_entry <= bindparam("head")))
_QUESTIONS = Statement(
    select(func.count().label("number"))
    .select_from(t.crossing)
    .where(
        t.crossing.c.run == bindparam("run"),
        t.crossing.c.position != bindparam("position"),
        t.crossing.c.approval.is_not(None),
        t.crossing.c.approval != "",
        t.crossing.c.target.not_like("decide:%"),
    )
)
_HEAD = Statement(select(func.coalesce(func.max(t.entry.c.idx), -1).label("head")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stands before a crossing: how much it did, and how often anyone changed the ``record`` that
    it changes. ``record`` is empty where it changes none, None where only the facts will name it: ``head`` is
    the last entry of the log then."""

    crossings: int
    effects: int
    record: str | None = ""
    record_changes: int = 0
    head: int = -1


def standing(connection: Connection, boundary: Boundary, crossing: Crossing) -> Standing:
    """Return what the run has done so far, and how often its record was changed by anyone."""
    run = _RUN.one(connection, run=crossing.run.id)
    record = journal.record_name(boundary, crossing)
    return Standing(
        crossings=run.crossings,
        effects=run.effects,
        record=record,
        record_changes=_changes(connection, crossing, record) if record else 0,
        head=-1 if record is not None else _HEAD.one(connection).head,
    )


def named(
    boundary: Boundary, crossing: Crossing, before: Standing, facts: Mapping[str, Any]
) -> Standing | Refuse:
    """Return the standing with the record that the ``facts`` name, or refuse where they name none.

    What changed it after they were read is not counted, so that the claim finds out (``check_again``).
    """
    if before.record is not None:
        return before
    record = journal.record_name(boundary, crossing, facts)
    if record is None:
        words = "It is not known which record it changes."
        source = boundary.where("actions", crossing.action.target, "record")
        return Refuse(step=2, reasons=(Reason(rule="record.unknown", words=words, source=source),))
    with boundary.store.reading() as connection:
        changes = _changes(connection, crossing, record, before.head)
    return replace(before, record=record, record_changes=changes)


def heed_stop(connection: Connection, crossing: Crossing) -> None:
    """Raise ``Park`` while the deployment is stopped. What is on its way is still asked about."""
    stopped = stop.in_force(connection)
    if stopped is not None and not crossing.settles:
        raise Park(f"stop:{stopped.id}")


def heed(connection: Connection, crossing: Crossing) -> Row:
    """Return the row of the run as it is now, for ``check_again``. Raise ``Park`` while the deployment is
    stopped, and where the run or its release is taken back: it does nothing new.

    What is on its way is still asked about, and what takes effects back goes on. All in one statement: on
    PostgreSQL each one is a way there and back, while the log is held.
    """
    now = _NOW.one(connection, run=crossing.run.id)
    if crossing.settles:
        return now
    if now.stop is not None:
        raise Park(f"stop:{now.stop}")
    if _taken_back(crossing.run, now):
        raise Park(f"undone:{crossing.run.id}")
    return now


def held(connection: Connection, run: RunState) -> bool:
    """Say whether a run may do nothing new, because it or its release is taken back."""
    now = _NOW.first(connection, run=run.id)
    return now is not None and _taken_back(run, now)


def _taken_back(run: RunState, now: Row) -> bool:
    return run.kind != "undo" and ("stopped" in (now.state, now.status) or bool(now.stopping))


def check(boundary: Boundary, crossing: Crossing, now: Standing, *, begun: bool) -> Refuse | None:
    """Refuse what is too much.

    What has ``begun`` is counted already and is carried to its end, with the reads that takes: they
    do not count, and are as many as the crossings they belong to need. An undo does what its plan lists.
    """
    if begun or crossing.evidence_of or crossing.run.kind == "undo":
        return None
    budget = boundary.charter.budget
    if now.crossings >= budget.run_crossings:
        words = f"This run has made {now.crossings} crossings; {budget.run_crossings} are allowed."
        return _refuse(boundary, "budget.run_crossings", words, "run_crossings")
    if crossing.action.effect != "read" and now.effects >= budget.run_effects:
        words = f"This run has had {now.effects} effects; {budget.run_effects} are allowed."
        return _refuse(boundary, "budget.run_effects", words, "run_effects")
    return None


def check_questions(boundary: Boundary, crossing: Crossing, decision: Decision) -> Refuse | None:
    """Refuse what people would have to be asked about once too often in one run.

    What a workflow itself wants decided, and what an undo asks, comes from nobody's agent.
    """
    if not isinstance(decision, Ask) or crossing.rule(boundary) is None or crossing.run.kind == "undo":
        return None
    asked = boundary.store.look(
        lambda connection: _QUESTIONS.one(connection, run=crossing.run.id, position=crossing.position).number
    )
    most = boundary.charter.budget.run_questions
    if asked < most:
        return None
    words = f"People were asked about {asked} actions of this run; {most} are allowed."
    return _refuse(boundary, "budget.run_questions", words, "run_questions")


def check_again(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    before: Standing,
    run: Row,
    *,
    begun: bool,
) -> Refuse | None:
    """Refuse, in the transaction of the claim, what others made too much or another case meanwhile.

    ``before`` is what the decision rested on, ``run`` what ``heed`` returned; several actions may have been
    decided at once.
    """
    changes = _changes(connection, crossing, before.record) if before.record else 0
    if changes != before.record_changes:
        words = "Another action changed the record while this one was being decided."
        return Refuse(step=STEP, reasons=(Reason(rule="record.changed", words=words),))
    now = replace(before, crossings=run.crossings, effects=run.effects)
    return check(boundary, crossing, now, begun=begun)


def _changes(connection: Connection, crossing: Crossing, record: str, head: int | None = None) -> int:
    """Count the changes of a record by others: as the log stood at ``head``, or as the rows are now."""
    values: dict[str, Any] = {"record": record, "run": crossing.run.id, "position": crossing.position}
    if head is None:
        return int(_CHANGES.one(connection, **values).number)
    return int(_CHANGES_UNTIL.one(connection, **values, head=head).number)


def _refuse(boundary: Boundary, rule: str, words: str, name: str) -> Refuse:
    reason = Reason(rule=rule, words=words, source=boundary.where("budget", name))
    return Refuse(step=STEP, reasons=(reason,))
