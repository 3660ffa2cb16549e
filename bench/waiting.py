"""What it costs to wait for people: ``python bench/waiting.py [--runs 10000] [--on WHERE] [--json]``.

Starts as many runs of a small deployment through the real engine; each asks people at once and waits. Then,
in processes of their own, an engine on a store where nobody waits and one where all of them do:

- memory and threads of the second beyond the first;
- ready after a restart: from the start of the process, and of the engine in it, to the call of the other
  system by the one run that is due; and how much of it goes by with loading programs, before anything else;
- from a decision to its effect: votes in the engine's own process, as the console's are counted, and votes
  from another process, as ``bridgehead approve`` makes them, up to the call of the other system. Each falls
  at its own moment on an engine at rest.

``--on``: the embedded engine on SQLite or PostgreSQL, or dbos. A PostgreSQL server is started for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from postgres import databases
from sqlalchemy import select
from yardstick import QUIET_US, json_dumps_us

from bridgehead.assemble import House
from bridgehead.enforce.approve import vote
from bridgehead.kernel.ports import Operation, Reply, Request
from bridgehead.kernel.principal import Principal
from bridgehead.store import tables as t

GOALS = {"more_mb": 5.0, "more_threads": 0, "ready_seconds": 2.0, "decision_to_effect_ms_p95": 250.0}
SQLITE = "sqlite"
REST = (0.05, 0.35)
"""Seconds from an effect to the next decision: its run has ended, and no look follows the one before it."""
ENGINES = {SQLITE: "embedded", "postgresql": "embedded", "dbos": "dbos"}
CHARTER = """
bridgehead: 1
name: waiting
organisation: bench
purpose: Ship what people have agreed to.
outcome: {metric: shipped, baseline: none, target: all}
owner: {person: olga, deputy: dan, escalation: [dan]}
people:
  olga: {name: Olga, email: olga@example.com, roles: [owner]}
  dan: {name: Dan, email: dan@example.com, roles: [owner]}
  maya: {name: Maya, email: maya@example.com, groups: [leads], roles: [approver]}
groups:
  leads: {description: Agree to what is shipped.}
agents:
  clerk: {sponsor: dan, actions: [ship]}
servers:
  dock: {command: ["{python}", dock.py], region: local, refusals: nothing-happened}
regions: [local]
actions:
  ship:
    server: dock
    title: Ship {number}
    effect: final
    arguments: {number: {type: integer}}
approvals:
  go-ahead: {question: "May it be shipped?", who: leads, within: 30d}
workflows:
  shipping: {function: "workflow.py:ship", agent: clerk}
hazards:
  shipped-unasked:
    description: It was shipped and nobody agreed.
    detector: Count what was shipped against what was agreed to.
    response: stop
    drill: Refuse one and look at the dock.
"""
WORKFLOW = """
async def ship(run, number):
    agreed = await run.decide("go-ahead", question=f"Ship {number}?")
    shipped = await run.act("ship", number=number)
    return {"agreed": agreed.value, "shipped": shipped.value}
