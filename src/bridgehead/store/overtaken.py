"""Which undos another one for the same target came after: nobody waits for their plan any more."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.store.tables.undoing import undo as table


def overtaken(connection: Connection, undo: Row[Any]) -> bool:
    """Say whether another plan or an order for the same target came after an undo (a row of ``undo``)."""
    later = (table.c.target == undo.target, table.c.ordered_entry > undo.ordered_entry)
    return connection.execute(select(table.c.id).where(*later)).first() is not None
