"""What is read before a record is amended: its amount then is what it gets back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def standing(arguments: Mapping[str, Any], reads: Mapping[str, Any]) -> dict[str, int]:
    """Return how many postings stand under the reference. Raises ``LookupError`` where none does."""
    found = reads["posting"]["found"]
    if not found:
        raise LookupError(f"nothing stands under {arguments['reference']}")
    return {"standing": found}
