"""Whether readers can read a batch: its copy is read whole, as their queries read it, before it is published.

In: the files of a copy, and the columns that the charter declares of its table. Out: why a query would fail,
in words that quote no row; nothing where it would not. Never: says whether a value is right (clauses do),
reads within a unit of the ledger: a large batch takes its time.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bridgehead.enforce.snapshots import other_names
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.watch.checks.duckdb_files import library
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.unreadable import why
from bridgehead.watch.feeds.relation import SETTINGS, Columns, scan
from bridgehead.watch.feeds.supply import Supply
from bridgehead.watch.feeds.view import kinds, named, quoted, text, view


def names_of(connection: Connection, supply: Supply) -> Columns:
    """Return the declared columns of a table, each of its type, with the other names that people accepted."""
    known = other_names(connection, supply.source, [supply.table]).get(supply.table, {})
    return {column: (kind, list(known.get(column, ()))) for column, kind in kinds(supply.declares).items()}


def read_as(connection: Connection, supply: Supply) -> str:
    """Return a digest of what a copy is read as now: by other types or names it may be readable no more."""
    columns = {column: list(told) for column, told in names_of(connection, supply).items()}
    return hashlib.sha256(canonical_bytes(columns)).hexdigest()[:16]


def unread(supply: Supply, paths: Sequence[Path]) -> str:
    """Return why readers could not read a batch; empty where they can. Raises ``WatchError`` (BH-WAT-014)."""
    if not paths:
        return "its copy is not on this machine"
    columns = supply.boundary.store.look(partial(names_of, supply=supply))
    found = _failing(supply, paths, columns, list(columns))
    if found in ("", _late()):
        return found
    for column in columns:  # read again where it fails, so that people learn where
        if said := _failing(supply, paths, columns, [column]):
            return said if said == _failing(supply, paths, columns, ()) else f"column {column}: {said}"
    return found


def _failing(supply: Supply, paths: Sequence[Path], columns: Columns, read: Sequence[str]) -> str:
    """Return why the columns of ``read`` cannot be read of all rows; empty where they can. Without any, the
    rows alone are."""
    duckdb = library()
    every = f"bit_xor(hash({', '.join(map(quoted, read))}))" if read else "count(*)"
    try:
        with _opened(paths) as connection:
            relation = scan(connection, paths, columns)
            connection.execute(view(supply.table, supply.declares) + relation)
            # A hash of every cell: nothing of it is left out because nobody asked for it.
            connection.execute(
                f"SELECT {every} FROM {named(supply.table)}"  # noqa: S608 -- quoted names
            ).fetchall()
    except duckdb.InterruptException:
        return _late()
    except duckdb.Error as error:
        return why(error, one_of_many=len(paths) > 1)
    except OSError as error:
        return str(error) if error.errno is None else f"it cannot be opened ({type(error).__name__})"
    return ""


def _late() -> str:
    return f"it was not read within {Limits().seconds:g} seconds"


@contextmanager
def _opened(paths: Sequence[Path]) -> Iterator[Any]:
    """Open a database that can open those files and nothing else, for as long as a check may take."""
    connection = library().connect(":memory:", config=dict(SETTINGS))
    timer = threading.Timer(Limits().seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        allowed = ", ".join(text(str(path)) for path in paths)
        connection.execute(f"SET allowed_paths = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        yield connection
    finally:
        timer.cancel()
        connection.close()
