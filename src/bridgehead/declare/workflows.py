"""Workflows: their function, their agent, and the values a run brings for the servers it uses."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare.code import Function
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.model import Workflow
from bridgehead.declare.naming import fault, function, unknown
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-027, BH-CHA-031, BH-CHA-033, BH-CHA-071, BH-CHA-072, BH-CHA-075 and BH-CHA-130."""
    if not deployment.charter.workflows:
        yield fault(deployment, "BH-CHA-075", "no workflow is declared", "Declare at least one.", "workflows")
    for name, workflow in deployment.charter.workflows.items():
        yield from _function(deployment, name, workflow)
        if workflow.agent not in deployment.charter.agents:
            agents = deployment.charter.agents
            yield unknown(
                deployment, "BH-CHA-027", workflow.agent, "agents", agents, "workflows", name, "agent"
            )
        else:
            yield from _bindings(deployment, name, workflow)
    yield from _unbound(deployment)
    yield from _loops(deployment)


def _loops(d: Deployment) -> Iterator[CharterError]:
    for name, loop in d.charter.loops.items():
        for action in loop.actions:
            if action not in d.charter.actions:
                place = ("loops", name, "actions", action)
                yield unknown(d, "BH-CHA-130", action, "actions", d.charter.actions, *place)


def _function(d: Deployment, name: str, workflow: Workflow) -> Iterator[CharterError]:
    place = ("workflows", name, "function")
    found = function(d, workflow.function, *place)
    if isinstance(found, CharterError):
        yield found
    elif isinstance(found, Function) and not (found.is_async and found.parameters):
        yield fault(
            d,
            "BH-CHA-033",
            f"`{workflow.function}` ({found.file}:{found.line}) must be `async` and take the run first",
            f"Write `async def {found.name}(run, ...):`.",
            *place,
        )


def _bindings(d: Deployment, name: str, workflow: Workflow) -> Iterator[CharterError]:
    """A server's hidden arguments come from the run: what it needs, the workflow must ask for."""
    agent = d.charter.agents[workflow.agent]
    actions = (d.charter.actions[action] for action in agent.actions if action in d.charter.actions)
    used = {rule.server for rule in actions}
    for server in sorted(used & set(d.charter.servers)):
        for argument, binding in d.charter.servers[server].bound.items():
            if binding not in workflow.bindings:
                yield fault(
                    d,
                    "BH-CHA-072",
                    f"workflow `{name}` uses server `{server}`, whose `{argument}` comes from the binding "
                    f"`{binding}`, and does not have it",
                    f"Add `bindings: [{binding}]` to `workflows.{name}`.",
                    *("workflows", name, "bindings"),
                )


def _unbound(d: Deployment) -> Iterator[CharterError]:
    known = {binding for workflow in d.charter.workflows.values() for binding in workflow.bindings}
    for server, declared in d.charter.servers.items():
        for argument, binding in declared.bound.items():
            if binding not in known:
                yield fault(
                    d,
                    "BH-CHA-071",
                    f"`{argument}` of server `{server}` comes from `{binding}`, a binding no workflow has",
                    f"{did_you_mean(binding, known)}",
                    *("servers", server, "bound", argument),
                )