"""


class Dock:
    """The other system: notes when it was called."""

    def __init__(self) -> None:
        self.called: dict[int, float] = {}

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def operations(self) -> Sequence[Operation]:
        return []

    async def call(self, request: Request) -> Reply:
        self.called[request.arguments["number"]] = time.monotonic()
        return Reply(value="shipped")


def opened(place: Path, dock: Dock) -> House:
    """Open the house whose folder is in ``place``, on the database whose address lies beside it."""
    address = place / "address"
    more: dict[str, Any] = {"store": address.read_text()} if address.exists() else {}
    return House.open(place / "folder", drivers={"server:dock": dock}, **more)


def fill(place: Path, runs: int, address: str) -> dict[str, float]:
    """Lay out the folder and let so many runs come as far as their question.

    The embedded engine does it on every database: what waits afterwards is the same rows.
    """
    folder = place / "folder"
    folder.mkdir(parents=True)
    if address:
        (place / "address").write_text(address)
    (folder / "charter.yaml").write_text(CHARTER)
    (folder / "workflow.py").write_text(WORKFLOW)
    house = opened(place, Dock())
    house.activate(by=Principal(id="dan", kind="human", name="Dan"))
    before = time.process_time()
    for number in range(runs):
        house.start("shipping", {"number": number})
    started = time.process_time()
    asyncio.run(_carried(house))
    asked = time.process_time()
    house.close()
    most = max(runs, 1)
    return {
        "start_cpu_ms_a_run": round((started - before) / most * 1000, 2),
        "ask_and_park_cpu_ms_a_run": round((asked - started) / most * 1000, 2),
    }


async def _carried(house: House) -> None:
    async with house.at_work(concurrency=64, engine="embedded") as engine:
        await engine.work(until_idle=True)


def open_questions(house: House, most: int) -> list[Any]:
    """Return (approval, digest, number of its run) of some open questions."""
    with house.store.reading() as connection:
        rows = connection.execute(
            select(t.approval.c.id, t.approval.c.digest, t.run.c.input_entry)
            .join(t.run, t.run.c.id == t.approval.c.run)
            .where(t.approval.c.state == "open")
            .limit(most)
        ).all()
        return [
            (row.id, row.digest, house.ledger.body(connection, row.input_entry)["input"]["number"])
            for row in rows
        ]


def agree(house: House, question: tuple[str, str, int]) -> None:
    """Answer a question with yes, as a support lead."""
    vote(house.boundary, question[0], house.person("maya", "bench"), "approve", question[1], "")


async def engine_at_work(place: Path, votes: int, kind: Any) -> dict[str, Any]:
    """Run an engine in which one run is due and the others wait; say ``called`` when the due one has acted,
    measure at rest, then from decisions to effects."""
    dock = Dock()
    if kind == "dbos":
        import bridgehead.run.dbos_engine  # noqa: F401  # as the engine would, to tell how long it takes
    found: dict[str, Any] = {"import_seconds": round(_since_the_start(), 3)}
    house = opened(place, dock)
    async with house.at_work(engine=kind) as engine:
        began = time.monotonic()
        work = asyncio.create_task(engine.work())
        while not dock.called:
            await asyncio.sleep(0.002)
        print("called", flush=True)
        found["ready_cpu_seconds"] = round(time.process_time(), 2)
        found["engine_ready_seconds"] = round(time.monotonic() - began, 3)
        await asyncio.sleep(1)
        found.update(_resources())
        found["idle_cpu_percent"] = await _idle()
        if votes:
            found["here_ms"] = _spread(await _decisions(house, dock, place, votes, elsewhere=False))
            found["elsewhere_ms"] = _spread(await _decisions(house, dock, place, votes, elsewhere=True))
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    house.close()
    return found


def _since_the_start() -> float:
    """Return the seconds since this process began (proc(5), field 22 of ``stat``, in clock ticks)."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


async def _idle() -> float:
    before, since = time.process_time(), time.monotonic()
    await asyncio.sleep(3)
    return round((time.process_time() - before) / (time.monotonic() - since) * 100, 2)


