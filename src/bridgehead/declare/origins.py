"""Where values may come from: every argument, action, rule and tag that the charter names there exists."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare.deployment import Deployment
from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.model import ActionRule, Charter
from bridgehead.declare.naming import fault, unknown
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-110 to BH-CHA-113."""
    charter = deployment.charter
    for name, rule in charter.actions.items():
        yield from _arguments(deployment, name, rule)
        yield from _endorsers(deployment, name, rule)
        yield from _asked(deployment, rule.unendorsed, "actions", name, "unendorsed")
        yield from _inside(deployment, name, rule)
    yield from _asked(deployment, charter.unendorsed, "unendorsed")
    known = _tags(charter)
    # What says who may read a collection's documents may give them tags of its own, which stand elsewhere.
    elsewhere = any(collection.access for collection in charter.collections.values())
    for tag in charter.readers:
        if tag not in known and not elsewhere:
            yield fault(
                deployment,
                "BH-CHA-113",
                f"`readers` names the tag `{tag}`, and no action's `returns.tags`, source, column or"
                " collection gives it",
                did_you_mean(tag, known),
                *("readers", tag),
            )


def _tags(charter: Charter) -> set[str]:
    """Return every tag that a value may have: of a result, of a source, of a column, of a collection."""
    of_results = (
        tags for rule in charter.actions.values() if rule.returns for tags in rule.returns.tags.values()
    )
    of_columns = (
        column.tags
        for source in charter.sources.values()
        for table in source.tables.values()
        for column in table.columns.values()
        if not isinstance(column, str)
    )
    of_sources = (source.tags for source in charter.sources.values())
    of_documents = (collection.tags for collection in charter.collections.values())
    return {tag for tags in (*of_results, *of_columns, *of_sources, *of_documents) for tag in tags}


def _arguments(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    for key in ("endorsed_by", "allowed", "inside", "egress", "destination"):
        for argument in getattr(rule, key):
            if argument not in rule.arguments:
                yield fault(
                    d,
                    "BH-CHA-110",
                    f"`{key}` of action `{name}` names `{argument}`, which is not among its arguments",
                    did_you_mean(argument, rule.arguments),
                    *("actions", name, key),
                )


def _inside(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    """One argument is looked at in one way."""
    for argument in rule.inside:
        if argument in rule.egress or argument in rule.endorsed_by or argument in rule.sensitive:
            yield fault(
                d,
                "BH-CHA-111",
                f"`{argument}` of action `{name}` is `inside`, and also to leave or to need an origin",
                "Take it out of `inside`, or out of `egress`, `endorsed_by` and `sensitive`.",
                *("actions", name, "inside"),
            )


def _endorsers(d: Deployment, name: str, rule: ActionRule) -> Iterator[CharterError]:
    for argument, endorsers in rule.endorsed_by.items():
        for endorser in endorsers:
            action = endorser.partition(":")[2].partition(".")[0]
            if action and action != "*" and action not in d.charter.actions:
                place = ("actions", name, "endorsed_by", argument)
                yield unknown(d, "BH-CHA-112", action, "actions", d.charter.actions, *place)


def _asked(d: Deployment, rule: str | None, *place: str | int) -> Iterator[CharterError]:
    if rule and rule not in d.charter.approvals:
        yield unknown(d, "BH-CHA-112", rule, "approvals", d.charter.approvals, *place)
