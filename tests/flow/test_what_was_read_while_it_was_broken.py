"""Data broke, a run read them, and they are in order again: what the run does then is left to a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.assemble.watching import due
from bridgehead.watch.health import Look, recording
from fixtures.houses import Desk, act
from fixtures.sick_data import CUSTOMERS, MOVE, NOTE, begin, broken, healthy, look, watched

PRICE = act("price_of", item="pen")
WAITS = '''
async def play(run, before, then):
    """Read, wait for people, then act."""
    for step in before:
        await run.query("sales", step[1])
    await run.decide("go-ahead", question="Go on?")
    told = []
    for step in then:
        outcome = await run.act(step[1], **step[2])
        refused = type(outcome).__name__ == "Refused"
        told.append([reason.rule for reason in outcome.decision.reasons] if refused else "done")
    return told
'''


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = watched(tmp_path)
    made.workflow(WAITS)
    healthy(made)
    made.clock.advance(60)
    yield made
    made.close()


async def waiting(desk: Desk, *then: Any) -> str:
    """Return a run that has read customers, and waits for people."""
    run = begin(desk, [CUSTOMERS], then)
    await desk.work()
    return run


def breaks_and_is_mended(desk: Desk, response: str = "hold") -> None:
    desk.clock.advance(60)
    look(desk, broken(response))
    desk.clock.advance(3600)
    healthy(desk)


@pytest.mark.parametrize("response", ["hold", "quarantine", "lastGood", "toPerson"])
async def test_what_cannot_be_taken_back_and_what_can_are_left_to_a_person(desk: Desk, response: str) -> None:
    run = await waiting(desk, PRICE, MOVE, NOTE)
    breaks_and_is_mended(desk, response)
    desk.vote("maya")
    await desk.work()
    asked = desk.question()
    assert asked.rules == ("go-ahead",) and "when this run read it" in str(asked.as_value())
    assert desk.shop.notes == {} and desk.shop.orders["o1"]["address"] == "1 Road"
    desk.vote("maya")
    await desk.work()
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run) == ["done", "done", "done"]
    assert desk.bodies("finding.cleared")[-1]["read_meanwhile_by"] == [run]
    assert desk.verified().ok


async def test_who_read_before_it_was_last_in_order_or_afterwards_is_asked_nothing(desk: Desk) -> None:
    before = await waiting(desk, NOTE)
    desk.clock.advance(60)
    healthy(desk)
    breaks_and_is_mended(desk)
    desk.clock.advance(60)
    after = await waiting(desk, NOTE)
    for question in desk.questions():
        desk.vote("maya", question=question)
    await desk.work()
    assert (desk.ended(before), desk.ended(after)) == (["done"], ["done"])


async def test_what_only_warned_leaves_nothing_behind_and_what_blocked_still_does(desk: Desk) -> None:
    run = await waiting(desk, NOTE)
    breaks_and_is_mended(desk, "warn")
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run) == ["done"]
    desk.clock.advance(60)
    run = await waiting(desk, NOTE)
    breaks_and_is_mended(desk, "block")
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run) == [["data.block"]]


async def test_without_a_rule_for_people_it_is_refused(desk: Desk) -> None:
    desk.change("\nsick_data: go-ahead\n", "\n")
    desk.activate()
    run = await waiting(desk, NOTE)
    breaks_and_is_mended(desk)
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run) == [["data.toPerson"]]
    assert desk.shop.notes == {}


def all_in_order(desk: Desk) -> None:
    healthy(desk)
    look(desk, table="salaries")


async def test_a_look_by_a_clock_that_was_ahead_keeps_no_later_one_out(desk: Desk) -> None:
    desk.clock.advance(6 * 3600)
    all_in_order(desk)
    desk.clock.advance(-5 * 3600)  # it was put right
    assert list(due(desk.house)) == ["sales"]
    run = await waiting(desk, NOTE)
    desk.clock.advance(60)
    look(desk, broken("hold"))
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run) == [["data.hold"]]
    assert list(due(desk.house)) == ["sales"], "others were not looked at again"
    all_in_order(desk)
    assert list(due(desk.house)) == []


def test_a_look_that_was_overtaken_by_another_says_nothing(desk: Desk) -> None:
    late = desk.clock.now()
    desk.clock.advance(60)
    look(desk, broken("hold"))
    found = Look(source="sales", table="customers", at=late)
    desk.house.ledger.append(recording(desk.house.boundary, found))
    assert desk.entries("finding.cleared") == []
