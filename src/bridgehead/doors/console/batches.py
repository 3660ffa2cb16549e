"""One batch of a table that comes in some: what was noticed about it, and the form that decides about it."""

from __future__ import annotations

from bridgehead.assemble import House
from bridgehead.doors.console.problem import NO_SUCH_PAGE, ODD_FORM, Problem, Stopped
from bridgehead.doors.console.render import one_segment
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.explain.batches import BatchLine, one_batch, who_decides
from bridgehead.kernel.errors import ApprovalError, WatchError
from bridgehead.watch.feeds.deciding import Answer as Word
from bridgehead.watch.feeds.deciding import decide

ANSWERS: dict[str, Word] = {"release": "release", "discard": "discard"}


def show_one(visit: Visit) -> Answer:
    """One batch, and two answers to it where it waits for people."""
    return _page(visit, visit.house(), None)


def decide_one(visit: Visit) -> Answer:
    """Take the person's word, through the same call the command line uses; then show how the batch stands."""
    house, given = visit.house(), ANSWERS.get(visit.form["answer"])
    line = _line(visit, house)
    if given is None:
        raise Stopped(ODD_FORM)
    try:
        decide(
            house.boundary,
            f"{line.source}.{line.table}",
            line.name,
            given,
            visit.principal(),
            visit.form["reason"],
        )
    except (ApprovalError, WatchError) as error:
        return _page(visit, house, Problem.of(error, 422 if error.code == "BH-WAT-049" else 409))
    return Go(to=_address(house, line))


def _address(house: House, line: BatchLine) -> str:
    name = house.deployment.charter.name
    return f"/deployments/{name}/batches/{line.source}/{line.table}/{one_segment(line.name)}"


def _line(visit: Visit, house: House) -> BatchLine:
    deciders = {one.person for one in who_decides(house.boundary)}
    if not visit.viewer().may("deployments") and visit.person not in deciders:
        raise Stopped(NO_SUCH_PAGE)
    with house.store.reading() as connection:
        path = visit.path
        found = one_batch(connection, house.boundary, path["source"], path["table"], path["batch"])
    if found is None:
        raise Stopped(NO_SUCH_PAGE)
    return found


def _question(line: BatchLine) -> str:
    return "its columns changed" if line.changed else "publish it?"


def _page(visit: Visit, house: House, problem: Problem | None) -> Page:
    line, people = _line(visit, house), who_decides(house.boundary)
    return Page(
        template="batch.html",
        title=f"{line.label}: {_question(line)}" if line.waits else line.label,
        data={
            "deployment": house.deployment.charter.name,
            "line": line,
            "who": people,
            "mine": visit.person in {one.person for one in people},
            "said": [each.person for each in line.words if each.answer == "release"],
            "address": _address(house, line),
            "may_data": visit.viewer().may("deployments"),
            "problem": problem,
            "reason": visit.form.get("reason", ""),
        },
        house=house,
        status=problem.status if problem else 200,
    )
