"""What a small query costs at the driver of a source, and how long the first one takes.

    scripts/uv run python bench/sources.py [--queries 200] [--pause 0.1] [--json]

A CSV file behind DuckDB and an SQLite file, a hundred rows each, a sum over groups, one caller at a time
who pauses so many seconds between two queries. Milliseconds by the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bridgehead.connect import open_source
from bridgehead.declare.model import Source
from bridgehead.kernel.ports import STATEMENT, Request

ASKED = 'SELECT "who", sum("id") AS n FROM {table} GROUP BY "who" ORDER BY "who"'
GRANTS = [{"to": ["g"], "rows": "all", "show": ["id", "who"]}]


def _sources(folder: Path) -> dict[str, tuple[Source, str]]:
    rows = [(number, f"w{number % 7}") for number in range(100)]
    (folder / "orders.csv").write_text("id,who\n" + "".join(f"{n},{who}\n" for n, who in rows))
    with sqlite3.connect(folder / "shop.db") as shop:
        shop.execute("create table orders (id integer, who text)")
        shop.executemany("insert into orders values (?, ?)", rows)
    columns = {"id": "INTEGER", "who": "VARCHAR"}
    duckdb = {"file": "orders.csv", "columns": columns, "grants": GRANTS}
    sqlite = {"columns": {"id": "integer", "who": "text"}, "grants": GRANTS}
    told: dict[str, tuple[dict[str, Any], str]] = {
        "duckdb": ({"tables": {"orders": duckdb}}, '"main"."orders"'),
        "sqlite": ({"path": "shop.db", "tables": {"orders": sqlite}}, '"orders"'),
    }
    return {
        driver: (Source.model_validate({"driver": driver, "region": "local", **more}), table)
        for driver, (more, table) in told.items()
    }


async def _measured(
    settings: Source, table: str, folder: Path, queries: int, pause: float
) -> dict[str, float]:
    source = open_source("shop", settings, folder=folder)
    begun = time.perf_counter()
    await source.open()
    opened = time.perf_counter() - begun
    taken = []
    for _ in range(queries):
        await asyncio.sleep(pause)
        asked = {"sql": ASKED.format(table=table), "values": []}
        begun = time.perf_counter()
        reply = await source.call(Request(operation=STATEMENT, arguments=asked, key="", deadline=30.0))
        taken.append(time.perf_counter() - begun)
        assert len(reply.value) == 7
    await source.close()
    taken.sort()
    figures = {
        "open": opened,
        "p50": statistics.median(taken),
        "p95": taken[len(taken) * 95 // 100],
    }
    return {name: round(value * 1000, 2) for name, value in figures.items()}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--queries", type=int, default=200)
    options.add_argument("--pause", type=float, default=0.1)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as made:
        found: dict[str, Any] = {
            driver: asyncio.run(_measured(settings, table, Path(made), given.queries, given.pause))
            for driver, (settings, table) in _sources(Path(made)).items()
        }
    found["load"] = load
    if given.json:
        print(json.dumps(found))
        return
    for driver in ("duckdb", "sqlite"):
        print(f"{driver}: " + ", ".join(f"{name} {value} ms" for name, value in found[driver].items()))
    print(f"load {load}")


if __name__ == "__main__":
    main()
