"""What is asked changes: because a person changed the action, or because the world did. Either way the old
yes is void, others see what is different, and the workflow's journal stays what it was."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bridgehead.enforce.edit import propose
from bridgehead.enforce.question import Question
from bridgehead.enforce.stop import lift_stop, set_stop
from bridgehead.kernel.errors import ApprovalError
from bridgehead.store import tables as t
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.questions import HUGE, LARGE, asked, editable


def change(desk: Desk, person: str, question: Question, reason: str = "too much", **values: Any) -> Any:
    return propose(desk.house.boundary, question.id, desk.person(person), values, question.digest(), reason)


def code(desk: Desk, person: str, question: Question, reason: str = "too much", **values: Any) -> str:
    with pytest.raises(ApprovalError) as fault:
        change(desk, person, question, reason, **values)
    return fault.value.code


# --- a person changes it ----------------------------------------------------------------------


async def test_what_is_done_is_what_others_agreed_to(desk: Desk) -> None:
    run = editable(desk).start(IDENTIFY, LARGE)
    await desk.work()
    first = desk.question()
    assert change(desk, "maya", first, amount=120).state == "superseded"
    await desk.work()
    second = desk.question()
    assert (second.supersedes, second.changed_by) == (first.id, "maya")
    shown = {each.name: (each.was, each.now) for each in second.changed}
    assert shown["argument amount"] == ("150", "120")
    assert shown["amount"] == ("150.00 USD", "120.00 USD")
    assert "subject" not in shown
    assert desk.vote("tomas").state == "approved"
    await desk.work()
    assert desk.ended(run)[-1] == {"is": "done", "value": {"refunded": "120"}}
    assert desk.shop.refunds == [("o1", "120")]


async def test_both_are_on_record_and_the_intent_names_the_change(desk: Desk) -> None:
    run = editable(desk).start(IDENTIFY, LARGE)
    await desk.work()
    change(desk, "maya", desk.question(), amount=120)
    await desk.work()
    desk.vote("tomas")
    await desk.work()
    edited = desk.bodies("approval.edited", run)[-1]
    assert (edited["asked"]["amount"], edited["arguments"]["amount"]) == (150, 120)
    assert (edited["by"], edited["reason"]) == ("maya", "too much")
    intent = desk.entries("action.intent", run)[-1]
    with desk.house.store.reading() as connection:
        edited_at = select(t.entry.c.leaf).where(t.entry.c.kind == "approval.edited")
        assert intent["refs"] == [connection.execute(edited_at).scalar_one().hex()]
    assert desk.bodies("action.intent", run)[-1]["arguments"]["amount"] == 120
    closed = [e["approval"]["state"] for e in desk.entries("approval.closed", run)]
    assert closed == ["superseded", "approved"]


async def test_the_journal_binds_to_what_the_workflow_asks_and_replays_to_the_bit(desk: Desk) -> None:
    """The run waits once more afterwards, so its code runs again over the changed crossing."""
    run = editable(desk).start(IDENTIFY, LARGE, ("decide", "go-ahead", {"question": "And now?"}))
    await desk.work()
    first = desk.question()
    change(desk, "maya", first, amount=120)
    await desk.work()
    desk.vote("tomas")
    await desk.work()
    before = [dict(row._mapping) for row in desk.crossings(run)]
    desk.close()
    desk.reopen()
    desk.vote("maya")
    await desk.work()
    ended = desk.ended(run)
    assert [each["is"] for each in ended] == ["done"] * 3
    assert ended[1]["value"] == {"refunded": "120"}
    after = [dict(row._mapping) for row in desk.crossings(run)]
    assert after[: len(before) - 1] == before[:-1]  # the last one is the question that was still open
    assert before[1]["action_digest"] == first.action_digest
    assert desk.shop.refunds == [("o1", "120")]


async def test_whoever_changed_it_has_no_part_in_the_answer(desk: Desk) -> None:
    editable(desk)
    await asked(desk)
    change(desk, "maya", desk.question(), amount=120)
    await desk.work()
    with pytest.raises(ApprovalError) as fault:
        desk.vote("maya")
    assert fault.value.code == "BH-APR-021"


async def test_it_is_asked_even_where_the_changed_action_needs_nobody(desk: Desk) -> None:
    """20 USD is below every limit; a changed action is never done without a new yes."""
    run = editable(desk).start(IDENTIFY, LARGE)
    await desk.work()
    change(desk, "maya", desk.question(), amount=20)
    await desk.work()
    assert desk.question().rules == ("large-refund",)
    assert desk.shop.refunds == []
    desk.vote("tomas")
    await desk.work()
    assert desk.shop.refunds == [("o1", "20")]
    assert desk.ended(run)[-1]["is"] == "done"


async def test_the_rules_look_at_the_changed_action(desk: Desk) -> None:
    """Above what the customer paid nobody may go, and above 1000 two leads are asked."""
    run = editable(desk).start(IDENTIFY, LARGE)
    await desk.work()
    change(desk, "maya", desk.question(), amount=600)
    await desk.work()
    assert "refund.not-more-than-paid" in desk.ended(run)[-1]["rules"]
    other = desk.start(IDENTIFY, act("refund", order_id="o3", amount=150))
    await desk.work()
    change(desk, "maya", desk.question(), amount=1500)
    await desk.work()
    assert set(desk.question().rules) == {"large-refund", "two-leads"}
    assert desk.vote("tomas").still_needed == 1
    assert desk.vote("lee").state == "approved"
    await desk.work()
    assert desk.ended(other)[-1]["is"] == "done"


async def test_a_changed_question_can_be_changed_again(desk: Desk) -> None:
    run = editable(desk).start(IDENTIFY, LARGE)
    await desk.work()
    first = desk.question()
    change(desk, "maya", first, amount=120)
    await desk.work()
    change(desk, "tomas", desk.question(), amount=110)
    await desk.work()
    third = desk.question()
    assert third.changed_by == "tomas"
    assert ("120", "110") in {(each.was, each.now) for each in third.changed}
    desk.vote("lee")
    await desk.work()
    assert desk.shop.refunds == [("o1", "110")]
    assert desk.ended(run)[-1]["is"] == "done"


async def test_a_no_to_the_change_refuses_the_whole(desk: Desk) -> None:
    run = editable(desk).start(IDENTIFY, LARGE)
    await desk.work()
    change(desk, "maya", desk.question(), amount=120)
    await desk.work()
    desk.vote("tomas", "refuse")
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.refused"]
    assert desk.shop.refunds == []


async def test_an_effect_nobody_heard_back_from_is_asked_about_as_it_was_sent(desk: Desk) -> None:
    from bridgehead.testing import Fails

    run = editable(desk).start(IDENTIFY, LARGE)
    await desk.work()
    change(desk, "maya", desk.question(), amount=120)
    await desk.work()
    desk.system.will("refund", Fails(after=True))
    desk.vote("tomas")
    await desk.work()
    assert desk.crossings(run, "refund")[0].state == "unknown"
    desk.clock.advance(131)
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"  # the probe found 120, not 150
    assert desk.shop.refunds == [("o1", "120")]


async def test_what_may_not_be_changed(desk: Desk) -> None:
    question = await asked(editable(desk))
    assert code(desk, "maya", question, order_id="o2") == "BH-APR-028"
    assert code(desk, "maya", question, customer="bo_2") == "BH-APR-028"
    assert code(desk, "maya", question, amount=-1) == "BH-APR-029"
    assert code(desk, "maya", question, amount="all") == "BH-APR-029"
    assert code(desk, "maya", question, amount=150) == "BH-APR-029"
    assert code(desk, "maya", question, "", amount=120) == "BH-APR-027"
    assert code(desk, "rhea", question, amount=120) == "BH-APR-005"
    assert code(desk, "sam", question, amount=120) == "BH-APR-004"
    assert code(desk, "ana_1", question, amount=120) == "BH-APR-004"
    assert desk.question() == question


async def test_without_the_charter_nothing_may_be_changed(desk: Desk) -> None:
    assert code(desk, "maya", await asked(desk), amount=120) == "BH-APR-028"


# --- the world changes it ---------------------------------------------------------------------


async def test_a_yes_to_what_is_not_so_any_more_is_void_and_people_see_what_changed(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    first = desk.question()
    desk.vote("maya")
    desk.shop.orders["o1"]["paid"] = "400"  # before the run goes on
    await desk.work()
    second = desk.question()
    assert desk.approval(first.id).state == "superseded"
    assert second.supersedes == first.id
    assert [(each.name, each.was, each.now) for each in second.changed] == [
        ("paid, as read", "500.00", "400.00")
    ]
    assert desk.entries("approval.closed", run)[-1]["approval"]["state"] == "superseded"
    assert desk.entries("approval.opened", run)[-1]["approval"]["supersedes"] == first.id
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"


async def test_a_yes_taken_back_is_not_asked_again_because_something_else_changed(desk: Desk) -> None:
    from bridgehead.enforce.revoke import revoke

    run = desk.start(IDENTIFY, HUGE)
    await desk.work()
    first = desk.question()
    desk.vote("maya")
    desk.vote("tomas")
    set_stop(desk.house.boundary, desk.person("olga"), "look")
    await desk.work()
    desk.shop.orders["o3"]["paid"] = "4000"
    revoke(desk.house.boundary, first.id, desk.person("maya"), "no")
    lift_stop(desk.house.boundary, desk.person("olga"), "on")
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.revoked"]
