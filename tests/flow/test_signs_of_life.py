"""What a worker says of itself is true: it lives while it sweeps, and says nothing while its code hangs."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.enforce import approve
from bridgehead.kernel.clock import SystemClock
from bridgehead.run import upkeep, workers
from fixtures.houses import IDENTIFY, Desk, act

GIVE_UP = 60.0


@pytest.fixture
def office(postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose workers count as dead sooner than in production."""
    monkeypatch.setattr(workers, "BEAT", 0.5)
    monkeypatch.setattr(workers, "DEAD", 3.0)
    made = Desk(tmp_path, store=postgresql_url, engine="dbos", clock=SystemClock())
    yield made
    made.close()


def listed(desk: Desk) -> list[workers.Worker]:
    with desk.house.store.reading() as connection:
        return workers.every(connection)


async def until(what: Callable[[], object]) -> None:
    for _ in range(int(GIVE_UP / 0.05)):
        if what():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


@pytest.mark.postgresql
async def test_a_worker_that_sweeps_for_long_says_that_it_lives(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeping, swept = threading.Event(), threading.Event()

    def long(_: object) -> None:
        sweeping.set()
        swept.wait(GIVE_UP)

    monkeypatch.setattr(upkeep.approve, "sweep", long)
    async with office.house.at_work(engine="dbos") as engine:
        working = asyncio.create_task(engine.work())
        await until(sweeping.is_set)
        beats: set[str] = set()
        await until(lambda: beats.add(beat_of(office)) or len(beats) > 3)  # type: ignore[func-returns-value]
        assert [worker.alive for worker in listed(office)] == [True]
        swept.set()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def beat_of(desk: Desk) -> str:
    with desk.house.store.reading() as connection:
        return str(connection.exec_driver_sql("select beat_at from worker").scalar_one())


@pytest.mark.postgresql
async def test_a_worker_whose_code_hangs_says_nothing_and_names_the_run(
    office: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk, seen, go_on = office, [], threading.Event()  # type: Desk, list[bool], threading.Event
    real = desk.printer.call

    async def hanging(request: Any) -> Any:
        go_on.wait(GIVE_UP)  # code that never awaits
        return await real(request)

    desk.printer.call = hanging  # type: ignore[method-assign]
    run = desk.start(act("send_letter", text="hello"), workflow="plain")

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if "hangs" in record.getMessage()]

    def watch() -> None:
        """Wait until it said what hangs and counts as dead, then let the code give way. On a machine under
        load it may count as dead before: its beats were late, too."""
        for _ in range(int(GIVE_UP / 0.1)):
            found = listed(desk)
            seen.append(bool(found) and found[0].alive)
            if True in seen and not seen[-1] and told():
                break
            threading.Event().wait(0.1)
        go_on.set()

    watching = threading.Thread(target=watch)
    with caplog.at_level(logging.ERROR, logger="bridgehead.worker"):
        async with desk.house.at_work(engine="dbos") as engine:
            await desk.printer.open()
            watching.start()
            working = asyncio.create_task(engine.work())
            await until(lambda: not watching.is_alive() and desk.row(run).status == "done")
            await until(lambda: listed(desk)[0].alive)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    watching.join()
    assert seen[-1] is False, "it counted as alive all the time"
    assert len(told()) == 1 and f"{run}:seg1" in told()[0]


async def test_a_sweep_of_many_questions_takes_few_commits(desk: Desk) -> None:
    for _ in range(12):
        desk.start(IDENTIFY, act("refund", order_id="o1", amount=200))
    await desk.work()
    assert len(desk.questions()) == 12
    desk.clock.advance(30 * 24 * 3600)
    commits: list[int] = []
    appender = desk.house.ledger._writer._appender
    real = appender.commit
    appender.commit = lambda units: commits.append(len(units)) or real(units)  # type: ignore[method-assign,func-returns-value]
    approve.sweep(desk.house.boundary)
    assert desk.questions() == []
    assert sum(commits) == 12 and len(commits) < 6
