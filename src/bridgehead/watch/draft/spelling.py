"""Names as ids of the standard: letters, digits, ``_`` and ``-``."""

from __future__ import annotations

import re


def id_of(text: str) -> str:
    """Return a text as an id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "clause"
