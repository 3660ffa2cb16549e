"""Who listens hears of what was committed, at once; and nothing depends on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from bridgehead.enforce.approve import vote
from bridgehead.kernel.errors import StoreError
from bridgehead.run import embedded
from bridgehead.store import Store, bell
from fixtures.houses import Desk, act, decide
from fixtures.waiting import until


@pytest.fixture
def other(store: Store, store_url: str) -> Iterator[Store]:
    """The same store, as another process has it open; on SQLite nobody else can be heard."""
    if not store.shared:
        yield store
        return
    opened = Store.open(store_url)
    yield opened
    opened.close()


class Ear:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        self.heard.set()

    async def next(self) -> None:
        """Wait for the next ring; fail where none comes."""
        await asyncio.wait_for(self.heard.wait(), 20)
        self.heard.clear()


def rung(store: Store) -> None:
    with store.writing() as connection:
        bell.ring(connection)


async def hears(ear: Ear, store: Store) -> None:
    """Wait until it listens: on PostgreSQL that is told by a first call."""
    if store.shared:
        await ear.next()
    else:
        await asyncio.sleep(0)


async def test_a_ring_is_heard_once_it_is_committed(store: Store, other: Store) -> None:
    ear = Ear()
    async with store.bell.listening(ear):
        await hears(ear, store)
        before = ear.times
        with other.writing() as connection:
            bell.ring(connection)
            if store.shared:
                rung(store)  # a second one, which is committed: it alone is heard
                await ear.next()
            else:
                await asyncio.sleep(0)  # in this process it would have been told by now
            assert ear.times == before + store.shared
        await ear.next()
        assert ear.times == before + store.shared + 1


async def test_what_is_taken_back_was_not_rung(store: Store, other: Store) -> None:
    ear = Ear()
    async with store.bell.listening(ear):
        await hears(ear, store)
        with pytest.raises(RuntimeError), other.writing() as connection:
            bell.ring(connection)
            raise RuntimeError("no")
        before = ear.times
        rung(other)
        await ear.next()
        assert ear.times == before + 1


async def test_nobody_is_called_who_does_not_listen_any_more(store: Store) -> None:
    ear = Ear()
    async with store.bell.listening(ear):
        await hears(ear, store)
    before, listens = ear.times, Ear()
    async with store.bell.listening(listens):
        await hears(listens, store)
        rung(store)
        await listens.next()
    assert ear.times == before


@pytest.mark.postgresql
async def test_a_lost_line_is_opened_again(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And who listened is told to look: what was rung meanwhile nobody heard."""
    monkeypatch.setattr(bell, "LISTEN_AGAIN", 0.01)
    store, ear = Store.open(postgresql_url), Ear()
    cut = text("select pg_terminate_backend(pid) from pg_stat_activity where query like 'LISTEN%'")
    try:
        async with store.bell.listening(ear):
            await ear.next()
            with store.writing() as connection:
                connection.execute(cut)
            await ear.next()
            rung(store)
            await ear.next()
    finally:
        store.close()


@pytest.mark.postgresql
async def test_a_line_that_was_not_to_be_had_is_asked_for_again(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every connection is in use: that is no fault of the database, and passes."""
    monkeypatch.setattr(bell, "LISTEN_AGAIN", 0.01)
    store, ear = Store.open(postgresql_url), Ear()
    pool: Any = store.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.01)
    in_use = [store.engine.connect() for _ in range(pool.size() + pool._max_overflow)]
    try:
        with caplog.at_level(logging.WARNING, logger="bridgehead.bell"):
            async with store.bell.listening(ear):
                async with asyncio.timeout(20):
                    while not caplog.records:
                        await asyncio.sleep(0.01)
                for connection in in_use:
                    connection.close()
                await ear.next()
                rung(store)
                await ear.next()
    finally:
        store.close()


async def test_a_decision_wakes_an_engine_that_would_not_look_for_a_minute(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "POLL", 60.0)
    run = desk.start(decide("May it be sent?"), act("send_letter", text="Dear Ana"), workflow="plain")
    async with desk.house.at_work() as engine:
        work = asyncio.create_task(engine.work())
        await until(desk.questions, says="the question", task=work)
        await until(lambda: desk.row(run).status == "waiting", says="the run waits", task=work)
        question = desk.question()
        person = desk.person("maya")
        await asyncio.to_thread(
            vote, desk.house.boundary, question.id, person, "approve", question.digest(), ""
        )
        async with asyncio.timeout(30):  # less than the minute between two looks
            await until(lambda: desk.row(run).status == "done", says="the run ends", task=work)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    assert desk.shop.letters == ["Dear Ana"]


# --- one look, without a transaction ------------------------------------------------------------


def test_a_look_finds_what_is_committed_and_cannot_write(store: Store) -> None:
    one = text("select count(*) from stop")
    write = text("insert into stop (id, set_by, reason, set_at) values ('s', 'lena', 'smoke', '2026')")
    assert store.look(lambda connection: connection.execute(one).scalar_one()) == 0
    with pytest.raises(StoreError, match="cannot be written"):
        store.look(lambda connection: connection.execute(write))
    with store.writing() as connection:
        connection.execute(write)
        assert store.look(lambda connection: connection.execute(one).scalar_one()) == 0
    assert store.look(lambda connection: connection.execute(one).scalar_one()) == 1


@pytest.mark.postgresql
def test_a_look_outlives_its_connection(postgresql_url: str) -> None:
    """Reading changes nothing, so a look that lost its connection is taken again."""
    store = Store.open(postgresql_url)
    pid = text("select pg_backend_pid()")
    cut = text("select pg_terminate_backend(:pid)")
    try:
        first = store.look(lambda connection: connection.execute(pid).scalar_one())
        with store.writing() as connection:
            connection.execute(cut, {"pid": first})
        assert store.look(lambda connection: connection.execute(pid).scalar_one()) != first
    finally:
        store.close()
