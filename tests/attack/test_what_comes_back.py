"""What comes back to an agent carries nothing the deployment hides; code of the folder changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.testing.scripted import Refuses
from fixtures.houses import CASE, IDENTIFY, Desk, act


async def test_the_other_sides_no_does_not_name_what_is_bound(desk: Desk) -> None:
    desk.system.will("price_of", Refuses(f"no lamp in tenant {CASE}"))
    run = desk.start(act("price_of", item="lamp"), workflow="plain")
    await desk.work()
    assert desk.bodies("action.outcome", run)[-1]["fault"]["words"] == "no lamp in tenant (bound)"


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (f"noted in {CASE}", "noted in (bound)"),
        ({"tenant": CASE, "n": 1}, {"tenant": "(bound)", "n": 1}),
        ([{"a": {CASE: ["x"]}}], [{"a": {"(bound)": ["x"]}}]),
    ],
    ids=["text", "field", "key"],
)
async def test_nor_does_the_answer_of_an_effect_that_cannot_be_withheld(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: Any, seen: Any
) -> None:
    monkeypatch.setitem(desk.system._handlers, "post_note", lambda _: answer)
    assert await desk.settle(act("post_note", text="a"), workflow="plain") == {"is": "done", "value": seen}


async def test_facts_that_change_what_they_were_handed_change_neither_the_action_nor_its_undo(
    desk: Desk,
) -> None:
    desk.change(
        '    return {"customer": order["customer"]',
        '    arguments["address"], order["address"] = "2 Lane", "3 Lane"\n'
        '    return {"customer": order["customer"]',
        file="facts.py",
    )
    await desk.play(IDENTIFY, act("change_address", order_id="o1", address="9 Street"))
    assert desk.shop.orders["o1"]["address"] == "9 Street"
    assert desk.bodies("action.intent")[-1]["undo"]["arguments"]["address"] == "1 Road"
