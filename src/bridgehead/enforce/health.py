"""Step 4: do the data this rests on keep their contract, is the workflow right as often as promised, and if
not, what may still be done?

In: what ``watch`` wrote down when it last looked or heard, and what the run has read. Out: the decision,
lowered where it must be. Never: looks at data itself; a state that is too old counts as broken. Reads go on
and say so, what can be taken back is left to a person, what cannot is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection, bindparam, insert, select, update

from bridgehead.enforce import missing
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.entitle import Narrowed, Statement
from bridgehead.enforce.park import Park
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Ask, Permit, Reason, Refuse
from bridgehead.store import statement as prepared
from bridgehead.store import tables as t

STEP = 4
Effect = Literal["go", "ask", "park", "refuse"]
Touch = Literal["reads it", "can be taken back", "cannot be taken back"]
_GO: dict[Touch, Effect] = {"reads it": "go", "can be taken back": "go", "cannot be taken back": "go"}
_PERSON: dict[Touch, Effect] = {"reads it": "go", "can be taken back": "ask", "cannot be taken back": "ask"}
_STALE: dict[Touch, Effect] = {"reads it": "go", "can be taken back": "ask", "cannot be taken back": "refuse"}
_HOLD: dict[Touch, Effect] = {
    "reads it": "park",
    "can be taken back": "park",
    "cannot be taken back": "refuse",
}
_BLOCK: dict[Touch, Effect] = {
    "reads it": "refuse",
    "can be taken back": "refuse",
    "cannot be taken back": "refuse",
}
RESPONSES: dict[str, dict[Touch, Effect]] = {
    "record": _GO,
    "warn": _GO,
    "raiseAudit": _GO,
    "toPerson": _PERSON,
    "rollBack": _PERSON,
    "lastGood": _STALE,
    "quarantine": _STALE,
    "hold": _HOLD,
    "block": _BLOCK,
}
"""What a broken clause does to a reader, by what the reader is about to do. A word that is not here, written
by a later version, does what ``block`` does."""
ACCURACY = "accuracy"
"""What a workflow's own alarm is about: it was proved to be right less often than its charter promises."""
GAP = "toPerson"
"""What a value does that is needed and was not there: that case is for a person."""
UNKNOWN = "lastGood"
"""What it does that nobody has looked lately."""
_ORDER: tuple[Effect, ...] = ("refuse", "park", "ask", "go")

Name = tuple[str, str]
"""A source and one of its tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sick:
    """A clause that does not hold, or that nobody has looked at lately: what it does, and why, in words.

    ``of`` is what the clause is about: the ``data``, a value that is ``missing`` in them, or the ``accuracy``
    of the workflow itself.
    """

    table: Name
    clause: str
    response: str
    words: str
    where: str
    of: str = "data"

    @property
    def mark(self) -> str:
        """What a yes is bound to: the clause and what it does, not the figures of one look."""
        return f"{self.table[0]}.{self.table[1]}: {self.clause}: {self.response}"

    def reason(self) -> Reason:
        """Return it as a reason of a decision."""
        words = f"Data it rests on are not in order: {self.words}" if self.of == "data" else self.words
        return Reason(rule=f"{self.of}.{self.response}", words=words, source=self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A decision as the data it rests on let it stand. ``sick``: the clauses that leave it to a person, and
    ``reasons``, in words."""

    decision: Permit | Ask
    sick: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


_READ = prepared.Statement(
    select(t.reading.c.source, t.reading.c.object, t.reading.c.broken).where(
        t.reading.c.run == bindparam("run")
    )
)
_AGAIN = prepared.Statement(
    update(t.reading)
    .where(
        t.reading.c.run == bindparam("of_run"),
        t.reading.c.source == bindparam("of_source"),
        t.reading.c.object == bindparam("of_object"),
    )
    .values(last_at=bindparam("now"))
)
_STATE = prepared.Statement(
    select(
        t.looked_at.c.source,
        t.looked_at.c.object,
        t.looked_at.c.good_until,
        t.looked_at.c.checked_at,
        t.breach.c.clause,
        t.breach.c.response,
        t.breach.c.readers,
        t.breach.c.words,
        t.breach.c.clause_at,
    )
    .select_from(t.looked_at)
    .outerjoin(
        t.breach,
        (t.breach.c.source == t.looked_at.c.source) & (t.breach.c.object == t.looked_at.c.object),
    )
    .order_by(t.looked_at.c.source, t.looked_at.c.object, t.breach.c.since, t.breach.c.clause)
)


_ALARM = prepared.Statement(
    select(t.alarm_path.c.number, t.alarm_path.c.words).where(
        t.alarm_path.c.workflow == bindparam("workflow"),
        t.alarm_path.c.release == bindparam("release"),
        t.alarm_path.c.raised_at.is_not(None),
        t.alarm_path.c.cleared_at.is_(None),
    )
)


