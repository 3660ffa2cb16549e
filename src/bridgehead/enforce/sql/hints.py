"""What whoever wrote a query can do when it fails. A hint follows from the code alone: it tells of no data.

The database's own words are not for them: they may name values they may not see.
"""

from __future__ import annotations

_HINTS = {
    "BH-CON-013": "ask for less: a smaller table, fewer joins, a narrower condition",
    "BH-CON-063": "ask for fewer rows (LIMIT), or for figures (count, sum, avg)",
    "BH-CON-064": "look at the names and types of columns {shown}, and at the spelling",
}


def hint(code: str, *, shown: str) -> str:
    """Return a hint for a fault, without a full stop, or the empty string. ``shown``: where columns are."""
    return _HINTS.get(code, "").format(shown=shown)
