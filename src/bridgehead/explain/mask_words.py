"""A mask as a person says it."""

from __future__ import annotations

from bridgehead.enforce.sql.rights import Mask


def mask_words(mask: Mask) -> str:
    """Return what is shown in a column's place."""
    words = {
        "null": "nothing is shown",
        "hash": "a keyed digest",
        "last4": "the last four characters",
        "month": "cut to the month",
        "year": "cut to the year",
        "bucket": f"rounded down to a multiple of {mask.size}",
    }
    return words[mask.kind]
