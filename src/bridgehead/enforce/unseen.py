"""Did the same question, asked before a call was made, show that nothing like it stood?

Then what shows now came after that: equal effects that ended long before are hidden (a record that got a
value, another one since, and is to have the first one again), and cannot be taken for this one. Called while
an effect is settled. Never: asks anything itself; it reads answers that are on record.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from bridgehead.declare.model import ActionRule, Probe
from bridgehead.enforce import outcomes, probe
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.kernel.errors import LedgerError
from bridgehead.kernel.outcome import Done
from bridgehead.store import tables as t
from bridgehead.store.statement import Row


def since(connection: Connection, boundary: Boundary, crossing: Crossing, row: Row, rule: ActionRule) -> str:
    """Return when its run last saw, before the call, that no such effect stood (RFC 3339); empty where it
    did not look, or where a no of its probe proves nothing."""
    if rule.probe is None or rule.probe.strength == "weak":
        return ""
    asked = probe.question(boundary, crossing, rule, rule.probe, row.effect_key, crossing.position)
    looked = connection.execute(
        select(t.crossing)
        .where(
            t.crossing.c.run == crossing.run.id,
            t.crossing.c.action_digest == asked.action_digest,
            t.crossing.c.state == "done",
            t.crossing.c.ended_at <= row.called_at,
        )
        .order_by(t.crossing.c.called_at.desc())
        .limit(1)
    ).first()
    if looked is None or _landed(boundary, crossing, rule.probe, looked) != 0:
        return ""
    return str(looked.called_at)


def _landed(boundary: Boundary, crossing: Crossing, asked: Probe, looked: Row) -> int | None:
    """Return what an earlier answer says of an effect like this one; None where nothing can be learnt."""
    try:
        answer = outcomes.recorded(boundary, looked)
        if not isinstance(answer, Done):
            return None
    except LedgerError:
        return None
    return probe.landed(boundary, asked, crossing.action.arguments, answer.value).landed
