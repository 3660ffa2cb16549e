"""Approval rules: the group that decides exists and is large enough, limits can be compared."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare.deployment import Deployment
from bridgehead.declare.limit import limit
from bridgehead.declare.model import ApprovalRule, Charter
from bridgehead.declare.naming import fault, unknown
from bridgehead.kernel.errors import CharterError


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-021, BH-CHA-022 and BH-CHA-060 to BH-CHA-062."""
    for name, rule in deployment.charter.approvals.items():
        yield from _group(deployment, name, rule)
        for action, condition in rule.when.items():
            yield from _limit(deployment, name, action, condition)


def members(charter: Charter, group: str) -> frozenset[str]:
    """Return the ids of the active people of a group."""
    return frozenset(
        name for name, person in charter.people.items() if person.active and group in person.groups
    )


def _group(d: Deployment, name: str, rule: ApprovalRule) -> Iterator[CharterError]:
    if rule.who not in d.charter.groups:
        yield unknown(d, "BH-CHA-021", rule.who, "groups", d.charter.groups, "approvals", name, "who")
        return
    count = len(members(d.charter, rule.who))
    if count < rule.quorum:
        yield fault(
            d,
            "BH-CHA-060",
            f"approval `{name}` needs {rule.quorum} of group `{rule.who}`, which has {count} active members",
            f"Add `groups: [{rule.who}]` to more people, or lower `quorum`.",
            *("approvals", name, "quorum"),
            means="Nobody could ever say yes.",
        )


def _limit(d: Deployment, name: str, action: str, condition: str) -> Iterator[CharterError]:
    place = ("approvals", name, "when", action)
    rule = d.charter.actions.get(action)
    if rule is None:
        yield unknown(d, "BH-CHA-022", action, "actions", d.charter.actions, *place)
    try:
        currency = limit(condition).currency
    except ValueError as error:
        yield fault(d, "BH-CHA-061", str(error), "Write for example `amount > 250 USD`.", *place)
        return
    if rule is not None and not rule.amount:
        yield fault(
            d,
            "BH-CHA-062",
            f"approval `{name}` limits the amount of `{action}`, which declares no `amount`",
            f"Add `amount: arguments.X` to `actions.{action}`, or ask with a Cedar policy.",
            *place,
        )
    elif rule is not None and rule.currency and rule.currency != currency:
        yield fault(
            d,
            "BH-CHA-062",
            f"approval `{name}` has a limit in {currency}, and `{action}` moves {rule.currency}",
            f"Write the limit in {rule.currency}: currencies are never converted.",
            *place,
        )
