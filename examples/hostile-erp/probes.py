"""Did it happen? Asked with ``find_posting`` when the ERP's answer was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Arguments = Mapping[str, Any]
Found = Mapping[str, Any]


def posted(arguments: Arguments, found: Found) -> int:
    """Return how often the order stands under its reference, as it was sent: more than once is a duplicate.

    What was posted and cancelled before this run does not count: the order would be missing.
    """
    return sum(
        posting["state"] == "posted"
        and posting["customer"] == arguments["customer"]
        and posting["amount"] == arguments["amount"]
        for posting in found["postings"]
    )


def cancelled(arguments: Arguments, found: Found) -> bool:
    """Return whether nothing stands under the reference any more."""
    return bool(found["found"] == 0 and found["postings"])
