"""Tables of a PostgreSQL database, checked there, in one read-only snapshot; only figures leave it.

The role of the address should be able to do no more than read; the transaction is read-only whatever it may.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks import types
from bridgehead.watch.checks.dialects import PostgresqlWriter
from bridgehead.watch.checks.duckdb_files import nothing
from bridgehead.watch.checks.engine import Limits, Native, Opened, Unmeasured, by_name, not_named
from bridgehead.watch.checks.write import Cell, Relation, quoted
from bridgehead.watch.contract.model import Table

SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://")

_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), t.typtype, a.attnotnull
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


class Postgresql:
    """One connection in one read-only transaction that sees one moment of the database."""

    dialect = "postgres"

    def __init__(self, address: str, limits: Limits, clock: Clock) -> None:
        self._clock, self._ends = clock, clock.monotonic() + limits.seconds
        psycopg = _psycopg()
        options = {
            "default_transaction_read_only": "on",
            "default_transaction_isolation": "repeatable\\ read",
            "standard_conforming_strings": "on",
            "statement_timeout": str(int(limits.seconds * 1000)),
            "idle_in_transaction_session_timeout": str(int(limits.seconds * 1000)),
            "TimeZone": "UTC",
            "work_mem": f"{max(4, limits.memory_mib // 4)}MB",
            "application_name": "bridgehead-watch",
        }
        try:
            self._connection = psycopg.connect(
                "postgresql://" + address.partition("://")[2],
                options=" ".join(f"-c {name}={value}" for name, value in options.items()),
                connect_timeout=10,
            )
            self._connection.read_only = True
        except psycopg.Error as error:
            raise WatchError(
                "BH-WAT-016",
                "the database cannot be reached",  # its words could hold the address and its password
                means="Nothing was checked; these data count as not checked.",
                fix="Try the address with psql; name a role that may read the contract's tables.",
            ) from error

    def writer(self, relation: Relation) -> PostgresqlWriter:
        return PostgresqlWriter(relation)

    def open(self, table: Table) -> Opened:
        names = [".".join(quoted(part) for part in table.physical.split(".")), quoted(table.physical)]
        for name in dict.fromkeys((*names, quoted(table.name))):
            found = self.rows(_COLUMNS, 2_000, (name,))
            if found:
                return _opened(table, name, found)
        raise Unmeasured(f"the database has no table {table.physical} that this role may see")

    def rows(self, sql: str, most: int, values: Sequence[Any] | None = None) -> Sequence[Sequence[Any]]:
        psycopg = _psycopg()
        left = int((self._ends - self._clock.monotonic()) * 1000)
        if left <= 0:
            raise Unmeasured("the time for this check was up", over=True)
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {left}")
                cursor.execute(sql, values)
                rows: Sequence[Sequence[Any]] = cursor.fetchmany(most)
                return rows
        except psycopg.errors.QueryCanceled as error:
            raise Unmeasured("the time for this check was up", over=True) from error
        except (psycopg.Error, ArithmeticError, ValueError) as error:
            raise Unmeasured(_said(error)) from error

    def close(self) -> None:
        self._connection.close()


def _opened(table: Table, source: str, found: Sequence[Sequence[Any]]) -> Opened:
    natives = {str(row[0]): "enum" if row[2] == "e" else str(row[1]) for row in found}
    cells, absent, misfits = {}, set(), {}
    for column in table.columns:
        name = by_name(list(natives), column)
        if name is None:
            absent.add(column.name)
            cells[column.name] = nothing(column)
            continue
        if not types.fits(natives[name], column.logical):
            misfits[column.name] = natives[name]
        value = quoted(name)
        if types.reads_as_text(natives[name]):
            value = f"CAST({value} AS TEXT)"
        cells[column.name] = Cell(value=value, logical=column.logical)
    return Opened(
        relation=Relation(source=source, cells=cells),
        absent=frozenset(absent),
        misfits=misfits,
        more=not_named(list(natives), table),
        native=tuple(Native(name=str(row[0]), type=str(row[1]), nullable=not row[3]) for row in found),
    )


def _said(error: Exception) -> str:
    """Return why there is no answer without what the database says, which quotes the data."""
    state = getattr(error, "sqlstate", None) or ""
    words = _SAID.get(state[:2], "the query gave no answer")
    return f"{words} (PostgreSQL: {state or type(error).__name__})"


_SAID = {
    "08": "the connection was lost",
    "22": "a value cannot be read as the type that is asked for",
    "42": "the query names what is not there, or what this role may not read",
    "53": "the database had no room or memory left",
    "57": "the connection was lost",
}
"""By the class of the SQLSTATE, its first two characters."""


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise WatchError(
            "BH-WAT-014",
            "checking PostgreSQL needs the package psycopg",
            means="It speaks the database's protocol.",
            fix="Run `pip install 'bridgehead[postgresql]'`.",
        ) from error
    return psycopg
