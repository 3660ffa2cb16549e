"""What the rules need to know, and how to see whether an effect landed. Pure functions: no input but
their arguments, nothing changed, nothing read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def of_ticket(arguments: dict[str, Any], reads: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a ticket; a LookupError refuses the action with these words."""
    ticket = reads["ticket"]
    if not ticket.get("status"):
        raise LookupError(f"ticket {arguments['ticket_id']} has no status")
    return {
        "status": ticket["status"],
        "paid": Decimal(ticket["paid"]),
        "refunded": Decimal(ticket["refunded"]),
    }


def is_closed(arguments: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Say whether the ticket was closed with this answer."""
    return bool(answer["status"] == "closed" and answer["answer"] == arguments["answer"])


def is_open(arguments: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Say whether the ticket is open."""
    return bool(answer["status"] == "open")


def is_refunded(arguments: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Say whether the refund landed: the desk gives one refund a ticket."""
    return Decimal(answer["refunded"]) == Decimal(str(arguments["amount"]))
