"""Which documents of a collection somebody may read through an agent, each answer with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridgehead.declare.collecting import Collection
from bridgehead.declare.model import Agent, Person
from bridgehead.declare.part import seconds
from bridgehead.enforce.documents.groups import expanded
from bridgehead.enforce.documents.patterns import matches
from bridgehead.enforce.documents.refused import RightsRefused
from bridgehead.kernel.access import Access, Allowed
from bridgehead.kernel.canonical import digest

AHEAD = timedelta(minutes=5)
"""How far the clock of the system that says the rights may be before ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Why somebody may read a document, or not; ``place`` is the part of the collection that says so."""

    seen: bool
    words: str
    place: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one person may read of a collection through one agent (or alone), at one moment.

    ``given`` are the collection's ``readers`` that name a group of theirs: number, group, patterns.
    ``groups`` are all they are in, as the system of the documents has them; ``names`` is what it calls them.
    """

    collection: str
    person: str
    agent: str
    given: tuple[tuple[int, str, tuple[str, ...]], ...]
    own_tags: frozenset[str]
    cleared: frozenset[str] | None
    not_before: datetime | None = None
    access: Access | None = None
    names: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """Pins every answer of ``permits``."""
        return digest(
            {
                "collection": self.collection,
                "given": [[number, list(paths)] for number, _, paths in self.given],
                "tags": sorted(self.own_tags),
                "cleared": None if self.cleared is None else sorted(self.cleared),
                "access": self.access.digest if self.access else "",
                "groups": sorted(self.groups),
                "names": sorted(self.names),
            }
        )

    def permits(self, path: str) -> bool:
        """Say whether a document may be read."""
        return self.standing(path).seen

    def standing(self, path: str) -> Standing:
        """Return whether a document may be read, and why."""
        found = next((one for one in self.given if any(matches(wanted, path) for wanted in one[2])), None)
        if found is None:
            return Standing(seen=False, words=f"No `readers` give it to {self.person}.", place=("readers",))
        number, group, _ = found
        place: tuple[str | int, ...] = ("readers", number)
        if self.access is not None and not self._allowed(self._entry(path)):
            words = f"Its own system does not let {self.person} read it."
            return Standing(seen=False, words=words, place=("access",))
        beyond = self.tags(path) - (self.cleared if self.cleared is not None else self.tags(path))
        if beyond:
            words = f"Agent {self.agent} is not cleared for {', '.join(sorted(beyond))}."
            return Standing(seen=False, words=words, place=("tags",))
        return Standing(seen=True, words=f"{self.person} is in {group}.", place=place)

    def tags(self, path: str) -> frozenset[str]:
        """Return the tags of a document: the collection's and its own."""
        return self.own_tags | self._entry(path).tags

    def recorded(self) -> dict[str, Any]:
        """Return what the body of the intent says about it."""
        said: dict[str, Any] = {"collection": self.collection, "rights": self.digest}
        said["readers"] = [number for number, _, _ in self.given]
        if self.access is not None:
            said["acl_synced_at"] = self.access.synced_at
            said["groups"] = len(self.groups)
        return said

    def _entry(self, path: str) -> Allowed:
        return self.access.documents.get(path, _NOBODY) if self.access is not None else _NOBODY

    def _allowed(self, entry: Allowed) -> bool:
        return bool(entry.groups & self.groups or entry.people & self.names)


_NOBODY = Allowed()


def scope(
    name: str,
    collection: Collection,
    person: tuple[str, Person],
    agent: tuple[str, Agent | None],
    access: Access | None,
    now: datetime,
) -> Scope:
    """Return what ``person`` (id and profile) may read of a collection, through ``agent`` where one acts.

    ``access`` is what came with the documents; None only where the collection declares none. Raises
    ``RightsRefused`` where rights are not known well enough to search at all.
    """
    if not person[1].active:
        raise RightsRefused("documents.nobody", f"{person[0]} has been switched off.")
    acting = agent[1]
    if acting is not None and name not in acting.collections:
        raise RightsRefused("documents.agent", f"Agent {agent[0]} may not search {name}.")
    groups = frozenset(person[1].groups)
    names = frozenset(filter(None, (person[0], person[1].email.casefold())))
    if collection.access is not None:
        if access is None:
            raise RightsRefused("documents.rights", "The rights of its documents are not known.", "access")
        _require_fresh(access.synced_at, collection.access.max_age, now)
        start = groups.union(*(access.of_person.get(called, frozenset()) for called in names))
        groups = expanded(start, access.of_group, collection.access.groups)
    return Scope(
        collection=name,
        person=person[0],
        agent=agent[0],
        given=_given(collection, person[1]),
        own_tags=frozenset(collection.tags),
        cleared=frozenset(acting.tags) if acting is not None else None,
        not_before=now - timedelta(seconds=seconds(collection.keep)) if collection.keep else None,
        access=access if collection.access is not None else None,
        names=names,
        groups=groups,
    )


def _given(collection: Collection, person: Person) -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Return the readers that name a group of the charter the person is in."""
    found = []
    for number, readers in enumerate(collection.readers):
        group = next((group for group in person.groups if group in readers.to), "")
        if group:
            found.append((number, group, tuple(readers.paths)))
    return tuple(found)


def _require_fresh(synced_at: datetime, max_age: str, now: datetime) -> None:
    if now - synced_at > timedelta(seconds=seconds(max_age)):
        words = f"The rights of its documents are older than {max_age}, so nothing is searched."
        raise RightsRefused("documents.stale", words, "access", "max_age")
    if synced_at - now > AHEAD:
        words = "The rights of its documents are of a time that has not come yet, so nothing is searched."
        raise RightsRefused("documents.stale", words, "access", "file")
