"""Promise 7: a bad release is undone, not only switched off; its effects are counted to the last one."""

from __future__ import annotations

import pytest

from bridgehead.kernel.canonical import digest
from bridgehead.kernel.errors import ApprovalError, BridgeheadError
from bridgehead.testing import Fails, Refuses
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.undoing import Undoing

MOVE = act("change_address", order_id="o1", address="2 Lane")
MOVE_AGAIN = act("change_address", order_id="o1", address="3 Alley")
MOVE_OTHER = act("change_address", order_id="o2", address="9 Hill")
REFUND = act("refund", order_id="o1", amount=20)


@pytest.fixture
def undoing(desk: Desk) -> Undoing:
    return Undoing(desk)


async def test_what_can_be_taken_back_is_and_what_cannot_is_handed_over(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE_OTHER, REFUND)
    undo = await undoing.take_back()
    assert undoing.groups(undo) == ["impossible", "automatic"]
    assert undoing.outcomes(undo) == ["impossible", "undone"]
    assert desk.shop.orders["o2"]["address"] == "1 Road"
    assert desk.shop.refunds == [("o1", "20")]
    refund = undoing.items(undo)[0]
    assert refund.person == "olga" and refund.due_at
    assert "credit or charge 20.00 USD" in refund.why
    said = undoing.certificate(undo)
    assert said.ok, said.problems
    assert (said.effects, said.counts["undone"], said.counts["impossible"]) == (2, 1, 1)
    assert said.money == {
        "USD": {"moved": "20.00", "taken-back": "0.00", "remaining": "20.00", "unclear": "0.00"}
    }
    assert undoing.row(undo).state == "ended"


async def test_a_release_that_renamed_a_workflow_is_undone_too(desk: Desk) -> None:
    assert desk.house.deployment.digest
    desk.change("workflows:\n  case:", "workflows:\n  claim:")
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, MOVE, workflow="claim")
    undo = await undoing.take_back()
    assert desk.reopen().deployment.digest == undoing.good
    assert undoing.outcomes(undo) == ["undone"]
    assert desk.shop.orders["o1"]["address"] == "1 Road"


async def test_the_traffic_goes_back_at_once_and_the_bad_release_never_comes_back(
    desk: Desk, undoing: Undoing
) -> None:
    await desk.play(IDENTIFY, MOVE)
    undoing.order()
    assert desk.reopen().deployment.digest == undoing.good
    later = desk.start(IDENTIFY, MOVE_OTHER)
    assert desk.row(later).release == undoing.good
    with pytest.raises(BridgeheadError) as refused:
        desk.activate()
    assert refused.value.code == "BH-ASM-007"


async def test_nothing_is_taken_back_before_somebody_agrees_and_nothing_if_they_refuse(
    desk: Desk, undoing: Undoing
) -> None:
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await desk.work()
    assert undoing.row(undo).state == "asking"
    assert desk.shop.orders["o1"]["address"] == "2 Lane"
    desk.vote("dan", "refuse")
    await desk.work()
    assert (undoing.row(undo).state, undoing.outcomes(undo)) == ("refused", ["refused"])
    assert desk.shop.orders["o1"]["address"] == "2 Lane"
    said = undoing.certificate(undo)
    assert said.ok and said.counts["refused"] == 1


async def test_nobody_agrees_to_an_undo_they_ordered(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE)
    undoing.order(by="olga")
    await desk.work()
    with pytest.raises(ApprovalError) as refused:
        desk.vote("olga")
    assert refused.value.code == "BH-APR-004"
    desk.vote("dan")


async def test_who_only_answers_questions_orders_no_undo(desk: Desk, undoing: Undoing) -> None:
    with pytest.raises(BridgeheadError) as refused:
        undoing.order(by="maya")
    assert refused.value.code == "BH-UND-003"
    assert desk.house.deployment.digest == undoing.bad


async def test_effects_on_one_record_are_taken_back_last_first(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE)
    await desk.play(IDENTIFY, MOVE_AGAIN)
    undo = await undoing.take_back()
    first, second = undoing.items(undo)
    assert (first.after, second.after) == (0, 1)
    assert undoing.outcomes(undo) == ["undone", "undone"]
    assert desk.shop.orders["o1"]["address"] == "1 Road"
    sent = [call.arguments["address"] for call in desk.system.calls if call.operation == "change_address"]
    assert sent == ["2 Lane", "3 Alley", "2 Lane", "1 Road"]


async def test_what_somebody_changed_since_is_left_as_it_is(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE, MOVE_OTHER)
    desk.shop.orders["o1"]["address"] = "5 Quay"  # a person, in the shop itself
    undo = await undoing.take_back()
    assert undoing.outcomes(undo) == ["undone", "skipped"]
    assert desk.shop.orders["o1"]["address"] == "5 Quay"
    assert desk.shop.orders["o2"]["address"] == "1 Road"


