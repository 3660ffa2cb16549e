"""What step 2 asks the policy engine: one question, and the people it is about. No engine is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridgehead.declare import Charter
from bridgehead.kernel.remember import remembered

STEP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequest:
    """One question to the engine: entity ids without namespace, and the typed context."""

    principal: tuple[str, str]
    action: str
    resource: tuple[str, str]
    context: Mapping[str, Any]


@remembered
def people_entities(charter: Charter) -> str:
    """Return Cedar JSON of the humans, groups and agents a charter declares."""
    entities: list[dict[str, Any]] = [
        {"uid": {"type": "BH::Group", "id": name}, "attrs": {}, "parents": []} for name in charter.groups
    ]
    for name, person in charter.people.items():
        parents = [{"type": "BH::Group", "id": group} for group in person.groups]
        entities.append(
            {"uid": {"type": "BH::Human", "id": name}, "attrs": {"active": person.active}, "parents": parents}
        )
    for name, agent in charter.agents.items():
        sponsor = {"__entity": {"type": "BH::Human", "id": agent.sponsor}}
        entities.append(
            {
                "uid": {"type": "BH::Agent", "id": name},
                "attrs": {"sponsor": sponsor, "active": agent.active},
                "parents": [],
            }
        )
    return json.dumps(entities, sort_keys=True)
