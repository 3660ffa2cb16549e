"""How far a surprise about an effect reaches, in words that hold nothing personal.

In: a connection and the row of an effect. Out: a sentence or two. Never: reads content.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection, func, or_, select

from bridgehead.kernel.money import shown as money_shown
from bridgehead.store import tables as t
from bridgehead.store.statement import Row

MAY_HAVE_BEEN = ("claimed", "unknown", "done")
"""States of an effect that happened, or may have."""
_WHAT = {
    "zombie": "is recorded as failed, and the other system shows it: it landed after all, or somebody made "
    "the same change by other means",
    "gone": "is recorded as done, and the other system does not show it any more: somebody took it back or "
    "changed it since, or it was never kept",
}


def words(connection: Connection, row: Row, surprise: str, answer: bool | int | None) -> str:
    """Return what does not fit, and what may rest on it."""
    what = _WHAT.get(surprise) or f"was meant once, and the other system shows {answer} of it"
    return f"{row.kind}:{row.target} {what}. {_reach(connection, row)}"


def _reach(connection: Connection, row: Row) -> str:
    parts = []
    if row.amount:
        parts.append(f"{money_shown(abs(Decimal(row.amount)))} {row.currency} are concerned")
    own = _later_in_run(connection, row)
    parts.append(f"its run made {own or 'no'} further {'change' if own == 1 else 'changes'} after it")
    if row.record:
        others = later_changes(connection, row)
        parts.append(
            f"its record was changed {others or 'no'} {'time' if others == 1 else 'times'} since by us"
        )
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def _later_in_run(connection: Connection, row: Row) -> int:
    return int(
        connection.execute(
            select(func.count()).where(
                t.crossing.c.run == row.run,
                t.crossing.c.effect != "read",
                t.crossing.c.intent_entry > row.intent_entry,
                or_(t.crossing.c.state == "done", t.crossing.c.state == "unknown"),
            )
        ).scalar_one()
    )


def later_changes(connection: Connection, row: Row, states: Sequence[str] = ("done",)) -> int:
    """Return how often anyone changed the record of an effect through us after it, by state."""
    return int(
        connection.execute(
            select(func.count()).where(
                t.crossing.c.record == row.record,
                t.crossing.c.effect != "read",
                t.crossing.c.intent_entry > row.intent_entry,
                t.crossing.c.state.in_(states),
            )
        ).scalar_one()
    )