def heed(
    boundary: Boundary,
    crossing: Crossing,
    decision: Permit | Ask,
    statement: Narrowed | None,
    agreed: Sequence[str],
) -> Sound | Refuse:
    """Return the decision as the data it rests on let it stand, or refuse; raise ``Park`` where it is held.

    ``agreed`` are the approval rules people have agreed to; whether that was in spite of these clauses is for
    ``approve.still_fits`` to say.
    """
    if not _concerns(boundary, crossing):
        return Sound(decision=decision)
    found = boundary.store.look(lambda connection: _found(connection, boundary, crossing, statement))
    rule = boundary.charter.sick_data
    match found.worst:
        case "go":
            return Sound(decision=replace(decision, reasons=(*decision.reasons, *found.reasons)))
        case "ask" if rule is not None:
            reasons = (*decision.reasons, *found.reasons)
            lowered: Permit | Ask = replace(decision, reasons=reasons)
            if rule not in agreed:
                approvals = decision.approvals if isinstance(decision, Ask) else ()
                lowered = Ask(approvals=(*approvals, rule), reasons=reasons)
            return Sound(decision=lowered, sick=found.marks, reasons=found.reasons)
        case _:
            return found.refusal()


def heed_again(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    statement: Narrowed | None,
    known: Sequence[str],
) -> Refuse | None:
    """Refuse, in the transaction of the claim, what rests on data that broke while it was being decided.

    ``known`` are the clauses that were broken then (``Sound.sick``), and that people agreed in spite of.
    """
    if not _concerns(boundary, crossing):
        return None
    found = _found(connection, boundary, crossing, statement)
    if found.worst == "go" or (found.worst == "ask" and set(found.marks) <= set(known)):
        return None
    words = "The data this rests on broke their contract while it was being decided."
    refusal = found.refusal()
    return replace(refusal, reasons=(Reason(rule="data.changed", words=words), *refusal.reasons))


def read(connection: Connection, boundary: Boundary, crossing: Crossing, statement: Narrowed | None) -> None:
    """Write down which tables with a contract the run reads now."""
    if not _concerns(boundary, crossing):
        return
    now = stamp(boundary.clock.now())
    for source, table in sorted(set(asked(boundary, crossing, statement))):
        place = {"run": crossing.run.id, "source": source, "object": table}
        if _AGAIN.run(connection, **{f"of_{name}": value for name, value in place.items()}, now=now) == 0:
            connection.execute(insert(t.reading).values(**place, last_at=now))


def rests_on(
    connection: Connection, boundary: Boundary, crossing: Crossing, statement: Narrowed | None
) -> tuple[Name, ...]:
    """Return the tables with a contract that a crossing rests on: a query on what it reads, whatever has an
    effect on everything its run has read and its workflow is declared to rest on."""
    if not _concerns(boundary, crossing):
        return ()
    names = set(asked(boundary, crossing, statement))
    if _touch(crossing) != "reads it":
        names |= set(_read_before(connection, crossing)) | set(_declared(boundary, crossing))
    return tuple(sorted(names))


def _concerns(boundary: Boundary, crossing: Crossing) -> bool:
    """What asks how an effect ended, and what takes effects back, goes on whatever the data are."""
    if crossing.settles or crossing.run.kind == "undo":
        return False
    return _is_watched(boundary) or _promises(boundary, crossing) or bool(missing.needs(boundary, crossing))


def _is_watched(boundary: Boundary) -> bool:
    return any(source.contract for source in boundary.charter.sources.values())


def _promises(boundary: Boundary, crossing: Crossing) -> bool:
    workflow = boundary.charter.workflows.get(crossing.run.workflow)
    return workflow is not None and workflow.accuracy is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is sick of the data a crossing rests on, and the strongest thing that it does."""

    worst: Effect = "go"
    sick: tuple[Sick, ...] = ()

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return tuple(sick.reason() for sick in self.sick)

    @property
    def marks(self) -> tuple[str, ...]:
        return tuple(sorted(sick.mark for sick in self.sick))

    def refusal(self) -> Refuse:
        """Return the refusal; raise ``Park`` where it is held instead."""
        if self.worst == "park":
            source, table = self.sick[0].table
            raise Park(f"data:{source}.{table}")
        return Refuse(step=STEP, reasons=self.reasons)


def _found(
    connection: Connection, boundary: Boundary, crossing: Crossing, statement: Narrowed | None
) -> _Found:
    touch = _touch(crossing)
    # What only reads is held back by what it reads itself, and by nothing else.
    names = set(rests_on(connection, boundary, crossing, statement))
    found = [sick for sick in _sick(connection, boundary, crossing) if sick.table in names] if names else []
    if names and touch != "reads it":
        found += _read_while_broken(connection, crossing)
    if _promises(boundary, crossing):
        found += _wrong_too_often(connection, boundary, crossing)
    if touch != "reads it":
        found += _without_values(connection, boundary, crossing)
    does = {sick: RESPONSES.get(sick.response, _BLOCK)[touch] for sick in found}
    worst: Effect = min(does.values(), key=_ORDER.index, default=_ORDER[-1])
    return _Found(worst=worst, sick=tuple(sick for sick, effect in does.items() if effect == worst))


def _wrong_too_often(connection: Connection, boundary: Boundary, crossing: Crossing) -> Iterator[Sick]:
    """Yield the alarm about what the run's own workflow comes to, under its own release."""
    name = crossing.run.workflow
    row = _ALARM.first(connection, workflow=name, release=crossing.run.release)
    declared = boundary.charter.workflows[name].accuracy
    if row is not None and declared is not None:
        yield Sick(
            table=(ACCURACY, name),
            clause=f"alarm {row.number}",
            response=declared.below_floor,
            words=row.words,
            where=boundary.where("workflows", name, "accuracy", "floor"),
            of=ACCURACY,
        )


