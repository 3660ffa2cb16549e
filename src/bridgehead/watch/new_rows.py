"""What came into a table of a database since the last look: narrow, read-only queries where the data live."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bridgehead.declare.model import Source
from bridgehead.kernel.clock import Clock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.arrivals.rows import Found
from bridgehead.watch.checks.engine import Limits, Unmeasured
from bridgehead.watch.checks.write import quoted
from bridgehead.watch.contract.model import Table
from bridgehead.watch.look import address

_SECONDS = 60.0
_DAYS = 32


def new_rows(
    declared: Source,
    folder: Path,
    table: Table,
    column: str,
    beyond: str | None,
    *,
    by_day: bool,
    clock: Clock,
) -> Found:
    """Return what lies beyond the newest value known before; ``beyond`` None: only what is newest.

    Raises ``WatchError`` BH-WAT-016, BH-WAT-035, BH-WAT-037.
    """
    try:
        if declared.driver == "postgresql":
            return _postgresql(declared, table, column, beyond, by_day, clock)
        return _sqlite(folder / declared.path, table, column, beyond, by_day)
    except (Unmeasured, sqlite3.Error, ValueError, TypeError) as error:
        why = error.words if isinstance(error, Unmeasured) else type(error).__name__
        raise WatchError(
            "BH-WAT-037",
            f"the newest `{column}` of {table.name} could not be read: {why}",
            means="Whether a batch came is not known; it is taken for missing.",
            fix="Name as `element` a column whose values only grow, of text, numbers, dates or moments, and "
            "let the role read it.",
        ) from error


def _sqlite(path: Path, table: Table, column: str, beyond: str | None, by_day: bool) -> Found:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)) as connection:
        return _asked(
            lambda sql, values: connection.execute(sql.replace("%s", "?"), values).fetchall(),
            quoted(table.physical),
            f"{quoted(table.physical)}.{quoted(column)}",  # alone, a name that is not there would be a text
            "{}",
            beyond,
            by_day,
        )


def _postgresql(
    declared: Source, table: Table, column: str, beyond: str | None, by_day: bool, clock: Clock
) -> Found:
    from bridgehead.watch.checks.postgres import Postgresql

    engine = Postgresql(address(declared), Limits(seconds=_SECONDS), clock)
    try:
        place = engine.open(table).relation.source
        return _asked(
            lambda sql, values: engine.rows(sql, _DAYS, values),
            place,
            quoted(column),
            "CAST({} AS TEXT)",
            beyond,
            by_day,
        )
    finally:
        engine.close()


def _asked(ask: Any, place: str, column: str, text: str, beyond: str | None, by_day: bool) -> Found:
    """Ask for the newest value and the rows beyond one. The figures are of one moment: one query each."""
    newest, since = text.format(f"max({column})"), ""
    values: Sequence[Any] = ()
    if beyond:
        since, values = f" WHERE {column} > %s", (json.loads(beyond),)
    ((rows, last),) = ask(f"SELECT count(*), {newest} FROM {place}{since}", values)  # noqa: S608
    if beyond is None:
        rows = 0
    days: tuple[date, ...] = ()
    if by_day and rows:
        shown = text.format(column)
        found = ask(f"SELECT DISTINCT {shown} FROM {place}{since} ORDER BY 1 LIMIT {_DAYS}", values)  # noqa: S608
        days = tuple(date.fromisoformat(str(row[0])[:10]) for row in found if row[0] is not None)
    return Found(
        beyond=beyond or "", newest=json.dumps(last) if last is not None else "", rows=rows, days=days
    )
