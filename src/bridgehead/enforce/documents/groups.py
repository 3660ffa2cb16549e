"""The groups somebody is in, groups of groups included: expanded when they ask, and no further than a cap.

A cap that is passed refuses: with fewer groups than somebody has, what they see would be a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridgehead.enforce.documents.refused import RightsRefused


def expanded(start: Iterable[str], parents: Mapping[str, frozenset[str]], most: int) -> frozenset[str]:
    """Return every group reached from ``start``. Circles end. Raises ``RightsRefused`` beyond ``most``."""
    found: set[str] = set()
    todo = list(start)
    while todo:
        group = todo.pop()
        if group in found:
            continue
        found.add(group)
        if len(found) > most:
            words = f"Whoever asks is in more than {most} groups, so their rights are not known."
            raise RightsRefused("documents.groups", words, "access", "groups")
        todo += parents.get(group, frozenset()) - found
    return frozenset(found)
