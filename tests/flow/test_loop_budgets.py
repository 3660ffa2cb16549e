"""What one conversation of a model with its actions may do: so often, so many effects, so much money."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.kernel.errors import CharterError
from bridgehead.testing import Refusal
from fixtures.houses import Desk

TOOLS = ["find_customer", "price_of", "post_note", "order_more", "read_order", "refund"]
WORKFLOW = f"""
async def play(run, loops):
    found = []
    for loop in loops:
        outcome = await run.agent("support", instructions="", input="Help.", tools={TOOLS!r}, budget=loop)
        found.append(type(outcome).__name__)
    return found
"""


def turn(*each: tuple[str, Any]) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in each]}


def notes(*texts: str) -> dict[str, Any]:
    return turn(*(("post_note", {"text": text}) for text in texts))


IDENTIFY = turn(("find_customer", {"email": "ana@example.com"}))


def pays(order: str, amount: int) -> dict[str, Any]:
    return turn(("refund", {"order_id": order, "amount": amount}))


def budgeted(desk: Desk, loop: str, *turns: Any) -> Desk:
    """The desk with one loop, and a model that takes these turns."""
    desk.workflow(WORKFLOW)
    desk.add(f"\nloops:\n  small: {loop}\n", "charter.yaml")
    desk.model._turns.clear()
    desk.model._turns.extend(turns)
    return desk


async def played(desk: Desk, *loops: str, workflow: str = "case") -> str:
    run = desk.start(workflow=workflow, input={"loops": list(loops or ("small",))})
    await desk.work()
    return run


def refused(desk: Desk) -> list[str]:
    return [body["reasons"][0]["rule"] for body in desk.bodies("action.refused")]


async def test_an_action_is_taken_so_often_and_no_oftener(desk: Desk) -> None:
    budgeted(
        desk, "{actions: {post_note: 2}}", notes("a", "b", "c"), turn(("order_more", {"pieces": 1})), "Done."
    )
    await played(desk, workflow="plain")
    assert list(desk.shop.notes.values()) == ["a", "b"]
    assert desk.shop.ordered == [1]
    assert refused(desk) == ["loop.actions"]
    (body,) = desk.bodies("action.refused")
    assert body["reasons"][0]["source"].startswith("charter.yaml:")
    assert "post_note 2 times; 2 are allowed" in body["reasons"][0]["words"]


async def test_all_its_effects_together_have_a_number_and_reads_have_none(desk: Desk) -> None:
    reads = turn(*(("price_of", {"item": f"{n}"}) for n in range(5)))
    budgeted(
        desk, "{effects: 2}", notes("a"), reads, turn(("order_more", {"pieces": 1})), notes("b"), "Done."
    )
    await played(desk, workflow="plain")
    assert (list(desk.shop.notes.values()), desk.shop.ordered) == (["a"], [1])
    assert refused(desk) == ["loop.effects"]


async def test_its_actions_move_so_much_money_together(desk: Desk) -> None:
    budgeted(desk, "{amounts: [90 USD]}", IDENTIFY, pays("o1", 60), pays("o3", 40), pays("o3", 30), "Done.")
    await played(desk)
    assert desk.shop.refunds == [("o1", "60"), ("o3", "30")]
    assert refused(desk) == ["loop.amounts"]


async def test_money_in_a_currency_it_does_not_name_is_not_moved(desk: Desk) -> None:
    budgeted(desk, "{amounts: [90 EUR]}", IDENTIFY, pays("o1", 10), "Done.")
    await played(desk)
    assert desk.shop.refunds == []
    assert refused(desk) == ["loop.amounts"]


async def test_what_was_refused_or_failed_undone_does_not_count(desk: Desk) -> None:
    def no(arguments: Any) -> None:
        raise Refusal("not now")

    desk.system._handlers["order_more"] = no
    budgeted(
        desk,
        "{effects: 1}",
        turn(("order_more", {"pieces": 1}), ("order_more", {"pieces": 2}), ("refund", {"order_id": "o1"})),
        notes("a"),
        "Done.",
    )
    await played(desk, workflow="plain")
    assert list(desk.shop.notes.values()) == ["a"]


async def test_each_loop_of_a_run_has_its_own(desk: Desk) -> None:
    budgeted(desk, "{effects: 1}", notes("a", "b"), "Done.", notes("c", "d"), "Done.")
    run = await played(desk, "small", "small", workflow="plain")
    assert list(desk.shop.notes.values()) == ["a", "c"]
    assert desk.ended(run) == ["Done", "Done"]


async def test_a_wait_and_a_restart_give_no_loop_a_second_budget(desk: Desk) -> None:
    budgeted(desk, "{amounts: [500 USD]}", IDENTIFY, pays("o1", 300), pays("o3", 300), "Done.")
    await played(desk)
    asked = desk.question()
    desk.close()
    desk.reopen()
    desk.vote("maya", question=asked)
    await desk.work()
    assert desk.shop.refunds == [("o1", "300")]
    assert desk.questions() == [], "what may not happen is asked of nobody"
    assert refused(desk) == ["loop.amounts"]


async def test_a_loop_nobody_declared_stops_the_run(desk: Desk) -> None:
    budgeted(desk, "{effects: 1}", notes("a"), "Done.")
    run = await played(desk, "large", workflow="plain")
    assert desk.result(run)["fault"]["code"] == "BH-RUN-047"
    assert desk.shop.notes == {}


@pytest.mark.parametrize(
    ("loop", "code"),
    [
        ("{actions: {pots_note: 1}}", "BH-CHA-130"),
        ("{amounts: [1 USD, 2 USD]}", "BH-CHA-014"),
        ("{amounts: [much]}", "BH-CHA-014"),
        ("{effects: -1}", "BH-CHA-014"),
    ],
)
def test_a_loop_that_means_nothing_is_told_with_its_line(desk: Desk, loop: str, code: str) -> None:
    budgeted(desk, loop)
    with pytest.raises(CharterError) as told:
        desk.activate()
    assert code in str(told.value.code) and told.value.where.startswith("charter.yaml:")
