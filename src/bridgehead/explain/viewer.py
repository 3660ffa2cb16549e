"""Who is looking, and what that lets them see. Doors build it; every read model takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridgehead.declare.model import Charter
from bridgehead.kernel.principal import Principal

See = Literal["inbox", "deployments", "runs", "entries", "bodies", "data", "stop", "lift", "undo"]

_BY_ROLE: dict[str, frozenset[See]] = {
    "approver": frozenset({"inbox"}),
    "executive": frozenset({"deployments"}),
    "auditor": frozenset({"deployments", "runs", "entries", "bodies", "data"}),
    "fde": frozenset({"deployments", "runs", "entries", "bodies", "data", "stop", "undo"}),
    "owner": frozenset({"deployments", "runs", "entries", "bodies", "data", "stop", "lift", "undo"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A person of one charter, with the groups and roles that charter gives them."""

    id: str
    name: str
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    @classmethod
    def of(cls, charter: Charter, person: str) -> Viewer | None:
        """Return the viewer for a person of the charter; None if unknown or no longer active."""
        found = charter.people.get(person)
        if found is None or not found.active:
            return None
        roles = set(found.roles)
        # Who answers for the deployment may act for it, whatever the list of roles says.
        if person in (charter.owner.person, charter.owner.deputy):
            roles.add("owner")
        return cls(id=person, name=found.name, groups=frozenset(found.groups), roles=frozenset(roles))

    def principal(self, assurance: str) -> Principal:
        """Return the person as someone who acts; ``assurance`` says how they were identified."""
        return Principal(id=self.id, kind="human", name=self.name, groups=self.groups, assurance=assurance)

    def may(self, what: See) -> bool:
        """Say whether one of the viewer's roles lets them see (or press) this."""
        return any(what in _BY_ROLE.get(role, frozenset()) for role in self.roles)

    def rights(self) -> tuple[See, ...]:
        """Return everything the roles give, sorted: for the golden list of who sees what."""
        return tuple(sorted({right for role in self.roles for right in _BY_ROLE.get(role, frozenset())}))
