"""In an emergency one person permits at once; others look at it afterwards, and nobody forgets to."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bridgehead.enforce.approve import question as read_question
from bridgehead.enforce.approve import sweep, vote
from bridgehead.enforce.emergency import Permitted, break_glass
from bridgehead.enforce.question import Question
from bridgehead.enforce.revoke import revoke
from bridgehead.kernel.errors import ApprovalError
from bridgehead.store import tables as t
from fixtures.houses import IDENTIFY, Desk
from fixtures.questions import HUGE, LARGE, asked, emergency


def permit(desk: Desk, person: str, question: Question, reason: str = "the shop burns") -> Permitted:
    return break_glass(desk.house.boundary, question.id, desk.person(person), question.digest(), reason)


def code(desk: Desk, person: str, question: Question, reason: str = "the shop burns") -> str:
    before = len(desk.entries())
    with pytest.raises(ApprovalError) as fault:
        permit(desk, person, question, reason)
    assert len(desk.entries()) == before
    return fault.value.code


def shown(desk: Desk, id: str) -> Question:
    with desk.house.store.reading() as connection:
        return read_question(desk.house.boundary, connection, id)


def answer(desk: Desk, person: str, review: Question, said: Any = "approve") -> Any:
    return vote(desk.house.boundary, review.id, desk.person(person), said, review.digest(), "I looked")


async def test_it_is_done_at_once_and_a_review_opens_with_it(desk: Desk) -> None:
    run = emergency(desk).start(IDENTIFY, LARGE)
    await desk.work()
    question = desk.question()
    done = permit(desk, "rhea", question)
    await desk.work()
    assert desk.shop.refunds == [("o1", "150")]
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.entries("action.intent", run)[-1]["approval"]["by"] == ["rhea"]
    assert (desk.approval(question.id).kind, desk.approval(question.id).state) == ("emergency", "used")
    entry = desk.entries("approval.emergency", run)[-1]
    assert entry["actor"] == "human:rhea"
    assert desk.bodies("approval.emergency", run)[-1]["reason"] == "the shop burns"
    review = shown(desk, done.review)
    assert desk.approval(review.id).kind == "review"
    assert review.title.startswith("Was it in order that rhea permitted in an emergency: Refund 150")
    assert review.reasons == ("rhea said: the shop burns", "olga answers for this review.")
    assert review.due_at == "2026-03-03T09:00:00.000000Z"


async def test_others_review_it_and_the_run_is_not_woken_again(desk: Desk) -> None:
    run = emergency(desk).start(IDENTIFY, LARGE)
    await desk.work()
    done = permit(desk, "rhea", desk.question())
    await desk.work()
    review = shown(desk, done.review)
    with pytest.raises(ApprovalError) as own:
        answer(desk, "rhea", review)
    assert own.value.code == "BH-APR-022"
    assert answer(desk, "maya", review).still_needed == 1  # a lead and somebody of risk
    assert answer(desk, "lee", review).state == "approved"
    await desk.work()
    assert len(desk.entries("run.ended", run)) == 1
    assert desk.incidents() == []


async def test_an_emergency_that_was_none_is_an_incident(desk: Desk) -> None:
    await asked(emergency(desk))
    done = permit(desk, "rhea", desk.question())
    await desk.work()
    assert answer(desk, "maya", shown(desk, done.review), "refuse").state == "refused"
    (incident,) = desk.incidents()
    assert incident.kind == f"emergency:{done.review}"
    assert "maya found that the emergency was not in order: I looked" in incident.words


async def test_a_review_nobody_makes_is_an_incident_and_stays_owed(desk: Desk) -> None:
    await asked(emergency(desk))
    done = permit(desk, "rhea", desk.question())
    await desk.work()
    review = shown(desk, done.review)
    desk.clock.advance(2 * 3600)
    assert sweep(desk.house.boundary) == 1  # its own ladder: a reminder
    desk.clock.advance(22 * 3600)
    assert (sweep(desk.house.boundary), sweep(desk.house.boundary)) == (1, 0)
    (incident,) = desk.incidents()
    assert (incident.kind, incident.run) == (f"review:{review.id}", review.run)
    assert desk.bodies("finding.raised")[-1]["owner"] == "olga"
    desk.clock.advance(7 * 24 * 3600)
    sweep(desk.house.boundary)
    assert desk.approval(review.id).state == "open"
    answer(desk, "maya", review)
    assert answer(desk, "lee", review).state == "approved"


async def test_who_may_not(desk: Desk) -> None:
    question = await asked(emergency(desk))
    assert code(desk, "maya", question) == "BH-APR-030"  # a lead is not in the emergency's group
    assert code(desk, "olga", question) == "BH-APR-030"
    assert code(desk, "sam", question) == "BH-APR-004"
    assert code(desk, "rhea", question, " ") == "BH-APR-027"
    with pytest.raises(ApprovalError) as stale:
        break_glass(desk.house.boundary, question.id, desk.person("rhea"), "0" * 64, "fire")
    assert stale.value.code == "BH-APR-003"
    desk.vote("maya", "refuse")
    assert code(desk, "rhea", question) == "BH-APR-002"


async def test_nor_whoever_the_run_acts_for(desk: Desk) -> None:
    question = await asked(emergency(desk), IDENTIFY, LARGE, on_behalf="rhea")
    assert code(desk, "rhea", question) == "BH-APR-004"


async def test_every_rule_that_asks_must_know_the_emergency(desk: Desk) -> None:
    """Two leads are asked as well, and that rule has no emergency."""
    question = await asked(emergency(desk), IDENTIFY, HUGE)
    assert code(desk, "rhea", question) == "BH-APR-030"


async def test_a_rule_without_one_knows_none(desk: Desk) -> None:
    question = await asked(desk)
    with pytest.raises(ApprovalError) as fault:
        permit(desk, "rhea", question)
    assert (fault.value.code, fault.value.means) == ("BH-APR-030", "Its rules know no emergency.")


async def test_it_can_be_taken_back_before_it_is_used(desk: Desk) -> None:
    run = emergency(desk).start(IDENTIFY, LARGE)
    await desk.work()
    question = desk.question()
    done = permit(desk, "rhea", question)
    assert revoke(desk.house.boundary, question.id, desk.person("rhea"), "false alarm").in_time
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.revoked"]
    assert desk.approval(done.review).state == "open"  # that it was used is looked at all the same


async def test_even_a_yes_given_already_does_not_stand_in_the_way(desk: Desk) -> None:
    """Lee is a lead and of risk: one of two needed answers, then the emergency."""
    question = await asked(
        emergency(desk).change(
            "    who: leads\n    within: 4h\n    valid_for: 2h\n",
            "    who: 2 of leads\n    within: 4h\n    valid_for: 2h\n",
        )
    )
    desk.vote("lee")
    permit(desk, "lee", question)
    await desk.work()
    assert desk.shop.refunds == [("o1", "150")]
    with desk.house.store.reading() as connection:
        votes = connection.execute(select(t.vote.c.principal).where(t.vote.c.approval == question.id)).all()
    assert [row.principal for row in votes] == ["lee"]
