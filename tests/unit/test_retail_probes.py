"""Each probe says no before the order system acts and yes after it, over every published write."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from fixtures.retail import copy_for, customer_of, landed, play, shop, writes

OTHER = {
    "reason": "another reason",
    "address1": "elsewhere 1",
    "city": "Elsewhere",
    "zip": "00000",
    "item_ids": ["0"],
    "new_item_ids": ["0"],
    "payment_method_id": "somebody-elses",
}


@pytest.mark.parametrize(("ticket", "calls"), writes())
def test_a_probe_tells_before_from_after(ticket: str, calls: list[Any]) -> None:
    first = calls[0].arguments
    customer = customer_of(first["order_id"]) if "order_id" in first else first["user_id"]
    db = copy_for(customer)
    for tool, arguments in calls:
        already = tool.endswith("_address") and _lives_there(db, arguments)
        assert landed(db, tool, arguments) is already
        try:
            play(db, tool, arguments)
        except ValueError:
            assert ticket == "105"
            assert not landed(db, tool, arguments)
            continue
        assert landed(db, tool, arguments)


@pytest.mark.parametrize(("ticket", "calls"), writes()[:20])
def test_a_probe_does_not_take_another_effect_for_ours(ticket: str, calls: list[Any]) -> None:
    first = calls[0].arguments
    db = copy_for(customer_of(first["order_id"]) if "order_id" in first else first["user_id"])
    for tool, arguments in calls:
        play(db, tool, arguments)
        for name, other in OTHER.items():
            # How a change of items is paid is not read back: an order's items change only once.
            if name in arguments and (tool, name) not in UNSEEN:
                assert not landed(db, tool, {**arguments, name: other}), name


UNSEEN = {
    ("modify_pending_order_items", "item_ids"),
    ("modify_pending_order_items", "payment_method_id"),
}


def test_a_change_of_payment_is_seen() -> None:
    """No training ticket changes a payment, so one is made here."""
    order = next(o for o in shop()["orders"].values() if o["status"] == "pending" and _card(o))
    arguments = {"order_id": order["order_id"], "payment_method_id": _card(order)}
    db = copy_for(order["user_id"])
    assert not landed(db, "modify_pending_order_payment", arguments)
    play(db, "modify_pending_order_payment", arguments)
    assert landed(db, "modify_pending_order_payment", arguments)
    assert not landed(db, "modify_pending_order_payment", {**arguments, "payment_method_id": "another"})


def test_a_failed_call_leaves_the_record_as_it_was() -> None:
    """What `refusals: nothing-happened` in the charter rests on, for each tool that can say no late."""
    order = next(o for o in shop()["orders"].values() if o["status"] == "delivered")
    db = copy_for(order["user_id"])
    before = deepcopy(db["orders"][order["order_id"]]), deepcopy(db["users"][order["user_id"]])
    item = order["items"][0]["item_id"]
    attempts = [
        ("cancel_pending_order", {"order_id": order["order_id"], "reason": "no longer needed"}),
        ("exchange_delivered_order_items", _swap(order, item, "no-such-item")),
        ("exchange_delivered_order_items", {**_swap(order, item, item), "payment_method_id": "foreign"}),
        ("modify_pending_order_items", _swap(order, item, item)),
        (
            "return_delivered_order_items",
            _give(order, [item] * 9, order["payment_history"][0]["payment_method_id"]),
        ),
        ("return_delivered_order_items", _give(order, [item], "foreign")),
        ("modify_pending_order_payment", {"order_id": order["order_id"], "payment_method_id": "foreign"}),
    ]
    for tool, arguments in attempts:
        with pytest.raises(ValueError):
            play(db, tool, arguments)
        assert (db["orders"][order["order_id"]], db["users"][order["user_id"]]) == before, tool


def test_every_order_was_paid_with_a_method_its_customer_has() -> None:
    """Two tools look the first payment method up late; this is why they cannot fail half way."""
    data = shop()
    for order in data["orders"].values():
        methods = data["users"][order["user_id"]]["payment_methods"]
        assert {line["payment_method_id"] for line in order["payment_history"]} <= set(methods)


def _lives_there(db: dict[str, Any], arguments: Any) -> bool:
    record = (
        db["orders"][arguments["order_id"]] if "order_id" in arguments else db["users"][arguments["user_id"]]
    )
    return all(arguments[part] == value for part, value in record["address"].items())


def _card(order: Any) -> str:
    methods = shop()["users"][order["user_id"]]["payment_methods"]
    paid = order["payment_history"][0]["payment_method_id"]
    return next((name for name, m in methods.items() if m["source"] == "credit_card" and name != paid), "")


def _swap(order: Any, old: str, new: str) -> dict[str, Any]:
    return {
        "order_id": order["order_id"],
        "item_ids": [old],
        "new_item_ids": [new],
        "payment_method_id": order["payment_history"][0]["payment_method_id"],
    }


def _give(order: Any, items: list[str], method: str) -> dict[str, Any]:
    return {"order_id": order["order_id"], "item_ids": items, "payment_method_id": method}


def test_the_shop_writes_the_last_items_price_onto_every_item_changed() -> None:
    """The hazard `prices-mixed-up`: a fault of the order system, found and declared."""
    calls = dict(writes())["20"]
    (change,) = [call for call in calls if call.tool == "modify_pending_order_items"]
    db = copy_for(customer_of(change.arguments["order_id"]))
    changed = play(db, change.tool, change.arguments)
    prices = {
        line["price"] for line in changed["items"] if line["item_id"] in change.arguments["new_item_ids"]
    }
    real = {
        play(db, "get_item_details", {"item_id": item})["price"] for item in change.arguments["new_item_ids"]
    }
    assert len(real) > 1
    assert len(prices) == 1


def test_the_shop_pays_back_too_much_after_a_change_of_payment() -> None:
    """Why `cancel-only-once-paid` refuses: it would pay back three times what was paid."""
    order = next(o for o in shop()["orders"].values() if o["status"] == "pending" and _card(o))
    db = copy_for(order["user_id"])
    given = {"order_id": order["order_id"]}
    play(db, "modify_pending_order_payment", {**given, "payment_method_id": _card(order)})
    cancelled = play(db, "cancel_pending_order", {**given, "reason": "no longer needed"})
    lines = cancelled["payment_history"]
    paid = [line["amount"] for line in lines if line["transaction_type"] == "payment"]
    back = [line["amount"] for line in lines if line["transaction_type"] == "refund"]
    assert len(paid) == 2
    assert len(back) == 4


def test_the_shop_changes_an_address_after_the_items_were_changed() -> None:
    """Why `modify-only-pending` is stricter than the shop."""
    calls = dict(writes())["20"]
    (change,) = [call for call in calls if call.tool == "modify_pending_order_items"]
    db = copy_for(customer_of(change.arguments["order_id"]))
    changed = play(db, change.tool, change.arguments)
    assert changed["status"] == "pending (item modified)"
    there = {"order_id": change.arguments["order_id"], **changed["address"], "city": "Elsewhere"}
    assert play(db, "modify_pending_order_address", there)["address"]["city"] == "Elsewhere"
