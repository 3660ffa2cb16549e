"""A bad release of the retail example is taken back, and the certificate says what the order system says.

The judge is the order system's own files, written by a third party's server.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.enforce.approve import question, vote
from bridgehead.kernel.principal import Principal
from bridgehead.kernel.undoing import outcome
from bridgehead.record.verify import verify_certificate
from bridgehead.rollout.certificate import certified
from bridgehead.rollout.order import Order, order
from bridgehead.store import tables as t
from fixtures.retail import FOLDER, module, shop

grade, tickets = module("grade"), module("tickets")
OPERATOR = Principal(id="noor", kind="human", name="Noor")
BAD = ("22", "59", "72")
"""Ticket 22 changes addresses only; 59 and 72 also cancel an order, or swap its items."""


class Shop:
    """The example's house with an order system of its own, played under two releases."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder / "retail-support", folder / "state"
        shutil.copytree(FOLDER, self.folder, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
        self.every = {ticket.id: ticket for ticket in tickets.tickets()}
        grade.seed(self.state / "orders", [f"ticket {number}" for number in ("34", *BAD)])
        self.house = House.open(self.folder, state=self.state)
        self.good = self.house.activate(by=OPERATOR)
        self.play("34")
        policy = self.folder / "policy.cedar"
        policy.write_text(policy.read_text() + "\n// the bad release\n")
        self.bad = self.house.activate(by=OPERATOR)
        self.play(*BAD)

    def play(self, *numbers: str) -> None:
        """Play tickets to their end; a lead says yes to every question."""
        for number in numbers:
            self.house.start(
                "ticket",
                {"ticket": self.every[number].as_input()},
                bindings={"case": f"ticket {number}"},
                title=f"Ticket {number}",
                models={"support": "support-stand-in"},
            )
        self.carry()
        while self.answer("maya"):
            self.carry()

    def carry(self) -> None:
        async def go() -> None:
            async with self.house.at_work() as engine:
                await engine.work(until_idle=True)

        asyncio.run(go())

    def answer(self, person: str) -> int:
        with self.house.store.reading() as connection:
            rows = connection.execute(select(t.approval.c.id).where(t.approval.c.state == "open")).all()
            asked = [question(self.house.boundary, connection, row.id) for row in rows]
        for one in asked:
            voter = self.house.person(person, "test")
            vote(self.house.boundary, one.id, voter, "approve", one.digest(), "read it")
        return len(asked)

    def undo(self) -> str:
        wanted = Order(
            scope="release",
            target=self.bad,
            by=self.house.person("noor", "test"),
            reason="wrong addresses",
            execute=True,
        )
        undo = order(self.house.boundary, wanted)
        self.carry()
        assert self.answer("ruth") == 1
        self.carry()
        return undo

    def records(self, number: str) -> dict[str, Any]:
        """Return the orders and users of one ticket's shop, as its server wrote them."""
        file = grade._file(self.state / "orders", f"ticket {number}")
        found: dict[str, Any] = json.loads(file.read_text())["db"]
        return found

    def items(self, undo: str) -> list[Any]:
        with self.house.store.reading() as connection:
            rows = connection.execute(
                select(t.undo_item, t.crossing.c.record, t.run.c.title)
                .join(
                    t.crossing,
                    (t.crossing.c.run == t.undo_item.c.run)
                    & (t.crossing.c.position == t.undo_item.c.position),
                )
                .join(t.run, t.run.c.id == t.undo_item.c.run)
                .where(t.undo_item.c.undo == undo)
            )
            return list(rows)


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.house.close()


def address(records: Any, record: str) -> Any:
    kind = "orders" if record.startswith("#") else "users"
    return records[kind][record]["address"]


@pytest.mark.slow
def test_the_certificate_says_what_the_order_system_says(played: Shop) -> None:
    untouched = shop()
    before = {number: played.records(number) for number in BAD}
    moved = played.records("34")
    undo = played.undo()
    note = certified(played.house.boundary, undo)
    said = verify_certificate(note, vkey=(played.state / "keys" / "ledger.vkey").read_text())
    assert said.ok, said.problems
    found: Counter[str] = Counter()
    differed = 0  # ticket 22 itself moves an address there and back
    for item in played.items(undo):
        what = outcome(item.group, item.state, "ended")
        found[what] += 1
        number, record = item.title.removeprefix("Ticket "), item.record.rpartition("/")[2]
        now = played.records(number)
        if what == "undone":
            assert address(now, record) == address(untouched, record)
            differed += address(before[number], record) != address(untouched, record)
        else:
            kind = "orders" if record.startswith("#") else "users"
            assert now[kind][record] == before[number][kind][record], item.why
    assert {name: number for name, number in said.counts.items() if number} == dict(found)
    assert said.effects == sum(found.values()) == 7
    assert found["undone"] >= 3 and differed and found["impossible"] >= 1
    assert played.records("34") == moved  # the good release's work stays
    cancelled = [
        order
        for number in BAD
        for order in played.records(number)["orders"].values()
        if order["status"] == "cancelled" and untouched["orders"][order["order_id"]]["status"] == "pending"
    ]
    assert len(cancelled) == 1
    assert said.money["USD"]["taken-back"] == "0.00"
