"""Which batches of a table wait for their verdict: copied, written down, in the order in which they came."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.store import tables as t


def to_judge(connection: Connection, source: str, table: str) -> list[Row[Any]]:
    """Return the batches that wait for their verdict, in their order."""
    return list(
        connection.execute(
            select(t.batch)
            .where(t.batch.c.source == source, t.batch.c.object == table, t.batch.c.state == "landed")
            .order_by(t.batch.c.first_seen_at)
        )
    )
