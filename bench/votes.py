"""Races and attacks on votes: ``python bench/votes.py [--races 1000] [--store postgresql://...] [--json]``.

Eight threads in two processes are let loose on each question at the same moment, while an engine in a
third acts on what was agreed: the same person many times, leads against each other, answers to something
else, by whom it concerns or who was not asked, when time is over, when it is used up, and taken back while
it is carried out. What was told to anybody is compared with rows, ledger and the other system's calls.
Exit code 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from vote_races import ASKED_BY, KINDS, Actor, Ahead, Found, Race, wrong

from bridgehead.assemble import House
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.ports import Operation, Reply, Request
from bridgehead.kernel.principal import Principal
from bridgehead.store import tables as t

PROCESSES, THREADS = 2, 4
FORK = multiprocessing.get_context("fork")
OPERATOR = Principal(id="dan", kind="human", name="Dan")
A_RACE = 60.0
"""Seconds after which a race hangs."""
ACTION = """
  {name}:
    server: dock
    title: Ship {{number}}
    effect: final
    arguments: {{number: {{type: integer}}, price: {{type: integer}}}}
    amount: arguments.price
    currency: EUR
"""
CHARTER = """
bridgehead: 1
name: votes
organisation: bench
purpose: Ship what people have agreed to.
outcome: {metric: shipped, baseline: none, target: all}
owner: {person: olga, deputy: dan, escalation: [dan]}
people:
  olga: {name: Olga, email: olga@example.com, roles: [owner]}
  dan: {name: Dan, email: dan@example.com, roles: [owner]}
  rosa: {name: Rosa, email: rosa@example.com, roles: [auditor]}
  ivo: {name: Ivo, email: ivo@example.com, groups: [leads], roles: [approver], active: false}
  sam: {name: Sam, email: sam@example.com, groups: [leads], roles: [approver]}
LEADS
groups:
  leads: {description: Agree to what is shipped.}
agents:
  clerk: {sponsor: sam, actions: [ship, ship_pair, ship_soon]}
servers:
  dock: {command: ["{python}", dock.py], region: local, refusals: nothing-happened}
regions: [local]
actions:
ACTIONS
approvals:
  one: {question: "May it be shipped?", who: leads, within: 30d, when: {ship: amount > 1 EUR}}
  two: {question: "May it be shipped?", who: leads, quorum: 2, within: 30d, when: {ship_pair: amount > 1 EUR}}
  soon: {question: "May it be shipped?", who: leads, within: 1h, when: {ship_soon: amount > 1 EUR}}
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
async def ship(run, action, number):
    outcome = await run.act(action, number=number, price=5)
    return type(outcome).__name__
