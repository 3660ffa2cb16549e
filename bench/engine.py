"""The engine for many workers beside raw dbos, on one PostgreSQL with fsync: ``python bench/engine.py``.

Measured in one run, each side in a database of its own:

- *step*: wall time of one governed crossing (decided by Cedar, intent and outcome in the ledger, committed)
  in a run of many, and of one raw dbos step, which does the same useful nothing. Goal: at most 3 times.
- *runs a second*: runs of three crossings, started all at once and carried by one worker with 8 side by
  side, and raw dbos workflows of three steps from a dbos queue, same concurrency and poll. Goal: 40 %.
- *pickup*: two workers with 16 runs under way; one is killed with SIGKILL, and its runs' next crossings are
  timed on the other. Goal: p95 at most 20 seconds, each exactly once.

Both sides pay what a durable commit costs on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from postgres import databases
from sqlalchemy import create_engine, select, text
from sqlalchemy.pool import NullPool
from yardstick import json_dumps_us

from bridgehead.assemble import House
from bridgehead.kernel.ports import Operation, Reply, Request
from bridgehead.kernel.principal import Principal
from bridgehead.store import tables as t

SAM = Principal(id="sam", kind="human", name="Sam")
SIDE_BY_SIDE = 8
POLL = 0.1
CHARTER = """
bridgehead: 1
name: dock
organisation: bench
stage: staging
purpose: Measure the engine.
outcome: {metric: Crossings, baseline: none, target: many}
owner: {person: olga, deputy: dan}
people:
  olga: {name: Olga, roles: [owner]}
  dan: {name: Dan, roles: [owner]}
agents:
  clerk: {sponsor: olga, actions: [look]}
servers:
  dock: {command: ["{python}", dock.py], region: local, refusals: nothing-happened}
regions: [local]
actions:
  look:
    server: dock
    title: Look at {item}
    effect: read
    arguments:
      item: {type: string, maxLength: 40}
workflows:
  looks: {function: "workflow.py:looks", agent: clerk}
hazards:
  overrun:
    description: It looks without end.
    detector: Crossings of a run
    response: stop
    drill: Start one with a thousand looks.
budget: {run_crossings: 100000}
"""
WORKFLOW = """
async def looks(run, times):
    for n in range(times):
        await run.act("look", item=f"thing {n}")
    return times
"""


class Dock:
    """A system in this process that answers at once, or after ``seconds``."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def operations(self) -> Sequence[Operation]:
        return []

    async def call(self, request: Request) -> Reply:
        """Answer."""
        if self._seconds:
            await asyncio.sleep(self._seconds)
        return Reply(value={"seen": request.arguments["item"]})


def opened(place: Path, url: str, drivers: Mapping[str, Any]) -> House:
    """Open the bench's deployment on the store; the folder is made where it is missing."""
    folder = place / "dock"
    if not folder.exists():
        folder.mkdir()
        (folder / "charter.yaml").write_text(CHARTER)
        (folder / "workflow.py").write_text(WORKFLOW)
        (folder / "dock.py").write_text("")
    return House.open(folder, state=place / "state", store=url, drivers=dict(drivers))


async def worked(house: House, concurrency: int) -> None:
    """Carry everything to its end on one worker."""
    async with house.at_work(engine="dbos", concurrency=concurrency) as engine:
        await engine.work(until_idle=True)


def times(house: House, kind: str) -> list[tuple[str, float]]:
    """Return (run, seconds since the epoch) of every entry of a kind."""
    from bridgehead.kernel.clock import unstamp

    with house.store.reading() as connection:
        rows = connection.execute(select(t.entry.c.run, t.entry.c.time).where(t.entry.c.kind == kind)).all()
    return [(row.run, unstamp(row.time).timestamp()) for row in rows]


def governed(place: Path, url: str, steps: int, runs: int) -> dict[str, float]:
    """Measure our side: one long run, then many short ones."""
    house = opened(place, url, {"server:dock": Dock()})
    house.activate(by=SAM)
    warm = house.start("looks", {"times": 20})
    long = house.start("looks", {"times": steps})
    asyncio.run(worked(house, 1))
    looked = sorted(at for run, at in times(house, "action.intent") if run == long)
    one = (looked[-1] - looked[0]) / (len(looked) - 1)
    started = [house.start("looks", {"times": 3}) for _ in range(runs)]
    asyncio.run(worked(house, SIDE_BY_SIDE))
    began = min(at for run, at in times(house, "action.intent") if run in started)
    ended = max(at for run, at in times(house, "run.ended") if run in started)
    house.close()
    assert warm
    return {"step_ms": one * 1000, "runs_a_second": runs / (ended - began)}


