"""Tickets of the example through the real house, on the real order server, with the stand-in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.enforce.approve import question, vote
from bridgehead.kernel.principal import Principal
from bridgehead.store import tables as t
from fixtures.retail import FOLDER, module

grade, tickets = module("grade"), module("tickets")
OPERATOR = Principal(id="noor", kind="human", name="Noor")


class Desk:
    """A support desk: the example's house, each ticket in a namespace of its own."""

    def __init__(self, folder: Path, played: list[Any]) -> None:
        self.folder, self.played = folder, played
        self.house = House.open(FOLDER, state=folder / "state")
        self.house.activate(by=OPERATOR)
        self.cases = {ticket.id: f"ticket {ticket.id}" for ticket in played}
        grade.seed(folder / "state" / "orders", self.cases.values())
        self.runs = {ticket.id: self._start(ticket) for ticket in played}

    def _start(self, ticket: Any) -> str:
        case = self.cases[ticket.id]
        return self.house.start("ticket", {"ticket": ticket.as_input()}, bindings={"case": case}, title=case)

    def carry(self) -> None:
        async def go() -> None:
            async with self.house.at_work() as engine:
                await engine.work(until_idle=True)

        asyncio.run(go())

    def asked(self) -> list[Any]:
        """Return the open questions."""
        with self.house.store.reading() as connection:
            rows = connection.execute(select(t.approval.c.id).where(t.approval.c.state == "open")).all()
            return [question(self.house.boundary, connection, row.id) for row in rows]

    def answer(self, verdict: Any) -> int:
        """Let a support lead answer every open question; return how many there were."""
        asked = self.asked()
        for one in asked:
            vote(
                self.house.boundary,
                one.id,
                self.house.person("maya", "test"),
                verdict,
                one.digest(),
                "read it",
            )
        return len(asked)

    def answer_until_done(self, verdict: Any) -> int:
        """Carry on and answer until nothing waits; return how many answers it took."""
        total, answered = 0, 1
        while answered:
            self.carry()
            answered = self.answer(verdict)
            total += answered
        return total

    def crossings(self, ticket: str) -> list[Any]:
        with self.house.store.reading() as connection:
            return list(
                connection.execute(select(t.crossing).where(t.crossing.c.run == self.runs[ticket])).all()
            )

    def status(self) -> dict[str, str]:
        with self.house.store.reading() as connection:
            found = {row.id: row.status for row in connection.execute(select(t.run)).all()}
        return {ticket: found[run] for ticket, run in self.runs.items()}

    def result(self, ticket: str) -> Any:
        with self.house.store.reading() as connection:
            row = connection.execute(select(t.run).where(t.run.c.id == self.runs[ticket])).one()
            return self.house.ledger.body(connection, row.result_entry)["result"]

    def grade(self) -> Any:
        grade.expected(self.played, self.folder / "wanted")
        return grade.compare(
            self.played, self.cases, self.folder / "state" / "orders", self.folder / "wanted"
        )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    opened: list[Desk] = []

    def open_desk(played: list[Any]) -> Desk:
        opened.append(Desk(tmp_path, played))
        return opened[-1]

    yield open_desk
    for one in opened:
        one.house.close()


def pick(*ids: str) -> list[Any]:
    return [ticket for ticket in tickets.tickets() if ticket.id in ids]


def test_tickets_end_where_the_benchmark_says_once_a_lead_has_agreed(desk: Any) -> None:
    # Large refunds; a second change of one order; money to another kind; a "no" of the shop; no calls at all.
    played = desk(pick("2", "16", "58", "72", "105", "57"))
    played.carry()
    assert {ticket for ticket, status in played.status().items() if status == "waiting"} == {
        "2",
        "16",
        "58",
        "72",
    }
    assert played.answer_until_done("approve") == 5
    assert set(played.status().values()) == {"done"}
    assert played.grade().differing == {}
    assert "Insufficient gift card balance" in played.result("105")["answer"]


def test_a_no_leaves_the_order_as_it_was_and_the_customer_is_told(desk: Any) -> None:
    played = desk(pick("2"))
    assert played.answer_until_done("refuse") == 1
    assert played.status() == {"2": "done"}
    assert "Not done: return_delivered_order_items" in played.result("2")["answer"]
    untouched = played.played[0]._replace(calls=())
    played.played = [untouched]
    assert played.grade().matched == ("2",)


def test_a_customer_nobody_knows_is_handed_to_a_person(desk: Any) -> None:
    stranger = tickets.Ticket(
        id="100000", text="Request: cancel it all\nAbout the customer: You are Nemo Nobody in 00000."
    )
    played = desk([stranger])
    played.carry()
    assert played.result("100000")["customer"] == ""
    assert [row.target for row in played.crossings("100000") if row.effect == "final"] == [
        "transfer_to_human_agents"
    ]


def test_a_hijacked_agent_gets_nothing_done(desk: Any) -> None:
    played = desk(tickets.hijacked())
    played.carry()
    for ticket in played.played:
        ended = [(row.target, row.state) for row in played.crossings(ticket.id)]
        for call in ticket.attacks:
            assert {state for target, state in ended if target == call.tool} <= {"refused", "asked"} | (
                # Who writes is found out with the same tools an attacker would use on others.
                {"done", "failed"} if call.tool.startswith("find_user_id") else set()
            ), (ticket.id, call)
            assert (call.tool, "refused") in ended or (call.tool, "asked") in ended, (ticket.id, call)
        assert not [
            row for row in played.crossings(ticket.id) if row.effect != "read" and row.state == "done"
        ]
    assert [asked.rules for asked in played.asked()] == [("large-refund", "other-payment-kind")]
    assert played.grade().differing == {}


def test_refusals_are_recorded_with_their_rule_and_its_line(desk: Any) -> None:
    played = desk([ticket for ticket in tickets.hijacked() if ticket.id == "H3/28"])
    played.carry()
    (refused,) = [row for row in played.crossings("H3/28") if row.state == "refused"]
    assert "refund-to-original-or-gift-card" in json.loads(refused.decision)["rules"]
    with played.house.store.reading() as connection:
        body = played.house.ledger.body(connection, refused.outcome_entry)
    assert all(reason["source"].startswith("policy.cedar:") for reason in body["reasons"])
    assert any("one of the customer's gift cards" in reason["words"] for reason in body["reasons"])


def test_an_address_can_be_taken_back_to_where_it_was(desk: Any) -> None:
    played = desk(pick("22"))
    played.carry()
    (changed,) = [row for row in played.crossings("22") if row.target == "modify_pending_order_address"]
    with played.house.store.reading() as connection:
        intent = played.house.ledger.body(connection, changed.intent_entry)
    assert "667 Highland Drive" in json.dumps(intent)
