"""The tables of dbos, in schema ``dbos`` of our database: what we refuse, find and clear away there.

SQL on our own connections; nothing is imported from dbos here. A segment is one row of ``workflow_status``,
its id is ``RUN:segN``. It holds ids and nothing else: no content is in these tables, nothing there needs
erasing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

QUEUE = "bridgehead-segments"
KEEP_HOURS = 24
"""How long the row of a segment that ended is kept, for whoever looks what the engine did."""

AT_ONCE = 500
"""Old rows that are cleared away in one transaction."""

_WITH_SERIALIZATION = text(
    "select table_name from information_schema.columns"
    " where table_schema = 'dbos' and column_name = 'serialization' order by table_name"
)
_CONSTRAINTS = text(
    "select c.relname from pg_constraint k join pg_class c on c.oid = k.conrelid"
    " join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'dbos' and k.conname = 'no_pickle'"
)
_PENDING = text(
    "select workflow_uuid, executor_id from dbos.workflow_status"
    " where queue_name = :queue and status = 'PENDING'"
)
_POISONED = text("select workflow_uuid from dbos.workflow_status where serialization = 'py_pickle'")
_STRANDED = text(
    "select s.run, s.number, coalesce(w.status, 'missing') as status from segment s"
    " left join dbos.workflow_status w on w.workflow_uuid = s.run || '\\:seg' || s.number"
    " where s.state in ('queued', 'claimed')"
    " and coalesce(w.status, 'missing') not in ('ENQUEUED', 'PENDING', 'DELAYED')"
)
_OLD = text(
    "select w.workflow_uuid from dbos.workflow_status w where w.queue_name = :queue"
    " and w.status not in ('ENQUEUED', 'PENDING', 'DELAYED')"
    " and w.updated_at < (extract(epoch from now()) - :hours * 3600) * 1000"
    " and not exists (select 1 from segment s where s.run || '\\:seg' || s.number = w.workflow_uuid"
    " and s.state <> 'ended') limit :most"
)
_OF_WORKFLOWS = text(
    "select table_name from information_schema.columns"
    " where table_schema = 'dbos' and column_name = 'workflow_uuid' order by table_name"
)


PROTECTING = 0x6272_6964_0003
"""Held, for one transaction, by whoever makes the engine's tables refuse pickled rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranded:
    """A segment that is on its way by our rows and not by the engine's; ``status`` is what that one says."""

    run: str
    number: int
    status: str


def name_of(run: str, number: int) -> str:
    """Return the engine's id of a segment: the same each time, so that handing it over twice is harmless."""
    return f"{run}:seg{number}"


def refuse_pickle(connection: Connection) -> None:
    """Make the database refuse rows that would have to be unpickled, in every table that could hold one.

    Workers that start at the same moment do it one after the other: the second finds it done.
    """
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": PROTECTING})
    known = set(connection.execute(_CONSTRAINTS).scalars())
    for table in connection.execute(_WITH_SERIALIZATION).scalars():
        if table not in known:
            connection.exec_driver_sql(
                f'alter table dbos."{table}" add constraint no_pickle'
                " check (serialization is distinct from 'py_pickle') not valid"
            )


def poisoned(connection: Connection) -> list[str]:
    """Return the ids of rows that would have to be unpickled."""
    return list(connection.execute(_POISONED).scalars())


def forget(connection: Connection, ids: Iterable[str]) -> None:
    """Remove rows of the engine, with all that any of its tables holds of them: what is handed over again
    must find nothing of what was there."""
    wanted = list(ids)
    if not wanted:
        return
    for table in connection.execute(_OF_WORKFLOWS).scalars().all():
        connection.execute(
            text(f'delete from dbos."{table}" where workflow_uuid = any(:ids)'),  # noqa: S608 (names of dbos's own tables, from its schema)
            {"ids": wanted},
        )


def pending(connection: Connection) -> list[tuple[str, str]]:
    """Return the segments that are under way by the engine's rows, each with the worker that has it."""
    rows: Any = connection.execute(_PENDING, {"queue": QUEUE})
    return [(str(row.workflow_uuid), str(row.executor_id)) for row in rows]


def stranded(connection: Connection) -> list[Stranded]:
    """Return the segments that nobody would ever carry on."""
    rows = connection.execute(_STRANDED).all()
    return [Stranded(run=row.run, number=row.number, status=row.status) for row in rows]


def old(connection: Connection) -> list[str]:
    """Return the ids of rows that are over, old, and whose segment has ended; ``AT_ONCE`` at most."""
    return list(connection.execute(_OLD, {"queue": QUEUE, "hours": KEEP_HOURS, "most": AT_ONCE}).scalars())
