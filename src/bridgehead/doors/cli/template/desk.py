"""A help desk behind MCP, small enough to read: its tickets live in one JSON file.

Bridgehead starts it and speaks to it over standard input and output. Put your own system here.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

from mcp.server import MCPServer

FILE = Path(os.environ.get("DESK_FILE", "desk.json"))
FIRST = Path(__file__).with_name("tickets.json")

desk = MCPServer("desk")


@desk.tool()
def read_ticket(ticket_id: str) -> dict[str, Any]:
    """Return a ticket."""
    return ticket(tickets(), ticket_id)


@desk.tool()
def close_ticket(ticket_id: str, answer: str) -> dict[str, Any]:
    """Close an open ticket with an answer to the customer."""
    found = tickets()
    one = ticket(found, ticket_id)
    if one["status"] == "closed":
        raise ValueError(f"ticket {ticket_id} is closed already")
    one.update(status="closed", answer=answer)
    return keep(found, one)


@desk.tool()
def reopen_ticket(ticket_id: str) -> dict[str, Any]:
    """Open a closed ticket again."""
    found = tickets()
    one = ticket(found, ticket_id)
    if one["status"] == "open":
        raise ValueError(f"ticket {ticket_id} is open already")
    one.update(status="open")
    return keep(found, one)


@desk.tool()
def refund_customer(ticket_id: str, amount: float) -> dict[str, Any]:
    """Pay money back to the customer of a ticket: once."""
    found = tickets()
    one = ticket(found, ticket_id)
    if Decimal(one["refunded"]):
        raise ValueError(f"ticket {ticket_id} was refunded already")
    one.update(refunded=str(Decimal(str(amount))))
    return keep(found, one)


def tickets() -> dict[str, dict[str, Any]]:
    """Return all tickets: ours, or those the desk begins with."""
    found: dict[str, dict[str, Any]] = json.loads((FILE if FILE.exists() else FIRST).read_text("utf-8"))
    return found


def ticket(found: dict[str, dict[str, Any]], ticket_id: str) -> dict[str, Any]:
    """Return one ticket, or say that there is none."""
    if ticket_id not in found:
        raise ValueError(f"there is no ticket {ticket_id}")
    return found[ticket_id]


def keep(found: dict[str, dict[str, Any]], changed: dict[str, Any]) -> dict[str, Any]:
    """Write all tickets, whole or not at all, and return the one that changed."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    beside = FILE.with_suffix(".new")
    beside.write_text(json.dumps(found, indent=1), "utf-8")
    beside.replace(FILE)
    return changed


if __name__ == "__main__":
    desk.run("stdio")
