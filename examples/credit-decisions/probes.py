"""Was the letter sent? Asked when the bank's answer was lost. Strong: it is booked before it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def sent(arguments: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Return whether this decision is the one that was sent."""
    return bool(found) and found["decision"] == arguments["decision"]
