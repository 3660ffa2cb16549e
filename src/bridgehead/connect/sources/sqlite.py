"""The driver for an SQLite file: named queries, or statements that the boundary has rewritten.

Several walls: the file is opened read-only, ``query_only`` is set, an authorizer allows nothing but
selecting, reading and calling functions, and a query must begin like one. Only queries the charter
names are run, or, where it declares tables, what the boundary made, in a process of its own with bounded
memory and time; arguments are bound, never pasted into SQL.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridgehead.connect.faults import late, lost, not_open, shorten, unknown_operation, with_bound
from bridgehead.connect.sources.answer import Answer, statement_of, unreadable
from bridgehead.connect.sources.apart import Patience, Processes
from bridgehead.connect.sources.sqlite_session import read_only
from bridgehead.declare.model import Source, SqlQuery
from bridgehead.declare.parameters import fits
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.clock import Clock, SystemClock
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import STATEMENT, Operation, Reply, Request

STEPS = 1000
"""Virtual machine steps between two looks at the deadline (well under a millisecond)."""

_ASKS = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/)*(select|with|values)\b", re.IGNORECASE | re.DOTALL)
"""How a query begins. VACUUM (INTO a new file) asks no authorizer, so this wall is needed too."""

_JSON_TYPE = {"text": "string", "integer": "integer", "number": "number"}


class SqliteSource:
    """A file and the queries the charter names on it. Each call has its own connection."""

    def __init__(self, name: str, settings: Source, *, folder: Path, clock: Clock | None = None) -> None:
        self.name = name
        self.region = settings.region
        self._settings = settings
        self._path = (folder / settings.path).resolve()
        self._clock = clock or SystemClock()
        self._closed: threading.Event | None = None
        self._processes: Processes | None = None

    async def open(self) -> None:
        """Check the file and compile every query. Raises BH-CON-060/061."""
        await asyncio.to_thread(self._check)
        self._closed = self._closed or threading.Event()
        if self._settings.tables:
            self._processes = self._processes or Processes(self.name, "sqlite")

    async def close(self) -> None:
        """Refuse further calls and end the ones under way."""
        if self._closed is not None:
            self._closed.set()
        self._closed = None
        processes, self._processes = self._processes, None
        if processes is not None:
            processes.close()

    async def operations(self) -> Sequence[Operation]:
        """Return the charter's queries."""
        return tuple(_operation(name, query) for name, query in self._settings.queries.items())

    async def call(self, request: Request) -> Reply:
        """Run one query and return its rows as a list of dicts. A read: every failure has effect none."""
        if self._settings.tables:
            return await self._apart(request)
        query = self._settings.queries.get(request.operation)
        if query is None:
            raise unknown_operation(self.name, request.operation, self._settings.queries)
        values = self._typed(query, with_bound(self.name, request.arguments, request.bound))
        if self._closed is None:
            raise not_open(self.name)
        patience = _Patience(self._clock, request.deadline, self._closed)
        try:
            return Reply(value=await asyncio.to_thread(self._rows, query.sql, values, patience))
        finally:
            # A thread cannot be cancelled; the query sees this and ends itself.
            patience.given_up = True

    async def _apart(self, request: Request) -> Reply:
        """Run what the boundary made of a statement, which a model may have written."""
        if request.operation != STATEMENT:
            raise unknown_operation(self.name, request.operation, ())
        sql, values = statement_of(self.name, request.arguments)
        processes = self._processes
        if processes is None:
            raise not_open(self.name)
        question = {"path": str(self._path), "sql": sql, "values": values}
        most, place = self._settings.row_limit, self._settings.path
        patience = Patience(request.deadline)
        try:
            rows = await asyncio.to_thread(processes.ask, question, patience, row_limit=most, place=place)
            return Reply(value=rows)
        finally:
            patience.end()  # a thread cannot be cancelled; the process can be ended

    def _rows(self, sql: str, values: dict[str, Any], patience: _Patience) -> list[dict[str, Any]]:
        connection = self._connect(patience.deadline)
        try:
            connection.set_progress_handler(patience.over, STEPS)
            cursor = connection.execute(sql, values)
            answer = Answer(self.name, [c[0] for c in cursor.description or ()], self._settings.row_limit)
            answer.take(cursor)
            return answer.rows
        except sqlite3.Error as error:
            raise self._failed(error, patience) from error
        finally:
            connection.close()

    def _connect(self, deadline: float) -> sqlite3.Connection:
        try:
            return read_only(self._path, deadline)
        except sqlite3.Error as error:
            raise self._unreadable(str(error)) from error

    def _check(self) -> None:
        if not self._path.is_file():
            raise self._unreadable("there is no such file")
        connection = self._connect(10.0)
        try:
            for name, query in self._settings.queries.items():
                self._compile(connection, name, query)
        finally:
            connection.close()

    def _compile(self, connection: sqlite3.Connection, name: str, query: SqlQuery) -> None:
        if _ASKS.match(query.sql) is None:
            raise self._bad_query(name, "it does not begin with SELECT, WITH or VALUES")
        used = _Names()
        try:
            connection.execute("EXPLAIN " + query.sql, used)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._bad_query(name, str(error)) from error
        if used.seen != query.parameters.keys():
            wrong = ", ".join(sorted(used.seen ^ query.parameters.keys()))
            raise self._bad_query(name, f"declared and used parameters differ: {wrong}")

    def _typed(self, query: SqlQuery, arguments: Mapping[str, Any]) -> dict[str, Any]:
        wrong = sorted(arguments.keys() ^ query.parameters.keys())
        wrong += [
            n for n, kind in query.parameters.items() if n in arguments and not fits(arguments[n], kind)
        ]
        if wrong:
            raise ConnectError(
                "BH-CON-062",
                f"missing, unknown or of the wrong type for this query of {self.name}: {', '.join(wrong)}",
                effect_state="none",
                means="Nothing was asked.",
                fix=f"It takes {dict(query.parameters) or 'no parameters'}.",
            )
        return dict(arguments)

    def _failed(self, error: sqlite3.Error, patience: _Patience) -> ConnectError:
        # Faults of the module itself, such as text that is not UTF-8, carry no code.
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_INTERRUPT:
            if patience.closed.is_set():
                return lost(self.name, "it was closed", "none")
            return late(self.name, patience.deadline, "none")
        return ConnectError(
            "BH-CON-061",
            f"a query of {self.name} failed: {shorten(str(error), 300)}",
            effect_state="none",
            temporary=code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
            means="Nothing was changed; queries only read.",
            fix="Look at the query in the charter and at the file.",
        )

    def _unreadable(self, why: str) -> ConnectError:
        return unreadable(self.name, self._settings.path, why)

    def _bad_query(self, query: str, why: str) -> ConnectError:
        return ConnectError(
            "BH-CON-061",
            f"the query {query} of {self.name} is not usable: {shorten(why, 300)}",
            effect_state="none",
            means="A query is one SELECT with declared parameters, and reads only.",
            fix="Correct it in the charter.",
        )


class _Patience:
    """How long a query may go on: to its deadline, until its caller leaves, until the driver closes."""

    def __init__(self, clock: Clock, deadline: float, closed: threading.Event) -> None:
        self.deadline = deadline
        self.closed = closed
        self.given_up = False
        self._clock = clock
        self._until = clock.monotonic() + deadline

    def over(self) -> bool:
        """Return whether to stop; SQLite asks every ``STEPS`` steps."""
        return self.given_up or self.closed.is_set() or self._clock.monotonic() > self._until


class _Names(dict[str, None]):
    """Stands in for the values while a query is compiled, and notes which names it asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __missing__(self, name: str) -> None:
        self.seen.add(name)


def _operation(name: str, query: SqlQuery) -> Operation:
    parameters = {
        "type": "object",
        "properties": {key: {"type": _JSON_TYPE[kind]} for key, kind in query.parameters.items()},
        "required": list(query.parameters),
        "additionalProperties": False,
    }
    pinned = digest(
        {"name": name, "description": query.description, "sql": query.sql, "parameters": parameters}
    )
    return Operation(name=name, description=query.description, parameters=parameters, digest=pinned)
