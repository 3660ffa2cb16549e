"""The driver for PostgreSQL: one statement, in a connection of its own that is gone afterwards.

Nothing is left for the next query: no setting, no temporary table, no prepared statement. The transaction is
read-only, ``pg_catalog`` is the only schema that names without one are looked for in, and time is limited by
the server. The role of the address must not be able to do more than read: a superuser, one that row security
does not hold for, and one that may change the declared tables are refused when the source is opened. Where
the charter declares a ``wall``, its views are told who reads (docs/how-to/query-data-as-a-person.md).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from bridgehead.connect.faults import bad_setting, late, lost, not_open, unknown_operation
from bridgehead.connect.sources import reader
from bridgehead.connect.sources.answer import Answer, failed, statement_of
from bridgehead.declare.model import Source, seconds
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import STATEMENT, Operation, Reply, Request

CHUNK = 200
"""Rows read at once."""

_SETTINGS = {
    "default_transaction_read_only": "on",
    "standard_conforming_strings": "on",  # how the text was written
    "search_path": "pg_catalog,pg_temp",
    "row_security": "on",
    "jit": "off",
    "client_encoding": "UTF8",
    "application_name": "bridgehead",
}

_AS_TEXT = (2249, 2287, 1186, 1187)
"""Types by their number: record, record[], interval, interval[]."""


class PostgresqlSource:
    """A database whose address an environment variable holds, and the tables the charter declares of it."""

    def __init__(self, name: str, settings: Source) -> None:
        self.name = name
        self.region = settings.region
        self._settings = settings
        self._open = False

    async def open(self) -> None:
        """Connect once and leave. Raises BH-CON-001/002/015/065."""
        import psycopg

        connection = await self._connect(seconds(self._settings.deadline))
        try:
            await reader.check(connection, self.name, self._settings)
        except psycopg.Error as error:
            raise _unreachable(self.name, str(error)) from error
        finally:
            await connection.close()
        self._open = True

    async def close(self) -> None:
        """Refuse further calls."""
        self._open = False

    async def operations(self) -> Sequence[Operation]:
        """Return nothing: what is asked of it is made at the boundary."""
        return ()

    async def call(self, request: Request) -> Reply:
        """Run one statement and return its rows as a list of dicts. A read: every failure has effect none."""
        if request.operation != STATEMENT:
            raise unknown_operation(self.name, request.operation, ())
        if not self._open:
            raise not_open(self.name)
        sql, values = statement_of(self.name, request.arguments)
        claim = str(request.arguments.get("claim", ""))
        try:
            async with asyncio.timeout(request.deadline):
                return Reply(value=await self._rows(sql, values, claim, request.deadline))
        except TimeoutError as error:
            raise late(self.name, request.deadline, "none") from error

    async def _rows(self, sql: str, values: list[Any], claim: str, deadline: float) -> list[dict[str, Any]]:
        import psycopg

        connection = await self._connect(deadline)
        try:
            await connection.set_read_only(True)
            async with connection.cursor() as cursor:
                if self._settings.wall:
                    await reader.claim(cursor, self.name, self._settings.wall, claim)
                await cursor.execute("DECLARE bh NO SCROLL CURSOR FOR " + sql, values)
                await cursor.execute(f"FETCH {CHUNK} FROM bh")
                answer = Answer(
                    self.name, [c.name for c in cursor.description or ()], self._settings.row_limit
                )
                while rows := await cursor.fetchall():
                    answer.take(rows)
                    await cursor.execute(f"FETCH {CHUNK} FROM bh")
                return answer.rows
        except psycopg.errors.QueryCanceled as error:
            raise late(self.name, deadline, "none") from error
        except psycopg.Error as error:
            gone = isinstance(error, psycopg.OperationalError)
            raise failed(self.name, f"{error.sqlstate or ''} {error}", temporary=gone) from error
        finally:
            await connection.close()

    async def _connect(self, deadline: float) -> Any:
        psycopg = _psycopg()
        address = os.environ.get(self._settings.address, "")
        if not address:
            raise bad_setting(
                f"the environment variable {self._settings.address}, the address of {self.name}, is not set",
                fix="Set it to postgresql://ROLE:PASSWORD@HOST/DATABASE.",
            )
        limits = {"statement_timeout": str(int(deadline * 1000)), "cursor_tuple_fraction": "1.0"}
        try:
            connection = await psycopg.AsyncConnection.connect(
                address.replace("postgresql+psycopg://", "postgresql://", 1),
                options=" ".join(f"-c {name}={value}" for name, value in {**_SETTINGS, **limits}.items()),
                connect_timeout=max(2, int(deadline)),
                cursor_factory=psycopg.AsyncRawCursor,
            )
        except psycopg.Error as error:
            raise _unreachable(self.name, str(error)) from error
        _as_text(connection)
        return connection


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise bad_setting(
            "reading PostgreSQL needs the package psycopg", fix="Run `pip install 'bridgehead[postgresql]'`."
        ) from error
    return psycopg


def _as_text(connection: Any) -> None:
    """Take rows inside rows as text, whether they are a table's or made by the statement."""
    from psycopg.types.string import TextLoader

    for oid in _AS_TEXT:
        connection.adapters.register_loader(oid, TextLoader)


def _unreachable(name: str, why: str) -> ConnectError:
    fault = lost(name, "it could not be reached", "none")
    fault.private = why
    return fault
