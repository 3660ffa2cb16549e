"""Two processes do the same about an undo in the same moment: it is ordered once, and no two compensations
take the same turn."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest

from bridgehead.assemble import House
from bridgehead.kernel.errors import EngineError
from bridgehead.rollout import pace
from bridgehead.rollout.order import Order, order
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.undoing import Undoing

ROUNDS = 6


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make every call in a thread of its own, all in the same moment; return what each returned."""
    together = Barrier(len(calls))

    def call(one: Callable[[], Any]) -> Any:
        together.wait(30)
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def move(place: str) -> Any:
    return act("change_address", order_id="o1", address=place)


async def test_an_undo_that_is_under_way_is_not_ordered_a_second_time(desk_on: Desk) -> None:
    undoing = Undoing(desk_on)
    await desk_on.play(IDENTIFY, move("2 Lane"))
    first = undoing.order()
    with pytest.raises(EngineError) as refused:
        undoing.order(by="dan")
    assert (refused.value.code, first in refused.value.what) == ("BH-UND-002", True)
    assert len(desk_on.entries("undo.ordered")) == 1
    await desk_on.work()
    desk_on.vote("olga")
    await desk_on.work()
    assert undoing.outcomes(first) == ["undone"]
    again = undoing.order()  # it has ended: what it left may be ordered once more
    await desk_on.work()
    assert undoing.groups(again) == ["nothing"]


async def test_of_two_orders_in_the_same_moment_one_is_taken(desk_on: Desk) -> None:
    undoing = Undoing(desk_on)
    runs = [desk_on.start(IDENTIFY, move(f"{number} Lane")) for number in range(ROUNDS)]
    await desk_on.work()
    other = desk_on.another()

    def ordered(house: House, run: str, by: str) -> str:
        person = house.person(by, "test")
        wanted = Order(scope="run", target=run, by=person, reason="it was wrong", execute=True)
        try:
            return order(house.boundary, wanted)
        except EngineError as error:
            return error.code

    try:
        for run in runs:
            found = at_once(
                lambda run=run: ordered(desk_on.house, run, "sam"), lambda run=run: ordered(other, run, "dan")
            )
            assert sorted(found)[0] == "BH-UND-002"
            assert undoing.row(sorted(found)[1]).target == run
    finally:
        other.close()
    assert len(desk_on.entries("undo.ordered")) == ROUNDS


async def test_two_processes_that_draw_turns_at_once_never_draw_the_same(desk_on: Desk) -> None:
    """The turn is drawn without the ledger's lock here: the row of the undo alone keeps them apart."""
    undoing = Undoing(desk_on)
    for text in ("hello", "goodbye"):
        notes = [act("post_note", text=f"{text} {number}") for number in range(ROUNDS)]
        desk_on.start(*notes, workflow="plain")
    await desk_on.work()
    undo = undoing.order(rate="6/1m")
    await desk_on.work()
    numbers = [item.number for item in undoing.items(undo)]
    other, now = desk_on.another(), desk_on.clock.now()

    def drawn(house: House, some: list[int]) -> list[Any]:
        turns = []
        for number in some:
            with house.store.writing() as connection:
                turns.append(pace.turn(connection, undo, number, now))
        return turns

    try:
        halves = at_once(lambda: drawn(desk_on.house, numbers[::2]), lambda: drawn(other, numbers[1::2]))
    finally:
        other.close()
    turns = sorted(turn for half in halves for turn in half)
    assert len(turns) == 2 * ROUNDS
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(turns)} == {10.0}
