"""SQL that makes a little text into gigabytes, or never ends: refused, and the next query works."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.connect import open_source
from bridgehead.connect.sources import apart
from bridgehead.declare.model import Source
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import STATEMENT, Driver, Request

GRANTS = [{"to": ["g"], "rows": "all", "show": ["id", "who"]}]
CSV = {"file": "orders.csv", "columns": {"id": "INTEGER", "who": "VARCHAR"}, "grants": GRANTS}
ROWS = {"columns": {"id": "integer", "who": "text"}, "grants": GRANTS}
TOLD: dict[str, dict[str, Any]] = {
    "duckdb": {"tables": {"orders": CSV}},
    "sqlite": {"path": "shop.db", "tables": {"orders": ROWS}},
}

FEW = 'SELECT count(*) AS n FROM "main"."orders"'
A64 = "'" + "a" * 64 + "'"
DOUBLED = "'" + "a" * 30 + "' AS a, 1 AS n UNION ALL SELECT a || a, n + 1 FROM t WHERE n < 27"
LARGE = {
    "replace in replace": "SELECT " + "replace(" * 5 + A64 + f", 'a', {A64})" * 5 + " AS x",
    "a || a and again": f"WITH RECURSIVE t AS (SELECT {DOUBLED}) SELECT max(length(a)) AS x FROM t",
    "text put together": "SELECT length(string_agg(x, ',')) AS x FROM (SELECT repeat('a', 200) AS x"
    " FROM range(20000000))",
    "lists of lists": "SELECT list(r.range) AS x FROM range(400000000) AS r",
}
SMALL_TEXTS = "WITH t AS (SELECT printf('%*s', 3900000, 'x') AS x) SELECT "
OF_SQLITE = {
    "a thousand texts in one row": SMALL_TEXTS + ", ".join("x || '1'" for _ in range(1500)) + " FROM t",
    "sorting what is long": "WITH RECURSIVE t AS (SELECT 1 AS n, printf('%*s', 3900000, 'x') AS x UNION ALL"
    " SELECT n + 1, x FROM t WHERE n < 400) SELECT n FROM t ORDER BY x || n",
    "distinct of what is long": "WITH RECURSIVE t AS (SELECT 1 AS n, printf('%*s', 3900000, 'x') AS x UNION"
    " ALL SELECT n + 1, x FROM t WHERE n < 400) SELECT count(DISTINCT x || n) AS c FROM t",
}
ENDLESS = {
    "duckdb": 'SELECT count(*) AS n FROM "main"."orders", range(1000000000000) AS r',
    "sqlite": "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) AS n FROM t",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text("id,who\n1,ann\n2,bob\n")
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute("create table orders (id integer, who text)")
    connection.execute("insert into orders values (1, 'ann'), (2, 'bob')")
    connection.commit()
    connection.close()
    return tmp_path


@pytest.fixture
async def duckdb(folder: Path) -> AsyncIterator[Driver]:
    source = _source("duckdb", folder)
    await source.open()
    yield source
    await source.close()


@pytest.fixture
async def sqlite(folder: Path) -> AsyncIterator[Driver]:
    source = _source("sqlite", folder)
    await source.open()
    yield source
    await source.close()


def _source(driver: str, folder: Path) -> Driver:
    settings = Source.model_validate({"driver": driver, "region": "local", **TOLD[driver]})
    return open_source("shop", settings, folder=folder)


async def _ask(source: Driver, sql: str = FEW, deadline: float = 60.0) -> Any:
    asked = {"sql": sql, "values": []}
    reply = await source.call(Request(operation=STATEMENT, arguments=asked, key="", deadline=deadline))
    return reply.value


def _most_memory() -> int:
    """The most memory this process ever had, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def _forgotten() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins again (proc(5))


needs_proc = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux says what it was")


@needs_proc
@pytest.mark.parametrize("name", LARGE)
async def test_duckdb_may_not_take_ours(name: str, duckdb: Driver) -> None:
    await _refused(duckdb, LARGE[name])


@needs_proc
@pytest.mark.parametrize("name", OF_SQLITE)
async def test_sqlite_may_not_either(name: str, sqlite: Driver) -> None:
    await _refused(sqlite, OF_SQLITE[name])


async def _refused(source: Driver, sql: str) -> None:
    _forgotten()
    before = _most_memory()
    with pytest.raises(ConnectError) as refused:
        await _ask(source, sql)
    assert refused.value.code in ("BH-CON-063", "BH-CON-069"), refused.value.private
    assert refused.value.effect_state == "none"
    assert "aaaa" not in str(refused.value)
    assert _most_memory() - before < 100
    assert await _ask(source) == [{"n": 2}]
    assert _most_memory() - before < 100


