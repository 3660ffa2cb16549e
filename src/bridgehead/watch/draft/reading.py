"""From what a person names to samples of its objects, read by the engines that check data: what a draft says
is measured the way it will be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from bridgehead.kernel.clock import Clock
from bridgehead.watch.checks.engine import Engine, Limits, Opened, Unmeasured
from bridgehead.watch.contract.model import Column, Table
from bridgehead.watch.draft.objects import Found, nothing, spelt, unique
from bridgehead.watch.draft.proposal import LeftOut
from bridgehead.watch.draft.sample import MOST_ROWS, QUOTED, Sample, Sampled, column

MOST_CELLS = 3_000_000
MOST_COLUMNS = 500
Say = Callable[[str], None]

_TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""


def samples(
    found: Sequence[Found], limits: Limits, clock: Clock, say: Say
) -> Iterator[tuple[Found, Sample | LeftOut]]:
    """Yield the objects of files with their samples, or with why they have none."""
    from bridgehead.watch.checks.duckdb_files import DuckdbFiles

    for number, one in enumerate(found, 1):
        say(f"reading {one.name} ({number} of {len(found)})")
        files = {one.name: one.files}

        def engine(table: Table, files: Any = files) -> Engine:
            made = DuckdbFiles(files, limits, clock)
            made.prepare((table,))
            return made

        yield one, _sampled(one, engine, is_json=one.files.format == "json")


def in_postgresql(
    address: str, tables: Sequence[str], limits: Limits, clock: Clock, say: Say
) -> Iterator[tuple[Found, Sample | LeftOut]]:
    """Yield the tables of a database that the role of the address may read, with their samples."""
    from bridgehead.watch.checks.postgres import Postgresql

    server = Postgresql(address, limits, clock)
    try:
        there = [(str(schema), str(name)) for schema, name in server.rows(_TABLES, 10_000)]
        found = unique(
            Found(name=spelt(name), physical=name if schema == "public" else f"{schema}.{name}")
            for schema, name in there
            if not tables or name in tables or f"{schema}.{name}" in tables
        )
        if not found:
            raise nothing("this database", "its role may read no table")
        for number, one in enumerate(found, 1):
            say(f"reading {one.name} ({number} of {len(found)})")
            yield one, _sampled(one, lambda _: _Kept(server), is_json=False)
    except Unmeasured as fault:
        raise nothing("this database", fault.words) from fault
    finally:
        server.close()


class _Kept:
    """An engine that stays open when one table is done."""

    def __init__(self, engine: Engine) -> None:
        self.dialect, self.writer, self.open, self.rows = (
            engine.dialect,
            engine.writer,
            engine.open,
            engine.rows,
        )

    def close(self) -> None:
        """Stay."""


def _sampled(found: Found, engine: Callable[[Table], Any], *, is_json: bool) -> Sample | LeftOut:
    bare = found.table()
    try:
        first = engine(bare)
        try:
            names = first.open(bare).more
        finally:
            first.close()
        if not names or len(names) > MOST_COLUMNS:
            raise Unmeasured(f"it has {len(names) or 'no'} columns")
        columns = tuple(Column(name=name, physical=name, logical="string") for name in names)
        table = replace(bare, columns=columns)
        opened_by = engine(table)
        try:
            return _drawn(found.name, table, opened_by, is_json)
        finally:
            opened_by.close()
    except Unmeasured as fault:
        return LeftOut(name=found.physical, why=fault.words)


def _drawn(name: str, table: Table, engine: Engine, is_json: bool) -> Sample:
    opened = engine.open(table)
    writer = engine.writer(opened.relation)
    total = int(engine.rows(writer.scan(["count(*)"]), 1)[0][0])
    most = min(MOST_ROWS, MOST_CELLS // len(table.columns))
    rows = _rows(engine, opened, [writer.text(one.name) for one in table.columns], total, most)
    mixed = _not_text(table, engine, opened) if is_json else {}
    made = []
    for n, one in enumerate(table.columns):
        typed = not opened.relation.cells[one.name].raw
        native = opened.misfits.get(one.name, "varchar" if typed else "")
        cells = [row[n] for row in rows]
        if is_json:
            native = _nested(cells) if mixed[one.name] else QUOTED
        made.append(_column(one.name, cells, native))
    return Sample(name=name, columns=tuple(made), total=total)


def _rows(
    engine: Engine, opened: Opened, texts: Sequence[str], total: int, most: int
) -> Sequence[Sequence[Any]]:
    """Return rows as text: all of them, or as many drawn evenly, the same ones each time."""
    shown = ", ".join(f"CAST({text} AS VARCHAR) AS c{n}" for n, text in enumerate(texts))
    source = opened.relation.source
    every = f"SELECT {shown} FROM {source}"  # noqa: S608 -- quoted names
    if total <= most:
        return engine.rows(every, most)
    if engine.dialect == "duckdb":
        drawn = f"SELECT * FROM ({every}) AS every USING SAMPLE reservoir({most} ROWS) REPEATABLE (7)"  # noqa: S608
        return engine.rows(drawn, most)
    share = 100.0 * most / total
    try:
        return engine.rows(f"{every} TABLESAMPLE BERNOULLI ({share:.6f}) REPEATABLE (7)", most)
    except Unmeasured:  # a view has no pages to draw from
        return engine.rows(f"{every} LIMIT {most}", most)


def _not_text(table: Table, engine: Engine, opened: Opened) -> dict[str, bool]:
    """Return for each field of JSON whether its values are something else than text in quotes."""
    cells = opened.relation.cells
    counts = [
        f"count(*) FILTER (WHERE {cells[one.name].raw} IS NOT NULL AND {cells[one.name].value} IS NULL)"
        for one in table.columns
    ]
    row = engine.rows(f"SELECT {', '.join(counts)} FROM {opened.relation.source}", 1)[0]  # noqa: S608
    return {one.name: bool(count) for one, count in zip(table.columns, row, strict=True)}


def _nested(cells: Sequence[Any]) -> str:
    """Return the type of a field of JSON that holds lists or objects; nothing where it holds neither."""
    first = {str(cell)[:1] for cell in cells if cell is not None}
    return {"[": "array", "{": "struct"}.get(first.pop(), "") if len(first) == 1 else ""


def _column(name: str, cells: Sequence[Any], native: str) -> Sampled:
    return column(name, [None if cell is None else str(cell) for cell in cells], native)
