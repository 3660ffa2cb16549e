"""Effects, and settling one: what is under way or unclear, and the one form that says what became of it."""

from __future__ import annotations

from typing import Any

from bridgehead.assemble import House
from bridgehead.doors.console.problem import NO_SUCH_PAGE, ODD_FORM, Problem, Stopped
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.enforce.settlement import Answer as Settling
from bridgehead.enforce.settlement import settle_by_person
from bridgehead.explain import CaseView, EffectLine, case_view, list_effects
from bridgehead.kernel.errors import SettlementError

REFRESH = 10
ANSWERS: dict[str, Settling] = {"happened": "happened", "did-not": "did-not", "leave": "leave"}
WHICH = ("open", "unknown", "all")
SAID = {
    "happened": "It happened",
    "did-not": "It did not happen",
    "leave": "Nobody can tell",
}


def show_list(visit: Visit) -> Answer:
    """The effects of every house that the person may see, what they may settle first."""
    asked = visit.query.get("which", "")
    which: Any = asked if asked in WHICH else "open"
    lines: list[tuple[str, EffectLine]] = []
    more = False
    for name, house in visit.houses.items():
        with house.store.reading() as connection:
            found = list_effects(connection, house.boundary_of, visit.viewers[name], which=which)
        lines += [(name, line) for line in found.lines]
        more = more or found.more
    lines.sort(key=lambda pair: (not pair[1].mine, not pair[1].answerable, pair[1].since))
    return Page(
        template="effects.html",
        title=_title(lines),
        data={
            "effects": [{"deployment": name, "line": line} for name, line in lines],
            "which": which,
            "more": more,
        },
        house=visit.home,
        own_banner=True,
        refresh=REFRESH,
        notice=_just_settled(visit),
    )


def show_effect(visit: Visit) -> Answer:
    """One effect: what was meant, sent and asked; and three answers after it."""
    house = visit.house()
    return _page(visit, house, _view(visit, house), None)


def settle(visit: Visit) -> Answer:
    """Take the person's answer, through the same call the command line uses; then back to the list."""
    house, given = visit.house(), ANSWERS.get(visit.form["answer"])
    if given is None:
        raise Stopped(ODD_FORM)
    view = _view(visit, house)
    try:
        settle_by_person(
            house.boundary_of(view.rules),
            view.case.run,
            view.case.position,
            by=visit.principal(),
            answer=given,
            digest=visit.form["digest"],
            reason=visit.form["reason"],
            receipt=visit.form["receipt"].strip() or None,
        )
    except SettlementError as error:
        status = 422 if error.code in ("BH-SET-006", "BH-SET-008") else 409
        return _page(visit, house, _view(visit, house), Problem.of(error, status))
    name = house.deployment.charter.name
    return Go(to=f"/effects?settled={view.case.run}~{view.case.position}&as={given}&in={name}")


def _view(visit: Visit, house: House) -> CaseView:
    with house.store.reading() as connection:
        found = case_view(
            connection, house.boundary_of, visit.viewer(), visit.path["run"], visit.path["position"]
        )
    if found is None:
        raise Stopped(NO_SUCH_PAGE)
    return found


def _page(visit: Visit, house: House, view: CaseView, problem: Problem | None) -> Page:
    return Page(
        template="effect.html",
        title=view.case.title,
        data={
            "deployment": house.deployment.charter.name,
            "view": view,
            "problem": problem,
            "reason": visit.form.get("reason", ""),
            "receipt": visit.form.get("receipt", ""),
            "may_runs": visit.viewer().may("runs"),
        },
        house=house,
        own_banner=True,
        status=problem.status if problem else 200,
    )


def _just_settled(visit: Visit) -> dict[str, Any] | None:
    """Return what the person settled just now, read from the record, not from the address."""
    house = visit.houses.get(visit.query.get("in", ""))
    run, _, position = visit.query.get("settled", "").partition("~")
    if house is None or not position:
        return None
    viewer = visit.viewers[house.deployment.charter.name]
    with house.store.reading() as connection:
        found = case_view(connection, house.boundary_of, viewer, run, position)
    if found is None:
        return None
    said = SAID.get(visit.query.get("as", ""), "Settled")
    return {"view": found, "said": said, "deployment": house.deployment.charter.name}


def _title(lines: list[tuple[str, EffectLine]]) -> str:
    mine = sum(1 for _, line in lines if line.mine)
    if mine:
        return "One effect waits for you" if mine == 1 else f"{mine} effects wait for you"
    return "No effect waits for you" if lines else "No effect is open"
