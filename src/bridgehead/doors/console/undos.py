"""Undos: what was, is or may be taken back; one undo effect by effect; its certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection

from bridgehead.assemble import House
from bridgehead.declare.given import UNDO
from bridgehead.declare.model import Charter
from bridgehead.declare.questions import able
from bridgehead.doors.console.problem import NO_SUCH_PAGE, Problem, Stopped
from bridgehead.doors.console.visit import Answer, Page, Visit
from bridgehead.explain import Figure
from bridgehead.explain.balance import certified_money, sentence
from bridgehead.explain.undo import OUTCOME_WORDS, GroupLine, UndoView, counted, titled, undo_for
from bridgehead.explain.undos import UNDER_WAY, releases, runs_with_effects, since, undos
from bridgehead.kernel.errors import LedgerError
from bridgehead.record.verify import verify_certificate
from bridgehead.rollout.certificate import issued
from bridgehead.rollout.order import takes_over
from bridgehead.rollout.undo import maker_of

SOON, LATER = 2, 10
"""Seconds after which a page looks for news: while records are read, and while people or systems work."""
RUNS = 10
SHOWN, PAGE = 20, 200
"""Effects of each group on the page of an undo, and on a page of one group."""
RATE = "600/1m"


def show_list(visit: Visit) -> Answer:
    """What was taken back, and the releases and newest runs that may be."""
    house, viewer = visit.house(), visit.viewer()
    with house.store.reading() as connection:
        found = undos(connection, viewer=viewer)
        known = releases(connection)
        runs = runs_with_effects(connection, RUNS) if viewer.may("runs") else ()
    return Page(
        template="undos.html",
        title=_list_title(len(found), sum(one.state in UNDER_WAY for one in found)),
        data={
            "deployment": house.deployment.charter.name,
            "undos": found,
            "releases": known,
            "runs": runs,
            "may_undo": viewer.may("undo"),
            "may_runs": viewer.may("runs"),
            "people": people(house),
        },
        house=house,
        refresh=LATER,
    )


def show_one(visit: Visit) -> Answer:
    """One undo: its plan by group, how far it is, the form that orders it, what came of it."""
    return page_of(visit, None)


def page_of(visit: Visit, problem: Problem | None) -> Page:
    """Return the page of the undo the address names, with a problem on top where there is one."""
    house, viewer = visit.house(), visit.viewer()
    with house.store.reading() as connection:
        view = viewed(visit, connection)
        groups = _groups(visit, house, connection, view)
        reason = _reason(house, connection, view) if viewer.may("bodies") else ""
        before = takes_over(connection, view.target) if view.scope == "release" else None
        maker = maker_of(connection, view.scope, view.target)
        overtaken = since(connection, view.id) if view.state == "planned" else None
    form = view.state == "planned" and viewer.may("undo") and overtaken is None
    return Page(
        template="undo.html",
        title=_title(view),
        data={
            "deployment": house.deployment.charter.name,
            "undo": {one.name: getattr(view, one.name) for one in fields(view) if one.name != "items"},
            "groups": groups,
            # Before anything was agreed to, what counts is what would be done.
            "counts": _figures(view.groups if view.state in ("planned", "asking") else view.outcomes),
            "reason": reason,
            "takes_over": before or "",
            "active": house.deployment.digest == view.target,
            "since": overtaken,
            "may_order": form,
            "may_undo": viewer.may("undo"),
            "may_runs": viewer.may("runs"),
            "may_list": viewer.may("deployments"),
            "asked": _asked(house.deployment.charter, {visit.person, maker}),
            "people": people(house),
            "problem": problem,
            "given": {"reason": visit.form.get("reason", ""), "rate": visit.form.get("rate", RATE)},
        },
        house=house,
        # A page that holds a form is not replaced while somebody writes in it.
        refresh=0
        if form or view.ended_at or view.state == "dropped"
        else LATER
        if view.plan_digest
        else SOON,
        status=problem.status if problem else 200,
    )


def show_certificate(visit: Visit) -> Answer:
    """The certificate as a letter: the sentence first, then its numbers, checked as a stranger would.

    Every number is read from the signed note, not from the store.
    """
    house = visit.house()
    with house.store.reading() as connection:
        view = viewed(visit, connection)
        note = issued(house.boundary, connection, view.id)
    if not note:
        raise Stopped(NO_SUCH_PAGE)
    report = verify_certificate(note, vkey=house.ledger.vkey)
    at, _, kind = report.issued.partition(" ")
    counts, money = counted(OUTCOME_WORDS, report.counts), certified_money(report.money)
    return Page(
        template="certificate.html",
        title=f"Certificate: {view.title}",
        data={
            "deployment": house.deployment.charter.name,
            "undo": view.id,
            "of": view.title,
            "kind": kind,
            "issued_at": at,
            "sentence": sentence(view.state if kind == "final" else "running", (), counts, money),
            "ordered_by": view.ordered_by,
            "agreed_by": view.agreed_by,
            "person": view.person,
            "due_at": view.due_at,
            "entry": view.certificate_entry,
            "report": report.as_dict(),
            "counts": _figures(counts, view.certificate_entry),
            "money": money,
            "people": people(house),
            "vkey": house.ledger.vkey,
            # Its lines name runs: who may not see those is told what they come to.
            "certificate": note if visit.viewer().may("runs") else "",
        },
        house=house,
    )


def viewed(visit: Visit, connection: Connection) -> UndoView:
    """Return the undo the address names, as far as the person may see it."""
    found = undo_for(connection, visit.house().boundary, visit.viewer(), visit.path["undo"])
    if found is None:
        raise Stopped(NO_SUCH_PAGE)
    return found


def people(house: House) -> Mapping[str, str]:
    """Return the names of those who take part, by id."""
    return {one: person.name for one, person in house.deployment.charter.people.items()}


def _groups(visit: Visit, house: House, connection: Connection, view: UndoView) -> list[dict[str, Any]]:
    """Return the groups of the plan with their effects: the first of each, or a page of the one asked for."""
    asked, first = visit.query.get("group", ""), visit.query.get("from", "")
    start = int(first) if asked and first.isdecimal() and len(first) < 9 else 0
    found = []
    for line in view.groups:
        if asked not in ("", line.group):
            continue
        items = [item for item in view.items if item.group == line.group]
        shown = items[start : start + PAGE] if asked else items[:SHOWN]
        found.append(
            {
                "group": line.group,
                "words": line.words,
                "number": line.number,
                "items": titled(connection, house.boundary_of, shown),
                "more": max(0, len(items) - start - len(shown)),
                "next": start + len(shown) if asked else 0,
            }
        )
    return found


def _asked(charter: Charter, barred: set[str]) -> tuple[str, ...]:
    """Return who could agree: never whoever orders it, nor whoever made the release active."""
    able_ = able(charter, charter.approvals[UNDO])
    return tuple(charter.people[one].name for one in able_ if one not in barred)


def _reason(house: House, connection: Connection, view: UndoView) -> str:
    """Return why it was ordered; empty where no reason was given, or it was erased."""
    if view.ordered_entry is None:
        return ""
    try:
        return str(house.ledger.body(connection, view.ordered_entry)["reason"])
    except LedgerError:
        return ""


def _figures(lines: tuple[GroupLine, ...], entry: int | None = None) -> tuple[Figure, ...]:
    """Return how many effects came to what, each naming what it rests on."""
    source: dict[str, Any] = {"query": "undo-effects"} if entry is None else {"entries": (entry,)}
    return tuple(Figure(label=line.words, value=str(line.number), **source) for line in lines)


def _list_title(all_: int, open_: int) -> str:
    if open_:
        return "One undo is under way" if open_ == 1 else f"{open_} undos are under way"
    return "What was taken back" if all_ else "Nothing was taken back yet"


def _title(view: UndoView) -> str:
    what = f"{view.title[:1].upper()}{view.title[1:]}"
    stopped = "is stopped; " if view.scope == "release" else ""
    return {
        "looking": f"{what}: a plan is being made",
        "planned": f"{what}: take it back?",
        "dropped": f"{what}: this plan was dropped",
        "stopping": f"{what} {stopped or 'comes to rest; '}a plan is being made",
        "asking": f"{what} {stopped}waits for a yes to take it back",
        "running": f"{what} is being taken back",
        "ended": f"{what} {_ended(view)}",
        "refused": f"{what} is not taken back",
    }[view.state]


def _ended(view: UndoView) -> str:
    numbers = {line.group: line.number for line in view.outcomes}
    standing = sum(numbers.values()) - numbers.get("nothing", 0)
    if not standing:
        return "left nothing to take back"
    undone = numbers.get("undone", 0)
    return "was taken back" if undone == standing else "was taken back in part" if undone else "still stands"
