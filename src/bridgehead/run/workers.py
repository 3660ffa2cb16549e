"""The worker processes of a shared store: each says every three seconds that it lives.

Told by the database's clock, which is the same for all of them. A worker that was silent for too long counts
as dead and its segments are carried on elsewhere; one that was only paused and speaks again counts as alive,
and finds that what it had under way is no longer its own.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select, update

from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.store import Store
from bridgehead.store import tables as t
from bridgehead.store.machines import moment

BEAT = 3.0
"""Seconds between two signs of life."""
DEAD = 10.0
"""Seconds of silence after which a worker counts as dead."""
REMEMBERED = timedelta(days=2)
"""How long a worker that is gone is still listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker process as the store knows it. ``silent`` is in seconds."""

    boot: str
    name: str
    host: str
    pid: int
    concurrency: int
    started_at: str
    silent: float
    left: bool
    under_way: int

    @property
    def alive(self) -> bool:
        """Say whether it counts as alive."""
        return not self.left and self.silent < DEAD


def join(store: Store, boot: str, name: str, concurrency: int) -> None:
    """Enter a worker, and forget those long gone."""
    with store.writing() as connection:
        now = moment(connection)
        connection.execute(delete(t.worker).where(t.worker.c.beat_at < stamp(now - REMEMBERED)))
        connection.execute(
            insert(t.worker).values(
                boot=boot,
                name=name,
                host=socket.gethostname(),
                pid=os.getpid(),
                concurrency=concurrency,
                started_at=stamp(now),
                beat_at=stamp(now),
            )
        )


def beat(store: Store, boot: str) -> None:
    """Say that this worker lives."""
    with store.writing() as connection:
        connection.execute(
            update(t.worker).where(t.worker.c.boot == boot).values(beat_at=stamp(moment(connection)))
        )


def leave(store: Store, boot: str) -> None:
    """Say that this worker ends in order: what it has under way may be carried on at once."""
    with store.writing() as connection:
        connection.execute(
            update(t.worker).where(t.worker.c.boot == boot).values(left_at=stamp(moment(connection)))
        )


def every(connection: Connection) -> list[Worker]:
    """Return the workers, the newest first, with how many segments each has under way."""
    now = moment(connection)
    rows = connection.execute(select(t.worker).order_by(t.worker.c.started_at.desc())).all()
    claimed = select(t.segment.c.boot).where(t.segment.c.state == "claimed")
    under_way = [str(boot) for boot in connection.execute(claimed).scalars()]
    return [
        Worker(
            boot=row.boot,
            name=row.name,
            host=row.host,
            pid=row.pid,
            concurrency=row.concurrency,
            started_at=row.started_at,
            silent=max((now - unstamp(row.beat_at)).total_seconds(), 0.0),
            left=row.left_at is not None,
            under_way=under_way.count(row.boot),
        )
        for row in rows
    ]


def alive(connection: Connection) -> set[str]:
    """Return the boots of the workers that count as alive."""
    since = stamp(moment(connection) - timedelta(seconds=DEAD))
    rows = select(t.worker.c.boot).where(t.worker.c.beat_at > since, t.worker.c.left_at.is_(None))
    return {str(boot) for boot in connection.execute(rows).scalars()}
