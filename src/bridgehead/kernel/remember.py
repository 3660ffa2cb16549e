"""Compute once for each object: what follows from a part of a charter, which never changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Thing = TypeVar("Thing")
Found = TypeVar("Found")

MOST = 1024
"""Objects remembered at a time; then all of them are forgotten and begun anew."""


def remembered(make: Callable[[Thing], Found]) -> Callable[[Thing], Found]:
    """Return ``make`` with a memory: the same object (not an equal one) gives the same result.

    For frozen objects only. Hashing or writing out a charter to look something up costs more than most of
    what is looked up, so identity is the key; the object is kept, so its identity stays its own.
    """
    known: dict[int, tuple[Thing, Found]] = {}

    def recall(thing: Thing) -> Found:
        found = known.get(id(thing))
        if found is None:
            if len(known) >= MOST:
                known.clear()
            found = known[id(thing)] = (thing, make(thing))
        return found[1]

    return recall
