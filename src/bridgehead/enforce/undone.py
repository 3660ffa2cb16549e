"""Is something in the way of taking an effect back? Looked at in the transaction of the claim.

Twice: nothing is taken back a second time. Later: what others did to the record since stays; a later
effect that was taken back itself is in nobody's way.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, bindparam, literal_column, or_, select

from bridgehead.enforce.boundary import Crossing, Undoes
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.store import tables as t
from bridgehead.store.statement import Statement

STEP = 7
_it, _later, _back = t.crossing.alias("it"), t.crossing.alias("later"), t.crossing.alias("back")


def _any_of(column: ColumnElement[str], *states: str) -> ColumnElement[bool]:
    return or_(*(column == state for state in states))


_TAKEN_BACK = (
    select(literal_column("1"))
    .where(
        _back.c.undoes == _later.c.run + literal_column("'/'") + _later.c.position,
        _back.c.undoes != literal_column("''"),  # written out, so that the index of undone rows serves
        _back.c.state == "done",
    )
    .exists()
)
_TWICE = Statement(
    select(t.crossing.c.run)
    .where(
        t.crossing.c.undoes == bindparam("name"),
        t.crossing.c.undoes != literal_column("''"),
        _any_of(t.crossing.c.state, "claimed", "done", "unknown"),
        or_(t.crossing.c.run != bindparam("own_run"), t.crossing.c.position != bindparam("own_position")),
    )
    .limit(1)
)
_LATER = Statement(
    select(_later.c.run, _later.c.position)
    .select_from(_it)
    .join(_later, _later.c.record == _it.c.record)
    .where(
        _it.c.run == bindparam("run"),
        _it.c.position == bindparam("position"),
        _it.c.record != literal_column("''"),
        _later.c.intent_entry > _it.c.intent_entry,
        _later.c.effect != "read",
        _later.c.undoes == "",
        _any_of(_later.c.state, "claimed", "done", "unknown"),
        ~_TAKEN_BACK,
    )
    .order_by(_later.c.intent_entry)
    .limit(1)
)


def later_effect(connection: Connection, undoes: Undoes) -> str:
    """Return ``run/position`` of an effect on the same record that came later and stands, or nothing."""
    row = _LATER.first(connection, run=undoes.run, position=undoes.position)
    return f"{row.run}/{row.position}" if row is not None else ""


def in_the_way(connection: Connection, crossing: Crossing) -> Refuse | None:
    """Refuse a compensation whose effect was taken back already, or whose record was changed since."""
    if crossing.undoes is None:
        return None
    twice = _TWICE.first(
        connection, name=crossing.undoes.name, own_run=crossing.run.id, own_position=crossing.position
    )
    if twice is not None:
        return _refuse("undo.twice", f"It was taken back already, by {twice.run}.")
    later = later_effect(connection, crossing.undoes)
    if later:
        return _refuse("undo.changed", f"The record was changed since, by {later}; that stays.")
    return None


def _refuse(rule: str, words: str) -> Refuse:
    return Refuse(step=STEP, reasons=(Reason(rule=rule, words=words),))
