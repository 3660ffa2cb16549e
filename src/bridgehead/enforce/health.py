"""Step 4: do the data this rests on keep their contract, and if not, what may still be done?

In: what ``watch`` wrote down when it last looked, and what the run has read. Out: the decision, lowered where
it must be. Never: looks at data itself; a state that is too old counts as broken. Reads go on and say so,
what can be taken back is left to a person, what cannot is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, insert, select, update

from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.entitle import Narrowed, Statement
from bridgehead.enforce.park import Park
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Ask, Decision, Permit, Reason, Refuse
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
UNKNOWN = "lastGood"
"""What it does that nobody has looked lately."""
_ORDER: tuple[Effect, ...] = ("refuse", "park", "ask", "go")

Name = tuple[str, str]
"""A source and one of its tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sick:
    """A clause that does not hold, or that nobody has looked at lately: what it does, and why, in words."""

    table: Name
    response: str
    words: str
    where: str

    def reason(self) -> Reason:
        """Return it as a reason of a decision."""
        words = f"Data it rests on are not in order: {self.words}"
        return Reason(rule=f"data.{self.response}", words=words, source=self.where)


_READ = prepared.Statement(
    select(t.reading.c.source, t.reading.c.object).where(t.reading.c.run == bindparam("run"))
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


def heed(
    boundary: Boundary,
    crossing: Crossing,
    decision: Permit | Ask,
    statement: Narrowed | None,
    agreed: Sequence[str],
) -> Decision:
    """Return the decision as the data it rests on let it stand; raise ``Park`` where it is held.

    ``agreed`` are the approval rules people have agreed to for exactly this crossing.
    """
    if not _concerns(boundary, crossing):
        return decision
    return boundary.store.look(
        lambda connection: _decided(connection, boundary, crossing, decision, statement, agreed)
    )


def heed_again(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    statement: Narrowed | None,
    agreed: Sequence[str],
) -> Refuse | None:
    """Refuse, in the transaction of the claim, what rests on data that broke while it was being decided."""
    if not _concerns(boundary, crossing):
        return None
    match _decided(connection, boundary, crossing, Permit(), statement, agreed):
        case Permit():
            return None
        case Ask(reasons=reasons):
            words = "The data this rests on broke their contract while it was being decided."
            return Refuse(step=STEP, reasons=(Reason(rule="data.changed", words=words), *reasons))
        case Refuse() as refusal:
            return refusal


def read(connection: Connection, boundary: Boundary, crossing: Crossing, statement: Narrowed | None) -> None:
    """Write down which tables with a contract the run reads now."""
    if not _concerns(boundary, crossing):
        return
    now = stamp(boundary.clock.now())
    for source, table in sorted(set(_asked(boundary, crossing, statement))):
        place = {"run": crossing.run.id, "source": source, "object": table}
        if _AGAIN.run(connection, **{f"of_{name}": value for name, value in place.items()}, now=now) == 0:
            connection.execute(insert(t.reading).values(**place, last_at=now))


def _concerns(boundary: Boundary, crossing: Crossing) -> bool:
    """What asks how an effect ended, and what takes effects back, goes on whatever the data are."""
    if crossing.settles or crossing.run.kind == "undo":
        return False
    return any(source.contract for source in boundary.charter.sources.values())


def _decided(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    decision: Permit | Ask,
    statement: Narrowed | None,
    agreed: Sequence[str],
) -> Decision:
    own = set(_asked(boundary, crossing, statement))
    before = set(_read_before(connection, crossing)) | set(_declared(boundary, crossing))
    touch = _touch(crossing)
    # What only reads is held back by what it reads itself: anything else it may see, and says so.
    names = own if touch == "reads it" else own | before
    found = [sick for sick in _sick(connection, boundary, crossing) if sick.table in names]
    if not found:
        return decision
    effects = {sick: RESPONSES.get(sick.response, _BLOCK)[touch] for sick in found}
    worst = min(effects.values(), key=_ORDER.index)
    reasons = tuple(sick.reason() for sick in found if effects[sick] == worst)
    return _lowered(boundary, decision, worst, found, reasons, agreed)


def _lowered(
    boundary: Boundary,
    decision: Permit | Ask,
    worst: Effect,
    found: Sequence[Sick],
    reasons: tuple[Reason, ...],
    agreed: Sequence[str],
) -> Decision:
    rule = boundary.charter.sick_data
    if worst == "park":
        held = next(sick for sick in found if sick.response == "hold")
        raise Park(f"data:{held.table[0]}.{held.table[1]}")
    if worst == "refuse" or (worst == "ask" and rule is None):
        return Refuse(step=STEP, reasons=reasons)
    if worst == "go" or rule in agreed:
        return replace(decision, reasons=(*decision.reasons, *reasons))
    approvals = decision.approvals if isinstance(decision, Ask) else ()
    return Ask(approvals=(*approvals, str(rule)), reasons=(*decision.reasons, *reasons))


def _touch(crossing: Crossing) -> Touch:
    if crossing.action.effect == "read":
        return "reads it"
    final = crossing.action.effect == "final" or crossing.action.outward
    return "cannot be taken back" if final else "can be taken back"


def _asked(boundary: Boundary, crossing: Crossing, statement: Narrowed | None) -> Iterator[Name]:
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
            yield Sick(table=name, response=response, words=row.words, where=row.clause_at)
    for source, declared in boundary.charter.sources.items():
        for table in declared.tables if declared.contract else ():
            if (source, table) not in seen:
                yield _unknown(boundary, (source, table), "was never looked at")


def _unknown(boundary: Boundary, table: Name, words: str) -> Sick:
    said = f"Nobody knows whether {table[0]}.{table[1]} keeps its contract: it {words}."
    where = boundary.where("sources", table[0], "contract")
    return Sick(table=table, response=UNKNOWN, words=said, where=where)


def held_by(connection: Connection, name: str) -> bool:
    """Say whether a table, as ``source.table``, has a broken clause that may hold its readers."""
    source, _, table = name.partition(".")
    rows: Any = connection.execute(
        select(t.breach.c.response, t.breach.c.readers).where(
            t.breach.c.source == source, t.breach.c.object == table
        )
    )
    return any("hold" in (row.response, *json.loads(row.readers).values()) for row in rows)
