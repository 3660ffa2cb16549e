"""What can be done with a question besides answering it: take a yes back, change what is asked, permit at
once in an emergency. Each has a page of its own that says what follows, and one button."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridgehead.assemble import House
from bridgehead.doors.console.approvals import view_of
from bridgehead.doors.console.problem import Problem
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.enforce.edit import propose
from bridgehead.enforce.emergency import break_glass
from bridgehead.enforce.revoke import revoke
from bridgehead.explain import QuestionView
from bridgehead.kernel.errors import ApprovalError


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that can be done: its template, its title, and whether the viewer may."""

    template: str
    title: str
    may: Callable[[QuestionView], bool]


REVOKE = Deed(template="revoke.html", title="Take your yes back?", may=lambda view: view.may.revoke)
CHANGE = Deed(template="change.html", title="Change what is asked?", may=lambda view: bool(view.may.edit))
EMERGENCY = Deed(
    template="emergency.html", title="Permit this at once?", may=lambda view: view.may.permit_at_once
)
NOT_YOURS = Problem(
    status=403,
    code="BH-DOO-010",
    what="You cannot do this with the question as it stands.",
    means="Nothing was changed.",
    fix="Go back to the question; it says who can do what.",
)
NOT_JSON = Problem(
    status=422,
    code="BH-DOO-011",
    what="This value cannot be read.",
    means="Nothing was changed.",
    fix="Write a number, true, false or a list as it is written in JSON.",
)


def ask_revoke(visit: Visit) -> Answer:
    """Say what taking a yes back does, and ask once."""
    return _page(visit, REVOKE, None)


def take_back(visit: Visit) -> Answer:
    """Take the person's yes back; too late, the page says so, and it is on record."""
    house, approval = visit.house(), visit.path["approval"]
    try:
        found = revoke(house.boundary, approval, visit.principal(), visit.form["reason"])
    except ApprovalError as error:
        return _page(visit, REVOKE, Problem.of(error))
    if found.in_time:
        return _back(visit)
    late = Problem(status=409, code="BH-DOO-012", what="It was used before.", means=found.words, fix="")
    return _page(visit, REVOKE, late)


def ask_change(visit: Visit) -> Answer:
    """Show the arguments that may be changed, each with a form of its own."""
    return _page(visit, CHANGE, None)


def change(visit: Visit) -> Answer:
    """Put another value in the place of one argument; others decide about it."""
    house, form = visit.house(), visit.form
    view = view_of(visit, house)
    line = next((each for each in view.may.edit if each.name == form["argument"]), None)
    if line is None:
        return _page(visit, CHANGE, NOT_YOURS)
    try:
        value: Any = form["value"] if line.is_text else json.loads(form["value"])
    except ValueError:
        return _page(visit, CHANGE, NOT_JSON)
    changes = {line.name: value}
    try:
        propose(house.boundary, view.id, visit.principal(), changes, form["digest"], form["reason"])
    except ApprovalError as error:
        return _page(visit, CHANGE, Problem.of(error))
    return _back(visit)


def ask_emergency(visit: Visit) -> Answer:
    """Say what an emergency takes and what follows, and ask once."""
    return _page(visit, EMERGENCY, None)


def permit(visit: Visit) -> Answer:
    """Permit alone and at once; the review opens with it."""
    house, form = visit.house(), visit.form
    try:
        break_glass(house.boundary, visit.path["approval"], visit.principal(), form["digest"], form["reason"])
    except ApprovalError as error:
        return _page(visit, EMERGENCY, Problem.of(error))
    return _back(visit)


def _page(visit: Visit, deed: Deed, problem: Problem | None) -> Page:
    house = visit.house()
    view = view_of(visit, house)
    said = problem or (None if deed.may(view) else NOT_YOURS)
    return Page(
        template=deed.template,
        title=deed.title,
        data={
            "deployment": house.deployment.charter.name,
            "view": view,
            "problem": said,
            "may": deed.may(view),
            "reason": visit.form.get("reason", ""),
        },
        house=house,
        stand_in=bool(view.question and view.question.stand_in),
        status=said.status if said else 200,
    )


def _back(visit: Visit) -> Go:
    house: House = visit.house()
    return Go(to=f"/deployments/{house.deployment.charter.name}/approvals/{visit.path['approval']}")
