"""A schema that changed: what is not as it was, who reads that, and the form by which people answer."""

from __future__ import annotations

from collections.abc import Mapping

from bridgehead.assemble import House
from bridgehead.doors.console.problem import NO_SUCH_PAGE, ODD_FORM, Problem, Stopped
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.explain.batches import batches, who_decides
from bridgehead.explain.schema_changes import ChangeView, one_change
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.schema_accepting import accept_change
from bridgehead.watch.schema_answering import refuse_change

ANSWERS = ("accept", "refuse")
STATUS = {"BH-WAT-061": 422, "BH-WAT-062": 403, "BH-WAT-064": 422}


def show(visit: Visit) -> Answer:
    """The change that is open, and two answers to it; else what was accepted last."""
    return _page(visit, visit.house(), None)


def answer(visit: Visit) -> Answer:
    """Take the person's answer, through the same calls the command line uses; then show how it stands.

    Batches that waited for it are judged by the watch: a folder that gives no answer keeps nobody waiting.
    """
    house, form = visit.house(), visit.form
    view = _view(visit, house)
    if form["answer"] not in ANSWERS:
        raise Stopped(ODD_FORM)
    place, by = (view.source, view.table), visit.principal()
    try:
        if form["answer"] == "refuse":
            refuse_change(house.boundary, *place, by, form["reason"], seen=_seen(form))
        else:
            names = _names(form["names"], view if view.digest == form["digest"] else None)
            accept_change(house.boundary, *place, names, by, form["reason"], seen=_seen(form))
    except WatchError as error:
        return _page(visit, house, Problem.of(error, STATUS.get(error.code, 409)))
    except Stopped as odd:
        return _page(visit, house, odd.problem)
    return Go(to=_address(house, view))


def _seen(form: Mapping[str, str]) -> str:
    return form["digest"] or "nothing"  # without a digest nothing was seen


def _names(text: str, view: ChangeView | None) -> dict[str, str]:
    """Return the new names a person gave, a line ``OLD=NEW`` for each column that is gone; ``OLD=`` says that
    it is gone for good. ``view`` is the change they saw, where it is still open."""
    given = dict(_pair(line, view) for line in text.splitlines() if line.strip())
    unsaid = [one.column for one in view.gone if one.column not in given] if view is not None else []
    if unsaid:
        raise Stopped(
            Problem(
                status=422,
                code="BH-DOO-014",
                what=f"It is not said what became of {', '.join(unsaid)}.",
                means="Nothing was accepted.",
                fix="Choose what it is called now, or that it is gone.",
            )
        )
    return {old: new for old, new in given.items() if new}


def _pair(line: str, view: ChangeView | None) -> tuple[str, str]:
    """Return the two names of a line. A name may hold ``=`` itself: what is gone and what came says which
    sign stands between them. Where two may, the line says nothing of either."""
    parts = line.split("=")
    pairs = [("=".join(parts[:n]).strip(), "=".join(parts[n:]).strip()) for n in range(1, len(parts))]
    if view is None or len(pairs) < 2:
        return pairs[0] if pairs else (line.strip(), "")
    gone, came = {one.column for one in view.gone}, {"", *view.came}
    fits = [(old, new) for old, new in pairs if old in gone and new in came]
    if len(fits) > 1:
        return line, ""
    return fits[0] if fits else pairs[0]


def _view(visit: Visit, house: House) -> ChangeView:
    deciders = {one.person for one in who_decides(house.boundary)}
    if not visit.viewer().may("deployments") and visit.person not in deciders:
        raise Stopped(NO_SUCH_PAGE)
    with house.store.reading() as connection:
        found = one_change(connection, house.boundary, visit.path["source"], visit.path["table"])
    if found is None:
        raise Stopped(NO_SUCH_PAGE)
    return found


def _address(house: House, view: ChangeView) -> str:
    return f"/deployments/{house.deployment.charter.name}/changes/{view.source}/{view.table}"


def _page(visit: Visit, house: House, problem: Problem | None) -> Page:
    view, people = _view(visit, house), who_decides(house.boundary)
    name = f"{view.source}.{view.table}"
    with house.store.reading() as connection:
        waiting = batches(connection, house.boundary, name, waiting=True) if view.fed else ()
    return Page(
        template="schema.html",
        title=f"The columns of {name} changed: is that right?" if view.digest else f"The columns of {name}",
        data={
            "deployment": house.deployment.charter.name,
            "view": view,
            "batches": waiting,
            "who": people,
            "mine": visit.person in {one.person for one in people},
            "address": _address(house, view),
            "may_data": visit.viewer().may("deployments"),
            "may_entries": visit.viewer().may("entries"),
            "problem": problem,
            "given": {name: visit.form.get(name, "") for name in ("names", "reason")},
        },
        house=house,
        status=problem.status if problem else 200,
    )
