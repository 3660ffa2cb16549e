"""Inbox and Decision: what waits for people, and the one place where they answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from bridgehead.assemble import House
from bridgehead.doors.console.problem import NO_SUCH_PAGE, ODD_FORM, Problem, Stopped
from bridgehead.doors.console.visit import Answer, Go, Page, Visit
from bridgehead.enforce.approve import Answer as Answered
from bridgehead.enforce.approve import vote
from bridgehead.explain import QuestionView, inbox, question
from bridgehead.explain.batches import BatchLine, batches, who_decides
from bridgehead.explain.schema_changes import one_change, open_changes
from bridgehead.explain.undo import undo_for, undo_view
from bridgehead.explain.undos import undo_of
from bridgehead.kernel.errors import ApprovalError

REFRESH = 10
ANSWERS: dict[str, Answered] = {"approve": "approve", "refuse": "refuse"}


def show_inbox(visit: Visit) -> Answer:
    """The questions of every house that the person's groups are asked, by due time."""
    waiting: list[tuple[str, Any]] = []
    answered: list[tuple[str, Any]] = []
    apart: list[tuple[str, BatchLine]] = []
    changed: list[tuple[str, str, str]] = []
    opened, more = [], 0
    for name, house in visit.houses.items():
        if not visit.viewers[name].may("inbox"):
            continue
        with house.store.reading() as connection:
            found = inbox(connection, house.boundary, visit.viewers[name])
            apart += [(name, each) for each in _apart(visit, connection, house)]
            changed += [(name, *each) for each in _changed(visit, connection, house)]
        waiting += [(name, item) for item in found.waiting]
        answered += [(name, item) for item in found.answered]
        opened.append({"deployment": name, "figure": found.open})
        more += found.more
    waiting.sort(key=lambda pair: (not pair[1].mine, pair[1].due_at, pair[1].id))
    answered.sort(key=lambda pair: pair[1].at, reverse=True)
    return Page(
        template="inbox.html",
        title=_inbox_title(waiting, len(apart), len(changed)),
        data={
            "apart": [{"deployment": name, "batch": each} for name, each in apart],
            "changed": [{"deployment": name, "table": each, "since": at} for name, each, at in changed],
            "waiting": [{"deployment": name, "item": item} for name, item in waiting],
            "answered": [{"deployment": name, "item": item} for name, item in answered[:5]],
            "open": opened,
            "more": more,
        },
        house=visit.home,
        stand_in=any(item.stand_in for _, item in waiting),
        refresh=REFRESH,
        notice=_just_answered(visit),
    )


def show_decision(visit: Visit) -> Answer:
    """One question with everything it rests on, and the two buttons after it."""
    house = visit.house()
    return _decision_page(visit, house, view_of(visit, house), None)


def answer(visit: Visit) -> Answer:
    """Take the person's answer, through the same call every door uses; then open the next question."""
    house, given = visit.house(), ANSWERS.get(visit.form["answer"])
    if given is None:
        raise Stopped(ODD_FORM)
    before = view_of(visit, house)
    try:
        vote(
            house.boundary,
            before.id,
            voter=visit.principal(),
            answer=given,
            digest=visit.form["digest"],
            reason=visit.form["reason"].strip(),
        )
    except ApprovalError as error:
        if not _same_answer_again(visit, before, given):
            return _decision_page(visit, house, view_of(visit, house), Problem.of(error))
    name = house.deployment.charter.name
    if before.next:
        return Go(to=f"/deployments/{name}/approvals/{before.next}?answered={before.id}&in={name}")
    # Who answers without having an inbox, as an owner does who is asked about an undo, stays on the question.
    home = "/inbox" if visit.may("inbox") else f"/deployments/{name}/approvals/{before.id}"
    return Go(to=f"{home}?answered={before.id}&in={name}")


def _same_answer_again(visit: Visit, seen: QuestionView, given: str) -> bool:
    """A double click sends the same answer twice: the second changes nothing, and sees the first's result."""
    return any(
        item.person == visit.person and item.answer == given and item.digest == visit.form["digest"]
        for item in seen.votes
    )


def view_of(visit: Visit, house: House) -> QuestionView:
    with house.store.reading() as connection:
        found = question(connection, house.boundary, visit.viewer(), visit.path["approval"])
    if found is None:
        raise Stopped(NO_SUCH_PAGE)
    return found


def _decision_page(visit: Visit, house: House, view: QuestionView, problem: Problem | None) -> Page:
    changed = problem is not None and visit.form.get("digest", "") != view.digest
    asked = view.question
    with house.store.reading() as connection:
        plan = _plan(connection, visit, view)
    return Page(
        template="decision.html",
        title=asked.title if asked else "A question whose content was erased",
        data={
            "deployment": house.deployment.charter.name,
            "view": view,
            "undo": plan,
            "problem": problem,
            "changed": changed or bool(view.successor),
            "reason": visit.form.get("reason", ""),
        },
        house=house,
        stand_in=bool(asked and asked.stand_in),
        own_banner=True,
        status=problem.status if problem else 200,
        notice=_just_answered(visit),
    )


def _plan(connection: Connection, visit: Visit, view: QuestionView) -> dict[str, Any] | None:
    """Return the undo a question is about: what it comes to in a sentence, and whether this is its plan."""
    found = undo_of(connection, view.run)
    about = undo_view(connection, found) if found else None
    if about is None:
        return None
    seen = undo_for(connection, visit.house().boundary, visit.viewer(), found) is not None
    return {"id": found, "sentence": about.sentence, "whole": view.run == about.run, "seen": seen}


def _just_answered(visit: Visit) -> dict[str, Any] | None:
    """Return what the person answered just now, read from the record, not from the address."""
    house = visit.houses.get(visit.query.get("in", ""))
    approval = visit.query.get("answered", "")
    if house is None or not approval:
        return None
    there = replace(visit, path={"deployment": house.deployment.charter.name, "approval": approval})
    try:
        view = view_of(there, house)
    except Stopped:
        return None
    mine = [item for item in view.votes if item.person == visit.person]
    return {"view": view, "vote": mine[0], "deployment": house.deployment.charter.name} if mine else None


def _apart(visit: Visit, connection: Connection, house: House) -> list[BatchLine]:
    """Return the batches that were kept apart and wait for this very person."""
    if visit.person not in {one.person for one in who_decides(house.boundary)}:
        return []
    waiting = batches(connection, house.boundary, waiting=True)
    return [each for each in waiting if visit.person not in {word.person for word in each.words}]


def _changed(visit: Visit, connection: Connection, house: House) -> list[tuple[str, str]]:
    """Return the tables whose columns changed, with since when, to which this person has not answered."""
    if visit.person not in {one.person for one in who_decides(house.boundary)}:
        return []
    found = []
    for table, since in open_changes(connection).items():
        view = one_change(connection, house.boundary, *table.split(".", 1))
        if view is not None and visit.person not in {each.person for each in view.said}:
            found.append((table, since))
    return found


def _inbox_title(waiting: list[tuple[str, Any]], apart: int, changed: int) -> str:
    mine = sum(1 for _, item in waiting if item.mine)
    if mine == 0 and apart:
        return "A batch waits for you" if apart == 1 else f"{apart} batches wait for you"
    if mine == 0 and changed:
        return (
            "A table whose columns changed waits for you" if changed == 1 else "Changed tables wait for you"
        )
    if mine == 0:
        return "Nothing waits for you"
    return "One question waits for you" if mine == 1 else f"{mine} questions wait for you"
