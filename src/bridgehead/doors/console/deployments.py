"""Deployments, one deployment, and its stop switch."""

from __future__ import annotations

from bridgehead.assemble import House
from bridgehead.doors.console.problem import Problem
from bridgehead.doors.console.undos import people
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.enforce.stop import lift_stop, set_stop
from bridgehead.explain import Overview, ScheduleLine, list_schedules, overview
from bridgehead.explain.data_health import TableHealth, tables
from bridgehead.explain.undos import UNDER_WAY, undos
from bridgehead.kernel.errors import ApprovalError

REFRESH = 10


def show_all(visit: Visit) -> Answer:
    """One row for each deployment the person may see."""
    found = [
        _overview(house) for name, house in visit.houses.items() if visit.viewers[name].may("deployments")
    ]
    return Page(
        template="deployments.html",
        title="One deployment" if len(found) == 1 else f"{len(found)} deployments",
        data={"deployments": found},
        stand_in=any(item.stand_ins for item in found),
        refresh=REFRESH,
    )


def show_one(visit: Visit) -> Answer:
    """The promise, the stop switch, the figures, who answers for it."""
    house = visit.house()
    with house.store.reading() as connection:
        found = undos(connection, viewer=visit.viewer())
    return Page(
        template="deployment.html",
        title=house.deployment.charter.name,
        data={
            "overview": _overview(house),
            "schedules": _schedules(house),
            "may_stop": visit.viewer().may("stop"),
            "may_lift": visit.viewer().may("lift"),
            "may_data": bool(house.deployment.charter.sources) and visit.viewer().may("data"),
            "data": _data(house),
            "may_runs": visit.viewer().may("runs"),
            "may_undo": visit.viewer().may("undo"),
            "people": people(house),
            "undos": tuple(one for one in found if one.state in UNDER_WAY),
        },
        house=house,
        refresh=REFRESH,
    )


def _data(house: House) -> tuple[TableHealth, ...]:
    with house.store.reading() as connection:
        return tables(connection, house.deployment, house.clock.now())


def ask_stop(visit: Visit) -> Answer:
    """Say what stops and what goes on, and ask once."""
    return _confirm(visit, "stop.html", "Stop", None)


def stop(visit: Visit) -> Answer:
    """Stop the deployment."""
    house = visit.house()
    set_stop(house.boundary, by=visit.principal(), reason=visit.form["reason"].strip())
    return Go(to=f"/deployments/{house.deployment.charter.name}")


def ask_resume(visit: Visit) -> Answer:
    """Say what goes on once the stop is lifted, and ask for the reason."""
    return _confirm(visit, "resume.html", "Resume", None)


def resume(visit: Visit) -> Answer:
    """Lift the stop; only the owner or the deputy can, and a reason is required."""
    house, reason = visit.house(), visit.form["reason"].strip()
    if not reason:
        return _confirm(visit, "resume.html", "Resume", REASON_MISSING)
    try:
        lift_stop(house.boundary, by=visit.principal(), reason=reason)
    except ApprovalError as error:
        return _confirm(visit, "resume.html", "Resume", Problem.of(error))
    return Go(to=f"/deployments/{house.deployment.charter.name}")


REASON_MISSING = Problem(
    status=422,
    code="BH-DOO-007",
    what="Starting again needs a reason.",
    means="The deployment is still stopped.",
    fix="Write why it is safe to go on.",
)


def _confirm(visit: Visit, template: str, verb: str, problem: Problem | None) -> Page:
    house = visit.house()
    return Page(
        template=template,
        title=f"{verb} {house.deployment.charter.name}?",
        data={"overview": _overview(house), "problem": problem, "reason": visit.form.get("reason", "")},
        house=house,
        status=problem.status if problem else 200,
    )


def _schedules(house: House) -> tuple[ScheduleLine, ...]:
    with house.store.reading() as connection:
        return list_schedules(connection, house.deployment, house.clock.now())


def _overview(house: House) -> Overview:
    with house.store.reading() as connection:
        return overview(connection, house.ledger, house.deployment, house.stand_ins().values())
