"""The rows of each value of a column in each file of an object: one query, of the newest files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bridgehead.kernel.clock import Clock
from bridgehead.watch.arrivals.volume import KEPT as MOST_BATCHES
from bridgehead.watch.checks.engine import Limits, Opened, Unmeasured
from bridgehead.watch.contract.model import Column, Table
from bridgehead.watch.draft.objects import Found

MOST_COUNTS = 50_000


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A column: ``rows`` of each of its ``values`` in each batch. No value at all is the value ``""``."""

    column: str
    values: tuple[str, ...]
    rows: np.ndarray[Any, np.dtype[np.float64]]


def counted(found: Found, columns: Sequence[str], limits: Limits, clock: Clock) -> list[Counted]:
    """Count columns in the newest files of an object, as many as the watch remembers; one that is not in all
    of them is left out. Raises ``Unmeasured`` where there was no answer, in time or at all."""
    from bridgehead.watch.checks.duckdb_files import DuckdbFiles

    tables = {f"b{n}": path for n, path in enumerate(found.batches[-MOST_BATCHES:])}
    bare = tuple(Column(name=name, physical=name, logical="string") for name in columns)
    batches = [Table(name=name, physical=name, columns=bare) for name in tables]
    engine = DuckdbFiles(
        {name: replace(found.files, paths=(path,)) for name, path in tables.items()}, limits, clock
    )
    try:
        engine.prepare(batches)
        opened = [engine.open(one) for one in batches]
        there = [name for name in columns if not any(name in one.absent for one in opened)]
        parts = [_part(n, one, there, engine) for n, one in enumerate(opened)]
        if not there:
            return []
        every = f"SELECT b, c, v, count(*) FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL"  # noqa: S608
        found_rows = engine.rows(every, MOST_COUNTS + 1)
    finally:
        engine.close()
    if len(found_rows) > MOST_COUNTS:
        raise Unmeasured("its columns have too many values")
    return [_counted(name, n, found_rows, len(batches)) for n, name in enumerate(there)]


def _part(number: int, opened: Opened, columns: Sequence[str], engine: Any) -> str:
    """Return a query of a file: for each row and column which file, which column, which value."""
    writer = engine.writer(opened.relation)
    values = ", ".join(f"coalesce(CAST({writer.text(name)} AS VARCHAR), '')" for name in columns)
    places = ", ".join(str(place) for place in range(len(columns)))
    source = opened.relation.source
    return f"SELECT {number} AS b, unnest([{places}]) AS c, unnest([{values}]) AS v FROM {source}"  # noqa: S608


def _counted(name: str, place: int, found: Sequence[Sequence[Any]], batches: int) -> Counted:
    mine = [(batch, value, count) for batch, column, value, count in found if column == place]
    values = tuple(sorted({value for _, value, _ in mine}))
    rows = np.zeros((batches, len(values)))
    for batch, value, count in mine:
        rows[batch, values.index(value)] = count
    return Counted(column=name, values=values, rows=rows)
