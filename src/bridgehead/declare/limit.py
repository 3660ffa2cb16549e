"""The one condition an approval rule can carry itself: ``amount > 250 USD``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from bridgehead.declare.model import amount

LARGEST = Decimal("922337203685477.5807")
"""What Cedar's decimal type can hold (64 bits, four fraction digits)."""

_LIMIT = re.compile(r"^amount\s*>\s*(?P<limit>\S+ [A-Z]{3})$")


class Limit(NamedTuple):
    """People are asked above this amount, never at it."""

    number: Decimal
    currency: str


def limit(condition: str) -> Limit:
    """Return the limit in ``amount > 250 USD``. Raises ``ValueError`` with words for the author."""
    match = _LIMIT.match(condition.strip())
    if match is None:
        raise ValueError(f"`{condition}` is not a limit")
    number, currency = amount(match["limit"])
    if number > LARGEST:
        raise ValueError(f"{number} is larger than any amount the policy engine can compare")
    return Limit(number, currency)
