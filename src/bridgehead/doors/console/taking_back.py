"""Ask for a plan to take something back, and order exactly the plan that was seen."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from bridgehead.assemble import House
from bridgehead.doors.console.problem import NO_SUCH_PAGE, Problem, Stopped
from bridgehead.doors.console.undos import page_of, people, viewed
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.explain.runs import one_line
from bridgehead.explain.undo import UndoView
from bridgehead.explain.undos import UNDER_WAY, UndoLine, effects_of, is_case, one_release, since, undos
from bridgehead.kernel.errors import BridgeheadError, ConfigError
from bridgehead.rollout.order import Order, Scope, order

REASON_MISSING = Problem(
    status=422,
    code="BH-DOO-041",
    what="An undo needs a reason.",
    means="Nothing was stopped or taken back.",
    fix="Write why; it is kept with the order.",
)
NO_PLAN = Problem(
    status=409,
    code="BH-DOO-043",
    what="This is not a plan that can be ordered.",
    means="Nothing was stopped or taken back by this.",
    fix="Look at how it stands below. To take back what is left, make a new plan.",
)
CHANGED = Problem(
    status=409,
    code="BH-DOO-044",
    what="This is not the plan you saw.",
    means="Nothing was stopped or taken back. An order counts for exactly the plan it was given for.",
    fix="Read the plan on this page, and order it if it is right.",
)


class Target(NamedTuple):
    """What would be taken back: a run or a release, in words."""

    scope: Scope
    id: str
    words: str


def ask(visit: Visit) -> Answer:
    """Say what making a plan does, and ask once."""
    return _asked(visit, None)


def plan(visit: Visit) -> Answer:
    """Have the records read and a plan made; then wait for it on its own page."""
    house = visit.house()
    with house.store.reading() as connection:
        what = _target(visit, connection)
        earlier = undos(connection, what.id)
    for one in earlier:
        if one.state == "looking" and one.ordered_by == visit.person:  # a double click
            return _go(house, one.id)
    wanted = Order(scope=what.scope, target=what.id, by=visit.principal())
    try:
        return _go(house, order(house.boundary, wanted))
    except BridgeheadError as error:
        return _asked(visit, Problem.of(error))


def take_back(visit: Visit) -> Answer:
    """Order the plan of the page: what counts is the plan the person saw, while no other took its place."""
    house, form = visit.house(), visit.form
    with house.store.reading() as connection:
        seen = viewed(visit, connection)
        overtaken = since(connection, seen.id)
    if overtaken is not None and _sent_twice(visit, overtaken):
        return _go(house, overtaken.id)
    problem = _not_to_order(seen, overtaken, form["digest"], form["reason"])
    if problem is not None:
        return page_of(visit, problem)
    wanted = Order(
        scope="release" if seen.scope == "release" else "run",
        target=seen.target,
        by=visit.principal(),
        reason=form["reason"].strip(),
        execute=True,
        expected=form["digest"],
        rate=form["rate"].strip(),
    )
    try:
        return _go(house, order(house.boundary, wanted))
    except BridgeheadError as error:
        return page_of(visit, Problem.of(error, 422 if isinstance(error, ConfigError) else 409))


def _not_to_order(seen: UndoView, overtaken: UndoLine | None, digest: str, reason: str) -> Problem | None:
    if seen.state != "planned":
        return NO_PLAN
    if digest != seen.plan_digest or overtaken is not None:
        return CHANGED
    return None if reason.strip() else REASON_MISSING


def _sent_twice(visit: Visit, found: UndoLine) -> bool:
    """A double click sends the same order twice: the second changes nothing, and sees the first's result."""
    same = found.expected == visit.form["digest"] and found.ordered_by == visit.person
    return same and found.state in UNDER_WAY


def _asked(visit: Visit, problem: Problem | None) -> Page:
    house = visit.house()
    with house.store.reading() as connection:
        what = _target(visit, connection)
        data = {
            "deployment": house.deployment.charter.name,
            "scope": what.scope,
            "target": what.id,
            "words": what.words,
            "effects": effects_of(connection, what.scope, what.id),
            "earlier": undos(connection, what.id),
            "people": people(house),
            "problem": problem,
        }
    return Page(
        template="take_back.html",
        title=f"Take back {what.words}?",
        data=data,
        house=house,
        status=problem.status if problem else 200,
    )


def _target(visit: Visit, connection: Connection) -> Target:
    """Return what the address names. Work that takes other work back is not taken back itself."""
    run = visit.path.get("run", "")
    if run:
        line = one_line(connection, run)
        if line is None or not is_case(connection, run):
            raise Stopped(NO_SUCH_PAGE)
        return Target("run", run, f"what run {line.title} did")
    release = one_release(connection, visit.path["release"])
    if release is None:
        raise Stopped(NO_SUCH_PAGE)
    return Target("release", release.digest, f"what release {release.digest[:12]} did")


def _go(house: House, undo: str) -> Go:
    return Go(to=f"/deployments/{house.deployment.charter.name}/undos/{undo}")
