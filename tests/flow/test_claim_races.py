"""Between the look and the claim something changes: the claim, in its own transaction, sees it.

``on_step[7]`` runs after every look has been taken and before the claim commits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from bridgehead.enforce.stop import lift_stop, set_stop
from bridgehead.store import tables as t
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, Desk, act, ask

LARGE = act("refund", order_id="o1", amount=150)
NOTE = act("post_note", text="a")


@pytest.fixture
def desk(desk_on: Desk) -> Desk:
    """Each race is run on both databases."""
    return desk_on


def change(desk: Desk, table: Any, **values: Any) -> None:
    with desk.house.store.writing() as connection:
        connection.execute(update(table).values(**values))


def just_before_the_claim(desk: Desk, target: str, do: Callable[[], Any]) -> None:
    """Do something once, after the last look at this action and before it is claimed."""

    def step() -> None:
        rows = [row for row in desk.crossings() if row.target == target]
        if not rows or rows[-1].state in ("asked", "intent"):
            desk.on_step.clear()
            do()

    desk.on_step[7] = step


async def test_an_approval_taken_back_in_between_is_not_used(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    asked = desk.question()
    desk.vote("maya")
    desk.steps.clear()
    just_before_the_claim(desk, "refund", lambda: change(desk, t.approval, state="revoked"))
    # The reads made to decide come to step 7 as well; only the refund itself is of interest.
    await desk.work()
    assert desk.ended(run)[-1]["rules"] in (["approval.spent"], ["approval.revoked"])
    assert desk.shop.refunds == []
    assert desk.approval(asked.id).state == "revoked"


async def test_nor_one_whose_time_runs_out_in_between(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    desk.vote("maya")
    just_before_the_claim(desk, "refund", lambda: desk.clock.advance(2 * 3600 + 1))
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.spent"]
    assert desk.shop.refunds == []


async def test_a_stop_in_between_parks_it(desk: Desk) -> None:
    run = desk.start(NOTE, workflow="plain")
    just_before_the_claim(
        desk, "post_note", lambda: set_stop(desk.house.boundary, desk.person("maya"), "smoke")
    )
    await desk.work()
    assert desk.row(run).waiting_for.startswith("stop:")
    assert desk.entries("action.intent", run) == []
    assert desk.shop.notes == {}
    lift_stop(desk.house.boundary, desk.person("olga"), "toast")
    await desk.work()
    assert len(desk.shop.notes) == 1


async def test_a_budget_spent_in_between_refuses_it(desk: Desk) -> None:
    run = desk.start(ask(), workflow="plain")

    def spend() -> None:
        from sqlalchemy import insert

        with desk.house.store.writing() as connection:
            connection.execute(
                insert(t.spend).values(scope=f"run:{run}", currency="USD", reserved="0.999", settled="0")
            )

    just_before_the_claim(desk, "support", spend)
    await desk.work()
    assert desk.ended(run)[0]["rules"] == ["budget.run_cost"]
    assert desk.model.calls == []


async def test_effects_counted_in_between_refuse_it(desk: Desk) -> None:
    run = desk.start(NOTE, workflow="plain")
    just_before_the_claim(desk, "post_note", lambda: change(desk, t.run, effects=6))
    await desk.work()
    assert desk.ended(run)[0]["rules"] == ["budget.run_effects"]
    assert desk.shop.notes == {}


async def test_a_release_stopped_in_between_may_not_claim(desk: Desk) -> None:
    run = desk.start(NOTE, NOTE, workflow="plain")
    just_before_the_claim(desk, "post_note", lambda: change(desk, t.release, state="stopped"))
    await desk.work()
    assert desk.row(run).status == "stopped"
    assert desk.entries("action.intent", run) == []
    assert desk.shop.notes == {}


@pytest.mark.parametrize("landed", [True, False])
async def test_what_a_stopped_release_left_unclear_is_asked_about_and_not_repeated(
    desk: Desk, landed: bool
) -> None:
    desk.system.will("refund", Fails("unknown", after=landed))
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=20))
    await desk.work()
    change(desk, t.release, state="stopped")
    desk.clock.advance(SETTLED)
    await desk.work()
    if landed:
        assert desk.ended(run)[-1]["is"] == "done"
    else:
        assert desk.row(run).status == "stopped"
    assert len([call for call in desk.system.calls if call.operation == "refund"]) == 1
