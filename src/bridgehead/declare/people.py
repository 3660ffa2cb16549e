"""People, groups and agents: everyone named must be declared."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare.deployment import Deployment
from bridgehead.declare.naming import unknown
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-020 to BH-CHA-024 for names nobody declared."""
    yield from _owner(deployment)
    yield from _groups(deployment)
    yield from _agents(deployment)


def _owner(d: Deployment) -> Iterator[CharterError]:
    people = d.charter.people
    for key, person in (("person", d.charter.owner.person), ("deputy", d.charter.owner.deputy)):
        if person not in people:
            yield unknown(d, "BH-CHA-020", person, "people", people, "owner", key)
    for index, person in enumerate(d.charter.owner.escalation):
        if person not in people:
            yield unknown(d, "BH-CHA-020", person, "people", people, "owner", "escalation", index)


def _groups(d: Deployment) -> Iterator[CharterError]:
    for name, person in d.charter.people.items():
        for index, group in enumerate(person.groups):
            if group not in d.charter.groups:
                yield unknown(
                    d, "BH-CHA-021", group, "groups", d.charter.groups, "people", name, "groups", index
                )


def _agents(d: Deployment) -> Iterator[CharterError]:
    charter = d.charter
    for name, agent in charter.agents.items():
        if agent.sponsor not in charter.people:
            yield unknown(d, "BH-CHA-020", agent.sponsor, "people", charter.people, "agents", name, "sponsor")
        for index, action in enumerate(agent.actions):
            if action not in charter.actions:
                yield unknown(
                    d, "BH-CHA-022", action, "actions", charter.actions, "agents", name, "actions", index
                )
        for index, model in enumerate(agent.models):
            if model not in charter.models:
                yield unknown(
                    d, "BH-CHA-023", model, "models", charter.models, "agents", name, "models", index
                )
        queries = {f"{source}.{query}" for source, s in charter.sources.items() for query in s.queries}
        for index, query in enumerate(agent.queries):
            if query not in queries:
                yield unknown(d, "BH-CHA-024", query, "sources", queries, "agents", name, "queries", index)
