"""The journal's rows as SQL: what is read and written with each crossing.

In: a connection inside a transaction, and values. Out: rows. Never: decides what a row should say.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, bindparam, insert, or_, select, update

from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

Ending = Literal["ended", "given-up", ""]
ENDED: Ending = "ended"
GIVEN_UP: Ending = "given-up"
NOT: Ending = ""

BEGUN = t.crossing.c.called_at.is_not(None)
"""Picks what was claimed before, or is presumed to have been: it may have happened. Not by its attempts: what
is presumed after a restore has none on record."""
_AT = (t.crossing.c.run == bindparam("at_run"), t.crossing.c.position == bindparam("at_position"))
_EMPTY: dict[str, Any] = {
    "boot": "",
    "called_at": None,
    "first_called_at": None,
    "ended_at": None,
    "look_again_at": None,
    "settled": "",
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
_ENDED: dict[str, Any] = {
    "state": bindparam("now_state"),
    "ended_at": bindparam("now_ended_at"),
    "look_again_at": bindparam("now_look_again_at"),
}
_UNCLEAR = or_(t.crossing.c.state == "claimed", t.crossing.c.state == "unknown")
_END = Statement(update(t.crossing).where(*_AT, _UNCLEAR).values(_ENDED))
_OWN = t.crossing.c.called_at == bindparam("of_call")
_END_OWN = Statement(update(t.crossing).where(*_AT, t.crossing.c.state == "claimed", _OWN).values(_ENDED))
_END_GIVEN_UP = Statement(
    update(t.crossing).where(*_AT, t.crossing.c.state == "unknown", _OWN).values(_ENDED)
)
_REOPEN = Statement(update(t.crossing).where(*_AT, _UNCLEAR).values(state="intent"))
_RETRY = Statement(
    update(t.crossing)
    .where(
        *_AT,
        or_(t.crossing.c.state == "failed", t.crossing.c.state == "refused"),
        t.crossing.c.settled == "",
    )
    .values(state="intent", ended_at=None, look_again_at=None)
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


def at(run: str, position: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return what picks the row at a position of a run's journal, for ``where(*...)``."""
    return t.crossing.c.run == run, t.crossing.c.position == position


def find(connection: Connection, run: str, position: str) -> Row | None:
    """Return the row at a position of a run's journal."""
    return _FIND.first(connection, at_run=run, at_position=position)


def add(connection: Connection, **values: Any) -> None:
    """Insert the row of a crossing; columns that are not named stay empty."""
    _ADD.run(connection, **(_EMPTY | values))


def end(
    connection: Connection,
    run: str,
    position: str,
    state: str,
    ended_at: str | None,
    *,
    look_again_at: str | None = None,
    called_at: str = "",
) -> Ending:
    """Give the row of a call under way its end; return ``NOT`` where it has one already.

    ``called_at`` is given by whoever made the call: what was claimed again since is not theirs to end. An
    answer to a call that others had given up, and not settled yet, is its end all the same (``GIVEN_UP``).
    """
    values = {
        "at_run": run,
        "at_position": position,
        "now_state": state,
        "now_ended_at": ended_at,
        "now_look_again_at": look_again_at,
    }
    if not called_at:
        return ENDED if _END.run(connection, **values) == 1 else NOT
    if _END_OWN.run(connection, **values, of_call=called_at) == 1:
        return ENDED
    if state == "unknown":
        return NOT
    return GIVEN_UP if _END_GIVEN_UP.run(connection, **values, of_call=called_at) == 1 else NOT


def reopen(connection: Connection, run: str, position: str) -> bool:
    """Let an unclear effect be sent again; return False where somebody has settled it already."""
    return _REOPEN.run(connection, at_run=run, at_position=position) == 1


def retry(connection: Connection, run: str, position: str) -> bool:
    """Let an effect be begun anew that failed or was refused; return False where that is not how it ended."""
    return _RETRY.run(connection, at_run=run, at_position=position) == 1


def point(connection: Connection, run: str, position: str, column: str, entry: int) -> None:
    """Store the index of a ledger entry in a column of the row."""
    _POINT[column].run(connection, at_run=run, at_position=position, entry=entry)


def count(connection: Connection, run: str, effects: int) -> None:
    """Count one more crossing of a run, and so many effects."""
    _COUNT.run(connection, at_run=run, more_effects=effects)