async def _decisions(house: House, dock: Dock, place: Path, votes: int, *, elsewhere: bool) -> list[float]:
    voter = (
        await asyncio.create_subprocess_exec(
            *(sys.executable, __file__, "--voter", str(place)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        if elsewhere
        else None
    )
    waits = []
    for question in open_questions(house, votes):
        await asyncio.sleep(random.uniform(*REST))
        decided = await _decided(house, voter, question)
        while question[2] not in dock.called:
            await asyncio.sleep(0.001)
        waits.append(round((dock.called[question[2]] - decided) * 1000, 1))
    if voter is not None and voter.stdin is not None:
        voter.stdin.close()
        await voter.wait()
    return waits


async def _decided(house: House, voter: asyncio.subprocess.Process | None, question: Any) -> float:
    """Vote, here or in the other process; return when the vote was durable (monotonic, of this machine)."""
    if voter is None:
        return await asyncio.to_thread(_agreed, house, question)
    assert voter.stdin is not None and voter.stdout is not None
    voter.stdin.write(json.dumps(question).encode() + b"\n")
    return float(await voter.stdout.readline())


def _agreed(house: House, question: Any) -> float:
    agree(house, question)
    return time.monotonic()  # here: the loop that would be told later is the engine's own


def _spread(waits: list[float]) -> dict[str, float]:
    return {"p50": round(statistics.median(waits), 1), "p95": round(sorted(waits)[int(len(waits) * 0.95)], 1)}


def vote_on_request(place: Path) -> None:
    """Be the other process: vote on each line of input, and say when it was counted."""
    house = opened(place, Dock())
    for line in sys.stdin:
        agree(house, json.loads(line))
        print(time.monotonic(), flush=True)
    house.close()


def _resources() -> dict[str, Any]:
    status = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line
    )
    return {"mb": round(int(status["VmRSS"].split()[0]) / 1024, 1), "threads": int(status["Threads"])}


def in_a_process(place: Path, votes: int, on: str) -> dict[str, Any]:
    """Start an engine in a process of its own; return what it measured, and when it was ready."""
    program = [sys.executable, __file__, "--engine", str(place), "--votes", str(votes), "--on", on]
    began = time.monotonic()
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        ready = time.monotonic() - began
        found = json.loads(process.stdout.read())
    assert first == "called\n", first
    return {**found, "ready_seconds": round(ready, 3)}


def compared(runs: int, votes: int, on: str) -> dict[str, Any]:
    """Measure an engine where one run is all there is, and one where so many more wait."""
    server = nullcontext(str) if on == SQLITE else databases()
    with tempfile.TemporaryDirectory() as name, server as database:
        alone, full = Path(name, "alone"), Path(name, "full")
        for place, count in ((alone, 2), (full, runs + 2)):
            filled = fill(place, count, database())
            make_one_due(place)
            in_a_process(place, 0, on)  # the first start makes the engine's tables; a restart finds them
            make_one_due(place)
        load, before = os.getloadavg()[0], json_dumps_us()
        none, all_of_them = in_a_process(alone, 0, on), in_a_process(full, votes, on)
    slow = (before + json_dumps_us()) / 2 / QUIET_US
    return {
        "ready_quiet_seconds": round(all_of_them["ready_cpu_seconds"] / slow, 2),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
        "times_a_quiet_machine": round(slow, 1),
        "runs": runs,
        "on": on,
        **filled,
        "nobody_waits": none,
        "all_wait": all_of_them,
        "more_mb": round(all_of_them["mb"] - none["mb"], 1),
        "more_threads": all_of_them["threads"] - none["threads"],
        "goals": GOALS,
    }


def make_one_due(place: Path) -> None:
    """Agree to one of the questions: its run is what the next engine begins with."""
    house = opened(place, Dock())
    agree(house, open_questions(house, 1)[0])
    house.close()


def main() -> None:
    """Measure and print; or be one of the processes that are measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--votes", type=int, default=40)
    parser.add_argument("--on", choices=ENGINES, default=SQLITE)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--engine", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--voter", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.voter:
        vote_on_request(given.voter)
    elif given.engine:
        print(json.dumps(asyncio.run(engine_at_work(given.engine, given.votes, ENGINES[given.on]))))
    else:
        found = compared(given.runs, given.votes, given.on)
        print(json.dumps(found) if given.json else _table(found))


def _table(found: dict[str, Any]) -> str:
    none, full = found["nobody_waits"], found["all_wait"]
    lines = [
        ("memory beyond none waiting", f"{found['more_mb']} MB", "5 MB"),
        ("threads beyond none waiting", str(found["more_threads"]), "0"),
        ("ready, from the process's start", f"{full['ready_seconds']} s", "2 s"),
        ("  where nobody waits", f"{none['ready_seconds']} s", ""),
        ("  its CPU, scaled to a quiet machine", f"{found['ready_quiet_seconds']} s", "2 s"),
        ("  of it until all is imported", f"{full['import_seconds']} s", ""),
        ("ready, from the engine's start", f"{full['engine_ready_seconds']} s", ""),
        ("decision to effect, p50", f"{full['here_ms']['p50']} ms", ""),
        ("decision to effect, p95", f"{full['here_ms']['p95']} ms", "250 ms"),
        ("  voted in another process, p95", f"{full['elsewhere_ms']['p95']} ms", "250 ms"),
        ("CPU at rest", f"{full['idle_cpu_percent']} %", ""),
        ("  where nobody waits", f"{none['idle_cpu_percent']} %", ""),
        ("CPU to start a run", f"{found['start_cpu_ms_a_run']} ms", ""),
        ("CPU to ask and wait", f"{found['ask_and_park_cpu_ms_a_run']} ms", ""),
    ]
    head = f"{found['runs']} runs wait, on {found['on']}"
    load = f"load {found['load']}, {found['times_a_quiet_machine']} times a quiet machine's json.dumps\n"
    return load + "\n".join(
        f"{name:<37}{value:>12}  {goal}" for name, value, goal in [(head, "", "goal"), *lines]
    )


if __name__ == "__main__":
    main()
