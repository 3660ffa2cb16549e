"""The charter in Cedar's words: a strict schema, and the policies that follow from it.

One Cedar action per charter action, so that each context is typed by that action's own arguments
and facts. Hand-written ``*.cedar`` files are validated against the same schema. What is generated is
ordinary policy text with ``@id``, ``@words`` and ``@source``, shown by ``bridgehead check --policies``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from bridgehead.declare import Deployment
from bridgehead.declare.limit import limit
from bridgehead.declare.model import ActionRule, Charter

_FACT_TYPES = {"text": "String", "integer": "Long", "boolean": "Bool", "amount": "decimal"}
ENDORSED = "endorsed."
"""What the ids of the policies begin with that want an origin behind every argument."""
_COMMON = "purpose: String, stage: String, approvals: Set<String>, subject: String, undoing?: Bool"


def schema(charter: Charter) -> str:
    """Return the Cedar schema of a charter, in Cedar's schema syntax."""
    acts = "\n".join(
        f"  action {_quote(name)} in [act] appliesTo {{ principal: [Agent, Human], "
        f"resource: [Operation], context: {_context(rule)} }};"
        for name, rule in sorted(charter.actions.items())
    )
    return f"""namespace BH {{
  entity Group;
  entity Human in [Group] {{ active: Bool }};
  entity Agent {{ sponsor: Human, active: Bool }};
  entity Operation {{ effect: String, outward: Bool, server: String }};
  entity Model {{ region: String }};
  entity Source {{ region: String, tags: Set<String> }};
  entity Collection {{ region: String, tags: Set<String> }};
  action act;
{acts}
  action model appliesTo {{ principal: [Agent, Human], resource: [Model],
    context: {{ {_COMMON}, regions: Set<String> }} }};
  action query appliesTo {{ principal: [Agent, Human], resource: [Source],
    context: {{ {_COMMON}, query: String }} }};
  action retrieve appliesTo {{ principal: [Agent, Human], resource: [Collection],
    context: {{ {_COMMON} }} }};
  action decide appliesTo {{ principal: [Agent, Human], resource: [Group],
    context: {{ {_COMMON}, rule: String }} }};
}}
"""


def policies(deployment: Deployment) -> str:
    """Return the policies that the charter implies: grants, residency, limits, questions to people."""
    charter = deployment.charter
    return "\n".join(
        [
            *_grants(deployment, charter),
            *_residency(deployment),
            *_limits(deployment, charter),
            *_decisions(deployment, charter),
            *_undo(deployment, charter),
            *_origins(deployment, charter),
        ]
    )


def _grants(deployment: Deployment, charter: Charter) -> Iterator[str]:
    for name, agent in sorted(charter.agents.items()):
        source = deployment.where("agents", name)
        who = f"principal == BH::Agent::{_quote(name)}"
        alive = "principal.active && principal.sponsor.active"
        if agent.actions:
            actions = ", ".join(f"BH::Action::{_quote(action)}" for action in agent.actions)
            yield _policy(
                "permit",
                f"grant.{name}.actions",
                f"Agent {name} may take this action.",
                source,
                f"{who}, action in [{actions}], resource",
                alive,
            )
        for model in agent.models:
            yield _policy(
                "permit",
                f"grant.{name}.model.{model}",
                f"Agent {name} may ask model {model}.",
                source,
                f'{who}, action == BH::Action::"model", resource == BH::Model::{_quote(model)}',
                alive,
            )
        for query in agent.queries:
            yield _policy(
                "permit",
                f"grant.{name}.query.{query}",
                f"Agent {name} may run query {query}.",
                source,
                f'{who}, action == BH::Action::"query", '
                f"resource == BH::Source::{_quote(query.partition('.')[0])}",
                f"{alive} && context.query == {_quote(query.partition('.')[2])}",
            )
        for table_source in dict.fromkeys(table.partition(".")[0] for table in agent.tables):
            yield _policy(
                "permit",
                f"grant.{name}.source.{table_source}",
                f"Agent {name} may ask {table_source} in SQL, of the tables and columns it may see.",
                deployment.where("agents", name, "tables"),
                f'{who}, action == BH::Action::"query", resource == BH::Source::{_quote(table_source)}',
                f'{alive} && context.query == ""',
            )
        for collection in agent.collections:
            yield _policy(
                "permit",
                f"grant.{name}.collection.{collection}",
                f"Agent {name} may search {collection}, of the documents it may read.",
                deployment.where("agents", name, "collections"),
                f'{who}, action == BH::Action::"retrieve", resource == BH::Collection::{_quote(collection)}',
                alive,
            )


def _residency(deployment: Deployment) -> Iterator[str]:
    yield _policy(
        "forbid",
        "residency.model",
        "The model runs in a region this deployment may not use.",
        deployment.where("regions"),
        'principal, action == BH::Action::"model", resource is BH::Model',
        None,
        unless="context.regions.contains(resource.region)",
    )


