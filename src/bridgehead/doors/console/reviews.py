"""To review: results that were drawn, one at a time, blind; and the form that says whether it was right."""

from __future__ import annotations

from typing import Any

from bridgehead.assemble import House
from bridgehead.doors.console.problem import NO_SUCH_PAGE, ODD_FORM, Problem, Stopped
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.explain.audits import ItemLine, ItemView, item_view, next_for, queue, said_by
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.accuracy.labelling import Verdict, label, reviewed_by

ANSWERS: dict[str, Verdict] = {"right": "right", "wrong": "wrong", "unclear": "unclear"}
REFRESH = 30
NO_REASON = "BH-WAT-077"


def show_list(visit: Visit) -> Answer:
    """What waits for this person in every house, the oldest first."""
    waiting: list[dict[str, Any]] = []
    for name, house in visit.houses.items():
        waiting += [{"deployment": name, "line": line} for line in _waiting(visit, house)]
    waiting.sort(key=lambda pair: pair["line"].drawn_at)
    number = len(waiting)
    title = f"{number} results to look at" if number > 1 else "One result to look at"
    return Page(
        template="reviews.html",
        title=title if number else "Nothing to look at",
        data={"waiting": waiting},
        house=visit.home,
        own_banner=True,
        refresh=REFRESH,
        notice=_just_counted(visit),
    )


def show_one(visit: Visit) -> Answer:
    """One result, as the charter shows it; and three answers after it."""
    house = visit.house()
    return _page(visit, house, _view(visit, house), None)


def answer(visit: Visit) -> Answer:
    """Count the person's answer, through the same call the command line uses; then the next one."""
    house, verdict = visit.house(), ANSWERS.get(visit.form["verdict"])
    if verdict is None:
        raise Stopped(ODD_FORM)
    view = _view(visit, house)
    boundary = house.boundary_of(view.release)
    try:
        label(boundary, view.run, by=visit.principal(), verdict=verdict, reason=visit.form["reason"])
    except WatchError as error:
        problem = Problem.of(error, 422 if error.code == NO_REASON else 409)
        return _page(visit, house, _view(visit, house), problem)
    name, now = house.deployment.charter.name, stamp(house.clock.now())
    with house.store.reading() as connection:
        after = next_for(connection, house.boundary_of, visit.person, now=now)
    place = f"/deployments/{name}/reviews/{after}" if after else "/reviews"
    return Go(to=f"{place}?counted={view.run}&in={name}")


def _waiting(visit: Visit, house: House) -> tuple[ItemLine, ...]:
    if not reviewed_by(house.deployment.charter, visit.person):
        return ()
    with house.store.reading() as connection:
        now = stamp(house.clock.now())
        return queue(connection, house.boundary_of, visit.person, now=now)


def _view(visit: Visit, house: House) -> ItemView:
    """Return the item, for those who review it; for anybody else there is no such page."""
    with house.store.reading() as connection:
        found = item_view(connection, house.boundary_of, visit.path["run"], visit.person)
    if found is None or not found.theirs:
        raise Stopped(NO_SUCH_PAGE)
    return found


def _page(visit: Visit, house: House, view: ItemView, problem: Problem | None) -> Page:
    return Page(
        template="review.html",
        title=view.question,
        data={
            "deployment": house.deployment.charter.name,
            "view": view,
            "problem": problem,
            "reason": visit.form.get("reason", ""),
        },
        house=house,
        own_banner=True,
        status=problem.status if problem else 200,
        notice=_just_counted(visit),
    )


def _just_counted(visit: Visit) -> dict[str, Any] | None:
    """Return what the person answered just now, read from the record, not from the address."""
    house, run = visit.houses.get(visit.query.get("in", "")), visit.query.get("counted", "")
    if house is None or not run:
        return None
    with house.store.reading() as connection:
        verdict = said_by(connection, run, visit.person)
    return {"run": run, "verdict": verdict} if verdict else None
