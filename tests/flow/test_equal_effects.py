"""A probe that counts is weighed against the equal effects on record: as they were while it was made."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.enforce import probe
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.probe import Answer
from bridgehead.kernel.action import Action
from bridgehead.run import journal, runs
from bridgehead.run.segments import Segment
from bridgehead.store import tables as t
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.undoing import Undoing

REFUND = act("refund", order_id="o1", amount=20)
MOVE = act("change_address", order_id="o1", address="2 Lane")


def counts(desk: Desk) -> Desk:
    """Let the probe of a refund say how many there are, and several refunds be usual."""
    head = "def refunded(arguments: dict[str, Any], answer: dict[str, Any]) -> "
    desk.change(f"{head}bool:", f"{head}int:", "facts.py")
    was = 'return Decimal(str(arguments["amount"])) in [Decimal(each) for each in answer["refunds"]]'
    now = 'return [Decimal(each) for each in answer["refunds"]].count(Decimal(str(arguments["amount"])))'
    desk.change(was, now, "facts.py")
    return desk.change("context.record_changes == 0", "context.record_changes < 100", "policy.cedar")


class Beside:
    """Another run of the desk that we carry ourselves, crossing by crossing."""

    def __init__(self, desk: Desk) -> None:
        self.boundary = desk.house.boundary
        run = desk.start(REFUND, workflow="plain")
        with desk.house.store.reading() as connection:
            row = runs.row_of(connection, run)
            who = runs.principal_of(desk.house.deployment.charter.people, row)
            segment = Segment(run=run, number=9, attempt=1, release=row.release)
            self.state = runs.state_of(row, segment, who)
        with desk.house.store.writing() as connection:  # no engine carries it
            connection.execute(t.segment.delete().where(t.segment.c.run == run))

    async def refund(self) -> None:
        arguments = {"order_id": "o1", "amount": 20}
        action = Action(kind="act", target="refund", arguments=arguments, effect="final", outward=True)
        await journal.cross(self.boundary, Crossing(run=self.state, position="1", action=action))


@pytest.mark.parametrize("when", ["before the probe", "before its answer", "after its answer"])
async def test_an_equal_effect_that_is_done_meanwhile_explains_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Ours landed and its answer was lost. The probe counts one, then two; ours is never sent again."""
    counts(desk).system.will("refund", Fails(after=True))
    run = desk.start(REFUND, workflow="plain")
    await desk.work()
    beside, real, begun = Beside(desk), probe.ask, []

    async def ask(boundary: Boundary, crossing: Crossing, *more: Any) -> Answer:
        if begun or when == "after its answer":
            answer = await real(boundary, crossing, *more)
        if not begun:
            begun.append(1)
            await beside.refund()
            if when == "before its answer":
                answer = await real(boundary, crossing, *more)
        return answer

    if when == "before the probe":
        await beside.refund()
    else:
        monkeypatch.setattr(probe, "ask", ask)
    desk.clock.advance(SETTLED)
    await desk.work()
    assert desk.shop.refunds == [("o1", "20")] * 2, "two were meant"
    state = desk.crossings(run)[0].state
    assert state == ("unknown" if when == "after its answer" else "done")  # two found are ours and theirs


async def test_an_effect_that_was_taken_back_is_not_taken_for_an_equal_one(desk: Desk) -> None:
    desk.change('landed: "facts.py:moved", strength: weak', 'landed: "facts.py:moved", strength: strong')
    head = "def moved(arguments: dict[str, Any], answer: dict[str, Any]) -> "
    desk.change(f"{head}bool:", f"{head}int:", "facts.py")
    desk.change("return bool(answer", "return int(answer", "facts.py")
    undoing = Undoing(desk)
    first = desk.start(IDENTIFY, MOVE)
    await desk.work()
    await undoing.take_back(first)
    assert desk.shop.orders["o1"]["address"] == "1 Road"
    desk.system.will("change_address", Fails(after=True))
    second = desk.start(IDENTIFY, MOVE)
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    moves = [call for call in desk.system.calls if call.operation == "change_address"]
    assert sum(call.arguments["address"] == "2 Lane" for call in moves) == 2, "each was sent once"
    (row,) = desk.crossings(second, "change_address")
    assert (row.state, desk.row(second).waiting_for) == (
        "unknown",
        "person:2",
    )  # it cannot tell the two apart