def _without_values(connection: Connection, boundary: Boundary, crossing: Crossing) -> Iterator[Sick]:
    """Yield what the run's workflow needs and its answers did not have."""
    needed = missing.needs(boundary, crossing)
    for gap in missing.of_run(connection, crossing.run.id) if needed else ():
        name = f"{gap.source}.{gap.table}"
        why = needed.get(name, {}).get(gap.column)
        if why is not None:
            yield Sick(
                table=(gap.source, gap.table),
                clause=f"needs {gap.column}",
                response=GAP,
                words=missing.words(gap, why),
                where=boundary.where("workflows", crossing.run.workflow, "needs", name, gap.column),
                of="missing",
            )


def _touch(crossing: Crossing) -> Touch:
    if crossing.action.effect == "read" and not crossing.action.outward:
        return "reads it"
    final = crossing.action.effect == "final" or crossing.action.outward
    return "cannot be taken back" if final else "can be taken back"


def asked(boundary: Boundary, crossing: Crossing, statement: Narrowed | None) -> Iterator[Name]:
    """Yield the tables with a contract that a query reads."""
    if crossing.action.kind != "query":
        return
    source = crossing.action.target.partition(".")[0]
    declared = boundary.charter.sources[source]
    if declared.contract and isinstance(statement, Statement):
        yield from ((source, right.label) for right in statement.rewritten.tables)


def _declared(boundary: Boundary, crossing: Crossing) -> Iterator[Name]:
    workflow = boundary.charter.workflows.get(crossing.run.workflow)
    for name in workflow.rests_on if workflow is not None else ():
        source, _, table = name.partition(".")
        yield source, table


def _read_before(connection: Connection, crossing: Crossing) -> Iterator[Name]:
    for row in _READ.all(connection, run=crossing.run.id):
        yield row.source, row.object


def _read_while_broken(connection: Connection, crossing: Crossing) -> Iterator[Sick]:
    """Yield the clauses that hold again, and did not when the run read the table: what it does now may rest
    on what it read then, so a person decides."""
    for row in _READ.all(connection, run=crossing.run.id):
        for one in json.loads(row.broken):
            words = f"{one['words']} So it was when this run read it; it is in order now."
            yield Sick(
                table=(row.source, row.object),
                clause=one["clause"],
                response=one["response"],
                words=words,
                where=one["where"],
            )


def _sick(connection: Connection, boundary: Boundary, crossing: Crossing) -> Iterator[Sick]:
    """Yield what is wrong with every table that has a contract, as the crossing's workflow meets it."""
    now, rows = stamp(boundary.clock.now()), _STATE.all(connection)
    seen: set[Name] = set()
    for row in rows:
        name = (row.source, row.object)
        if name not in seen and row.good_until < now:
            yield _unknown(boundary, name, f"was looked at last at {row.checked_at[:19]}Z")
        seen.add(name)
        if row.response is not None:
            response = json.loads(row.readers).get(crossing.run.workflow, row.response)
            yield Sick(table=name, clause=row.clause, response=response, words=row.words, where=row.clause_at)
    for source, declared in boundary.charter.sources.items():
        for table in declared.tables if declared.contract else ():
            if (source, table) not in seen:
                yield _unknown(boundary, (source, table), "was never looked at")


def _unknown(boundary: Boundary, table: Name, words: str) -> Sick:
    said = f"Nobody knows whether {table[0]}.{table[1]} keeps its contract: it {words}."
    where = boundary.where("sources", table[0], "contract")
    return Sick(table=table, clause="look", response=UNKNOWN, words=said, where=where)


def held_by(connection: Connection, name: str, run: str) -> bool:
    """Say whether a table, as ``source.table``, has a broken clause that holds a run."""
    source, _, table = name.partition(".")
    rows = connection.execute(
        select(t.breach.c.response, t.breach.c.readers).where(
            t.breach.c.source == source, t.breach.c.object == table
        )
    )
    workflow = connection.execute(select(t.run.c.workflow).where(t.run.c.id == run)).scalar()
    return any(json.loads(row.readers).get(workflow, row.response) == "hold" for row in rows)


def answered(connection: Connection, boundary: Boundary, crossing: Crossing) -> None:
    """Move the time at which a run read the tables of a source to when the answer came: data that broke while
    the query was on its way reached it."""
    if crossing.action.kind != "query" or not _concerns(boundary, crossing):
        return
    source, now = crossing.action.target.partition(".")[0], stamp(boundary.clock.now())
    connection.execute(
        update(t.reading)
        .where(t.reading.c.run == crossing.run.id, t.reading.c.source == source)
        .values(last_at=now)
    )
