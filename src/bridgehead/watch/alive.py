"""Does anybody watch the data? A process that does says so every minute, here.

What a look found counts for as long as its source's ``check_every`` says, which may be a day. That nobody
looks any more must be known sooner: meanwhile no batch is taken in, and none is missed.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from bridgehead.kernel.clock import Clock, stamp, unstamp
from bridgehead.store import Store
from bridgehead.store import tables as t
from bridgehead.watch.health import ahead_of

BEAT = timedelta(minutes=1)
SILENT = timedelta(minutes=5)
"""After so long nobody watches any more."""


def beat(store: Store, clock: Clock) -> None:
    """Say that the data are watched, if nobody has said so in the last minute."""
    now = clock.now()
    last = store.look(_last)
    if last is not None and now - BEAT < unstamp(last) <= unstamp(ahead_of(now)):
        return
    values = {"beat_at": stamp(now), "by": f"{socket.gethostname()}, process {os.getpid()}"}
    with store.writing() as connection:
        if connection.execute(update(t.watch_beat).values(**values)).rowcount == 0:
            connection.execute(insert(t.watch_beat).values(number=1, **values))


def silent_since(connection: Connection, now: datetime) -> str:
    """Return when somebody watched the data last, where that is too long ago; empty where somebody does, and
    where nobody has yet."""
    last = _last(connection)
    if last is None or now - SILENT <= unstamp(last) <= unstamp(ahead_of(now)):
        return ""
    return last


def _last(connection: Connection) -> str | None:
    found: str | None = connection.execute(select(t.watch_beat.c.beat_at)).scalar()
    return found
