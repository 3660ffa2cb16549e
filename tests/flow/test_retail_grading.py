"""Grading against the real order server: equal shops match, and a single changed field does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.retail import module, shop

grade, tickets = module("grade"), module("tickets")

PICKED = ["10", "22", "105", "113"]
"""No writes; an address there and back; a write the shop refuses; two cancellations."""


@pytest.fixture(scope="module")
def picked() -> list[Any]:
    return [ticket for ticket in tickets.tickets() if ticket.id in PICKED]


@pytest.fixture(scope="module")
def wanted(picked: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("expected") / "orders"
    grade.expected(picked, folder)
    return folder


def play(folder: Path, plan: dict[str, list[Any]]) -> dict[str, str]:
    """Play calls, each case in a namespace of its own, as the deployment's own server would."""
    cases = {ticket: f"case-{ticket}" for ticket in plan}
    grade.seed(folder, cases.values())
    with grade.Server(folder) as server:
        for ticket, calls in plan.items():
            for call in calls:
                server.call(call.tool, {**call.arguments, "state_key": cases[ticket]})
    return cases


def test_the_same_calls_leave_the_same_shop(picked: list[Any], wanted: Path, tmp_path: Path) -> None:
    cases = play(tmp_path / "orders", {ticket.id: list(ticket.calls) for ticket in picked})
    found = grade.compare(picked, cases, tmp_path / "orders", wanted)
    assert found.differing == {}
    assert found.matched == tuple(ticket.id for ticket in picked)


def test_what_was_left_out_or_done_besides_is_named(picked: list[Any], wanted: Path, tmp_path: Path) -> None:
    plan = {ticket.id: list(ticket.calls) for ticket in picked}
    del plan["113"][-1]
    stray = next(order for order in shop()["orders"].values() if order["status"] == "pending")
    plan["10"].append(
        tickets.Call("cancel_pending_order", {"order_id": stray["order_id"], "reason": "no longer needed"})
    )
    del plan["105"]
    cases = play(tmp_path / "orders", plan)
    found = grade.compare(picked, cases, tmp_path / "orders", wanted)
    assert found.matched == ("22",)
    assert found.differing["105"] == ("it was never played",)
    left_out = picked[-1].calls[-1].arguments["order_id"]
    assert f"orders.{left_out}.status is 'pending', expected 'cancelled'" in found.differing["113"]
    assert f"orders.{stray['order_id']}.status is 'cancelled', expected 'pending'" in found.differing["10"]


def test_a_seeded_shop_is_the_packages_own(tmp_path: Path) -> None:
    grade.seed(tmp_path / "orders", ["a", "b"])
    assert grade._shop(tmp_path / "orders", "a") == grade._untouched()


def test_a_folder_with_shops_in_it_is_not_taken_for_untouched(tmp_path: Path) -> None:
    grade.seed(tmp_path, ["a"])
    with pytest.raises(FileExistsError, match="not empty"):
        grade.seed(tmp_path, ["b"])
