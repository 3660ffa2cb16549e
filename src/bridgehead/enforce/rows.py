"""The journal's rows as SQL: what ``journal`` reads and writes with each crossing.

In: a connection inside a transaction, and values. Out: rows. Never: decides what a row should say.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

_AT = (t.crossing.c.run == bindparam("at_run"), t.crossing.c.position == bindparam("at_position"))
_EMPTY: dict[str, Any] = {
    "boot": "",
    "called_at": None,
    "ended_at": None,
    "amount": "",
    "currency": "",
    "approval": "",
    "decision": "",
    "attempt": 0,
    "edit_entry": None,
}
_FIND = Statement(select(t.crossing).where(*_AT))
_ADD = Statement(
    insert(t.crossing).values(
        {
            column.name: bindparam(column.name)
            for column in t.crossing.columns
            if column.name not in ("intent_entry", "outcome_entry")
        }
    )
)
_END = Statement(
    update(t.crossing)
    .where(*_AT, or_(t.crossing.c.state == "claimed", t.crossing.c.state == "unknown"))
    .values(state=bindparam("now_state"), ended_at=bindparam("now_ended_at"))
)
_POINT = {
    column: Statement(update(t.crossing).where(*_AT).values({column: bindparam("entry")}))
    for column in ("intent_entry", "outcome_entry")
}
_COUNT = Statement(
    update(t.run)
    .where(t.run.c.id == bindparam("at_run"))
    .values(crossings=t.run.c.crossings + 1, effects=t.run.c.effects + bindparam("more_effects"))
)


def find(connection: Connection, run: str, position: str) -> Row | None:
    """Return the row at a position of a run's journal."""
    return _FIND.first(connection, at_run=run, at_position=position)


def add(connection: Connection, **values: Any) -> None:
    """Insert the row of a crossing; columns that are not named stay empty."""
    _ADD.run(connection, **(_EMPTY | values))


def end(connection: Connection, run: str, position: str, state: str, ended_at: str | None) -> bool:
    """Give the row of a call under way its end; return False where it has one already."""
    changed = _END.run(connection, at_run=run, at_position=position, now_state=state, now_ended_at=ended_at)
    return changed == 1


def point(connection: Connection, run: str, position: str, column: str, entry: int) -> None:
    """Store the index of a ledger entry in a column of the row."""
    _POINT[column].run(connection, at_run=run, at_position=position, entry=entry)


def count(connection: Connection, run: str, effects: int) -> None:
    """Count one more crossing of a run, and so many effects."""
    _COUNT.run(connection, at_run=run, more_effects=effects)
