"""Who may work beside whom on a shared store, and what becomes of a segment its engine gave up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import ConfigError
from bridgehead.run import dbos_rows, segments
from bridgehead.run.engine import EngineName
from fixtures.houses import Desk, act
from fixtures.waiting import until

pytestmark = pytest.mark.postgresql
PRICE = act("price_of", item="lamp")


@pytest.fixture
def desk(tmp_path: Path, postgresql_url: str) -> Iterator[Desk]:
    """A desk whose store many may share."""
    made = Desk(tmp_path, store=postgresql_url, engine="dbos", clock=SystemClock())
    assert made.house
    yield made
    made.close()


async def at_work(desk: Desk, first: EngineName) -> ConfigError:
    """Let one engine work, and return why a worker beside it does not, in this process."""
    other = desk.another()
    try:
        async with desk.house.at_work(engine=first) as engine, other.at_work(engine="dbos") as second:
            task = asyncio.create_task(engine.work())
            await until(lambda: holds(engine), says="the first one holds its lock", task=task)
            with pytest.raises(ConfigError) as refused:
                await second.work(until_idle=True)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        other.close()
    return refused.value


def holds(engine: Any) -> bool:
    """Say whether an engine has the right to work. Asking the database would take it away for a moment."""
    held = getattr(engine, "_held", None)
    return held is not None and held.taken


async def test_a_worker_does_not_work_where_the_engine_of_one_process_does(desk: Desk) -> None:
    assert (await at_work(desk, "embedded")).code == "BH-RUN-008"


async def test_one_process_is_one_worker(desk: Desk) -> None:
    assert (await at_work(desk, "dbos")).code == "BH-RUN-032"
    run = desk.start(PRICE, workflow="plain")
    await desk.work()  # what was refused has left nothing behind
    assert desk.ended(run)[0]["is"] == "done"


@pytest.mark.parametrize("status", ["ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"])
async def test_a_segment_that_its_engine_gave_up_is_carried_on_and_told(desk: Desk, status: str) -> None:
    desk.start(PRICE, workflow="plain")
    await desk.work()  # the engine has made its tables
    run = desk.start(PRICE, workflow="plain")
    with desk.house.store.writing() as connection:
        assert [one.run for one in segments.hand_over(connection, desk.clock, 10)] == [run]
        # As if it had been handed over to an engine that took it for ended.
        row = connection.execute(text("select * from dbos.workflow_status limit 1")).mappings().one()
        values = dict(row) | {"workflow_uuid": dbos_rows.name_of(run, 1), "status": status}
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"insert into dbos.workflow_status ({names}) values ({marks})"), values)
        assert [(one.run, one.status) for one in dbos_rows.stranded(connection)] == [(run, status)]
    await desk.work()
    assert desk.ended(run)[0]["is"] == "done"
    (told,) = desk.incidents()
    assert (told.run, told.kind) == (run, "BH-RUN-033")
    assert told.words == f"The engine took segment 1 for {status}; it had not ended."
