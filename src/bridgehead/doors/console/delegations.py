"""Delegations: who answers in whose place, for which rules and until when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bridgehead.assemble import House
from bridgehead.doors.console.problem import NO_SUCH_PAGE, Problem, Stopped
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.enforce.delegate import Delegation, end, give, listed
from bridgehead.explain import Viewer
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import ApprovalError

EVERY = "every rule"
NO_TIME = Problem(
    status=422,
    code="BH-DOO-013",
    what="The end of a delegation must be a time.",
    means="Nobody answers in your place yet.",
    fix="Choose a day and an hour (UTC).",
)


def show(visit: Visit) -> Answer:
    """What the person gave and holds, and the form to give one."""
    return _page(visit, None)


def give_one(visit: Visit) -> Answer:
    """Let somebody answer in the person's place."""
    house, form = _house(visit), visit.form
    viewer = visit.viewers[form["deployment"]]
    try:
        until = datetime.fromisoformat(form["until"])
    except ValueError:
        return _page(visit, NO_TIME)
    rules = _own_rules(house, viewer) if form["rule"] == EVERY else [form["rule"]]
    try:
        give(
            house.boundary,
            viewer.principal("session"),
            form["to"],
            rules,
            until=until if until.utcoffset() is not None else until.replace(tzinfo=UTC),
            reason=form["reason"].strip(),
        )
    except ApprovalError as error:
        return _page(visit, Problem.of(error))
    return Go(to="/delegations")


def end_one(visit: Visit) -> Answer:
    """End a delegation before its time."""
    house, form = _house(visit), visit.form
    person = visit.viewers[form["deployment"]].principal("session")
    try:
        end(house.boundary, form["id"], person, form["reason"].strip())
    except ApprovalError as error:
        return _page(visit, Problem.of(error))
    return Go(to="/delegations")


def _page(visit: Visit, problem: Problem | None) -> Page:
    return Page(
        template="delegations.html",
        title="Who answers in whose place",
        data={
            "deployments": [_one(house, visit.viewers[name]) for name, house in visit.houses.items()],
            "every": EVERY,
            "problem": problem,
        },
        house=visit.home,
        status=problem.status if problem else 200,
    )


def _one(house: House, viewer: Viewer) -> dict[str, Any]:
    charter, now = house.deployment.charter, stamp(house.clock.now())
    with house.store.reading() as connection:
        found = [each for each in listed(connection) if _concerns(each, viewer)]
    names = {person: declared.name for person, declared in charter.people.items()}
    return {
        "name": charter.name,
        "rules": _own_rules(house, viewer),
        "people": {each: person.name for each, person in charter.people.items() if person.active},
        "me": viewer.id,
        "delegations": [
            {
                "given": each,
                "delegator": names.get(each.delegator, each.delegator),
                "delegate": names.get(each.delegate, each.delegate),
                "state": each.state(now),
                "may_end": each.state(now) in ("in force", "not begun"),
            }
            for each in found
        ],
    }


def _concerns(each: Delegation, viewer: Viewer) -> bool:
    """Whoever gave or holds it sees it, and who may read the whole record."""
    return viewer.id in (each.delegator, each.delegate) or viewer.may("entries")


def _own_rules(house: House, viewer: Viewer) -> list[str]:
    """Return the approval rules under which the viewer is asked."""
    rules = house.deployment.charter.approvals
    return sorted(name for name, rule in rules.items() if viewer.groups & {group for group, _ in rule.needs})


def _house(visit: Visit) -> House:
    found = visit.houses.get(visit.form["deployment"])
    if found is None or visit.form["deployment"] not in visit.viewers:
        raise Stopped(NO_SUCH_PAGE)
    return found
