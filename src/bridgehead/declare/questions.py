"""Approval rules: the groups that decide exist and are large enough, limits can be compared, what happens
while nobody answers can happen in time."""

from __future__ import annotations

from collections.abc import Iterator

from bridgehead.declare.asking import ApprovalRule
from bridgehead.declare.deployment import Deployment
from bridgehead.declare.limit import limit
from bridgehead.declare.model import Charter
from bridgehead.declare.naming import fault, unknown
from bridgehead.declare.part import seconds
from bridgehead.kernel import quorum
from bridgehead.kernel.errors import CharterError

LONGEST = 400.0
"""Days one deadline may take; beyond that nobody remembers what was asked."""


def errors(deployment: Deployment) -> Iterator[CharterError]:
    """Yield BH-CHA-021, BH-CHA-022 and BH-CHA-060 to BH-CHA-068."""
    for name, rule in deployment.charter.approvals.items():
        yield from _groups(deployment, name, rule)
        yield from _times(deployment, name, rule)
        yield from _ladder(deployment, name, rule)
        yield from _emergency(deployment, name, rule)
        for action, condition in rule.when.items():
            yield from _limit(deployment, name, action, condition)
    yield from _editable(deployment)


def members(charter: Charter, group: str) -> frozenset[str]:
    """Return the ids of the active people of a group."""
    return frozenset(
        name for name, person in charter.people.items() if person.active and group in person.groups
    )


def able(charter: Charter, rule: ApprovalRule) -> dict[str, frozenset[str]]:
    """Return the active people who may answer under a rule, each with the groups they may stand for."""
    asked = frozenset(group for group, _ in rule.needs)
    return {
        name: asked & set(person.groups)
        for name, person in charter.people.items()
        if person.active and asked & set(person.groups)
    }


def _groups(d: Deployment, name: str, rule: ApprovalRule) -> Iterator[CharterError]:
    strangers = [group for group, _ in rule.needs if group not in d.charter.groups]
    for group in strangers:
        yield unknown(d, "BH-CHA-021", group, "groups", d.charter.groups, "approvals", name, "who")
    if rule.quorum > 1 and rule.needs != (quorum.Need(rule.needs[0].group, rule.quorum),):
        yield fault(
            d,
            "BH-CHA-063",
            f"approval `{name}` says how many in `who` and again in `quorum`",
            "Remove `quorum`; `who` says how many of each group.",
            *("approvals", name, "quorum"),
        )
    elif not strangers:
        yield from _too_few(d, name, rule)


def _too_few(d: Deployment, name: str, rule: ApprovalRule) -> Iterator[CharterError]:
    key = "quorum" if rule.quorum > 1 else "who"
    for group, count in rule.needs:
        there = len(members(d.charter, group))
        if there < count:
            yield fault(
                d,
                "BH-CHA-060",
                f"approval `{name}` needs {count} of group `{group}`, which has {there} active members",
                f"Add `groups: [{group}]` to more people, or lower `{key}`.",
                *("approvals", name, key),
                means="Nobody could ever say yes.",
            )
            return
    short = quorum.missing(rule.needs, able(d.charter, rule))
    if short:
        yield fault(
            d,
            "BH-CHA-060",
            f"approval `{name}` needs {quorum.words(rule.needs)}, and {short} more people than there are",
            "Add people to its groups: somebody in two of them counts for one.",
            *("approvals", name, "who"),
            means="Nobody could ever say yes.",
        )


def _times(d: Deployment, name: str, rule: ApprovalRule) -> Iterator[CharterError]:
    if rule.calendar is not None and rule.calendar not in d.charter.calendars:
        calendars = d.charter.calendars
        yield unknown(d, "BH-CHA-064", rule.calendar, "calendars", calendars, "approvals", name, "calendar")
    if not 0 < _days(d, rule) <= LONGEST:
        on = f" on the calendar `{rule.calendar}`" if rule.calendar in d.charter.calendars else ""
        yield fault(
            d,
            "BH-CHA-065",
            f"approval `{name}` stays open for `{rule.within}`{on}: {_days(d, rule):.0f} days",
            f"Write more than nothing and at most {LONGEST:.0f}d.",
            *("approvals", name, "within"),
        )


def _ladder(d: Deployment, name: str, rule: ApprovalRule) -> Iterator[CharterError]:
    earlier = 0.0
    for number, rung in enumerate(rule.escalate):
        place = ("approvals", name, "escalate", number)
        if not earlier < _lasts(d, rule, rung.after) < _lasts(d, rule, rule.within):
            yield fault(
                d,
                "BH-CHA-066",
                f"rung {number + 1} of approval `{name}` comes after `{rung.after}`",
                f"Write the rungs from early to late, all of them before `within: {rule.within}` is over.",
                *(*place, "after"),
            )
        earlier = _lasts(d, rule, rung.after)
        if rung.to is not None and rung.to not in d.charter.groups:
            yield unknown(d, "BH-CHA-021", rung.to, "groups", d.charter.groups, *place, "to")
        if (rung.do == "widen") != (rung.to is not None):
            yield fault(
                d,
                "BH-CHA-066",
                f"rung {number + 1} of approval `{name}` must {'name' if rung.do == 'widen' else 'not name'} "
                "a group in `to`",
                "`widen` names the group that may answer too; `remind` and `owner` name none.",
                *place,
            )


def _lasts(d: Deployment, rule: ApprovalRule, duration: str) -> float:
    calendar = d.charter.calendars.get(rule.calendar or "")
    return calendar.seconds(duration) if calendar is not None else seconds(duration)


def _days(d: Deployment, rule: ApprovalRule) -> float:
    """Return about how many days `within` takes; on a calendar, weeks of its working days."""
    calendar = d.charter.calendars.get(rule.calendar or "")
    if calendar is None:
        return seconds(rule.within) / 86400
    time = calendar.working_time
    return 7 * calendar.seconds(rule.within) / (time.day_seconds * len(time.days))


def _emergency(d: Deployment, name: str, rule: ApprovalRule) -> Iterator[CharterError]:
    if rule.emergency is None:
        return
    place, emergency = ("approvals", name, "emergency"), rule.emergency
    if emergency.who not in d.charter.groups:
        yield unknown(d, "BH-CHA-021", emergency.who, "groups", d.charter.groups, *place, "who")
    if emergency.review not in d.charter.approvals:
        approvals = d.charter.approvals
        yield unknown(d, "BH-CHA-067", emergency.review, "approvals", approvals, *place, "review")
        return
    for person in sorted(members(d.charter, emergency.who)):
        others = able(d.charter, d.charter.approvals[emergency.review])
        others.pop(person, None)
        if quorum.missing(d.charter.approvals[emergency.review].needs, others):
            yield fault(
                d,
                "BH-CHA-067",
                f"nobody could review what `{person}` permits under the emergency of approval `{name}`",
                f"Add people to the groups of `approvals.{emergency.review}`: nobody reviews themselves.",
                *(*place, "review"),
            )
            return


def _editable(d: Deployment) -> Iterator[CharterError]:
    for name, action in d.charter.actions.items():
        for index, argument in enumerate(action.editable):
            if argument not in action.arguments:
                yield unknown(
                    d,
                    "BH-CHA-068",
                    argument,
                    f"actions.{name}.arguments",
                    action.arguments,
                    *("actions", name, "editable", index),
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