async def test_and_what_they_change_between_the_yes_and_the_undo_too(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await desk.work()
    assert undoing.groups(undo) == ["automatic"]
    desk.shop.orders["o1"]["address"] = "5 Quay"
    desk.vote("olga")
    await desk.work()
    assert undoing.outcomes(undo) == ["skipped"]
    assert desk.shop.orders["o1"]["address"] == "5 Quay"
    assert undoing.certificate(undo).ok


async def test_a_later_effect_of_another_release_stays(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE)
    desk.add("\n// a third release\n")
    desk.activate()
    run = await desk.play(IDENTIFY, MOVE)  # to the same address: the shop cannot tell the two apart
    assert run[-1]["is"] == "done"
    undo = undoing.order()
    await desk.work()
    assert desk.questions() == []  # there is nothing to take back, so nobody is asked
    assert undoing.groups(undo) == ["changed"]
    assert desk.shop.orders["o1"]["address"] == "2 Lane"


async def test_a_compensation_that_fails_does_not_stop_the_others(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE_OTHER, MOVE)
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    desk.system.will("change_address", Refuses("The depot is closed."))
    await desk.work()
    assert undoing.outcomes(undo) == ["person", "undone"]
    assert desk.shop.orders["o2"]["address"] == "1 Road"
    assert desk.shop.orders["o1"]["address"] == "2 Lane"
    said = undoing.certificate(undo)
    assert said.ok and said.counts["person"] == said.counts["undone"] == 1


async def test_nothing_is_taken_back_twice(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE)
    await undoing.take_back()
    desk.shop.orders["o1"]["address"] = "2 Lane"  # as if nothing had been taken back
    again = undoing.order()
    await desk.work()
    assert undoing.groups(again) == ["nothing"]
    assert undoing.row(again).state == "ended"
    assert desk.questions() == []
    assert desk.shop.orders["o1"]["address"] == "2 Lane"


async def test_the_key_of_a_compensation_comes_from_its_effect(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE)
    effect = desk.crossings(target="change_address")[0]
    await undoing.take_back()
    back = next(row for row in desk.crossings(target="change_address") if row.undoes)
    assert back.undoes == f"{effect.run}/{effect.position}"
    assert back.effect_key == digest([effect.effect_key, "undo"])


async def test_one_run_alone_is_taken_back_and_its_release_stays(desk: Desk, undoing: Undoing) -> None:
    run = desk.start(IDENTIFY, MOVE)
    await desk.work()
    await desk.play(IDENTIFY, MOVE_OTHER)
    undo = await undoing.take_back(run)
    assert undoing.outcomes(undo) == ["undone"]
    assert desk.shop.orders["o1"]["address"] == "1 Road"
    assert desk.shop.orders["o2"]["address"] == "9 Hill"
    assert desk.reopen().deployment.digest == undoing.bad


async def test_open_runs_are_stopped_before_they_do_anything_more(desk: Desk, undoing: Undoing) -> None:
    run = desk.start(IDENTIFY, MOVE, act("refund", order_id="o1", amount=150), MOVE_OTHER)
    await desk.work()  # it waits for a lead
    asked = desk.question()
    undo = undoing.order()
    await desk.work()
    assert desk.row(run).status == "stopped"
    assert desk.approval(asked.id).state != "open"
    desk.vote("olga")
    await desk.work()
    assert undoing.outcomes(undo) == ["undone"]
    assert desk.shop.orders["o2"]["address"] == "1 Road"
    assert desk.shop.refunds == []


async def test_an_unclear_effect_is_settled_first(desk: Desk, undoing: Undoing) -> None:
    desk.system.will("refund", Fails(after=True))
    run = desk.start(IDENTIFY, REFUND, MOVE)
    await desk.work()
    undo = undoing.order()
    await desk.work()
    assert undoing.row(undo).state == "stopping"
    desk.clock.advance(SETTLED)
    await desk.work()
    desk.clock.advance(5)
    await desk.work()
    assert desk.row(run).status in ("stopped", "done")
    assert undoing.groups(undo) == ["impossible"]
    assert desk.shop.orders["o1"]["address"] == "1 Road"


async def test_what_only_a_person_can_tell_is_listed_with_a_person(desk: Desk, undoing: Undoing) -> None:
    desk.printer.will("send_letter", Fails("unknown"))
    desk.start(act("send_letter", text="Dear Ana"), workflow="plain")
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    undo = undoing.order()
    await desk.work()
    assert undoing.outcomes(undo) == ["unknown"]
    (item,) = undoing.items(undo)
    assert item.person == "olga"
    assert undoing.certificate(undo).counts["unknown"] == 1


async def test_a_plan_alone_changes_nothing(desk: Desk, undoing: Undoing) -> None:
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order(execute=False)
    await desk.work()
    assert (undoing.row(undo).state, undoing.groups(undo)) == ("planned", ["automatic"])
    assert desk.house.deployment.digest == undoing.bad
    assert desk.questions() == []
    assert desk.shop.orders["o1"]["address"] == "2 Lane"
    ordered = undoing.order()
    await desk.work()
    assert undoing.row(ordered).plan_digest == undoing.row(undo).plan_digest


async def test_who_made_the_release_does_not_decide_about_taking_it_back(desk: Desk) -> None:
    undoing = Undoing(desk, made_by="olga")
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await desk.work()
    with pytest.raises(ApprovalError) as refused:
        desk.vote("olga")
    assert refused.value.code == "BH-APR-020"
    desk.vote("dan")
    await desk.work()
    assert undoing.outcomes(undo) == ["undone"]
