"""The switch that stops a deployment: set by one person, read before every action."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, String, bindparam, insert, literal, or_, select, update

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.ids import new_id
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import bell
from bridgehead.store import tables as t
from bridgehead.store.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A stop that is in force: who set it, why, since when (RFC 3339)."""

    id: str
    set_by: str
    reason: str
    set_at: str


_IN_FORCE = Statement(
    select(t.stop.c.id, t.stop.c.set_by, t.stop.c.reason, t.stop.c.set_at).where(t.stop.c.lifted_at.is_(None))
)
_SEGMENTS = Statement(
    select(t.segment.c.number, t.segment.c.state).where(t.segment.c.run == bindparam("of_run"))
)
_ADD_SEGMENT = Statement(  # none for a run that has ended: it would begin anew
    insert(t.segment).from_select(
        ["run", "number", "state", "due_at"],
        select(
            t.run.c.id,
            bindparam("number", type_=Integer),
            literal("ready"),
            bindparam("due_at", type_=String),
        ).where(
            t.run.c.id == bindparam("run"), or_(t.run.c.status == "running", t.run.c.status == "waiting")
        ),
        include_defaults=False,
    )
)


def in_force(connection: Connection) -> Stop | None:
    """Return the stop that is in force, if any."""
    row = _IN_FORCE.first(connection)
    return None if row is None else Stop(id=row.id, set_by=row.set_by, reason=row.reason, set_at=row.set_at)


def set_stop(boundary: Boundary, by: Principal, reason: str) -> Stop:
    """Stop the deployment: no new action starts; actions on their way are still settled.

    Setting it twice returns the stop that is already in force.
    """

    def work(connection: Connection) -> Work:
        found = in_force(connection)
        if found is not None:
            return Work(drafts=(), value=found)
        stop = Stop(
            id=new_id("stop", boundary.clock),
            set_by=by.id,
            reason=reason.strip() or "no reason given",
            set_at=stamp(boundary.clock.now()),
        )
        connection.execute(
            insert(t.stop).values(id=stop.id, set_by=stop.set_by, reason=stop.reason, set_at=stop.set_at)
        )
        draft = Draft(
            kind="stop.set", actor=by.label(), body={"reason": stop.reason, "assurance": by.assurance}
        )
        return Work(drafts=(draft,), value=stop)

    stop: Stop = boundary.ledger.append(work).value
    return stop


def lift_stop(boundary: Boundary, by: Principal, reason: str) -> int:
    """Let the deployment act again and wake the runs that waited; return how many.

    Only the owner or the deputy may. Raises ``ApprovalError`` (BH-APR-010 not the owner,
    BH-APR-011 nothing to lift).
    """
    owner = boundary.directory().owner
    if by.id not in (owner.person, owner.deputy):
        raise ApprovalError(
            "BH-APR-010",
            f"{by.id} may not lift the stop",
            means="Anyone who takes part may stop a deployment; only its owner or deputy starts it again.",
            fix=f"Ask {owner.person} or {owner.deputy}.",
        )

    def work(connection: Connection) -> Work:
        found = in_force(connection)
        if found is None:
            raise ApprovalError("BH-APR-011", "nothing is stopped", fix="There is nothing to resume.")
        now = stamp(boundary.clock.now())
        connection.execute(
            update(t.stop).where(t.stop.c.id == found.id).values(lifted_by=by.id, lifted_at=now)
        )
        waiting = connection.execute(
            select(t.run.c.id).where(t.run.c.status == "waiting", t.run.c.waiting_for == f"stop:{found.id}")
        )
        woken = wake(connection, [row.id for row in waiting], now)
        draft = Draft(
            kind="stop.lifted",
            actor=by.label(),
            body={"reason": reason, "assurance": by.assurance, "runs": woken},
        )
        return Work(drafts=(draft,), value=woken)

    woken: int = boundary.ledger.append(work).value
    return woken


def wake(connection: Connection, runs: Iterable[str], due_at: str) -> int:
    """Give each run its next segment, due at ``due_at``; return how many got one.

    Harmless when repeated: a run that already has a segment ready keeps it, due then at the latest; one that
    has ended gets none.
    """
    count = moved = 0
    for run in runs:
        rows = _SEGMENTS.all(connection, of_run=run)
        if any(row.state == "ready" for row in rows):
            changed = connection.execute(
                update(t.segment)
                .where(t.segment.c.run == run, t.segment.c.state == "ready", t.segment.c.due_at > due_at)
                .values(due_at=due_at)
            )
            moved += changed.rowcount
            continue
        number = max((row.number for row in rows), default=0) + 1
        count += _ADD_SEGMENT.run(connection, run=run, number=number, due_at=due_at)
    if count or moved:
        bell.ring(connection)
    return count
