"""A bad release declares what the good one does not know: its own rules decide about taking that back."""

from __future__ import annotations

import pytest

from fixtures.houses import IDENTIFY, Desk, act
from fixtures.undoing import Undoing

MOVE = act("change_address", order_id="o1", address="2 Lane")
REDIRECT = act("redirect", order_id="o2", address="9 Hill")


def a_workflow(desk: Desk) -> None:
    """Declare one more workflow."""
    desk.change(
        "\n  plain:\n",
        "\n  hasty:\n    function: workflow.py:play\n    agent: clerk\n    bindings: [case]\n"
        "    subject: customer\n  plain:\n",
    )


def an_action(desk: Desk) -> None:
    """Declare one more action, which is taken back by itself."""
    charter = (desk.folder / "charter.yaml").read_text()
    start = charter.index("  change_address:\n")
    known = charter[start : charter.index("\n\n", start)]
    new = known.replace("change_address", "redirect").replace(
        "    server: shop\n", "    server: shop\n    tool: change_address\n"
    )
    charter = charter.replace(known, f"{known}\n\n{new}").replace(
        "change_address, send", "change_address, redirect, send"
    )
    (desk.folder / "charter.yaml").write_text(charter)


@pytest.mark.parametrize("kept", [False, True], ids=["only-what-is-new", "and-what-both-know"])
async def test_what_a_workflow_did_that_only_the_bad_release_has_is_taken_back(
    desk: Desk, kept: bool
) -> None:
    undoing = Undoing(desk, spoil=a_workflow)
    if kept:
        await desk.play(IDENTIFY, act("change_address", order_id="o2", address="9 Hill"))
    await desk.play(IDENTIFY, MOVE, workflow="hasty")
    undo = await undoing.take_back()
    assert desk.house.deployment.charter.workflows.keys() == {"case", "plain", "hasty"}
    assert desk.reopen().deployment.charter.workflows.keys() == {"case", "plain"}
    number = 1 + kept
    assert undoing.groups(undo) == ["automatic"] * number
    assert undoing.outcomes(undo) == ["undone"] * number
    assert {desk.shop.orders[name]["address"] for name in ("o1", "o2")} == {"1 Road"}
    said = undoing.certificate(undo)
    assert (said.ok, said.effects, said.counts["undone"]) == (True, number, number)
    assert undoing.row(undo).state == "ended"


async def test_what_an_action_did_that_only_the_bad_release_has_is_taken_back(desk: Desk) -> None:
    undoing = Undoing(desk, spoil=an_action)
    await desk.play(IDENTIFY, MOVE, REDIRECT)
    assert desk.shop.orders["o2"]["address"] == "9 Hill"
    undo = undoing.order()
    assert "redirect" not in desk.reopen().deployment.charter.actions  # traffic is back on the good release
    await desk.work()
    assert undoing.groups(undo) == ["automatic", "automatic"]
    desk.vote("olga")
    await desk.work()
    assert undoing.outcomes(undo) == ["undone", "undone"]
    assert {desk.shop.orders[name]["address"] for name in ("o1", "o2")} == {"1 Road"}
    said = undoing.certificate(undo)
    assert (said.ok, said.effects, said.counts["undone"]) == (True, 2, 2)
    back = {row.undoes for row in desk.crossings(target="redirect") if row.undoes}
    assert len(back) == 1 and undoing.row(undo).state == "ended"
