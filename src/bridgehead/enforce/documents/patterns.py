"""Patterns of paths: ``*`` and ``?`` stay within a folder, ``**`` is any folders, also none."""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_MEANS = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@lru_cache(maxsize=1024)
def pattern(written: str) -> re.Pattern[str]:
    """Return what a pattern of the charter matches; case counts, as it does in a path."""
    parts = (_MEANS.get(part) or re.escape(part) for part in _PARTS.findall(written))
    return re.compile("".join(parts), re.DOTALL)


def matches(written: str, path: str) -> bool:
    """Say whether a path is one of those a pattern names."""
    return pattern(written).fullmatch(path) is not None
