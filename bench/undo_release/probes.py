"""Does it stand as it was left? Asked to settle an effect, and before it is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Arguments = Mapping[str, Any]
Found = Mapping[str, Any]


def amended(arguments: Arguments, found: Found) -> bool:
    """Return whether the record has the amount it was given."""
    return bool(found["found"] == 1 and found["amount"] == arguments["amount"])


def posted(arguments: Arguments, found: Found) -> bool:
    """Return whether the order stands, alone and as it was sent."""
    standing = [posting for posting in found["postings"] if posting["state"] == "posted"]
    return len(standing) == 1 and all(standing[0][name] == arguments[name] for name in ("customer", "amount"))


def cancelled(arguments: Arguments, found: Found) -> bool:
    """Return whether nothing stands under the reference any more."""
    return bool(found["found"] == 0 and found["postings"])
