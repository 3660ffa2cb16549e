"""The rows of each value of a column in each file of an object: one query a file, of the newest files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bridgehead.kernel.clock import Clock
from bridgehead.watch.arrivals.volume import KEPT as MOST_BATCHES
from bridgehead.watch.checks.engine import Engine, Limits, Opened, Unmeasured
from bridgehead.watch.contract.model import Column, Table
from bridgehead.watch.draft.objects import Found

MOST_COUNTS = 1_000
"""Values of all columns of one file: those that are counted have few."""


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
        if not there:
            return []
        # File by file: read as one union, each of them would hold its buffers at the same time.
        rows = [engine.rows(_query(one, there, engine), MOST_COUNTS + 1) for one in opened]
    finally:
        engine.close()
    if any(len(each) > MOST_COUNTS for each in rows):
        raise Unmeasured("its columns have too many values")
    return [_counted(name, n, rows) for n, name in enumerate(there)]


def _query(opened: Opened, columns: Sequence[str], engine: Engine) -> str:
    """Return what counts in a file: which column, which value, how many rows."""
    writer = engine.writer(opened.relation)
    values = ", ".join(f"coalesce(CAST({writer.text(name)} AS VARCHAR), '')" for name in columns)
    places = ", ".join(str(place) for place in range(len(columns)))
    cells = f"SELECT unnest([{places}]) AS c, unnest([{values}]) AS v FROM {opened.relation.source}"  # noqa: S608
    return f"SELECT c, v, count(*) FROM ({cells}) GROUP BY ALL"  # noqa: S608


def _counted(name: str, place: int, found: Sequence[Sequence[Sequence[Any]]]) -> Counted:
    mine = [{value: count for column, value, count in batch if column == place} for batch in found]
    values = tuple(sorted(set().union(*mine)))
    rows = np.array([[batch.get(value, 0) for value in values] for batch in mine], dtype=np.float64)
    return Counted(column=name, values=values, rows=rows)
