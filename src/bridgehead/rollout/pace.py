"""How fast an undo may go: ``60/1m`` is sixty compensations a minute.

A compensation takes its turn when it is about to be made; a turn that was slept through is taken anew, so
that a process that comes back after an hour does not make up for the hour at once.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from bridgehead.declare.model import seconds
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.errors import ConfigError
from bridgehead.store import tables as t

GRACE = 5.0
"""Seconds a turn may be late and still be used."""
_RATE = re.compile(r"^([1-9]\d{0,6})/(\S+)$")


def interval(rate: str) -> timedelta:
    """Return the time between two compensations. Raises ``ConfigError`` (BH-UND-006) for another text."""
    if not rate:
        return timedelta(0)
    match = _RATE.match(rate)
    try:
        if match is not None:
            return timedelta(seconds=seconds(match[2]) / int(match[1]))
    except ValueError:
        pass
    raise ConfigError("BH-UND-006", f"{rate!r} is not a rate", fix="Write for example 60/1m or 10/1s.")


def turn(connection: Connection, undo: str, number: int, now: datetime) -> datetime:
    """Return when an item may start: its turn, taken now where it has none or slept through it."""
    row = connection.execute(
        select(t.undo.c.rate, t.undo.c.next_at).where(t.undo.c.id == undo).with_for_update()
    ).one()
    step = interval(row.rate)
    if not step:
        return now
    of_item = (t.undo_item.c.undo == undo, t.undo_item.c.number == number)
    slot = connection.execute(select(t.undo_item.c.slot_at).where(*of_item)).scalar_one()
    if slot and unstamp(slot) >= now - max(step, timedelta(seconds=GRACE)):
        return unstamp(slot)
    mine = max(unstamp(row.next_at), now) if row.next_at else now
    connection.execute(update(t.undo).where(t.undo.c.id == undo).values(next_at=stamp(mine + step)))
    connection.execute(update(t.undo_item).where(*of_item).values(slot_at=stamp(mine)))
    return mine
