"""What a process that died left under way: each crossing that was begun gets an end on record.

Called by the engine only. Never: touches an effect that may still be settled at its position.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from bridgehead.enforce import approve, ending, incidents, recall, rows
from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.enforce.settle import ready_at
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.errors import EffectState
from bridgehead.kernel.outcome import Failed, Fault
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Row


async def end_reads(boundary: Boundary, run: RunState) -> None:
    """End the reads that an earlier attempt made to decide or to settle: they are made anew, elsewhere.

    Everything else is at a position that the code comes to again, and is settled or repeated there. A late
    look (``.p0-``) is nobody's of the run; whoever makes it next ends it.
    """
    for row in _under_way(boundary, run):
        if (".b" in row.position or ".p" in row.position) and ".p0-" not in row.position:
            await _end(boundary, run, row)


async def end_all(boundary: Boundary, run: RunState) -> None:
    """End everything under way in a run that is stopped for good: nobody will come to it again.

    An effect nobody knows the outcome of ends as ``unknown``, and its owner is told. What waits for people
    is refused, and they need not answer.
    """
    for row in _under_way(boundary, run):
        await _end(boundary, run, row)
    for row in _under_way(boundary, run, "asked"):
        words = "Its run was stopped before people had answered."
        await approve.withdraw(boundary, row.approval, words)
        refusal = Refuse(step=approve.STEP, reasons=(Reason(rule="run.stopped", words=words),))
        await ending.refuse(boundary, _crossing(boundary, run, row), refusal)
    for row in _under_way(boundary, run, "unknown"):
        await _hand_over(boundary, run, row)


async def _hand_over(boundary: Boundary, run: RunState, row: Row) -> None:
    """Tell the owner, and let the sweep ask about it once that proves something (``enforce.late``)."""
    words = f"Nobody knows whether {row.kind}:{row.target} happened: its run was stopped."
    rule = boundary.charter.actions.get(row.target)
    ask_at = stamp(ready_at(rule, row.called_at)) if rule is not None and rule.probe is not None else None

    def work(connection: Connection) -> Work:
        connection.execute(
            update(t.crossing).where(*rows.at(run.id, row.position)).values(look_again_at=ask_at)
        )
        return Work(
            drafts=incidents.open_once(
                connection, boundary, run.id, row.position, "unknown", words, subject=run.subject
            )
        )

    await boundary.ledger.commit(work)


def _under_way(boundary: Boundary, run: RunState, state: str = "claimed") -> list[Row]:
    with boundary.store.reading() as connection:
        return list(
            connection.execute(
                select(t.crossing)
                .where(t.crossing.c.run == run.id, t.crossing.c.state == state)
                .order_by(t.crossing.c.started_at)
            )
        )


async def _end(boundary: Boundary, run: RunState, row: Row) -> None:
    state: EffectState = "none" if row.effect == "read" else "unknown"
    words = "The process ended before the answer came."
    fault = Fault(code="BH-RUN-014", words=words, effect_state=state)
    await ending.finish(boundary, _crossing(boundary, run, row), Failed(fault=fault))


def _crossing(boundary: Boundary, run: RunState, row: Row) -> Crossing:
    with boundary.store.reading() as connection:
        return recall.crossing_of(row, run, recall.content(connection, boundary, row))
