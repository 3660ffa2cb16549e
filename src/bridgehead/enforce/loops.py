"""Step 4: how much one loop of a model may do, whatever its run still may.

A model that works with a list of actions is confined twice: by the list, and by this. Only what happened, is
on its way or may have happened counts; what was refused, or failed before anything happened, does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import Connection, bindparam, or_, select

from bridgehead.declare.model import Loop, amount
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


def check(
    connection: Connection, boundary: Boundary, crossing: Crossing, evidence: Evidence
) -> Refuse | None:
    """Refuse what is more than the crossing's loop may do. Asked when deciding, and again with the claim."""
    if not crossing.loop or crossing.action.kind != "act" or crossing.evidence_of or crossing.settles:
        return None
    place = crossing.position.rpartition(".")[0]
    found = _DONE.all(
        connection,
        run=crossing.run.id,
        inside=f"{place}.%",
        deeper=f"{place}.%.%",
        position=crossing.position,
    )
    loop = boundary.charter.loops[crossing.loop]
    for key, words in _too_much(loop, crossing, evidence, list(found)):
        source = boundary.where("loops", crossing.loop, key)
        return Refuse(step=STEP, reasons=(Reason(rule=f"loop.{key}", words=words, source=source),))
    return None


def _too_much(
    loop: Loop, crossing: Crossing, evidence: Evidence, done: list[Row]
) -> Iterator[tuple[str, str]]:
    target = crossing.action.target
    times = sum(row.target == target for row in done)
    if target in loop.actions and times >= loop.actions[target]:
        yield "actions", f"This loop has taken {target} {times} times; {loop.actions[target]} are allowed."
    if crossing.action.effect == "read":
        return
    effects = sum(row.effect != "read" for row in done)
    if loop.effects is not None and effects >= loop.effects:
        yield "effects", f"This loop has had {effects} effects; {loop.effects} are allowed."
    if evidence.amount is None or not loop.amounts:
        return
    most = {currency: number for number, currency in map(amount, loop.amounts)}.get(evidence.currency)
    moved = sum((abs(Decimal(row.amount)) for row in done if row.currency == evidence.currency), Decimal(0))
    if most is None:
        yield "amounts", f"This loop may move no {evidence.currency or 'money without a currency'}."
    elif moved + abs(evidence.amount) > most:
        money = f"{moved:.2f} {evidence.currency}"
        yield "amounts", f"This loop has moved {money}; with this it would be more than {most:.2f}."
