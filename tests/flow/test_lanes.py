"""A system takes only so many calls: what is too much waits its turn as a row, and nobody overtakes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from bridgehead.declare import load
from bridgehead.declare.faults import CharterErrors
from bridgehead.declare.model import per
from bridgehead.enforce.stop import wake
from bridgehead.explain.runs import waits_for
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.ports import Reply, Request
from bridgehead.run import runs
from bridgehead.run.segments import Segment
from bridgehead.store import tables as t
from bridgehead.testing import ScriptedDriver
from fixtures.houses import Desk, act

SHOP = "    region: local\n    bound: {tenant: case}\n"


@pytest.fixture
def desk(desk_on: Desk) -> Desk:
    """Each promise is kept on both databases."""
    return desk_on


def limited(desk: Desk, lanes: str) -> Desk:
    return desk.change(SHOP, f"{SHOP}    lanes: {lanes}\n")


def status(desk: Desk, runs: list[str]) -> list[str]:
    return [desk.row(run).status for run in runs]


def end(desk: Desk, run: str, ended: str = "failed") -> None:
    segment = Segment(run=run, number=1, attempt=1, release=desk.row(run).release)
    desk.house.ledger.append(runs.end(desk.clock, segment, ended, {}))


class Counting(ScriptedDriver):
    """Notes how many calls were inside at the same time; each stays until another came, or a moment."""

    inside = most = 0

    async def call(self, request: Request) -> Reply:
        self.inside += 1
        self.most = max(self.most, self.inside)
        for _ in range(100 if self.most < 3 else 0):
            if self.inside > 1:
                break
            await asyncio.sleep(0.01)
        self.inside -= 1
        return await super().call(request)


async def test_a_rate_is_kept_over_all_runs_and_each_keeps_its_place(desk: Desk) -> None:
    """Two in ten minutes: the others get places in later windows, in the order they came, and no sooner."""
    limited(desk, '{rate: "2/10m"}')
    runs = [desk.start(act("price_of", item=f"lamp {n}"), workflow="plain") for n in range(6)]
    done = []
    for _ in range(5):
        await desk.work()
        done.append(status(desk, runs).count("done"))
        desk.clock.advance(300)
    assert done == [2, 2, 4, 4, 6]
    assert len(desk.system.applied) == 6


async def test_who_waits_says_what_for(desk: Desk) -> None:
    limited(desk, '{rate: "1/1h"}')
    runs = [desk.start(act("price_of", item="lamp"), workflow="plain") for _ in range(2)]
    await desk.work()
    (waiting,) = [desk.row(run) for run in runs if desk.row(run).status == "waiting"]
    assert waiting.waiting_for == "lane:server:shop"
    assert "its turn" in waits_for(waiting.waiting_for)


async def test_a_newcomer_does_not_overtake(desk: Desk) -> None:
    limited(desk, '{rate: "1/10m"}')
    first, second = (desk.start(act("price_of", item=name), workflow="plain") for name in ("a", "b"))
    await desk.work()
    desk.clock.advance(400)
    late = desk.start(act("price_of", item="c"), workflow="plain")
    await desk.work()
    desk.clock.advance(200)
    await desk.work()
    assert status(desk, [first, second, late]) == ["done", "done", "waiting"]
    desk.clock.advance(600)
    await desk.work()
    assert status(desk, [late]) == ["done"]


async def test_so_many_at_once_and_the_next_is_woken_by_who_leaves(desk: Desk) -> None:
    limited(desk, "{concurrency: 2}")
    desk.system = Counting("shop", desk.shop.handlers())
    runs = [desk.start(act("price_of", item=f"lamp {n}"), workflow="plain") for n in range(6)]
    await asyncio.wait_for(desk.work(), 60)
    assert (status(desk, runs), desk.system.most) == (["done"] * 6, 2)


async def test_a_call_that_never_came_back_holds_its_place_only_so_long(desk: Desk) -> None:
    """Its process died. Nothing of it can be under way once every deadline of it has passed."""
    limited(desk, "{concurrency: 1}")

    class Died(BaseException):
        pass

    def die() -> None:
        desk.on_step.clear()
        raise Died

    lost = desk.start(act("order_more", pieces=1), workflow="plain")
    desk.on_step[8] = die
    with pytest.raises(Died):
        await desk.work()
    desk.close()
    desk.reopen()
    other = desk.start(act("price_of", item="other"), workflow="plain")
    for _ in range(2):
        working = asyncio.create_task(desk.work())
        while not working.done():
            await asyncio.sleep(0.02)
            desk.clock.advance(2)
        await working
    assert status(desk, [lost, other]) == ["done", "done"]
    assert desk.shop.ordered == [1]


async def test_other_systems_are_not_held_back(desk: Desk) -> None:
    limited(desk, '{rate: "1/1h"}')
    runs = [desk.start(act("send_letter", text="hello"), workflow="plain") for _ in range(3)]
    await desk.work()
    assert status(desk, runs) == ["done"] * 3


async def test_a_run_that_ended_keeps_no_place(desk: Desk) -> None:
    limited(desk, '{rate: "1/10m"}')
    queued = [desk.start(act("price_of", item=name), workflow="plain") for name in "ab"]
    await desk.work()
    end(desk, next(run for run in queued if desk.row(run).status == "waiting"))
    with desk.house.store.reading() as connection:
        places = connection.execute(select(t.lane_use).where(t.lane_use.c.place == "")).all()
    assert places == []


@pytest.mark.parametrize("ended", ["done", "failed", "stopped"])
def test_nothing_wakes_a_run_that_has_ended(desk: Desk, ended: str) -> None:
    run = desk.start(act("price_of", item="a"), workflow="plain")
    end(desk, run, ended)
    with desk.house.store.writing() as connection:
        assert wake(connection, [run], stamp(desk.clock.now())) == 0
        ready = connection.execute(select(t.segment).where(t.segment.c.state == "ready")).all()
    assert ready == []


@pytest.mark.parametrize("rate", ["60", "0/1m", "x/1m", "5/0s", "5/m", "-1/1m"])
def test_a_rate_that_is_none_is_told(tmp_path: Path, rate: str) -> None:
    desk = limited(Desk(tmp_path), f'{{rate: "{rate}"}}')
    with pytest.raises(CharterErrors, match="rate"):
        load(desk.folder)


def test_what_a_rate_says() -> None:
    assert (per("60/1m"), per("5/500ms")) == ((60, 60.0), (5, 0.5))
