"""An undo keeps its promise on every engine: one process on either database, and a dbos worker on PostgreSQL.

Several workers at one undo are in ``bench/undo.py`` and the drills, two processes at one moment in
``attack/test_orders_at_once.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.kernel.clock import SystemClock
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.undoing import Undoing

ENGINES = [
    "embedded-sqlite",
    pytest.param("embedded-postgresql", marks=pytest.mark.postgresql),
    pytest.param("dbos-postgresql", marks=pytest.mark.postgresql),
]
MOVE = act("change_address", order_id="o1", address="2 Lane")
OTHER = act("change_address", order_id="o2", address="9 Hill")
OTHER_AGAIN = act("change_address", order_id="o2", address="3 Alley")
THIRD = act("change_address", order_id="o3", address="4 Row")
REFUND = act("refund", order_id="o1", amount=20)


@pytest.fixture(params=ENGINES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    engine, _, database = request.param.partition("-")
    store = "" if database == "sqlite" else str(request.getfixturevalue("postgresql_url"))
    made = Desk(tmp_path, store=store, engine=engine, clock=SystemClock())
    yield made
    made.close()


async def test_last_first_later_changes_left_and_counted_to_the_last_one(desk: Desk) -> None:
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, OTHER, REFUND)
    await desk.play(IDENTIFY, OTHER_AGAIN)
    await desk.play(IDENTIFY, THIRD)
    undo = undoing.order()
    await desk.work()
    assert undoing.groups(undo) == ["automatic", "automatic", "impossible", "automatic"]
    desk.shop.orders["o3"]["address"] = "6 Pier"  # after the plan was made
    desk.vote("olga")
    await desk.work()
    assert undoing.outcomes(undo) == ["skipped", "undone", "impossible", "undone"]
    assert [desk.shop.orders[name]["address"] for name in ("o2", "o3")] == ["1 Road", "6 Pier"]
    assert desk.shop.refunds == [("o1", "20")]
    assert desk.reopen().deployment.digest == undoing.good
    said = undoing.certificate(undo)
    assert said.ok, said.problems
    assert (said.effects, said.counts["undone"], said.counts["skipped"]) == (4, 2, 1)


async def test_a_no_leaves_everything_and_the_release_stays_stopped(desk: Desk) -> None:
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await desk.work()
    desk.vote("dan", "refuse")
    await desk.work()
    assert (undoing.row(undo).state, undoing.outcomes(undo)) == ("refused", ["refused"])
    assert desk.shop.orders["o1"]["address"] == "2 Lane"
    assert undoing.certificate(undo).counts["refused"] == 1


async def test_nothing_is_taken_back_twice(desk: Desk) -> None:
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, MOVE)
    await undoing.take_back()
    desk.shop.orders["o1"]["address"] = "2 Lane"  # as if nothing had been taken back
    again = undoing.order()
    await desk.work()
    assert undoing.groups(again) == ["nothing"]
    assert desk.shop.orders["o1"]["address"] == "2 Lane"
