"""A question reaches its end: the row, its entry, and the run's next segment, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.stop import wake
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, EntryKind, Written
from bridgehead.kernel.errors import ApprovalError
from bridgehead.store import tables as t

Then = Callable[[Connection, tuple[Written, ...]], None]


def locked(connection: Connection, approval: str) -> Row[Any]:
    """Return the row of a question, held until the transaction ends. Raises BH-APR-001."""
    row = connection.execute(select(t.approval).where(t.approval.c.id == approval).with_for_update()).first()
    if row is None:
        raise ApprovalError(
            "BH-APR-001", f"there is no question {approval}", fix="`bridgehead approvals` lists them."
        )
    return row


def close(
    connection: Connection, boundary: Boundary, row: Row[Any], state: str, reason: str, actor: str
) -> Draft:
    """Close a question and give the run its next segment; a review wakes nobody."""
    now = boundary.clock.now()
    values: dict[str, Any] = {"state": state, "closed_at": stamp(now), "next_rung_at": None}
    if state == "approved" and row.kind != "review":
        lasts = timedelta(seconds=json.loads(row.terms).get("valid_for", 0.0))
        values["valid_until"] = stamp(now + lasts)
    connection.execute(update(t.approval).where(t.approval.c.id == row.id).values(**values))
    if row.kind != "review":
        go_on(connection, row.run, stamp(now))
    return entry("approval.closed", row, {"state": state}, {"reason": reason}, actor)


def go_on(connection: Connection, run: str, now: str) -> None:
    """Give a run its next segment, unless it has ended."""
    status = connection.execute(select(t.run.c.status).where(t.run.c.id == run)).scalar()
    if status in ("running", "waiting"):
        wake(connection, [run], now)


def entry(
    kind: EntryKind, row: Row[Any], approval: dict[str, Any], body: dict[str, Any], actor: str
) -> Draft:
    """Return an entry about a question, which names its id and the digest of what is shown."""
    return Draft(
        kind=kind,
        actor=actor,
        run=row.run,
        fields={"approval": {"id": row.id, "digest": row.digest, **approval}, "position": row.position},
        body=body,
        subject=row.subject,
    )


def both(*steps: Then) -> Then:
    """Return the steps as one."""

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        for step in steps:
            step(connection, written)

    return then


def pointed(approval: str, column: str, place: int) -> Then:
    """Return the step that stores the index of the entry written at ``place`` in a column of the question."""

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        connection.execute(
            update(t.approval).where(t.approval.c.id == approval).values({column: written[place].index})
        )

    return then
