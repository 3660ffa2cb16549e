"""How the columns of a table are counted from now on: bins and values, taken from data where they live.

Numbers: 20 bins that hold about as many rows each. Text, truth values, numbers with few values: the 50 most
frequent ones, of those that at least five rows share. Keys, dates and moments move by nature, and values
that are lists or objects are not compared: only how often they are missing is counted. Edges of a personal
column are the inner ones, rounded, over bins of at least 20 rows: no edge is a person's number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridgehead.kernel.canonical import digest
from bridgehead.watch.checks.engine import Engine, Opened
from bridgehead.watch.checks.write import Cell, Writer
from bridgehead.watch.contract.model import Column, Table
from bridgehead.watch.profile import BINS, KNOWN, TOP, ColumnFrame, Frame, known_of, worded

SHARED_BY = 5
"""Rows that share a value which is counted by itself."""
PERSONAL_ROWS = 20 * BINS
LONGEST = 200
"""Characters of a value that is counted by itself, at most."""
_NUMBERS = ("integer", "number")
_WORDS = (*_NUMBERS, "string", "boolean")


def framed(table: Table, engine: Engine, keys: Mapping[str, bytes]) -> Frame:
    """Return the frame of a table as it is now. ``keys`` are those of personal columns. Raises
    ``Unmeasured``."""
    opened = engine.open(table)
    columns = tuple(_columns(table, opened, engine, keys))
    told = [
        [one.name, [repr(edge) for edge in one.edges], list(one.top), sorted(map(str, one.known)), one.keyed]
        for one in columns
    ]
    return Frame(columns=columns, digest=digest(told)[:16])


def _columns(
    table: Table, opened: Opened, engine: Engine, keys: Mapping[str, bytes]
) -> Iterator[ColumnFrame]:
    for column in table.columns:
        name = column.name
        if name in opened.absent or name in opened.misfits or name in opened.faults:
            continue
        key = keys.get(name, b"")
        if column.unique or column.key_position is not None or column.logical not in _WORDS:
            yield ColumnFrame(name=name, keyed=bool(key))
            continue
        writer = engine.writer(numeric(opened, [column]))
        if column.logical in _NUMBERS and _has_many(engine, writer, name):
            yield ColumnFrame(name=name, edges=_edges(engine, writer, column, key), keyed=bool(key))
        else:
            yield _words(engine, engine.writer(opened.relation), name, key)


def numeric(opened: Opened, columns: Sequence[Column]) -> Any:
    """Return a table's relation in which those columns are read as finite numbers, or as nothing."""
    cells = dict(opened.relation.cells)
    for column in columns:
        cell = cells[column.name]
        # What is not a number is larger than every number, to both engines.
        number = f"CAST({cell.value} AS DOUBLE PRECISION)"
        finite = f"CASE WHEN abs({number}) <= 1e300 THEN {number} END"
        cells[column.name] = Cell(value=finite, raw=cell.raw or cell.value, logical="number")
    return replace(opened.relation, cells=cells)


def _has_many(engine: Engine, writer: Writer, name: str) -> bool:
    value = writer.value(name)
    few = f"SELECT DISTINCT {value} AS v FROM {writer.relation.source} WHERE {value} IS NOT NULL"  # noqa: S608
    few += f" LIMIT {BINS + 1}"
    return int(engine.rows(f"SELECT count(*) FROM ({few}) AS few", 1)[0][0]) > BINS  # noqa: S608


def _edges(engine: Engine, writer: Writer, column: Column, key: bytes) -> tuple[float, ...]:
    value = writer.value(column.name)
    steps = range(1, BINS) if key else range(BINS + 1)
    shares = ", ".join(str(step / BINS) for step in steps)
    if engine.dialect == "duckdb":
        sql = f"quantile_disc({value}, [{shares}])"
    else:
        sql = f"percentile_disc(ARRAY[{shares}]) WITHIN GROUP (ORDER BY {value})"
    quantiles, rows = engine.rows(writer.scan([sql, f"count({value})"]), 1)[0]
    if key and int(rows) < PERSONAL_ROWS:
        return ()
    found = (float(edge) for edge in quantiles or ())
    return tuple(sorted({float(f"{edge:.2g}") if key else edge for edge in found}))


def _words(engine: Engine, writer: Writer, name: str, key: bytes) -> ColumnFrame:
    groups = grouped(engine, writer, name, KNOWN + 1)
    counts = {worded(word, key): number for word, number in groups}
    top = [
        worded(word, key)
        for word, number in groups[: 2 * TOP]
        if number >= SHARED_BY and len(word) <= LONGEST
    ]
    return ColumnFrame(name=name, top=tuple(top[:TOP]), known=known_of(counts), keyed=bool(key))


def grouped(engine: Engine, writer: Writer, name: str, most: int) -> list[tuple[str, int]]:
    """Return the values of a column as text with how many rows have each, the most frequent first."""
    value = writer.value(name)
    sql = (
        f"SELECT CAST({value} AS VARCHAR) AS word, count(*) AS n FROM {writer.relation.source} "  # noqa: S608
        f"WHERE {value} IS NOT NULL GROUP BY 1 ORDER BY n DESC, word LIMIT {most}"
    )
    return [(str(word), int(number)) for word, number in engine.rows(sql, most)]