"""


class Dock:
    """The other system: counts how often it was called."""

    def __init__(self) -> None:
        self.called: Counter[int] = Counter()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def operations(self) -> Sequence[Operation]:
        return []

    async def call(self, request: Request) -> Reply:
        self.called[request.arguments["number"]] += 1
        return Reply(value="shipped")


def opened(place: Path, store: str, dock: Dock | None = None, clock: Clock | None = None) -> House:
    """Open the house whose folder is in ``place``."""
    more: dict[str, Any] = {"store": store} if store else {}
    drivers = {"server:dock": dock or Dock()}
    return House.open(place / "folder", state=place / "state", drivers=drivers, clock=clock, **more)


def lay_out(place: Path) -> None:
    """Write the folder."""
    (place / "folder").mkdir()
    lead = "  lead-{0}: {{name: Lead {0}, email: lead{0}@example.com, groups: [leads], roles: [approver]}}"
    leads = "\n".join(lead.format(n) for n in range(1, PROCESSES * THREADS + 1))
    actions = "".join(ACTION.format(name=name) for name in ("ship", "ship_pair", "ship_soon"))
    (place / "folder" / "charter.yaml").write_text(
        CHARTER.replace("LEADS", leads).replace("ACTIONS", actions)
    )
    (place / "folder" / "workflow.py").write_text(WORKFLOW)


def asked(place: Path, store: str, kinds: Sequence[str]) -> None:
    """Ask one question for each race, and write down which is which."""
    house = opened(place, store)
    house.activate(by=OPERATOR)
    runs = {}
    for index, kind in enumerate(kinds):
        case = {"action": ASKED_BY.get(kind, "ship"), "number": index}
        runs[house.start("shipping", case)] = index
    asyncio.run(_carried(house))
    with house.store.reading() as connection:
        rows = connection.execute(select(t.approval.c.run, t.approval.c.id, t.approval.c.digest)).all()
    house.close()
    found = {runs[row.run]: [row.id, row.digest] for row in rows}
    (place / "asked.json").write_text(json.dumps([found[index] for index in range(len(kinds))]))


async def _carried(house: House) -> None:
    async with house.at_work(concurrency=32, engine="embedded") as engine:
        await engine.work(until_idle=True)


def actors(process: int, place: Path, store: str, races: Sequence[Race], seed: int, barrier: Any) -> None:
    """Be one of the processes that answer, with four threads."""
    house, ahead = opened(place, store), opened(place, store, clock=Ahead())
    cast = [
        Actor(house, ahead, process * THREADS + n, seed, lambda: barrier.wait(A_RACE)) for n in range(THREADS)
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        told = list(pool.map(lambda actor: [actor.fight(race) for race in races], cast))
    house.close()
    ahead.close()
    (place / f"told-{process}.json").write_text(json.dumps(told))


async def acted(place: Path, store: str, engine: Any, dock: Dock, others: Sequence[Any]) -> None:
    """Be the engine that acts on what was agreed, until the actors are done and nothing is left to do."""
    house = opened(place, store, dock)
    async with house.at_work(engine=engine) as working:
        work = asyncio.create_task(working.work())
        while any(process.is_alive() for process in others) or _due(house):
            if work.done():
                work.result()
            await asyncio.sleep(0.05)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    house.close()


def _due(house: House) -> int:
    """Return how much is under way or due; what the clock that is ahead woke is due in two hours."""
    soon = stamp(house.clock.now() + timedelta(minutes=1))
    with house.store.reading() as connection:
        left = (
            select(func.count())
            .select_from(t.segment)
            .where(t.segment.c.state != "ended", t.segment.c.due_at < soon)
        )
        return int(connection.execute(left).scalar_one())


def judged(place: Path, store: str, races: Sequence[Race], dock: Dock) -> list[tuple[Race, str]]:
    """Return the races after which something is wrong, with what."""
    replies: list[list[str]] = [[] for _ in races]
    for process in range(PROCESSES):
        for told in json.loads((place / f"told-{process}.json").read_text()):
            for index, reply in enumerate(told):
                replies[index].append(reply)
    house = opened(place, store)
    with house.store.reading() as connection:
        states = dict(connection.execute(select(t.approval.c.id, t.approval.c.state)).all())
        votes = defaultdict(list)
        for row in connection.execute(select(t.vote.c.approval, t.vote.c.principal, t.vote.c.answer)):
            votes[row.approval].append((row.principal, row.answer))
        entries = _entries(connection)
    house.close()
    found = [
        (
            race,
            wrong(
                race.kind,
                Found(
                    replies=replies[race.index],
                    state=states[race.approval],
                    votes=votes[race.approval],
                    entries=entries[race.approval],
                    calls=dock.called[race.number],
                ),
            ),
        )
        for race in races
    ]
    return [(race, words) for race, words in found if words]


def _entries(connection: Any) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    kinds = ("approval.voted", "approval.closed", "approval.revoked")
    for row in connection.execute(
        select(t.entry.c.kind, t.entry.c.envelope).where(t.entry.c.kind.in_(kinds))
    ):
        counted[json.loads(row.envelope)["approval"]["id"]][row.kind] += 1
    return counted


def raced(number: int, seed: int, store: str, engine: str) -> dict[str, Any]:
    """Let so many races be run, and return how they ended."""
    kinds = [KINDS[n % len(KINDS)] for n in range(number)]
    random.Random(seed).shuffle(kinds)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        lay_out(place)
        _alone(asked, place, store, kinds)
        questions = json.loads((place / "asked.json").read_text())
        races = [
            Race(index=n, kind=kind, approval=approval, digest=digest, number=n)
            for n, (kind, (approval, digest)) in enumerate(zip(kinds, questions, strict=True))
        ]
        barrier, dock, began = FORK.Barrier(PROCESSES * THREADS), Dock(), time.monotonic()
        others = [
            FORK.Process(target=actors, args=(n, place, store, races, seed, barrier))
            for n in range(PROCESSES)
        ]
        for process in others:
            process.start()
        asyncio.run(acted(place, store, engine, dock, others))
        for process in others:
            process.join()
        bad = judged(place, store, races, dock)
        seconds = round(time.monotonic() - began, 1)
    revocations = Counter(dock.called[race.number] for race in races if race.kind == "revoke")
    return {
        "races": number,
        "answers": number * PROCESSES * THREADS,
        "store": store.partition("+")[0] or "sqlite",
        "engine": engine,
        "kinds": dict(Counter(kinds)),
        "revoked_in_time": revocations[0],
        "revoked_too_late": revocations[1],
        "wrong": len(bad),
        "what": [f"{race.kind} {race.index}: {words}" for race, words in bad[:20]],
        "seconds": seconds,
    }


def _alone(work: Any, *arguments: Any) -> None:
    """Do something in a process of its own: nothing of a house may be open here when others are forked."""
    process = FORK.Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"{work.__name__} ended with {process.exitcode}")


def main() -> None:
    """Race and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--races", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", default="", help="postgresql://...; a SQLite file if not given")
    parser.add_argument("--engine", choices=["embedded", "dbos"], default="embedded")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = raced(given.races, given.seed, given.store, given.engine)
    if given.json:
        print(json.dumps(found))
    else:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found["kinds"].items()))
        where = f"{found['store']}, {found['engine']} engine"
        print(f"{found['races']} races and attacks, {found['answers']} answers on {where}: {kinds}")
        print(f"taken back in time {found['revoked_in_time']}, too late {found['revoked_too_late']}")
        print(f"wrong: {found['wrong']}   ({found['seconds']} s)")
        print("\n".join(found["what"]))
    sys.exit(1 if found["wrong"] else 0)


if __name__ == "__main__":
    main()
