"""What a process that died left under way: each crossing that was begun gets an end on record.

Called by the engine only. Never: touches an effect that may still be settled at its position.
"""

from __future__ import annotations

from sqlalchemy import select

from bridgehead.enforce import journal
from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.kernel.action import Action
from bridgehead.kernel.errors import EffectState
from bridgehead.kernel.outcome import Failed, Fault
from bridgehead.run.incidents import raise_incident
from bridgehead.store import tables as t


async def end_reads(boundary: Boundary, run: RunState) -> None:
    """End the reads that an earlier attempt made to decide or to settle: they are made anew, elsewhere.

    Everything else is at a position that the code comes to again, and is settled or repeated there.
    """
    for row in _under_way(boundary, run):
        if ".b" in row.position or ".p" in row.position:
            await _end(boundary, run, row)


async def end_all(boundary: Boundary, run: RunState) -> None:
    """End everything under way in a run that is stopped for good: nobody will come to it again.

    An effect nobody knows the outcome of ends as ``unknown``, and its owner is told.
    """
    for row in _under_way(boundary, run):
        await _end(boundary, run, row)
    for row in _under_way(boundary, run, "unknown"):
        words = f"Nobody knows whether {row.kind}:{row.target} happened: its run was stopped."
        await raise_incident(boundary, run.id, f"unknown:{row.position}", words)


def _under_way(boundary: Boundary, run: RunState, state: str = "claimed") -> list[journal.Found]:
    with boundary.store.reading() as connection:
        return list(
            connection.execute(
                select(t.crossing)
                .where(t.crossing.c.run == run.id, t.crossing.c.state == state)
                .order_by(t.crossing.c.started_at)
            )
        )


async def _end(boundary: Boundary, run: RunState, row: journal.Found) -> None:
    with boundary.store.reading() as connection:
        arguments = boundary.ledger.body(connection, row.intent_entry)["arguments"]
    action = Action(
        kind=row.kind, target=row.target, arguments=arguments, effect=row.effect, outward=bool(row.outward)
    )
    crossing = Crossing(run=run, position=row.position, action=action)
    state: EffectState = "none" if row.effect == "read" else "unknown"
    words = "The process ended before the answer came."
    fault = Fault(code="BH-RUN-014", words=words, effect_state=state)
    await journal.finish(boundary, crossing, Failed(fault=fault))
