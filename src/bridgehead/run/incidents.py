"""A run that was stopped tells its owner: an incident row and a ledger entry."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.ids import new_id
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t


async def raise_incident(boundary: Boundary, run: str, kind: str, words: str) -> None:
    """Record that a run was stopped, why, and who answers for it."""
    await boundary.ledger.commit(_incident(boundary, run, kind, words))


def raise_incident_now(boundary: Boundary, run: str, kind: str, words: str) -> None:
    """Do the same from a thread that has no event loop."""
    boundary.ledger.append(_incident(boundary, run, kind, words))


def _incident(boundary: Boundary, run: str, kind: str, words: str) -> UnitOfWork:
    def work(connection: Connection) -> Work:
        connection.execute(
            insert(t.incident).values(
                id=new_id("inc", boundary.clock),
                run=run,
                kind=kind,
                words=words,
                opened_at=stamp(boundary.clock.now()),
            )
        )
        raised = Draft(
            kind="finding.raised",
            actor="service:engine",
            run=run,
            fields={"note": kind},
            body={"words": words, "owner": boundary.directory().owner.person},
        )
        return Work(drafts=(raised,))

    return work
