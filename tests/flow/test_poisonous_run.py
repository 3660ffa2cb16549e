"""A run that takes its process down is found out and stopped; those that were under way beside it are not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.kernel.principal import Principal
from bridgehead.run.carry import MAX_ALONE, SUSPECT
from bridgehead.store import tables as t
from fixtures.charters import Folder
from fixtures.engines import ENGINES

SAM = Principal(id="sam", kind="human", name="Sam")
WORKFLOW = """
import os

async def handle(run, poisonous=False, long=False):
    for _ in range(12 if long else 3):
        await run.now()
    if poisonous:
        os._exit(9)
    return "done"
"""
WORK = """
import asyncio, sys
from pathlib import Path
from bridgehead.assemble import House
from bridgehead.run import workers

workers.BEAT, workers.DEAD = 0.3, 2.0

async def main():
    house = House.open(Path(sys.argv[1]), store=sys.argv[2])
    async with house.at_work(engine=sys.argv[3]) as engine:
        await engine.work(until_idle=True)
    house.close()

asyncio.run(main())
"""


class Shop(NamedTuple):
    """A house and the engine that works for it."""

    house: House
    store: str
    engine: str


@pytest.fixture(params=[ENGINES[0], ENGINES[-1]])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    engine, _, database = request.param.partition("-")
    store = "" if database == "sqlite" else str(request.getfixturevalue("postgresql_url"))
    folder = Folder(tmp_path / "help-desk")
    workflow = next(iter(folder.load().charter.workflows.values())).function
    file, _, name = workflow.partition(":")
    folder.write(file, WORKFLOW.replace("handle", name))
    opened = House.open(folder.path, store=store)
    opened.activate(by=SAM)
    yield Shop(opened, store, engine)
    opened.close()


def worked(shop: Shop) -> int:
    """Carry on in a process of its own; return its exit code."""
    command = [sys.executable, "-c", WORK, str(shop.house.folder), shop.store, shop.engine]
    return subprocess.run(command, timeout=120).returncode


def start(house: House, **given: bool) -> str:
    charter = house.deployment.charter
    name, workflow = next(iter(charter.workflows.items()))
    return house.start(name, given, bindings=dict.fromkeys(workflow.bindings, "x"))


def status(house: House) -> dict[str, str]:
    with house.store.reading() as connection:
        return {row.id: row.status for row in connection.execute(select(t.run)).all()}


def test_a_run_that_takes_its_process_down_is_stopped_and_the_others_are_not(shop: Shop) -> None:
    house = shop.house
    others = [start(house, long=number % 2 == 0) for number in range(4)]
    poison = start(house, poisonous=True)
    deaths = 0
    while worked(shop) != 0:
        deaths += 1
        assert deaths <= 1 + SUSPECT + MAX_ALONE
    assert deaths >= MAX_ALONE
    assert status(house) == {**dict.fromkeys(others, "done"), poison: "failed"}
    with house.store.reading() as connection:
        (incident,) = connection.execute(select(t.incident)).all()
    assert (incident.run, incident.kind) == (poison, "BH-RUN-011")
