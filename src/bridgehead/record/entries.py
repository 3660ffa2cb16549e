"""Read what was recorded, as it was recorded."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, bindparam, select

from bridgehead.kernel.errors import LedgerError
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

_ENVELOPE = Statement(select(t.entry.c.envelope).where(t.entry.c.idx == bindparam("index")))


def envelope_of(connection: Connection, index: int) -> dict[str, Any]:
    """Return the fields of an entry. Raises ``LedgerError`` (BH-REC-023) if there is no such entry."""
    return envelope_in(_ENVELOPE.first(connection, index=index), index)


def envelope_in(row: Row | None, index: int) -> dict[str, Any]:
    """Return the fields of an entry from the row it was read with, as ``envelope_of``."""
    if row is None:
        raise LedgerError(
            "BH-REC-023",
            f"the ledger has no entry {index}",
            means="It was never recorded, or somebody removed it.",
            fix="Run: bridgehead verify",
        )
    envelope: dict[str, Any] = json.loads(row.envelope)
    return envelope
