"""What the policy needs to know of a decision before its letter is sent. Pure: it sees its arguments only."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def of_decision(arguments: Mapping[str, Any], reads: Mapping[str, Any]) -> dict[str, Any]:
    """Return how much is decided on, and whether the letter declines."""
    return {
        "amount": Decimal(arguments["amount"]),
        "declines": arguments["decision"] == "decline",
    }
