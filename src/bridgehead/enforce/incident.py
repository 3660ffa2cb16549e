"""Something about a question that its owner must look at: an incident row, and its ledger entry."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.ids import new_id
from bridgehead.store import tables as t


def found(connection: Connection, boundary: Boundary, row: Row[Any], kind: str, words: str) -> Draft:
    """Open an incident about a question and return the entry that records it."""
    connection.execute(
        insert(t.incident).values(
            id=new_id("inc", boundary.clock),
            run=row.run,
            kind=kind,
            words=words,
            opened_at=stamp(boundary.clock.now()),
        )
    )
    return Draft(
        kind="finding.raised",
        actor="service:approvals",
        run=row.run,
        fields={"note": kind, "position": row.position},
        body={"words": words, "owner": boundary.directory().owner.person},
        subject=row.subject,
    )
