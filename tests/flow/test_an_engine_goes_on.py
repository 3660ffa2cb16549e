"""A duty that cannot be done now ends no engine: it is said, and done when it can be."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import pytest

from bridgehead.run import embedded
from bridgehead.run.schedules import Schedules
from fixtures.houses import OPERATOR, Desk

GIVE_UP = 30.0


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(GIVE_UP):
        while not what():
            await asyncio.sleep(0.02)


def told(desk: Desk, caplog: pytest.LogCaptureFixture) -> bool:
    """Let the next sweep come; say whether each duty has said what stood in its way."""
    desk.clock.advance(embedded.SWEEP)
    said = [line for line in caplog.messages if "there is no release" in line]
    return all(any(duty in line for line in said) for duty in ("questions", "due_schedules"))


async def test_an_engine_outlives_a_release_it_cannot_read(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Another process activates a release whose files are not here yet."""
    assert desk.house
    desk.add("\n// a second release\n")
    with caplog.at_level(logging.WARNING, logger="bridgehead.worker"):
        async with desk.house.at_work(engine="embedded") as engine:
            working = asyncio.create_task(engine.work())
            await until(lambda: engine._lock is not None)  # type: ignore[attr-defined]
            other = desk.another()
            digest = other.activate(by=OPERATOR)
            other.close()
            place = desk.state / "releases" / digest
            away = place.rename(desk.state / "away")
            await until(lambda: working.done() or told(desk, caplog))
            assert not working.done(), working.exception()
            away.rename(place)
            run = desk.start(workflow="plain")
            await until(lambda: working.done() or desk.row(run).status == "done")
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    assert desk.row(run).status == "done"


async def test_the_loop_goes_on_while_schedules_are_dealt_with(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever ends the engine waits for them: the store is not closed under them."""
    swept, ended = threading.Event(), threading.Event()

    def slow(_: Schedules) -> int:
        assert swept.wait(GIVE_UP / 3), "the loop stood still"
        ended.set()
        return 0

    monkeypatch.setattr(Schedules, "sweep", slow)
    async with desk.house.at_work(engine="embedded") as engine:
        working = asyncio.create_task(engine.work())
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert not working.done()
        working.cancel()
        asyncio.get_running_loop().call_later(0.05, swept.set)
        await asyncio.gather(working, return_exceptions=True)
    assert ended.is_set()
