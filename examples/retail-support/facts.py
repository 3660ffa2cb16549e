"""What the rules need to know about an order before anything is done to it.

Bridgehead reads the records named under ``facts`` in ``charter.yaml`` and hands them to these pure
functions; ``policy.cedar`` sees what they return. Money is computed with ``Decimal`` from the prices as
the order system writes them. What cannot be known raises ``LookupError``: the action is then refused
with these words. Never: reads anything itself, and never guesses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Record = Mapping[str, Any]
Arguments = Mapping[str, Any]
Reads = Mapping[str, Any]

UNKNOWN = ""
"""Kind of a payment method that is not in the customer's profile: equal to no real kind."""


def order_as_it_is(arguments: Arguments, reads: Reads) -> dict[str, Any]:
    """Return whose order it is and where it stands."""
    order = reads["order"]
    return {"customer": order["user_id"], "status": order["status"]}


def profile_as_it_is(arguments: Arguments, reads: Reads) -> dict[str, Any]:
    """Return whose profile it is; the address in it is what an undo goes back to."""
    return {"customer": reads["user"]["user_id"]}


def cancellation(arguments: Arguments, reads: Reads) -> dict[str, Any]:
    """Return what cancelling an order pays back: everything that was paid for it.

    ``one_payment`` matters because the order system pays back every line of the payment history, lines
    that are refunds included: after a change of payment it would pay the customer three times.
    """
    order = reads["order"]
    return {
        **order_as_it_is(arguments, reads),
        "amount": _total(order),
        "one_payment": _one_payment(order),
    }


def giving_back(arguments: Arguments, reads: Reads) -> dict[str, Any]:
    """Return what a return pays back, and where to.

    Company policy: to the original payment method or to a gift card the customer already has.
    """
    order, user = reads["order"], reads["user"]
    method = arguments["payment_method_id"]
    lines = _ordered(order, arguments["item_ids"])
    return {
        **order_as_it_is(arguments, reads),
        **_payment(order, user, method),
        "amount": sum((_money(line["price"]) for line in lines), Decimal(0)),
        "to_original": method == _origin(order),
        "to_gift_card": _kind(user, method) == "gift_card",
    }


def swap(arguments: Arguments, reads: Reads) -> dict[str, Any]:
    """Return what changing or exchanging items costs or pays back: the price difference, without sign.

    ``same_products``: old and new item have the same options (a shirt has size and colour, a kettle
    has capacity). That is necessary, not sufficient: an item's record does not name its product. The
    order system compares products itself, before it changes anything.
    """
    order, user, new = reads["order"], reads["user"], reads["new_items"]
    old = _ordered(order, arguments["item_ids"])
    if len(old) != len(new):
        raise LookupError(f"{len(old)} items are given up but {len(new)} are wanted instead")
    pairs = list(zip(old, new, strict=True))
    difference = sum((_money(b["price"]) - _money(a["price"]) for a, b in pairs), Decimal(0))
    return {
        **order_as_it_is(arguments, reads),
        **_payment(order, user, arguments["payment_method_id"]),
        "amount": abs(difference),
        "available": all(item["available"] is True for item in new),
        "same_products": all(set(a["options"]) == set(b["options"]) for a, b in pairs),
        "all_different": all(a["item_id"] != b["item_id"] for a, b in pairs),
    }


def payment_change(arguments: Arguments, reads: Reads) -> dict[str, Any]:
    """Return what moving an order's payment moves: its total, from the old method to the new one."""
    order, user = reads["order"], reads["user"]
    method = arguments["payment_method_id"]
    return {
        **order_as_it_is(arguments, reads),
        **_payment(order, user, method),
        "amount": _total(order),
        "one_payment": _one_payment(order),
        "different": method != _origin(order),
        "origin_known": _origin(order) in user["payment_methods"],
    }


def _payment(order: Record, user: Record, method: str) -> dict[str, Any]:
    """Is the payment method the customer's own, and of the kind the order was paid with?"""
    kind = _kind(user, method)
    return {
        "payment_known": kind != UNKNOWN,
        "same_payment_kind": kind != UNKNOWN and kind == _kind(user, _origin(order)),
    }


def _kind(user: Record, method: str) -> str:
    return str(user["payment_methods"].get(method, {}).get("source", UNKNOWN))


def _origin(order: Record) -> str:
    """Return the payment method the order was first paid with."""
    if not order["payment_history"]:
        raise LookupError(f"order {order['order_id']} has no payment")
    return str(order["payment_history"][0]["payment_method_id"])


def _one_payment(order: Record) -> bool:
    history = order["payment_history"]
    return len(history) == 1 and history[0]["transaction_type"] == "payment"


def _total(order: Record) -> Decimal:
    """Return what was paid and not paid back yet."""
    sign = {"payment": 1, "refund": -1}
    return sum(
        (sign[line["transaction_type"]] * _money(line["amount"]) for line in order["payment_history"]),
        Decimal(0),
    )


def _ordered(order: Record, item_ids: Sequence[str]) -> list[Record]:
    """Return the order's line for each item id; an id may be named as often as it was ordered."""
    had = Counter(line["item_id"] for line in order["items"])
    for item_id, count in Counter(item_ids).items():
        if count > had[item_id]:
            raise LookupError(
                f"order {order['order_id']} holds {had[item_id]} of item {item_id}, not {count}"
            )
    lines = {line["item_id"]: line for line in order["items"]}
    return [lines[item_id] for item_id in item_ids]


def _money(number: Any) -> Decimal:
    """Return a price as it is written, not as binary floating point rounds it."""
    return Decimal(str(number))
