"""A worker that is told to end hears what it has sent, gives the rest back, and counts as no death."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bridgehead import __version__
from bridgehead.assemble import House
from bridgehead.doors.cli import ENDLESS
from bridgehead.kernel.clock import SystemClock
from bridgehead.run import segments, workers
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.waiting import PATIENCE

ENGINES = [
    "embedded-sqlite",
    pytest.param("embedded-postgresql", marks=pytest.mark.postgresql),
    pytest.param("dbos-postgresql", marks=pytest.mark.postgresql),
]


@pytest.fixture(params=ENGINES)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    """A desk on each of the engines."""
    engine, _, database = request.param.partition("-")
    store = str(request.getfixturevalue("postgresql_url")) if database == "postgresql" else ""
    return Desk(tmp_path, store=store, engine=engine, clock=SystemClock())


class Printer:
    """Prints at once, and answers when it is told to."""

    def __init__(self, desk: Desk) -> None:
        self.printed, self.answering = asyncio.Event(), asyncio.Event()
        self._call = desk.printer.call
        desk.printer.call = self._slow  # type: ignore[method-assign]

    async def _slow(self, request: Any) -> Any:
        answer = await self._call(request)
        self.printed.set()
        await self.answering.wait()
        return answer


async def at_work(desk: Desk, told: Callable[[asyncio.Task[None]], Awaitable[None]]) -> None:
    """Work, and end as ``told`` says."""
    house: House = desk.house
    for driver in (desk.system, desk.printer):
        await driver.open()
    async with house.at_work(engine=desk.engine) as engine:
        task = asyncio.create_task(engine.work())
        await told(task)
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_sent_is_heard_and_nothing_more_is_sent(office: Desk) -> None:
    printer = Printer(office)
    run = office.start(act("send_letter", text="hello"), act("send_letter", text="bye"), workflow="plain")

    async def told(task: asyncio.Task[None]) -> None:
        await asyncio.wait_for(printer.printed.wait(), 60)
        task.cancel()
        await asyncio.sleep(0)
        printer.answering.set()

    await at_work(office, told)
    assert [(row.position, row.state) for row in office.crossings(run)] == [("1", "done")]
    assert (office.shop.letters, office.row(run).status) == (["hello"], "running")
    await office.work()
    assert [step["is"] for step in office.ended(run)] == ["done", "done"]
    assert (office.shop.letters, office.incidents()) == (["hello", "bye"], [])
    office.close()


async def test_told_twice_it_does_not_wait(office: Desk) -> None:
    printer = Printer(office)
    run = office.start(act("send_letter", text="hello"), workflow="plain")

    async def told(task: asyncio.Task[None]) -> None:
        await asyncio.wait_for(printer.printed.wait(), 60)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()

    await asyncio.wait_for(at_work(office, told), 60)
    assert [row.state for row in office.crossings(run)] == ["claimed"], "settled at the next start, as ever"
    office.close()


async def test_who_does_not_answer_is_waited_for_until_the_deadline_is_over(desk: Desk) -> None:
    desk.change("    refusals: unclear\n    deadline: 10s\n", "    refusals: unclear\n    deadline: 1s\n")
    printer = Printer(desk)
    run = desk.start(act("send_letter", text="hello"), workflow="plain")

    async def told(task: asyncio.Task[None]) -> None:
        await asyncio.wait_for(printer.printed.wait(), 60)
        task.cancel()

    await asyncio.wait_for(at_work(desk, told), 30)
    assert [row.state for row in desk.crossings(run)] == ["unknown"], (
        "an answer that did not come is on record"
    )


@pytest.mark.postgresql
def test_an_ordered_end_is_no_death(postgresql_url: str, tmp_path: Path) -> None:
    """Two deploys while one segment is under way; and one worker that loses sight of its database."""
    desk = Desk(tmp_path, store=postgresql_url, engine="dbos", clock=SystemClock())
    run = desk.start(IDENTIFY)
    store = desk.house.store
    with store.writing() as connection:
        assert len(segments.hand_over(connection, desk.clock, 200)) == 1
    for boot in ("w1", "w2"):
        workers.join(store, boot, "w", 8)
        assert segments.take(store, boot, run, 1)
        workers.leave(store, boot)
    workers.join(store, "w3", "w", 8)
    taken = [segments.take(store, "w3", run, 1) for _ in range(9)]
    assert [one.fruitless for one in taken if one] == [0] * 9
    over = segments.take(store, "w4", run, 1)
    assert over is not None and over.fruitless == 1, "w3 did not say that it ends"
    desk.close()


WAITS_FOR_EVER = f"""
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from bridgehead.doors.cli import main
ThreadPoolExecutor(1, {ENDLESS!r} + "-").submit(threading.Event().wait)
sys.argv = ["bridgehead", "--version"]
main()
"""


def test_a_thread_that_waits_for_a_segment_of_others_keeps_no_process_from_ending() -> None:
    """As one does in a worker that was paused, and revived after others had carried its segments."""
    ended = subprocess.run(
        [sys.executable, "-c", WAITS_FOR_EVER], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert __version__ in ended.stdout


@pytest.mark.postgresql
async def test_such_threads_are_known_by_their_name(postgresql_url: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path, store=postgresql_url, engine="dbos", clock=SystemClock())
    printer, seen = Printer(desk), list[str]()
    desk.start(act("send_letter", text="hello"), workflow="plain")

    async def told(task: asyncio.Task[None]) -> None:
        await asyncio.wait_for(printer.printed.wait(), 60)
        seen.extend(thread.name for thread in threading.enumerate())
        printer.answering.set()
        task.cancel()

    await at_work(desk, told)
    desk.close()
    assert any(name.startswith(ENDLESS) for name in seen)
