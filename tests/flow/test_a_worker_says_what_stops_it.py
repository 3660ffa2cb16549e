"""A worker that can record nothing says why, once: it lives, and carries nothing."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from bridgehead.kernel.clock import SystemClock
from bridgehead.store import tables as t
from fixtures.houses import Desk


@pytest.mark.postgresql
async def test_a_ledger_that_takes_nothing_is_said_once(
    postgresql_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(tmp_path, store=postgresql_url, engine="dbos", clock=SystemClock())
    run = desk.start(workflow="plain")
    with desk.house.store.writing() as connection:
        head = connection.execute(select(t.ledger_head)).one()
        connection.execute(delete(t.ledger_head))
    with caplog.at_level(logging.WARNING, logger="bridgehead.worker"):
        async with desk.house.at_work(engine="dbos") as engine:
            tries, once = [], engine._once  # type: ignore[attr-defined]
            engine._once = lambda *which: tries.append(which) or once(*which)  # type: ignore[attr-defined]
            working = asyncio.create_task(engine.work())
            async with asyncio.timeout(60):
                while len(tries) < 3:
                    await asyncio.sleep(0.05)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    with desk.house.store.writing() as connection:
        connection.execute(insert(t.ledger_head).values(**head._mapping))
    (said,) = [line for line in caplog.messages if "is tried again" in line]
    assert said.startswith(f"{run}:seg1") and "BH-REC-013" in said
    desk.close()
