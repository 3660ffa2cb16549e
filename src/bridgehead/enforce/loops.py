"""Step 4: how much one loop of a model may do, whatever its run still may.

A model that works with a list of actions is confined twice: by the list, and by this. Only what happened, is
on its way or may have happened counts; what was refused, or failed before anything happened, does not.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection, bindparam, or_, select

from bridgehead.declare.model import amount
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

STEP = 4
_DONE = Statement(
    select(t.crossing.c.target, t.crossing.c.effect, t.crossing.c.amount, t.crossing.c.currency).where(
        t.crossing.c.run == bindparam("run"),
        t.crossing.c.kind == "act",
        t.crossing.c.position.like(bindparam("inside")),
        t.crossing.c.position.not_like(bindparam("deeper")),  # what is read to decide, and to settle
        t.crossing.c.position != bindparam("position"),
        or_(*(t.crossing.c.state == state for state in ("claimed", "done", "unknown"))),
    )
)


def look(boundary: Boundary, crossing: Crossing, evidence: Evidence) -> Refuse | None:
    """Return what ``check`` returns, looking at the store only where the crossing is of a loop."""
    if not _counts(crossing):
        return None
    return boundary.store.look(lambda connection: check(connection, boundary, crossing, evidence))


def _counts(crossing: Crossing) -> bool:
    own = crossing.action.kind == "act" and not crossing.evidence_of and not crossing.settles
    return bool(crossing.loop) and own


def check(
    connection: Connection, boundary: Boundary, crossing: Crossing, evidence: Evidence
) -> Refuse | None:
    """Refuse what is more than the crossing's loop may do. Asked when deciding, and again with the claim."""
    if not _counts(crossing):
        return None
    place = crossing.position.rpartition(".")[0]
    found = _DONE.all(
        connection,
        run=crossing.run.id,
        inside=f"{place}.%",
        deeper=f"{place}.%.%",
        position=crossing.position,
    )
    done = list(found)
    refusals = (
        _too_often(boundary, crossing, done),
        _too_many(boundary, crossing, done),
        _too_much(boundary, crossing, evidence, done),
    )
    return next((refusal for refusal in refusals if refusal is not None), None)


def _too_often(boundary: Boundary, crossing: Crossing, done: list[Row]) -> Refuse | None:
    most = boundary.charter.loops[crossing.loop].actions.get(crossing.action.target)
    times = sum(row.target == crossing.action.target for row in done)
    if most is None or times < most:
        return None
    words = f"This loop has taken {crossing.action.target} {times} times; {most} are allowed."
    return _refuse(boundary, "loop.actions", words, crossing.loop, "actions")


def _too_many(boundary: Boundary, crossing: Crossing, done: list[Row]) -> Refuse | None:
    most = boundary.charter.loops[crossing.loop].effects
    effects = sum(row.effect != "read" for row in done)
    if most is None or crossing.action.effect == "read" or effects < most:
        return None
    words = f"This loop has had {effects} effects; {most} are allowed."
    return _refuse(boundary, "loop.effects", words, crossing.loop, "effects")


def _too_much(boundary: Boundary, crossing: Crossing, evidence: Evidence, done: list[Row]) -> Refuse | None:
    limits = boundary.charter.loops[crossing.loop].amounts
    if not limits or evidence.amount is None or crossing.action.effect == "read":
        return None
    most = {currency: number for number, currency in map(amount, limits)}.get(evidence.currency)
    moved = sum((abs(Decimal(row.amount)) for row in done if row.currency == evidence.currency), Decimal(0))
    if most is not None and moved + abs(evidence.amount) <= most:
        return None
    money = f"{moved:.2f} {evidence.currency}"
    words = f"This loop has moved {money}, and may move no more than {most or Decimal(0):.2f}."
    return _refuse(boundary, "loop.amounts", words, crossing.loop, "amounts")


def _refuse(boundary: Boundary, rule: str, words: str, *place: str) -> Refuse:
    source = boundary.where("loops", *place)
    return Refuse(step=STEP, reasons=(Reason(rule=rule, words=words, source=source),))
