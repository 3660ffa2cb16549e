"""Schemas that changed: what is open, since when, and by which names people agreed to read columns."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select

from bridgehead.store import tables as t


def changes(connection: Connection) -> list[dict[str, Any]]:
    """Return each table whose schema a look has seen, those with an open change first."""
    rows = connection.execute(
        select(t.schema_seen).order_by(
            t.schema_seen.c.since == "", t.schema_seen.c.source, t.schema_seen.c.object
        )
    )
    return [
        {
            "table": f"{row.source}.{row.object}",
            "since": row.since,
            "changes": json.loads(row.changes),
            "mapping": json.loads(row.mapping),
            "accepted_at": row.accepted_at,
            "accepted_by": row.accepted_by,
            "found_at": row.found_at,
        }
        for row in rows
    ]
