"""Did it happen? Asked when the order system's answer was lost.

Each function gets the action's arguments and the record as it is now, read back through the boundary
after the settle time, and says whether the effect is there. All are strong: the order system is one
process that changes a record before it answers and never later, so a record without the effect proves
that it did not happen. One status an order reaches only once per case tells whose effect it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Arguments = Mapping[str, Any]
Record = Mapping[str, Any]

ADDRESS = ("address1", "address2", "city", "state", "country", "zip")


def cancelled(arguments: Arguments, order: Record) -> bool:
    """Return whether the order was cancelled for this reason."""
    return bool(order["status"] == "cancelled" and order["cancel_reason"] == arguments["reason"])


def order_address_changed(arguments: Arguments, order: Record) -> bool:
    """Return whether the order goes to this address."""
    return _at(arguments, order)


def user_address_changed(arguments: Arguments, user: Record) -> bool:
    """Return whether this is the customer's default address."""
    return _at(arguments, user)


def items_modified(arguments: Arguments, order: Record) -> bool:
    """Return whether the order's items were changed and the new ones are in it."""
    held = {line["item_id"] for line in order["items"]}
    return order["status"] == "pending (item modified)" and held.issuperset(arguments["new_item_ids"])


def payment_changed(arguments: Arguments, order: Record) -> bool:
    """Return whether the order is paid with this method and the first payment was paid back."""
    lines = [(line["transaction_type"], line["payment_method_id"]) for line in order["payment_history"]]
    first = order["payment_history"][0]["payment_method_id"]
    return lines[1:3] == [("payment", arguments["payment_method_id"]), ("refund", first)]


def returned(arguments: Arguments, order: Record) -> bool:
    """Return whether this return was requested: these items, to this payment method."""
    return bool(
        order["status"] == "return requested"
        and order["return_items"] == sorted(arguments["item_ids"])
        and order["return_payment_method_id"] == arguments["payment_method_id"]
    )


def exchanged(arguments: Arguments, order: Record) -> bool:
    """Return whether this exchange was requested: these items for those, on this payment method."""
    return bool(
        order["status"] == "exchange requested"
        and order["exchange_items"] == sorted(arguments["item_ids"])
        and order["exchange_new_items"] == sorted(arguments["new_item_ids"])
        and order["exchange_payment_method_id"] == arguments["payment_method_id"]
    )


def _at(arguments: Arguments, record: Record) -> bool:
    return all(record["address"][part] == arguments[part] for part in ADDRESS)
