"""Statements of the hot path: written once with SQLAlchemy Core, compiled once for each database.

::

    FIND = Statement(select(t.run).where(t.run.c.id == bindparam("run")))
    row = FIND.first(connection, run="run_1")      # row.status

SQLAlchemy builds and caches a statement each time it is executed, which costs twenty times what SQLite
needs to run it. Here a statement is text and an order of values; rows go straight to the driver. What the
database cannot do is raised as SQLAlchemy raises it, so ``Store`` tells it in our words like everything else.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement, Select
from sqlalchemy.sql.compiler import SQLCompiler

Row = Any
"""A named tuple: the selected columns, by name."""


class _Compiled(NamedTuple):
    """A statement for one database: its text, its values in order, and those written into it."""

    text: str
    order: tuple[str, ...]
    fixed: Mapping[str, Any]
    by_name: bool

    def bound(self, values: Mapping[str, Any]) -> Any:
        fixed = self.fixed
        if self.by_name:
            return {name: values[name] if name in values else fixed[name] for name in self.order}
        return [values[name] if name in values else fixed[name] for name in self.order]


class Statement:
    """One statement. Its ``bindparam`` names are the keyword arguments; each must be given."""

    __slots__ = ("_clause", "_compiled", "_row")

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._compiled: dict[str, _Compiled] = {}
        names = [column.key for column in clause.selected_columns] if isinstance(clause, Select) else []
        made: Any = namedtuple  # its checker wants names it can read in the source
        self._row = made("Row", [str(name) for name in names])._make

    def run(self, connection: Connection, **values: Any) -> int:
        """Execute; return how many rows it matched."""
        cursor = self._executed(connection, values)
        matched = int(cursor.rowcount)
        cursor.close()
        return matched

    def first(self, connection: Connection, **values: Any) -> Row | None:
        """Execute; return the first row of the result, or None."""
        cursor = self._executed(connection, values)
        found = cursor.fetchone()
        cursor.close()
        return None if found is None else self._row(found)

    def one(self, connection: Connection, **values: Any) -> Row:
        """Execute; return the row there must be."""
        found = self.first(connection, **values)
        if found is None:
            raise LookupError(f"no row for {values}")
        return found

    def all(self, connection: Connection, **values: Any) -> list[Row]:
        """Execute; return every row of the result."""
        cursor = self._executed(connection, values)
        found = cursor.fetchall()
        cursor.close()
        return [self._row(row) for row in found]

    def _executed(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        compiled = self._compiled.get(connection.dialect.name)
        if compiled is None:
            compiled = self._compiled[connection.dialect.name] = _compile(self._clause, connection.dialect)
        return execute(connection, compiled.text, compiled.bound(values))


def execute(connection: Connection, text: str, values: Any) -> Any:
    """Execute text on the driver's own cursor; return the cursor.

    Raises what SQLAlchemy would raise. INVARIANT: only inside a transaction of ``Store``, which has told
    SQLAlchemy of it, or a look: this does not.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(text, values)
    except Exception as error:
        raise as_sqlalchemy(connection, text, error) from error
    return cursor


def execute_many(connection: Connection, text: str, rows: Sequence[Any]) -> int:
    """Execute text once for each row; return how many rows were matched. Otherwise like ``execute``."""
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(text, rows)
    except Exception as error:
        raise as_sqlalchemy(connection, text, error) from error
    matched = int(cursor.rowcount)
    cursor.close()
    return matched


def send_many(connection: Connection, text: str, rows: Sequence[Any]) -> Any:
    """Execute text once for each row; return the cursor. Its ``rowcount`` is known when ``together`` ends."""
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(text, rows)
    except Exception as error:
        raise as_sqlalchemy(connection, text, error) from error
    return cursor


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """Send what is executed inside without waiting for each answer: on PostgreSQL, one way there and back.

    Nothing inside may need an answer. Raises, at its end, what the first failing statement raises.
    """
    driver = connection.connection.driver_connection
    if connection.dialect.name != "postgresql" or not _pipelines():
        yield
        return
    try:
        with driver.pipeline():  # type: ignore[union-attr]  # psycopg's connection
            yield
    except Exception as error:
        raise as_sqlalchemy(connection, "a pipeline", error) from error


@cache
def _pipelines() -> bool:
    """Say whether the client library is new enough (libpq 14)."""
    from psycopg import Pipeline

    return bool(Pipeline.is_supported())


def as_sqlalchemy(connection: Connection, text: str, error: Exception) -> BaseException:
    """Return a driver's error as SQLAlchemy raises it, anything else as it is."""
    base = connection.dialect.loaded_dbapi.Error
    if not isinstance(error, base):
        return error
    # Values are left out of it: they may be what an entry's body keeps secret.
    return DBAPIError.instance(text, None, error, base, hide_parameters=True, dialect=connection.dialect)


def _compile(clause: ClauseElement, dialect: Dialect) -> _Compiled:
    compiled = clause.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # not DDL
    assert not compiled.post_compile_params  # a list of IN has no fixed text: write it with or_
    order: Iterable[str] = compiled.positiontup or compiled.params
    fixed = {
        name: value
        for name, value in compiled.params.items()
        if name not in compiled.binds or not compiled.binds[name].required
    }
    return _Compiled(str(compiled), tuple(order), fixed, by_name=not compiled.positional)