def raw(url: str, steps: int, runs: int) -> dict[str, float]:
    """Measure dbos alone, in a process and a schema of its own, with the same queue settings."""
    done = subprocess.run(
        [sys.executable, __file__, url, "--raw", "--steps", str(steps), "--runs", str(runs)],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def raw_dbos(url: str, steps: int, runs: int) -> dict[str, float]:
    """Run workflows of dbos with steps that do nothing, in schema ``raw``."""
    from dbos import DBOS

    plain = url.replace("postgresql+psycopg://", "postgresql://")
    DBOS(
        config={
            "name": "rawbench",
            "system_database_url": plain,
            "dbos_system_schema": "raw",
            "application_version": "1",
            "executor_id": "raw",
            "max_executor_threads": SIDE_BY_SIDE + 4,
            "log_level": "ERROR",
            "enable_otlp": False,
        }
    )
    ended: list[float] = []

    @DBOS.step(name="nothing")
    def nothing(number: int) -> dict[str, str]:
        return {"seen": f"thing {number}"}

    @DBOS.workflow(name="looks")
    def looks(times: int) -> float:
        began = time.perf_counter()
        for number in range(times):
            nothing(number)
        ended.append(time.time())
        return (time.perf_counter() - began) / times

    DBOS.launch()
    looks(20)
    step = looks(steps)
    ended.clear()
    queue = DBOS.register_queue("raw", worker_concurrency=SIDE_BY_SIDE, polling_interval_sec=POLL)
    handles = [queue.enqueue(looks, 3) for _ in range(runs)]
    for handle in handles:
        handle.get_result()
    rows = create_engine(url, poolclass=NullPool)
    with rows.connect() as connection:
        began, last = connection.execute(
            text(
                "select min(started_at_epoch_ms), max(completed_at) from raw.workflow_status"
                " where queue_name = 'raw'"
            )
        ).one()
    DBOS.destroy()
    return {"step_ms": step * 1000, "runs_a_second": runs / ((last - began) / 1000)}


def pickup(place: Path, url: str) -> dict[str, Any]:
    """Kill one of two workers and time when the runs it had under way take their next step elsewhere."""
    house = opened(place, url, {"server:dock": Dock()})
    workers = [_worker(place, url, name) for name in ("one", "two")]
    runs = [house.start("looks", {"times": 60}) for _ in range(2 * SIDE_BY_SIDE)]
    _until(lambda: len({run for run, _ in times(house, "action.outcome") if run in runs}) == len(runs))
    with house.store.reading() as connection:
        claimed = connection.execute(
            select(t.segment.c.run, t.segment.c.boot).where(t.segment.c.state == "claimed")
        ).all()
    killed, others = workers
    orphans = {row.run for row in claimed if row.boot.startswith("one.")}
    killed.send_signal(signal.SIGKILL)
    at = time.time()
    _until(lambda: len([1 for run, _ in times(house, "run.ended") if run in runs]) == len(runs))
    waits = []
    for orphan in orphans:
        taken = [when for run, when in times(house, "action.intent") if run == orphan and when > at + 0.5]
        waits.append(min(taken) - at if taken else 0.0)
    done = times(house, "run.ended")
    others.send_signal(signal.SIGKILL)
    for process in workers:
        process.wait()
    house.close()
    return {
        "orphans": len(orphans),
        "p95_s": sorted(waits)[max(int(len(waits) * 0.95) - 1, 0)] if waits else None,
        "slowest_s": max(waits, default=None),
        "ended_once": sorted(run for run, _ in done if run in runs) == sorted(runs),
    }


def _worker(place: Path, url: str, name: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, __file__, url, "--worker", name, "--place", str(place)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def work(place: Path, url: str, name: str) -> None:
    """Be one worker, until killed; calls take a tenth of a second, so that runs are under way for a while."""
    house = opened(place, url, {"server:dock": Dock(0.1)})

    async def go() -> None:
        # Room for the other's runs, too: how long they wait for a free place is not what is measured.
        async with house.at_work(engine="dbos", name=name, concurrency=2 * SIDE_BY_SIDE) as engine:
            await engine.work()

    print("ready", flush=True)
    asyncio.run(go())


def _until(what: Any, seconds: float = 180.0) -> None:
    give_up = time.monotonic() + seconds
    while not what():
        if time.monotonic() > give_up:
            raise SystemExit("it never came")
        time.sleep(0.2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?", default="", help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--raw", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    parser.add_argument("--place", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.raw:
        print(json.dumps(raw_dbos(given.url, given.steps, given.runs)))
        return
    if given.worker:
        work(Path(given.place), given.url, given.worker)
        return
    with tempfile.TemporaryDirectory() as name, databases() as database:
        found: dict[str, Any] = {"yardstick_us": json_dumps_us()}
        found["raw"] = raw(database(), given.steps, given.runs)
        ours = database()
        found["governed"] = governed(Path(name), ours, given.steps, given.runs)
        found["pickup"] = pickup(Path(name), ours)
    mine, theirs = found["governed"], found["raw"]
    found["step_ratio"] = round(mine["step_ms"] / theirs["step_ms"], 2)
    found["runs_ratio"] = round(mine["runs_a_second"] / theirs["runs_a_second"], 2)
    print(json.dumps(found) if given.json else _told(found))


def _told(found: Mapping[str, Any]) -> str:
    ours, theirs, pickup = found["governed"], found["raw"], found["pickup"]
    return (
        f"step: {ours['step_ms']:.1f} ms governed, {theirs['step_ms']:.1f} ms raw dbos, "
        f"{found['step_ratio']:.2f} times (goal at most 3)\n"
        f"runs a second: {ours['runs_a_second']:.0f} governed, {theirs['runs_a_second']:.0f} raw, "
        f"{found['runs_ratio']:.0%} (goal at least 40 %)\n"
        f"a killed worker's {pickup['orphans']} runs went on after p95 {pickup['p95_s']:.1f} s "
        f"(goal at most 20), each ended once: {pickup['ended_once']}"
    )


if __name__ == "__main__":
    main()
