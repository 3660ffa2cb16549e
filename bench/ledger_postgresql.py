"""Many processes on one ledger: `python bench/ledger_postgresql.py [--seconds N] [--json]`.

Processes with many callers each append to one gapless log on PostgreSQL (fsync on), each caller waiting for
its entry before it sends the next. Beside it, in turns and in the same run, the same code with a transaction
and the lock on the head row for each single append: the ratio is the figure, the rest is mood.

A server of its own is started on a free port of this machine, unless ``--url`` names an empty database.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from ledger import ORIGIN, draft
from yardstick import json_dumps_us

from bridgehead.kernel.clock import SystemClock
from bridgehead.record import Keys, Ledger, Work
from bridgehead.record.batch import Appender, Unit
from bridgehead.record.body import DataKeys
from bridgehead.store import Store

WARM = 0.3
"""Seconds of work before the measured ones: statements are prepared, keys are made."""


class Cost(NamedTuple):
    """What a number of processes achieved together. Milliseconds are a caller's wait for its entry."""

    entries_per_second: int
    p50_ms: float
    p99_ms: float
    cpu_us_per_entry: float


# --- one process of the bench ---------------------------------------------------------------------


def group(store: Store, keys: Keys, name: int, callers: int, until: float, body: bool) -> list[float]:
    """Append as a deployment does; return each caller's waits."""
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=SystemClock())
    waits: list[float] = []

    async def caller(number: int) -> None:
        run = name * 1_000 + number
        while (begun := time.perf_counter()) < until:
            await ledger.commit(lambda _: Work(drafts=(draft(run, body=body),)))
            waits.append(time.perf_counter() - begun)

    async def everyone() -> None:
        await asyncio.gather(*(caller(number) for number in range(callers)))

    asyncio.run(everyone())
    ledger.close()
    return waits


def per_append(store: Store, keys: Keys, name: int, callers: int, until: float, body: bool) -> list[float]:
    """Append with one transaction for each entry, on connections of their own."""
    waits: list[float] = []

    def caller(number: int) -> None:
        run = name * 1_000 + number
        appender = Appender(store, DataKeys(keys.kek, ORIGIN), ORIGIN, SystemClock())
        while (begun := time.perf_counter()) < until:
            unit = Unit(lambda _: Work(drafts=(draft(run, body=body),)))
            appender.commit([unit])
            assert unit.receipt is not None
            waits.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def one_process(given: argparse.Namespace) -> None:
    """Open the ledger, wait to be told, work, and say what it took."""
    store, keys = Store.open(given.url), Keys.load(given.keys)
    Ledger.open(store, keys, origin=ORIGIN, clock=SystemClock()).close()
    way = {"group": group, "per-append": per_append}[given.way]
    print("ready", flush=True)
    sys.stdin.readline()
    way(store, keys, given.name, given.callers, time.perf_counter() + WARM, given.body)
    cpu, begun = time.process_time(), time.perf_counter()
    waits = way(store, keys, given.name, given.callers, begun + given.seconds, given.body)
    spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - begun, "waits": waits}
    store.close()
    print(json.dumps(spent), flush=True)


# --- the bench --------------------------------------------------------------------------------------


def measured(url: str, keys: Path, way: str, processes: int, callers: int, given: argparse.Namespace) -> Cost:
    """Let so many processes work side by side and return what they achieved."""
    command = [sys.executable, __file__, "--way", way, "--url", url, "--keys", str(keys)]
    command += ["--callers", str(callers), "--seconds", str(given.seconds)]
    command += ["--body"] if given.body else []
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [*command, "--name", str(name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for name in range(processes)
        ]
        for process in started:
            assert process.stdout and process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [json.loads(process.communicate()[0]) for process in started]
    waits = sorted(wait for one in said for wait in one["waits"])
    return Cost(
        round(sum(len(one["waits"]) / one["wall"] for one in said)),
        round(waits[len(waits) // 2] * 1e3, 1),
        round(waits[len(waits) * 99 // 100] * 1e3, 1),
        round(sum(one["cpu"] for one in said) / len(waits) * 1e6, 1),
    )


@contextmanager
def database(url: str) -> Iterator[str]:
    """Yield the given database, or one on a server of its own."""
    if url:
        yield url
        return
    from fixtures.postgres import running

    with running(fsync=True) as server:
        yield server.new_database()


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the round of median throughput."""
    return sorted(costs)[len(costs) // 2]


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--url", default="", help="an empty PostgreSQL database; a server is started if not given"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--body", action="store_true", help="each entry with 1.2 kB of encrypted body")
    parser.add_argument("--json", action="store_true", help="the default; for scripts that say it")
    for name, kind in (("way", str), ("keys", Path), ("name", int), ("callers", int)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        one_process(given)
        return
    with tempfile.TemporaryDirectory() as folder, database(given.url) as url:
        keys = Path(folder) / "keys"
        Keys.create(keys, ORIGIN)
        Store.open(url).close()
        ways = {
            "group commit, 4 processes x 32 callers": ("group", 4, 32),
            "per append, 4 processes x 1 connection": ("per-append", 4, 1),
            "per append, 4 processes x 4 connections": ("per-append", 4, 4),
            "per append, 8 processes x 1 connection": ("per-append", 8, 1),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in ways}
        for _ in range(given.rounds):  # in turns: what else this machine does then disturbs all alike
            for name, (way, processes, callers) in ways.items():
                costs[name].append(measured(url, keys, way, processes, callers, given))
    found = {name: middle(rounds) for name, rounds in costs.items()}
    grouped, *single = [cost.entries_per_second for cost in found.values()]
    ratios = [
        rounds[0].entries_per_second / max(cost.entries_per_second for cost in rounds[1:])
        for rounds in zip(*costs.values(), strict=True)
    ]
    result = {
        "yardstick: json.dumps of one envelope, us": json_dumps_us(),
        **{name: cost._asdict() for name, cost in found.items()},
        "times as many as the best per append": round(grouped / max(single), 1),
        "  of each round": [round(ratio, 1) for ratio in ratios],
        "  median": round(median(ratios), 1),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
