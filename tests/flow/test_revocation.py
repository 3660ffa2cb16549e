"""A yes can be taken back until it is used; afterwards it is on record, and only undo helps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridgehead.enforce.delegate import give
from bridgehead.enforce.revoke import Revocation, revoke
from bridgehead.enforce.stop import lift_stop, set_stop
from bridgehead.explain import story, why
from bridgehead.kernel.errors import ApprovalError
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.questions import HUGE, LARGE, asked


def take_back(desk: Desk, person: str, approval: str, reason: str = "I was wrong") -> Revocation:
    return revoke(desk.house.boundary, approval, desk.person(person), reason)


def code(desk: Desk, person: str, approval: str, reason: str = "I was wrong") -> str:
    with pytest.raises(ApprovalError) as fault:
        take_back(desk, person, approval, reason)
    return fault.value.code


async def test_a_yes_taken_back_before_its_use_stops_the_action(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    question = desk.question()
    desk.vote("maya")
    found = take_back(desk, "maya", question.id)
    assert found.in_time
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.revoked"]
    assert desk.shop.refunds == []
    entry = desk.entries("approval.revoked", run)[-1]
    assert (entry["actor"], entry["approval"]["answer"]) == ("human:maya", "in time")
    assert desk.bodies("approval.revoked", run)[-1]["reason"] == "I was wrong"


async def test_one_of_several_is_enough_and_before_the_others_answered_too(desk: Desk) -> None:
    run = desk.start(IDENTIFY, HUGE)
    await desk.work()
    question = desk.question()
    desk.vote("maya")
    assert take_back(desk, "maya", question.id).in_time
    with pytest.raises(ApprovalError) as late:
        desk.vote("tomas", question=question)
    assert late.value.code == "BH-APR-002"
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.revoked"]


async def test_afterwards_it_is_on_record_and_says_what_is_left(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    question = desk.question()
    desk.vote("maya")
    await desk.work()
    found = take_back(desk, "maya", question.id)
    assert not found.in_time
    assert found.words.endswith("Its effect is final: no action takes it back.")
    assert desk.approval(question.id).state == "used"
    assert desk.entries("approval.revoked", run)[-1]["approval"]["answer"] == "too late"
    assert desk.shop.refunds == [("o1", "150")]
    assert code(desk, "maya", question.id) == "BH-APR-026"  # once is enough


async def test_too_late_for_what_can_be_taken_back_names_the_undo(desk: Desk) -> None:
    desk.add(
        '@id("address.ask")\n@words("Leads look at addresses.")\n@ask("go-ahead")\n'
        'forbid (principal, action == BH::Action::"change_address", resource)\n'
        'unless { context.approvals.contains("go-ahead") };\n'
    )
    run = desk.start(IDENTIFY, act("change_address", order_id="o1", address="2 Lane"))
    await desk.work()
    question = desk.question()
    desk.vote("maya")
    await desk.work()
    found = take_back(desk, "maya", question.id)
    assert not found.in_time
    assert found.words.endswith(f"To have it undone: bridgehead undo {run}")
    assert desk.shop.orders["o1"]["address"] == "2 Lane"


async def test_only_who_agreed_takes_it_back_and_says_why(desk: Desk) -> None:
    question = await asked(desk)
    assert code(desk, "maya", question.id) == "BH-APR-025"
    desk.vote("maya")
    assert code(desk, "tomas", question.id) == "BH-APR-025"
    assert code(desk, "olga", question.id) == "BH-APR-025"
    assert code(desk, "maya", question.id, "  ") == "BH-APR-027"
    assert code(desk, "maya", "apr_none") == "BH-APR-001"
    assert desk.entries("approval.revoked") == []


async def test_people_read_who_took_a_yes_back_and_why(desk: Desk) -> None:
    early, late = [desk.start(IDENTIFY, LARGE, key=key) for key in ("early", "late")]
    await desk.work()
    questions = {desk.approval(each.id).run: each for each in desk.questions()}
    desk.vote("maya", question=questions[early])
    take_back(desk, "maya", questions[early].id)
    await desk.work()
    desk.vote("maya", question=questions[late])
    await desk.work()
    take_back(desk, "maya", questions[late].id)
    assert said(desk, early).endswith("took the yes back at 2 Mar 2026, 09:00 UTC, because: I was wrong.")
    assert "09:00 UTC, after it was used, because: I was wrong." in said(desk, late)


def said(desk: Desk, run: str) -> str:
    """Return the sentence about the yes that was taken back."""
    with desk.house.store.reading() as connection:
        told = story(connection, desk.house.ledger, desk.house.deployment.charter, run)
    assert told is not None
    (sentence,) = [each.words for each in why(told) if "took the yes back" in each.words]
    return sentence


async def test_nothing_is_left_of_a_question_that_was_refused(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, HUGE)
    desk.vote("maya")
    desk.vote("tomas", "refuse")
    assert code(desk, "maya", question.id) == "BH-APR-026"


async def test_the_delegator_takes_back_what_was_agreed_in_their_place(desk: Desk) -> None:
    question = await asked(desk)
    until = desk.clock.now() + timedelta(hours=1)
    give(desk.house.boundary, desk.person("maya"), "rhea", ["large-refund"], until=until)
    desk.vote("rhea")
    assert take_back(desk, "maya", question.id).in_time


async def test_a_yes_that_waits_behind_a_stop_can_be_taken_back(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    question = desk.question()
    desk.vote("maya")
    set_stop(desk.house.boundary, desk.person("olga"), "look first")
    await desk.work()
    assert take_back(desk, "maya", question.id).in_time
    lift_stop(desk.house.boundary, desk.person("olga"), "go on")
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.revoked"]


async def test_an_ended_run_is_not_woken(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    question = desk.question()
    desk.vote("maya")
    desk.clock.advance(2 * 3600)  # too old to be used
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.spent"]
    take_back(desk, "maya", question.id)
    await desk.work()
    assert len(desk.entries("run.ended", run)) == 1


async def test_too_late_and_then_it_did_not_happen_it_is_not_sent_again(desk: Desk) -> None:
    """The answer is lost, the yes is wanted back meanwhile, and the probe proves that nothing happened."""
    desk.system.will("refund", Fails("unknown"))
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    question = desk.question()
    desk.vote("maya")
    await desk.work()
    assert desk.approval(question.id).state == "used"
    assert not take_back(desk, "maya", question.id).in_time
    desk.clock.advance(131)
    await desk.work()
    assert desk.approval(question.id).state == "revoked"
    assert desk.ended(run)[-1]["rules"] == ["approval.revoked"]
    assert desk.shop.refunds == []
