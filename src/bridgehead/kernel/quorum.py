"""How many people of which groups must agree, and who stands for what.

::

    needs = parse("2 of finance-leads and 1 of risk")
    missing(needs, {"maya": frozenset({"finance-leads"})})      # 2

One person counts once, and for one group only, however many groups they are in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

MOST = 20
"""People one group may be asked for: more is a vote of a house, not an approval."""

_TERM = re.compile(r"(?:(?P<count>\d{1,3})\s+of\s+)?(?P<group>[a-z][a-z0-9_-]{0,62})")
_WORDS = frozenset({"and", "or", "of", "not"})


class Need(NamedTuple):
    """So many different people of one group."""

    group: str
    people: int


Needs = tuple[Need, ...]
"""What a question needs, by name of the group; no group stands in it twice."""


def parse(text: str) -> Needs:
    """Return the needs in ``2 of leads and 1 of risk``, or in the bare name of a group (one of it).

    Raises ``ValueError`` with words for the author.
    """
    found: dict[str, int] = {}
    for part in re.split(r"\s+and\s+", text.strip()):
        term = _TERM.fullmatch(part.strip())
        if term is None or term["group"] in _WORDS:
            raise ValueError(f"{part.strip()!r} is not `NUMBER of GROUP`")
        group, count = term["group"], int(term["count"] or 1)
        if not 1 <= count <= MOST:
            raise ValueError(f"{count} of {group}: from 1 to {MOST} people can be asked for")
        if group in found:
            raise ValueError(f"{group!r} stands in it twice; say once how many of it")
        found[group] = count
    return together([tuple(Need(group, count) for group, count in found.items())])


def together(each: Iterable[Needs]) -> Needs:
    """Return what meets all of several needs: of every group the largest number that one of them asks for."""
    found: dict[str, int] = {}
    for needs in each:
        for group, count in needs:
            found[group] = max(found.get(group, 0), count)
    return tuple(Need(group, count) for group, count in sorted(found.items()))


def words(needs: Needs) -> str:
    """Return the needs as people read and write them: ``2 of leads and 1 of risk``."""
    return " and ".join(f"{count} of {group}" for group, count in needs)


def assign(needs: Needs, people: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    """Return for each group who stands for it, so that as many places as possible are taken.

    ``people`` are those who agreed, with the groups each may stand for. A maximum matching, found by
    augmenting paths (Kuhn 1955): somebody placed earlier moves over where that makes room.
    """
    places: dict[str, list[str]] = {group: [] for group, _ in needs}
    for person in people:
        _seat(person, dict(needs), people, places, set())
    return {group: tuple(found) for group, found in places.items()}


def missing(needs: Needs, people: Mapping[str, frozenset[str]]) -> int:
    """Return how many more people must agree, at least."""
    return sum(count for _, count in needs) - sum(len(found) for found in assign(needs, people).values())


def _seat(
    person: str,
    counts: Mapping[str, int],
    people: Mapping[str, frozenset[str]],
    places: dict[str, list[str]],
    tried: set[str],
) -> bool:
    for group, seated in places.items():
        if group in tried or group not in people[person]:
            continue
        tried.add(group)
        if len(seated) < counts[group]:
            seated.append(person)
            return True
        for other in tuple(seated):
            if _seat(other, counts, people, places, tried):
                seated[seated.index(other)] = person
                return True
    return False
