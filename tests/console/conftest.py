"""The console under test: the retail example, played for real, then copied for each test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.types import ASGIApp

from bridgehead.assemble import House
from bridgehead.doors.console import console, make_link
from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.principal import Principal
from bridgehead.store.tables import approval
from fixtures import retail
from fixtures.console_caller import HOST, Caller, SignIn

TICKETS = ("0", "2", "11", "13")
"""Ticket 0 changes an order; 2, 11 and 13 ask people."""
HIJACKED = ("H2/19",)
"""An agent that cancels a delivered order: refused."""


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a deployment in which five tickets were played and four questions, or fewer, are open."""
    folder = tmp_path_factory.mktemp("played") / "retail-support"
    shutil.copytree(retail.FOLDER, folder, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
    opened = House.open(folder)
    try:
        opened.activate(Principal(id="ruth", kind="human", name="Ruth Okafor"))
        tickets = retail.module("tickets")
        every = {ticket.id: ticket for ticket in (*tickets.tickets(), *tickets.hijacked())}
        for number in (*TICKETS, *HIJACKED):
            opened.start(
                "ticket",
                {"ticket": every[number].as_input()},
                bindings={"case": f"case-{number}"},
                title=f"Ticket {number}",
                models={"support": "support-stand-in"},
            )
        with ThreadPoolExecutor(1) as pool:  # a browser that was opened before has this thread's loop
            pool.submit(lambda: asyncio.run(_work(opened))).result()
    finally:
        opened.close()
    shutil.rmtree(folder / ".bridgehead" / "orders", ignore_errors=True)
    return folder


async def _work(house: House) -> None:
    async with house.at_work() as engine:
        await engine.work(until_idle=True)


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still, at the time of the test."""
    return SetClock(datetime.now(UTC))


@pytest.fixture
def house(played: Path, tmp_path: Path, clock: SetClock) -> Iterator[House]:
    """A house of one's own, with everything that was played in it."""
    folder = tmp_path / "retail-support"
    shutil.copytree(played, folder)
    opened = House.open(folder, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def app(house: House, clock: SetClock) -> ASGIApp:
    """The console of that house."""
    return console([house], clock=clock)


@pytest.fixture
def stranger(app: ASGIApp) -> Caller:
    """Somebody who has not signed in."""
    return Caller(app)


@pytest.fixture
def sign_in(house: House, clock: SetClock, app: ASGIApp) -> SignIn:
    """Sign somebody in through their link, as a person would."""

    def through_link(person: str) -> Caller:
        caller = Caller(app)
        link = make_link(house.store, person, clock, f"http://{HOST}")
        answer = caller.post(link.removeprefix(f"http://{HOST}"))
        assert answer.status == 303, answer.text
        return caller

    return through_link


@pytest.fixture
def questions(house: House) -> list[str]:
    """The ids of the open questions, by due time."""
    with house.store.reading() as connection:
        found = connection.execute(
            select(approval.c.id).where(approval.c.state == "open").order_by(approval.c.due_at, approval.c.id)
        )
        return [row.id for row in found]
