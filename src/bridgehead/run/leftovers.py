"""What a process that died left under way: each crossing that was begun gets an end on record.

Called by the engine only. Never: touches an effect that may still be settled at its position.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, bindparam, or_, select, update

from bridgehead.enforce import approve, budget, ending, incidents, recall, rows
from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.enforce.windows import ready_at
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.errors import EffectState
from bridgehead.kernel.outcome import Failed, Fault
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork, joined
from bridgehead.run import runs
from bridgehead.run.segments import Segment
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

_UNCLEAR = Statement(
    select(t.crossing.c.position)
    .where(
        t.crossing.c.run == bindparam("of_run"),
        t.crossing.c.effect != "read",
        or_(t.crossing.c.state == "claimed", t.crossing.c.state == "unknown"),
    )
    .limit(1)
)


async def end_reads(boundary: Boundary, run: RunState) -> None:
    """End the reads that an earlier attempt made to decide or to settle: they are made anew, elsewhere.

    Everything else is at a position that the code comes to again, and is settled or repeated there. A late
    look (``.p0-``) is nobody's of the run; whoever makes it next ends it.
    """
    with boundary.store.reading() as connection:
        found = [row for row in _under_way(connection, run) if _to_decide(row.position)]
    for row in found:
        await boundary.ledger.commit(partial(_end, boundary=boundary, run=run, row=row))


def end_all(boundary: Boundary, run: RunState) -> UnitOfWork:
    """Return the unit that ends everything under way in a run that is stopped for good: nobody comes to it
    again.

    An effect nobody knows the outcome of ends as ``unknown``, and its owner is told. What waits for people
    is refused, and they need not answer.
    """

    def work(connection: Connection) -> Work:
        claimed, asked, unknown = (
            _under_way(connection, run, state) for state in ("claimed", "asked", "unknown")
        )
        unclear = [row for row in claimed if row.effect != "read"] + unknown
        units = [partial(_end, boundary=boundary, run=run, row=row) for row in claimed]
        units += [partial(_refuse, boundary=boundary, run=run, row=row) for row in asked]
        units += [partial(_hand_over, boundary=boundary, run=run, row=row) for row in unclear]
        return joined(units)(connection)

    return work


def taken_back(boundary: Boundary, run: RunState, segment: Segment) -> UnitOfWork:
    """Return the unit that stops a run, so that what it did can be taken back."""
    words = {"words": "It was stopped, so that it can be taken back."}
    return joined((end_all(boundary, run), runs.end(boundary.clock, segment, "stopped", words)))


def unclear(connection: Connection, run: str) -> bool:
    """Say whether nobody knows yet of some effect of a run whether it happened."""
    return _UNCLEAR.first(connection, of_run=run) is not None


def _to_decide(position: str) -> bool:
    return (".b" in position or ".p" in position) and ".p0-" not in position


def _under_way(connection: Connection, run: RunState, state: str = "claimed") -> list[Row]:
    return list(
        connection.execute(
            select(t.crossing)
            .where(t.crossing.c.run == run.id, t.crossing.c.state == state)
            .order_by(t.crossing.c.started_at)
        )
    )


def _end(connection: Connection, boundary: Boundary, run: RunState, row: Row) -> Work:
    crossing = _crossing(connection, boundary, run, row)
    state: EffectState = "none" if row.effect == "read" else "unknown"
    usage, booked = budget.unheard(boundary, crossing)
    words = " ".join(part for part in ("The process ended before the answer came.", booked) if part)
    fault = Fault(code="BH-RUN-014", words=words, effect_state=state)
    return ending.finishing(boundary, crossing, Failed(fault=fault, usage=usage))(connection)


def _refuse(connection: Connection, boundary: Boundary, run: RunState, row: Row) -> Work:
    words = "Its run was stopped before people had answered."
    refusal = Refuse(step=approve.STEP, reasons=(Reason(rule="run.stopped", words=words),))
    crossing = _crossing(connection, boundary, run, row)
    withdrawn = approve.withdrawing(boundary, row.approval, words)
    return joined((withdrawn, ending.refusing(boundary, crossing, refusal)))(connection)


def _hand_over(connection: Connection, boundary: Boundary, run: RunState, row: Row) -> Work:
    """Tell the owner, and let the sweep ask about it once that proves something (``enforce.late``)."""
    words = f"Nobody knows whether {row.kind}:{row.target} happened: its run was stopped."
    rule = boundary.charter.actions.get(row.target)
    ask_at = stamp(ready_at(rule, row.called_at)) if rule is not None and rule.probe is not None else None
    unknown = connection.execute(
        update(t.crossing)
        .where(*rows.at(run.id, row.position), t.crossing.c.state == "unknown")
        .values(look_again_at=ask_at)
    )
    if unknown.rowcount != 1:
        return Work()  # settled by somebody else meanwhile
    return Work(
        drafts=incidents.open_once(
            connection, boundary, run.id, row.position, "unknown", words, subject=run.subject
        )
    )


def _crossing(connection: Connection, boundary: Boundary, run: RunState, row: Row) -> Crossing:
    body = recall.content(connection, boundary, row)
    return recall.crossing_of(row, run, body, recall.taken_back(connection, row))
