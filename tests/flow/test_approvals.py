"""Questions to people: who must agree, for how long it stays open, what a yes is good for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bridgehead.enforce.approve import expire, obstacle, sweep_beside
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.errors import ApprovalError
from fixtures.houses import IDENTIFY, Desk, act, decide

LARGE = act("refund", order_id="o1", amount=150)
HUGE = act("refund", order_id="o3", amount=1500)
DISPUTED = act("refund", order_id="o2", amount=50)
DISPUTED_AND_LARGE = act("refund", order_id="o2", amount=150)


async def asked(desk: Desk, *steps: Any, **more: Any) -> str:
    run = desk.start(IDENTIFY, *steps, **more)
    await desk.work()
    return run


def refusal(outcome: dict[str, Any], *rules: str) -> None:
    assert (outcome["is"], outcome["rules"]) == ("refused", list(rules))


# --- how many, of whom ------------------------------------------------------------------------


async def test_two_different_people_must_agree_where_the_rule_says_two(desk: Desk) -> None:
    run = await asked(desk, HUGE)
    assert (desk.question().who, desk.question().quorum) == ("2 of leads", 2)
    assert desk.vote("maya").still_needed == 1
    await desk.work()
    assert desk.shop.refunds == []
    assert desk.vote("tomas").state == "approved"
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.shop.refunds == [("o3", "1500")]
    assert desk.entries("action.intent", run)[-1]["approval"]["by"] == ["maya", "tomas"]


async def test_rules_of_two_groups_need_people_of_both(desk: Desk) -> None:
    run = await asked(desk, DISPUTED_AND_LARGE)
    assert set(desk.question().rules) == {"large-refund", "risk-look"}
    assert desk.question().who == "1 of leads and 1 of risk"
    assert desk.vote("maya").still_needed == 1
    with pytest.raises(ApprovalError) as closed:
        desk.vote("maya")
    assert closed.value.code == "BH-APR-006"
    assert desk.vote("rhea").state == "approved"
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"


async def test_somebody_in_both_groups_still_counts_once(desk: Desk) -> None:
    """Two must agree; one person in two groups is one person."""
    await asked(desk, DISPUTED_AND_LARGE)
    standing = desk.vote("lee")
    assert (standing.state, standing.still_needed) == ("open", 1)
    assert desk.vote("tomas").state == "approved"


async def test_one_no_refuses_whatever_the_others_said(desk: Desk) -> None:
    run = await asked(desk, HUGE)
    question = desk.question()
    desk.vote("maya")
    assert desk.vote("tomas", "refuse").state == "refused"
    with pytest.raises(ApprovalError) as late:
        desk.vote("lee", question=question)
    assert late.value.code == "BH-APR-002"
    await desk.work()
    refusal(desk.ended(run)[-1], "approval.refused")
    assert "I looked" in desk.ended(run)[-1]["words"]
    assert desk.shop.refunds == []


async def test_a_yes_of_somebody_who_left_meanwhile_does_not_count(desk: Desk) -> None:
    await asked(desk, HUGE)
    desk.vote("maya")
    desk.change(
        "email: maya@example.com, groups: [leads], roles: [approver]}",
        "email: maya@example.com, groups: [leads], roles: [approver], active: false}",
    ).activate()
    standing = desk.vote("tomas")
    assert (standing.state, standing.still_needed) == ("open", 1)
    assert desk.vote("lee").state == "approved"


# --- how long ---------------------------------------------------------------------------------


async def test_closing_many_old_questions_holds_nobody_up(desk: Desk) -> None:
    runs = [desk.start(decide("Go on?"), workflow="plain") for _ in range(5)]
    await desk.work()
    desk.clock.advance(30 * 24 * 3600)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await sweep_beside(desk.house.boundary)
    beside.cancel()
    assert turns >= len(runs), "everybody else has a turn while a question is closed"
    assert desk.questions() == []


async def test_silence_is_refusal(desk: Desk) -> None:
    run = await asked(desk, LARGE)
    question = desk.question()
    desk.clock.advance(4 * 3600 - 1)
    assert expire(desk.house.boundary) == 0
    desk.clock.advance(1)
    await desk.work()
    refusal(desk.ended(run)[-1], "approval.expired")
    assert desk.approval(question.id).state == "expired"
    closed = desk.entries("approval.closed", run)[-1]
    assert (closed["actor"], closed["approval"]["state"]) == ("service:clock", "expired")
    assert desk.shop.refunds == []


async def test_a_question_under_two_rules_ends_with_the_shorter_one(desk: Desk) -> None:
    await asked(desk, DISPUTED_AND_LARGE)  # 4 h and 1 d
    assert desk.question().due_at == stamp(desk.clock.now()).replace("T09", "T13")


async def test_half_a_quorum_expires_too(desk: Desk) -> None:
    run = await asked(desk, HUGE)
    desk.vote("maya")
    desk.clock.advance(4 * 3600)
    await desk.work()
    refusal(desk.ended(run)[-1], "approval.expired")


async def test_a_yes_that_waited_too_long_is_not_used(desk: Desk) -> None:
    run = await asked(desk, LARGE)
    desk.vote("maya")
    desk.clock.advance(2 * 3600)
    await desk.work()
    refusal(desk.ended(run)[-1], "approval.spent")
    assert desk.ended(run)[-1]["step"] == 6
    assert desk.shop.refunds == []


async def test_a_yes_is_used_until_the_last_moment(desk: Desk) -> None:
    run = await asked(desk, LARGE)
    desk.vote("maya")
    desk.clock.advance(2 * 3600 - 1)
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"


# --- what a yes is good for -------------------------------------------------------------------


async def test_how_long_a_yes_holds_is_the_runs_own_releases_say(desk: Desk) -> None:
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=200))
    await desk.work()
    question = desk.question()
    desk.change("valid_for: 2h", "valid_for: 90d").activate()
    desk.vote("maya")
    approval = desk.approval(question.id)
    assert unstamp(approval.valid_until) - unstamp(approval.closed_at) == timedelta(hours=2)
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"


async def test_a_yes_is_good_for_one_action_only(desk: Desk) -> None:
    run = await asked(desk, LARGE, LARGE)
    first = desk.question()
    desk.vote("maya")
    await desk.work()
    assert desk.approval(first.id).state == "used"
    assert desk.shop.refunds == [("o1", "150")]
    second = desk.question()  # the same action again is another question
    assert second.action_digest == first.action_digest
    assert second.id != first.id
    desk.vote("maya", "refuse")
    await desk.work()
    refusal(desk.ended(run)[-1], "approval.refused")
    assert desk.shop.refunds == [("o1", "150")]


async def test_a_second_refund_is_asked_about_whoever_made_the_first(desk: Desk) -> None:
    await desk.play(IDENTIFY, act("refund", order_id="o1", amount=10))
    run = await asked(desk, act("refund", order_id="o1", amount=10))
    assert desk.question().rules == ("second-refund",)
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"


async def test_a_refused_crossing_replays_as_refused(desk: Desk) -> None:
    run = await asked(desk, LARGE, decide("And now?"))
    desk.vote("maya", "refuse")
    await desk.work()
    desk.vote("maya")
    await desk.work()
    refusal(desk.ended(run)[1], "approval.refused")
    assert desk.ended(run)[2]["is"] == "done"
    assert len(desk.entries("approval.opened", run)) == 2


async def test_votes_and_their_ends_are_on_record(desk: Desk) -> None:
    run = await asked(desk, HUGE)
    desk.vote("maya")
    desk.vote("tomas")
    await desk.work()
    kinds = [entry["kind"] for entry in desk.entries(run=run)]
    assert kinds[kinds.index("action.asked") :] == [
        "action.asked",
        "approval.opened",
        "run.parked",
        "approval.voted",
        "approval.voted",
        "approval.closed",
        "action.intent",  # the order is read again before it is decided again
        "action.outcome",
        "action.intent",
        "action.outcome",
        "run.ended",
    ]
    voted = desk.entries("approval.voted", run)
    assert [entry["actor"] for entry in voted] == ["human:maya", "human:tomas"]
    assert {entry["approval"]["digest"] for entry in voted} == {
        desk.entries("approval.opened", run)[0]["approval"]["digest"]
    }
    assert desk.bodies("approval.voted", run)[0] == {"reason": "I looked", "assurance": "test"}


async def test_a_page_can_say_beforehand_whose_answer_would_not_count(desk: Desk) -> None:
    await asked(desk, LARGE)
    question = desk.question()
    codes = {}
    for person in ("maya", "ana_1", "rhea", "ivo", "sam"):
        with desk.house.store.reading() as connection:
            found = obstacle(connection, desk.house.boundary, question.id, desk.person(person))
        codes[person] = found.code if found else ""
    assert codes == {
        "maya": "",
        "ana_1": "BH-APR-004",
        "rhea": "BH-APR-005",
        "ivo": "BH-APR-007",
        "sam": "BH-APR-004",
    }
