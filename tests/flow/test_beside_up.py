"""While another process is at work on the store, commands leave the work to it, or refuse before anything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from bridgehead.doors.cli import cli
from bridgehead.explain import list_runs
from bridgehead.kernel.clock import SystemClock
from bridgehead.store import tables as t
from bridgehead.testing import Refuses
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.scheduled import EACH
from fixtures.waiting import until

PRICE = '{"steps": [["act", "price_of", {"item": "lamp"}]]}'


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """A desk by the real clock, as the command line's own house has it."""
    made = Desk(tmp_path, clock=SystemClock())
    made.add(f'schedules:\n  nightly: {{when: "30 2 * * *", timezone: UTC, {EACH}}}\n', "charter.yaml")
    assert made.house
    yield made
    made.close()


async def typed(desk: Desk, *words: str, at: bool = False) -> Result:
    """Type a command in another process's place, while this one works."""
    where = [str(desk.folder)] if at else ["--in", str(desk.folder)]
    return await asyncio.to_thread(CliRunner().invoke, cli, [*words, *where, "--state", str(desk.state)])


async def beside(desk: Desk, *words: str, at: bool = False) -> Result:
    """Type a command while the desk's own engine is at work."""
    async with desk.house.at_work() as engine:
        task = asyncio.create_task(engine.work())
        await until(lambda: (desk.state / "worker.lock").exists(), says="it is at work", task=task)
        try:
            return await typed(desk, *words, at=at)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_run_that_is_started_beside_it_is_carried_by_it(desk: Desk) -> None:
    told = await beside(desk, "run", "plain", "--input", PRICE, "--bind", "case=c")
    assert told.exit_code == 0, told.output
    assert "finished, nothing changed" in told.output


async def test_a_schedule_that_is_started_by_hand_beside_it_is_carried_by_it(desk: Desk) -> None:
    told = await beside(desk, "schedules", "run", "nightly", "--as", "olga", "--reason", "late file")
    assert told.exit_code == 0, told.output
    assert "finished, nothing changed" in told.output


async def test_a_second_up_refuses_before_it_activates_or_prints_anything(desk: Desk) -> None:
    desk.add("// another release\n")
    told = await beside(desk, "up", "--port", "0", at=True)
    assert getattr(told.exception, "code", "") == "BH-RUN-008"
    assert told.output == ""
    with desk.house.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(t.release)).scalar_one() == 1


async def test_a_list_of_runs_counts_changes_and_not_attempts(desk: Desk) -> None:
    desk.system.will("refund", Refuses("the till is closed"))
    await desk.play(IDENTIFY, act("refund", order_id="o1", amount=10))
    with desk.house.store.reading() as connection:
        (line,) = list_runs(connection).lines
    assert (line.effects, line.words) == (0, "finished, nothing changed")
