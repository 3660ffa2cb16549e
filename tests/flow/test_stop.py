"""The switch: anyone who takes part may stop a deployment, only its owner or deputy starts it again."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bridgehead.enforce.stop import lift_stop, set_stop
from bridgehead.kernel.errors import ApprovalError
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, Desk, act, ask, decide

PRICE = act("price_of", item="lamp")

OTHER_PROCESS = """
import sys
from pathlib import Path
from bridgehead.assemble import House
from bridgehead.enforce.stop import set_stop
house = House.open(Path(sys.argv[1]), state=Path(sys.argv[2]))
by = house.person("maya", "test")
print("ready", flush=True)
sys.stdin.readline()
set_stop(house.boundary, by, "smoke in the warehouse")
print("stopped", flush=True)
house.close()
"""


def stop(desk: Desk, by: str = "maya") -> Any:
    return set_stop(desk.house.boundary, desk.person(by), "smoke")


def lift(desk: Desk, by: str = "olga") -> int:
    return lift_stop(desk.house.boundary, desk.person(by), "it was toast")


async def test_a_stop_from_another_process_lets_no_further_action_begin(desk: Desk) -> None:
    runs = [desk.start(*[PRICE] * 5, workflow="plain") for _ in range(3)]
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, desk.folder, desk.state],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin and other.stdout
    assert other.stdout.readline() == "ready\n"

    def stop_at_the_fifth_call() -> None:
        if len(desk.system.calls) == 5:
            other.stdin.write("go\n")
            other.stdin.flush()
            assert other.stdout.readline() == "stopped\n"
            desk.on_step.clear()

    desk.on_step[9] = stop_at_the_fifth_call
    await desk.work()
    other.communicate(timeout=30)
    kinds = [entry["kind"] for entry in desk.entries()]
    after = kinds[kinds.index("stop.set") :]
    assert "action.intent" not in after
    assert after.count("action.outcome") == kinds.count("action.intent") - kinds[
        : kinds.index("stop.set")
    ].count("action.outcome")  # what was on its way was heard out
    assert {desk.row(run).status for run in runs} == {"waiting"}
    calls = len(desk.system.calls)
    await desk.work()  # nothing wakes by itself
    assert len(desk.system.calls) == calls < 15
    assert lift(desk) == 3
    await desk.work()
    assert {desk.row(run).status for run in runs} == {"done"}
    assert len(desk.system.calls) == 15


async def test_it_stops_models_and_questions_to_people_too(desk: Desk) -> None:
    stopped = stop(desk)
    runs = [desk.start(step, workflow="plain") for step in (ask(), decide("Go on?"), PRICE)]
    await desk.work()
    assert {desk.row(run).waiting_for for run in runs} == {f"stop:{stopped.id}"}
    assert desk.questions() == []
    assert desk.model.calls == desk.system.calls == []


async def test_it_wins_against_a_yes_that_was_given_before(desk: Desk) -> None:
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    asked = desk.question()
    desk.vote("maya")
    stop(desk)
    await desk.work()
    assert desk.shop.refunds == []
    assert desk.approval(asked.id).state == "approved"
    lift(desk)
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.shop.refunds == [("o1", "150")]


async def test_it_wins_against_an_action_already_decided(desk: Desk) -> None:
    """Between the look at step 4 and the claim at step 7 the stop comes down."""
    desk.on_step[6] = lambda: stop(desk)
    run = desk.start(act("post_note", text="a"), workflow="plain")
    await desk.work()
    assert desk.row(run).waiting_for.startswith("stop:")
    assert desk.entries("action.intent") == []
    assert desk.shop.notes == {}
    desk.on_step.clear()
    lift(desk)
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"


async def test_what_was_not_sent_at_the_first_try_is_not_tried_again(desk: Desk) -> None:
    desk.system.will("price_of", Fails("none"))
    desk.printer.will("send_letter", Fails("none"))
    answer = desk.printer.call

    async def stopped_meanwhile(request: Any) -> Any:
        stop(desk)
        return await answer(request)

    desk.printer.call = stopped_meanwhile  # type: ignore[method-assign]
    run = desk.start(PRICE, act("send_letter", text="Dear Ana"), PRICE, workflow="plain")
    await desk.work()
    assert desk.shop.letters == []
    assert [row.state for row in desk.crossings(run)] == ["done", "failed"]
    assert desk.row(run).waiting_for.startswith("stop:")


async def test_what_was_on_its_way_is_settled_meanwhile_but_not_sent_again(desk: Desk) -> None:
    desk.system.will("refund", Fails(after=True))
    landed = desk.start(IDENTIFY, act("refund", order_id="o1", amount=20))
    await desk.work()
    desk.system.will("refund", Fails("unknown"))
    missing = desk.start(IDENTIFY, act("refund", order_id="o3", amount=20))
    await desk.work()
    stop(desk)
    desk.clock.advance(SETTLED)
    await desk.work()
    assert desk.ended(landed)[-1]["is"] == "done"
    assert desk.row(missing).waiting_for.startswith("stop:")
    assert desk.shop.refunds == [("o1", "20")]
    lift(desk)
    await desk.work()
    assert desk.ended(missing)[-1]["is"] == "done"
    assert desk.shop.refunds == [("o1", "20"), ("o3", "20")]


async def test_a_lift_between_the_look_and_the_park_is_not_slept_through(desk: Desk) -> None:
    stop(desk)
    run = desk.start(PRICE, workflow="plain")
    desk.on_step[4] = lambda: (desk.on_step.clear(), desk.on_step.update({0: lambda: None}))
    original = desk.house.ledger.commit

    async def lifted_just_before(work: Any) -> Any:
        desk.house.ledger.commit = original  # type: ignore[method-assign]
        lift(desk)
        return await original(work)

    desk.house.ledger.commit = lifted_just_before  # type: ignore[method-assign]
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"


@pytest.mark.parametrize("person", ["maya", "sam", "rhea", "ivo"])
async def test_only_the_owner_or_the_deputy_lifts_it(desk: Desk, person: str) -> None:
    stop(desk)
    with pytest.raises(ApprovalError) as fault:
        lift(desk, person)
    assert fault.value.code == "BH-APR-010"
    assert desk.entries("stop.lifted") == []


async def test_the_deputy_may(desk: Desk) -> None:
    stop(desk)
    assert lift(desk, "dan") == 0
    with pytest.raises(ApprovalError) as fault:
        lift(desk, "dan")
    assert fault.value.code == "BH-APR-011"


async def test_setting_it_twice_is_one_stop(desk: Desk) -> None:
    first = stop(desk)
    assert stop(desk, "tomas") == first
    assert [entry["actor"] for entry in desk.entries("stop.set")] == ["human:maya"]
    assert desk.bodies("stop.set") == [{"reason": "smoke", "assurance": "test"}]
    lift(desk)
    assert desk.bodies("stop.lifted") == [{"reason": "it was toast", "assurance": "test", "runs": 0}]
    assert stop(desk).id != first.id
