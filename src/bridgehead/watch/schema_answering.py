"""What people answer about a schema that changed: who may, to which change, and why; and that it is refused.

To refuse changes nothing of what is held: readers wait on, batches stay apart. It is on record that somebody
looked, who that was, and what the sender has to put right.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import Connection, Row

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.errors import WatchError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.watch.feeds.deciding import deciders
from bridgehead.watch.schema_change.accepted import row_of

ABOUT = "schema:"
"""Of the note of every entry about the schema of a table, the beginning."""


def refuse_change(
    boundary: Boundary, source: str, table: str, by: Principal, reason: str, *, seen: str = ""
) -> None:
    """Write down that what the last look found of a table's schema is not accepted, and why.

    Whoever may accept it may; ``seen`` as in ``accept_change``. Raises ``WatchError`` BH-WAT-060, BH-WAT-062,
    BH-WAT-063 or BH-WAT-064, as that does.
    """
    require_right(boundary, by)
    require_reason(reason)

    def work(connection: Connection) -> Work:
        require_right(boundary, by)  # again: it may be gone by now
        row = opened(connection, source, table, seen)
        words = f"The change of the schema of {source}.{table} is refused: {reason.strip()}"
        body = {
            "words": words, "answer": "refused", "reason": reason.strip(), "assurance": by.assurance,
            "digest": digest(row), "changes": json.loads(row.changes),
            "owner": boundary.directory().owner.person,
        }  # fmt: skip
        note = f"{ABOUT}{source}.{table}"
        return Work(
            drafts=(Draft(kind="finding.raised", actor=by.label(), fields={"note": note}, body=body),),
            value=None,
        )

    boundary.ledger.append(work)


def digest(row: Row[Any]) -> str:
    """Return the digest of a change as it is shown: what was accepted, what was found, what that does to
    whom."""
    shown = [row.source, row.object, row.accepted, row.found, row.changes]
    return hashlib.sha256(canonical_bytes(shown)).hexdigest()


def opened(connection: Connection, source: str, table: str, seen: str) -> Row[Any]:
    """Return the row of an open change. Raises ``WatchError`` BH-WAT-060 where none is open, BH-WAT-063 where
    it is another than the one of which ``seen`` is the digest (not looked at where empty)."""
    row = row_of(connection, source, table)
    if row is None or row.accepted == row.found:
        raise WatchError(
            "BH-WAT-060", f"no change of the schema of {source}.{table} is open",
            means="Nothing was accepted.", fix="See `bridgehead watch changes`.",
        )  # fmt: skip
    if seen and seen != digest(row):
        raise WatchError(
            "BH-WAT-063", f"what changed in {source}.{table} is not what you saw",
            means="Nothing was accepted and nothing was refused.",
            fix="Read the change as it stands now, and answer to that.",
        )  # fmt: skip
    return row


def require_right(boundary: Boundary, by: Principal) -> None:
    """Raise ``WatchError`` BH-WAT-062 for anybody but the owner, the deputy and who answers for sick data."""
    if by.id not in deciders(boundary):
        owner = boundary.directory().owner
        raise WatchError(
            "BH-WAT-062", f"{by.id} may not accept a change of the data",
            means="Readers rest on the columns they know; who answers for the data says that they changed.",
            fix=f"Ask {owner.person} or {owner.deputy}, or who answers for sick data.",
        )  # fmt: skip


def require_reason(reason: str) -> None:
    """Raise ``WatchError`` BH-WAT-064 where nobody says why."""
    if not reason.strip():
        raise WatchError(
            "BH-WAT-064", "nobody says why the change is right, or is not",
            means="Nothing was accepted and nothing was refused.",
            fix="Give the reason; it is kept in the ledger.",
        )  # fmt: skip
