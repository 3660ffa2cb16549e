"""DuckDB over an SQLite file that somebody else writes to: every query sees the file as it is, whole."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.connect.sources.duckdb import DuckdbSource
from bridgehead.declare.model import Source
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import STATEMENT, Request

SETTINGS = Source.model_validate(
    {
        "driver": "duckdb",
        "region": "local",
        "row_limit": 10,
        "tables": {
            "orders": {
                "file": "shop.db",
                "columns": {"id": "INTEGER", "who": "VARCHAR"},
                "grants": [{"to": ["g"], "rows": "all", "show": ["id", "who"]}],
            }
        },
    }
)
FIGURES = 'SELECT count(*) AS n, min(id) AS least, max(who) AS who FROM "main"."orders"'
FOREVER = 'SELECT count(*) AS n FROM "main"."orders" AS o, range(1000000000000) AS r'


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A program that keeps the file open and writes to it."""
    connection = sqlite3.connect(tmp_path / "shop.db", isolation_level=None, check_same_thread=False)
    connection.execute("create table orders (id integer, who text)")
    connection.execute("insert into orders values (1, 'ann')")
    yield connection
    connection.close()


async def _ask(source: DuckdbSource, sql: str = FIGURES, deadline: float = 20.0) -> Any:
    asked = {"sql": sql, "values": []}
    reply = await source.call(Request(operation=STATEMENT, arguments=asked, key="", deadline=deadline))
    return reply.value[0]


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist"])
async def test_what_was_committed_is_there(mode: str, writer: sqlite3.Connection, tmp_path: Path) -> None:
    writer.execute(f"pragma journal_mode={mode}")
    source = DuckdbSource("shop", SETTINGS, folder=tmp_path)
    await source.open()
    for number in range(12):  # the same size each time, faster than a file's time passes
        writer.execute("update orders set who = ?", (f"n{number:02}",))
        assert (await _ask(source))["who"] == f"n{number:02}"
        if number % 5 == 4:
            writer.execute("pragma wal_checkpoint(truncate)")
    writer.execute("insert into orders values (2, 'bob')")
    assert (await _ask(source))["n"] == 2
    await source.close()


async def test_a_query_reads_one_state_while_others_make_newer_copies(
    writer: sqlite3.Connection, tmp_path: Path
) -> None:
    writer.execute("delete from orders")
    writer.execute("begin")
    writer.executemany("insert into orders values (?, ?)", ((n, "x" * 20) for n in range(40_000)))
    writer.execute("commit")
    source = DuckdbSource("shop", SETTINGS, folder=tmp_path)
    await source.open()
    seen = []

    async def read() -> None:
        for _ in range(6):
            found = await _ask(source)
            seen.append((found["n"], found["least"]))
            writer.execute("insert into orders select count(*), 'y' from orders")

    await asyncio.gather(read(), read(), read())
    assert all(40_000 <= n <= 40_018 and least == 0 for n, least in seen), seen
    copies = source._opened and source._opened.copies
    assert copies is not None
    left = list(Path(copies._folder.name).iterdir())
    assert len(left) == 1, left  # older ones went with their last reader
    await source.close()
    assert not left[0].parent.exists()


async def test_a_caller_who_leaves_while_the_file_is_copied_ends_the_query_too(
    writer: sqlite3.Connection, tmp_path: Path
) -> None:
    source = DuckdbSource("shop", SETTINGS, folder=tmp_path)
    await source.open()
    writer.execute("update orders set who = 'new'")
    writer.execute("begin exclusive")  # whoever copies it waits
    asked = asyncio.create_task(_ask(source, FOREVER, 600.0))
    await asyncio.sleep(0.3)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    writer.execute("rollback")
    begun = time.monotonic()
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 20)
    assert time.monotonic() - begun < 15
    await source.close()


async def test_the_time_that_copying_takes_is_part_of_the_deadline(
    writer: sqlite3.Connection, tmp_path: Path
) -> None:
    source = DuckdbSource("shop", SETTINGS, folder=tmp_path)
    await source.open()
    writer.execute("update orders set who = 'new'")
    writer.execute("begin exclusive")
    asked = asyncio.create_task(_ask(source, FOREVER, 0.4))
    await asyncio.sleep(0.8)
    writer.execute("rollback")
    with pytest.raises(ConnectError) as late:
        await asyncio.wait_for(asked, 20)
    assert late.value.code == "BH-CON-010" or "0.4" in late.value.what
    await source.close()