@pytest.mark.parametrize("driver", TOLD)
async def test_what_never_ends_is_ended(driver: str, folder: Path) -> None:
    source = _source(driver, folder)
    await source.open()
    with pytest.raises(ConnectError) as late:
        await _ask(source, ENDLESS[driver], 0.5)
    assert late.value.code == "BH-CON-013"
    assert await _ask(source) == [{"n": 2}]
    asked = asyncio.create_task(_ask(source, ENDLESS[driver], 600.0))
    await asyncio.sleep(0.3)
    processes = _processes(source)
    running = [one._process for one in processes._busy]
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert [one.wait(20) for one in running] == [-signal.SIGKILL]
    assert await _ask(source) == [{"n": 2}]
    await source.close()
    assert not processes._idle and not processes._busy


async def test_more_questions_than_processes_wait_and_nothing_is_left(duckdb: Driver) -> None:
    answers = await asyncio.gather(*(_ask(duckdb) for _ in range(12)))
    assert answers == [[{"n": 2}]] * 12
    processes = _processes(duckdb)
    assert len(processes._idle) <= apart.SPARE and not processes._busy
    kept = [one._process for one in processes._idle]
    await duckdb.close()
    assert all(one.returncode is not None for one in kept)


async def test_a_process_that_dies_is_another_one_next_time(duckdb: Driver) -> None:
    for one in _processes(duckdb)._idle:
        one._process.kill()
        one._process.wait()
    assert await _ask(duckdb) == [{"n": 2}]


async def test_closing_ends_what_is_asked(duckdb: Driver) -> None:
    asked = asyncio.create_task(_ask(duckdb, ENDLESS["duckdb"], 600.0))
    await asyncio.sleep(0.3)
    await duckdb.close()
    with pytest.raises(ConnectError) as lost:
        await asyncio.wait_for(asked, 20)
    assert lost.value.code == "BH-CON-015"


async def test_nothing_of_one_question_is_left_for_the_next(duckdb: Driver) -> None:
    found = await _ask(duckdb, "SELECT current_setting('lock_configuration') AS locked")
    assert found == [{"locked": True}]
    for word in ("CREATE TEMP TABLE kept AS SELECT 1 AS a", "SELECT 1", "SELECT * FROM kept"):
        try:
            found = await _ask(duckdb, word)
        except ConnectError as error:
            found = error.code
    assert found == "BH-CON-064"


LIAR = """
import sys
from bridgehead.connect.messages import receive, send
receive(sys.stdin.buffer)
while True:
    receive(sys.stdin.buffer)
    for message in ({"columns": ["n"]}, {"rows": [[1], [2]]}, {"columns": ["n"]}, {"rows": [[666]]},
                    {"done": True, "tired": False}):
        send(sys.stdout.buffer, message)
"""


def test_what_was_not_read_of_an_answer_is_never_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that says more than it may is not asked again."""

    def lying(module: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", LIAR],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    monkeypatch.setattr(apart, "started", lying)
    processes = apart.Processes("shop", "duckdb")
    for _ in range(2):
        patience = apart.Patience(30)
        with pytest.raises(ConnectError) as refused:
            processes.ask({"values": []}, patience, row_limit=1, place="")
        patience.end()
        assert refused.value.code == "BH-CON-063"
    processes.close()


async def test_no_secret_of_ours_is_in_the_process(duckdb: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_DATABASE", "postgresql://reader:geheim@host/sales")
    made = apart.Process("duckdb")
    try:
        environment = Path(f"/proc/{made._process.pid}/environ").read_bytes()
    finally:
        made.close()
    assert b"geheim" not in environment


ASKS_AND_WAITS = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_sql_that_takes_memory import ENDLESS, _ask, _processes, _source

async def main():
    source = _source("duckdb", Path({folder!r}))
    await source.open()
    asked = asyncio.create_task(_ask(source, ENDLESS["duckdb"], 600.0))
    await asyncio.sleep(0.3)
    print(*(one._process.pid for one in _processes(source)._busy), flush=True)
    await asked

asyncio.run(main())
"""


def test_the_process_ends_with_ours(folder: Path) -> None:
    program = ASKS_AND_WAITS.format(tests=str(Path(__file__).parent), folder=str(folder))
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _lives(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while _lives(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _lives(child)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def _processes(source: Any) -> apart.Processes:
    """The processes of a driver that is open."""
    found = source._opened.processes if hasattr(source, "_opened") else source._processes
    assert isinstance(found, apart.Processes)
    return found