def _limits(deployment: Deployment, charter: Charter) -> Iterator[str]:
    for name, rule in sorted(charter.approvals.items()):
        for action, condition in sorted(rule.when.items()):
            number, currency = limit(condition)
            scope = f"principal, action == BH::Action::{_quote(action)}, resource"
            source = deployment.where("approvals", name, "when", action)
            yield _policy(
                "forbid",
                f"limit.{name}.{action}",
                f"{rule.question} The limit is {number} {currency}.",
                source,
                scope,
                f"context has amount && context.amount.greaterThan(decimal({_quote(_four(number))}))",
                unless=f"context.approvals.contains({_quote(name)})",
                ask=name,
            )
            yield _policy(
                "forbid",
                f"limit.{name}.{action}.currency",
                f"The amount is missing, or not in {currency}, so the limit cannot be applied.",
                source,
                scope,
                None,
                unless="context has amount && context has currency"
                f" && context.currency == {_quote(currency)}",
            )


def _decisions(deployment: Deployment, charter: Charter) -> Iterator[str]:
    for name, rule in sorted(charter.approvals.items()):
        source = deployment.where("approvals", name)
        scope = (
            f'principal, action == BH::Action::"decide", resource == BH::Group::{_quote(rule.needs[0].group)}'
        )
        same = f"context.rule == {_quote(name)}"
        yield _policy("permit", f"decide.{name}", "The workflow may ask these people.", source, scope, same)
        yield _policy(
            "forbid",
            f"decide.{name}.people",
            rule.question,
            source,
            scope,
            same,
            unless=f"context.approvals.contains({_quote(name)})",
            ask=name,
        )


def _undo(deployment: Deployment, charter: Charter) -> Iterator[str]:
    """What an undo needs: the actions that take others back, and the reads that show whether they may."""
    taken_back = [rule for rule in charter.actions.values() if rule.undo]
    actions = {rule.undo for rule in taken_back if rule.undo}
    for rule in charter.actions.values():
        actions |= {rule.probe.action} if rule.probe else set()
        actions |= {rule.listing.action} if rule.listing else set()
        actions |= {read.action for read in rule.facts.reads.values()} if rule.facts else set()
    if not actions:
        return
    names = ", ".join(f"BH::Action::{_quote(action)}" for action in sorted(actions))
    yield _policy(
        "permit",
        "undo.people",
        "A person takes back what a run or a release did, as a plan that people agreed to says.",
        deployment.where("actions"),
        f"principal is BH::Human, action in [{names}], resource",
        "principal.active && context has undoing && context.undoing",
    )


def _origins(deployment: Deployment, charter: Charter) -> Iterator[str]:
    """Arguments nothing stands behind: people are asked by the rule the charter names, or it is refused."""
    if charter.provenance == "off":
        return
    for name, rule in sorted(charter.actions.items()):
        if rule.effect == "read" and not rule.outward:
            continue
        ask = rule.unendorsed or charter.unendorsed or ""
        yield _policy(
            "forbid",
            f"{ENDORSED}{name}",
            charter.approvals[ask].question if ask else "Nothing stands behind an argument.",
            deployment.where("actions", name),
            f"principal, action == BH::Action::{_quote(name)}, resource",
            "!context.unendorsed.isEmpty()",
            unless=f"context.approvals.contains({_quote(ask)})" if ask else "",
            ask=ask,
        )


def _context(rule: ActionRule) -> str:
    fields = [
        _COMMON,
        "record_changes: Long",
        "unendorsed: Set<String>",
        f"arguments: {{ {', '.join(_argument_types(rule))} }}",
        f"facts: {{ {', '.join(_fact_types(rule))} }}",
    ]
    if rule.amount:
        fields += ["amount?: decimal", "currency?: String"]
    return "{ " + ", ".join(fields) + " }"


def _argument_types(rule: ActionRule) -> Iterator[str]:
    for name, declared in sorted(rule.arguments.items()):
        kind = cedar_type(declared)
        if kind:
            yield f"{_quote(name)}{'?' if name in rule.optional else ''}: {kind}"


def _fact_types(rule: ActionRule) -> Iterator[str]:
    for name, kind in sorted((rule.facts.gives if rule.facts else {}).items()):
        yield f"{_quote(name)}: {_FACT_TYPES[kind]}"


def cedar_type(declared: dict[str, Any]) -> str:
    """Return the Cedar type of an argument's JSON Schema, or the empty string where policies do not
    see it (objects, arrays of anything but strings)."""
    match declared.get("type"):
        case "string":
            return "String"
        case "integer":
            return "Long"
        case "boolean":
            return "Bool"
        case "number":
            return "decimal"
        case "array" if declared.get("items", {}).get("type") == "string":
            return "Set<String>"
        case _:
            return ""


def _policy(
    effect: str,
    id: str,
    words: str,
    source: str,
    scope: str,
    when: str | None,
    *,
    unless: str = "",
    ask: str = "",
) -> str:
    notes = f"@id({_quote(id)}) @words({_quote(words)}) @source({_quote(source)})"
    if ask:
        notes += f" @ask({_quote(ask)})"
    condition = f" when {{ {when} }}" if when else ""
    exception = f" unless {{ {unless} }}" if unless else ""
    return f"{notes}\n{effect} ({scope}){condition}{exception};"


def _four(number: Decimal) -> str:
    """Cedar's decimal wants one to four fraction digits."""
    return f"{number:.4f}"


def _quote(text: str) -> str:
    # Letters stand as they are: JSON's escapes for them are not Cedar's.
    return json.dumps(text, ensure_ascii=False)
