"""What the workers of ``chaos.py`` do until they are killed: Bridgehead's, and one with plain retries beside
it.

Each is a process of its own, forked from one that has imported everything: a start costs little, and
SIGKILL is as real as anywhere.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from chaos_accounts import account

import bridgehead.connect.actions.mcp  # noqa: F401 (loaded before the fork)
from bridgehead.assemble import House
from bridgehead.kernel.principal import Principal
from bridgehead.testing import HostileErp

EXAMPLE = Path(__file__).parents[1] / "examples" / "hostile-erp"
FORK = multiprocessing.get_context("fork")
OPERATOR = Principal(id="noor", kind="human", name="Noor Haddad")
A_RUN = 3
"""Orders that one run posts, side by side."""
AT_ONCE = 4
"""Runs that are carried on side by side."""
A_LIFE = 240.0
"""Seconds after which a worker that is not killed hangs."""
TRIES, BACKOFF = 10, 0.05
"""Of the plain worker: how often a step is tried, and the first pause between two tries, in seconds."""


def lay_out(place: Path) -> None:
    """Copy the example, with short windows: the order system is never more than 300 ms late."""
    shutil.copytree(EXAMPLE, place / "folder", ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
    charter = place / "folder" / "charter.yaml"
    short = charter.read_text().replace("send_budget: 2s", "send_budget: 1s")
    charter.write_text(short.replace("settle: 2s", "settle: 1s").replace("deadline: 2s", "deadline: 1s"))


def opened(place: Path, store: str) -> House:
    """Open the house of the example; ``store`` is the address of a PostgreSQL database, or empty."""
    more: dict[str, Any] = {"store": store} if store else {}
    return House.open(place / "folder", state=place / "state", **more)


def begun(place: Path, store: str, orders: Sequence[dict[str, str]], settled_by: str) -> None:
    """Start a run for every three orders; nothing twice, however often this is done."""
    os.environ["HOSTILE_ERP"] = "http://127.0.0.1:1"
    house = opened(place, store)
    house.activate(by=OPERATOR)
    for at in range(0, len(orders), A_RUN):
        case = {"orders": list(orders[at : at + A_RUN]), "settled_by": settled_by}
        house.start("post", case, key=f"orders from {at}")
    house.close()


def governed(place: Path, store: str, erp: str) -> None:
    """Be a worker of Bridgehead: carry everything as far as it goes."""
    os.environ["HOSTILE_ERP"] = erp
    house = opened(place, store)
    if store:
        from bridgehead.run import workers

        workers.BEAT, workers.DEAD = 0.3, 2.0  # a dead worker is found out in two seconds, not in twelve
    asyncio.run(_carried(house, **({"engine": "dbos"} if store else {})))
    house.close()


async def _carried(house: House, **engine: Any) -> None:
    async with house.at_work(concurrency=AT_ONCE, **engine) as working:
        await working.work(until_idle=True)


def report(place: Path, store: str, erp_file: Path, references: Sequence[str], kills: int) -> None:
    """Write what became of the orders, as the house and the order system tell it."""
    house = opened(place, store)
    found = account(house, erp_file, references, kills).as_dict()
    house.close()
    (place / "account.json").write_text(json.dumps(found))


def plain(place: Path, erp: str, orders: Sequence[dict[str, str]]) -> None:
    """Be a worker of a plain durable engine: a step's answer is recorded, a step without one is retried."""
    journal = sqlite3.connect(place / "steps.db", isolation_level=None)
    journal.execute("pragma journal_mode = wal")
    journal.execute("pragma synchronous = full")
    journal.execute("create table if not exists step (name text primary key, answer text)")
    asyncio.run(_steps(journal, erp, orders))
    journal.close()


async def _steps(journal: sqlite3.Connection, erp: str, orders: Sequence[dict[str, str]]) -> None:
    room = asyncio.Semaphore(A_RUN * AT_ONCE)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1.0)) as session:

        async def step(order: dict[str, str]) -> None:
            async with room:
                known = journal.execute("select 1 from step where name = ?", (order["reference"],))
                if known.fetchone() is None:
                    answer = await _retried(session, erp, order)
                    journal.execute("insert into step values (?, ?)", (order["reference"], answer))

        await asyncio.gather(*(step(order) for order in orders))


async def _retried(session: aiohttp.ClientSession, erp: str, order: dict[str, str]) -> str:
    for attempt in range(TRIES):
        try:
            async with session.post(f"{erp}/postings", json=order) as answer:
                if answer.status in (201, 422):
                    return await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(BACKOFF * 2 ** min(attempt, 5))
    return "gave up"


class Killer:
    """Keeps workers at work and kills one after the other, when the work has come so far."""

    def __init__(self, seed: int, erp: HostileErp, effects: int, kills: int, log: Path) -> None:
        self._rng, self._erp, self._wanted, self._log = random.Random(seed), erp, kills, log
        self._step = max(effects // (2 * max(kills, 1)), 1)
        self.kills = 0

    def carry(self, side_by_side: int, work: Callable[..., None], *arguments: Any) -> None:
        """Run ``work`` in so many processes at a time, until they come to their end by themselves."""
        workers = [started(work, self._log, *arguments) for _ in range(side_by_side)]
        reader = sqlite3.connect(f"file:{self._erp.file}?mode=ro", uri=True, timeout=10)
        try:
            while self.kills < self._wanted and self._moment(workers, reader):
                victim = self._rng.randrange(side_by_side)
                if workers[victim].is_alive():
                    os.kill(workers[victim].pid, signal.SIGKILL)
                    workers[victim].join()
                    workers[victim] = started(work, self._log, *arguments)
                    self.kills += 1
            for worker in workers:
                ended(worker, self._log)
        finally:
            reader.close()
            for worker in workers:  # one failed: none is left behind
                worker.kill()
                worker.join()

    def _moment(self, workers: Sequence[Any], reader: sqlite3.Connection) -> bool:
        """Wait until the order system got so many more calls, or for long; False once a worker ended."""
        more, patience = self._rng.randint(1, 2 * self._step), self._rng.choice([0.5, 60.0, 60.0, 60.0])
        before, since = _calls(reader), time.monotonic()
        while all(worker.is_alive() for worker in workers):
            if _calls(reader) - before >= more or time.monotonic() - since > patience:
                return True
            time.sleep(0.002)
        return False


def _calls(reader: sqlite3.Connection) -> int:
    return int(reader.execute("select coalesce(max(id), 0) from call").fetchone()[0])


def started(work: Callable[..., None], log: Path, *arguments: Any) -> Any:
    """Start a process that does ``work`` and writes what it has to say to a file."""

    def body() -> None:
        with log.open("a") as file:
            os.dup2(file.fileno(), 2)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        work(*arguments)

    process = FORK.Process(target=body)
    process.start()
    return process


def ended(worker: Any, log: Path) -> None:
    """Wait for a worker that is left alone. Raises ``RuntimeError`` with its last words where it failed."""
    worker.join(A_LIFE)
    if worker.exitcode != 0:
        worker.kill()
        raise RuntimeError(f"a worker ended with {worker.exitcode}:\n{log.read_text()[-3000:]}")
