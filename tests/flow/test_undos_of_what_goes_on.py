"""Undos of runs that are still going, of effects that are found out about later, and of each other's."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.enforce import unclear
from bridgehead.enforce.settlement import settle_by_person
from bridgehead.explain.runs import waits_for
from bridgehead.kernel.errors import StoreError
from bridgehead.rollout import halt
from bridgehead.run import leftovers, runs
from bridgehead.run.segments import Segment
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.questions import LARGE
from fixtures.undoing import Undoing

NOTE = act("post_note", text="after")
MOVE = act("change_address", order_id="o1", address="2 Lane")
MOVE_OTHER = act("change_address", order_id="o2", address="9 Hill")
REFUND = act("refund", order_id="o1", amount=20)
LETTER = act("send_letter", text="hello")


@pytest.fixture
def undoing(desk: Desk) -> Undoing:
    """Return what orders undos at this desk."""
    return Undoing(desk)


def it_happened(desk: Desk, run: str, position: str) -> None:
    """Let the owner say that an effect nobody heard back from happened."""
    boundary = desk.house.boundary_of(desk.row(run).release)
    with desk.house.store.reading() as connection:
        case = unclear.case(connection, boundary, run, position)
    assert case is not None
    settle_by_person(
        boundary,
        run,
        position,
        by=desk.person("olga"),
        answer="happened",
        digest=case.digest(),
        reason="asked the printer",
    )


async def with_a_lost_letter(desk: Desk, *more: Any) -> str:
    """Start a run whose letter nobody heard back from; it waits for a person."""
    desk.printer.will("send_letter", Fails("unknown"))
    run = desk.start(MOVE, LETTER, *more, workflow="plain")
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    return run


async def test_a_run_that_waits_for_a_person_does_nothing_more_once_it_was_taken_back(
    desk: Desk, undoing: Undoing
) -> None:
    run = await with_a_lost_letter(desk, NOTE)
    undo = undoing.order(run)
    await desk.work()
    desk.vote("olga")
    await desk.work()
    assert undoing.row(undo).state == "ended"
    it_happened(desk, run, "2")
    await desk.work()
    assert desk.shop.notes == {} and desk.row(run).status == "stopped"


async def test_a_run_at_work_does_nothing_new_from_the_moment_its_undo_is_ordered(
    desk: Desk, undoing: Undoing
) -> None:
    run = desk.start(IDENTIFY, MOVE, NOTE, MOVE_OTHER)
    ordered: list[str] = []

    def order() -> None:
        if desk.crossings(run, "change_address"):
            desk.on_step.clear()
            ordered.append(undoing.order(run))

    desk.on_step[8] = order  # its first effect is on its way to the shop
    await desk.work()
    assert desk.shop.notes == {} and desk.shop.orders["o2"]["address"] == "1 Road"
    assert desk.row(run).status == "stopped"
    desk.vote("olga")
    await desk.work()
    assert undoing.outcomes(ordered[0]) == ["undone"]


async def test_a_run_that_nobody_has_carried_yet_does_nothing_once_its_undo_is_ordered(
    desk: Desk, undoing: Undoing
) -> None:
    run, other = desk.start(IDENTIFY, MOVE), desk.start(IDENTIFY, MOVE_OTHER)
    undo = undoing.order(run)
    await desk.work()
    assert undoing.items(undo) == [] and desk.shop.orders["o1"]["address"] == "1 Road"
    assert desk.row(run).status == "stopped"
    assert desk.row(other).status == "done"  # its release is not undone


async def test_what_is_unclear_of_a_run_is_settled_before_it_is_taken_back(
    desk: Desk, undoing: Undoing
) -> None:
    desk.system.will("refund", Fails(after=True))
    run = desk.start(IDENTIFY, REFUND, MOVE)
    await desk.work()
    undo = undoing.order(run)
    for seconds in (0, SETTLED, 5):
        desk.clock.advance(seconds)
        await desk.work()
    assert undoing.groups(undo) == ["impossible"]
    assert desk.row(run).status == "stopped" and desk.shop.orders["o1"]["address"] == "1 Road"


async def test_a_run_of_an_undone_release_ends_once_a_person_has_said_what_was_unclear(
    desk: Desk, undoing: Undoing
) -> None:
    run = await with_a_lost_letter(desk, NOTE)
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    await desk.work()
    assert undoing.row(undo).state == "ended"
    assert desk.row(run).waiting_for.startswith("person:")
    it_happened(desk, run, "2")
    await desk.work()
    assert desk.row(run).status == "stopped" and desk.row(run).ended_at
    assert len(desk.entries("run.ended", run)) == 1
    assert desk.shop.notes == {} and desk.questions() == []


def test_what_an_undo_holds_and_an_undo_itself_say_what_they_wait_for() -> None:
    assert waits_for("undone:run_1") == "is held, because it is taken back"
    assert waits_for("undo:look") == "waits for the next step of an undo"


async def test_a_run_that_ended_meanwhile_keeps_its_end(desk: Desk, undoing: Undoing) -> None:
    run = desk.start(IDENTIFY)
    stale = desk.row(run)
    await desk.work()
    boundary = desk.house.boundary
    segment = Segment(run=run, number=1, attempt=0, release=stale.release)
    await boundary.ledger.commit(halt._at_rest(stale, runs.end(boundary.clock, segment, "stopped", {})))
    assert desk.row(run).status == "done"
    assert len(desk.entries("run.ended", run)) == 1


async def test_a_run_that_is_taken_back_does_not_act_on_its_withdrawn_question(
    desk: Desk, undoing: Undoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies while the run is being stopped."""
    run = desk.start(IDENTIFY, LARGE, NOTE)
    await desk.work()
    assert desk.question()

    def dies(*_: Any) -> None:
        raise StoreError("BH-STO-010", "the process died here")

    monkeypatch.setattr(leftovers, "end_all", dies)
    undoing.order(run)
    with pytest.raises(StoreError):
        await desk.work()
    monkeypatch.undo()
    desk.close()
    desk.reopen()
    await desk.work()
    assert desk.shop.notes == {} and desk.row(run).status == "stopped"
    assert [crossing.state for crossing in desk.crossings(run) if crossing.target == "refund"] == ["refused"]


async def test_a_certificate_counts_what_is_known_when_it_is_signed(desk: Desk, undoing: Undoing) -> None:
    run = await with_a_lost_letter(desk)
    undo = undoing.order()
    await desk.work()  # people are asked about the plan
    it_happened(desk, run, "2")
    desk.clock.advance(3600)
    desk.vote("dan")
    await desk.work()
    counts = undoing.certificate(undo).counts
    assert counts["unknown"] == 0 and counts["person"] == 1


async def test_two_undos_of_the_same_effect_both_say_the_truth(desk: Desk, undoing: Undoing) -> None:
    """One of a run, one of its release: nobody changed the record, the other one took it back."""
    run = desk.start(IDENTIFY, act("change_address", order_id="o2", address="9 Hill"))
    await desk.work()
    one = undoing.order(run)
    await desk.work()
    two = undoing.order()
    await desk.work()
    for question in desk.questions():
        desk.vote("olga", question=question)
    await desk.work()
    assert desk.shop.orders["o2"]["address"] == "1 Road"
    assert sorted(undoing.outcomes(one) + undoing.outcomes(two)) == ["nothing", "undone"]
