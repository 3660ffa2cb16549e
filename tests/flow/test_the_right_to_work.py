"""Who works on a shared store: the lock outlives its server, clocks agree, and connections are few."""

from __future__ import annotations

import asyncio
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event

from bridgehead.assemble.engines import MAX_APART, require_the_time
from bridgehead.doors.cli.serving import carry
from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import BridgeheadError
from bridgehead.run import dbos_engine, dbos_rows
from bridgehead.run.upkeep import Upkeep
from bridgehead.store import Store
from bridgehead.store.health import CONNECTIONS, OF_THE_ENGINE
from bridgehead.store.machines import AT_WORK, Held
from fixtures.houses import Desk
from fixtures.postgres import running
from fixtures.waiting import until

pytestmark = pytest.mark.postgresql


class Off(SystemClock):
    """A clock of a machine that nobody keeps in step. ``by`` is in seconds."""

    def __init__(self, by: float) -> None:
        self._by = timedelta(seconds=by)

    def now(self) -> datetime:
        return super().now() + self._by


def cut(url: str) -> None:
    """End every connection of ours, as a restart of the server does."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
            " and datname = current_database() and application_name = 'bridgehead'"
        )


def test_the_lock_is_taken_again_after_a_restart_of_the_server_unless_somebody_has_it(
    postgresql_url: str,
) -> None:
    one, two = Store.open(postgresql_url), Store.open(postgresql_url)
    first = Held(one, AT_WORK, shared=False)
    assert first.keep()
    cut(postgresql_url)
    assert first.keep(), "nobody else wanted it"
    cut(postgresql_url)
    second = Held(two, AT_WORK, shared=False)
    assert (second.taken, first.keep(), first.taken) == (True, False, False)
    second.release()
    assert first.keep()
    first.release()
    one.close()
    two.close()


def test_the_lock_is_taken_again_where_the_server_went_away_as_it_was_asked_for(postgresql_url: str) -> None:
    store, cuts = Store.open(postgresql_url), [1, 0]

    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "pg_try_advisory_lock" in statement and cuts.pop(0):
            cut(postgresql_url)

    held = Held(store, AT_WORK, shared=True)
    event.listen(store.engine, "before_cursor_execute", before)
    cut(postgresql_url)
    assert not held.keep(), "the server went away between two statements"
    assert (held.keep(), held.taken) == (True, True)
    held.release()
    store.close()


async def test_an_embedded_engine_that_lost_its_place_takes_nothing(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgehead.run.embedded.SWEEP", 0.2)
    desk = Desk(tmp_path, store=postgresql_url, engine="embedded", clock=SystemClock())
    other = Store.open(postgresql_url)
    assert desk.house
    async with desk.house.at_work(engine="embedded") as engine:
        working = asyncio.create_task(engine.work())
        await until(lambda: engine._held, says="it holds the lock", task=working)  # type: ignore[attr-defined]
        cut(postgresql_url)
        second = Held(other, AT_WORK, shared=False)
        assert second.taken
        lost = lambda: engine._held and not engine._held.taken  # type: ignore[attr-defined]  # noqa: E731
        await until(lost, says="it notices that the lock is gone", task=working)
        run = desk.start(workflow="plain")
        for _ in range(10):
            await asyncio.sleep(0.05)
        assert desk.row(run).status == "running", "it was not taken"
        second.release()
        await until(lambda: desk.row(run).status == "done", says="the run ends", task=working)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    other.close()
    desk.close()


@pytest.mark.parametrize("by", [-60.0, 60.0])
async def test_a_machine_whose_clock_is_off_does_not_work(
    postgresql_url: str, tmp_path: Path, by: float
) -> None:
    desk = Desk(tmp_path, store=postgresql_url, clock=Off(by))
    with pytest.raises(BridgeheadError) as error:
        await carry(desk.house)
    assert error.value.code == "BH-ASM-008"
    apart = re.search(r"(\d+) s (ahead of|behind)", error.value.what)
    assert apart is not None, error.value.what
    assert apart[2] == ("ahead of" if by > 0 else "behind")
    assert 55 <= int(apart[1]) <= 65, "it took a while to ask"
    require_the_time(desk.house.store, Off(MAX_APART / 2))
    desk.close()


def test_a_process_opens_no_more_connections_than_it_says(postgresql_url: str) -> None:
    store = Store.open(postgresql_url)
    inside, counted = threading.Semaphore(0), threading.Event()

    def hold(reading: bool) -> None:
        with store.reading() if reading else store.writing() as connection:
            assert isinstance(connection, Connection)
            inside.release()
            counted.wait(60)

    # Two more than there is room for: they wait for a connection that is free.
    threads = [threading.Thread(target=hold, args=(n % 2 == 0,)) for n in range(CONNECTIONS + 2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(CONNECTIONS):
            assert inside.acquire(timeout=60)
        assert not inside.acquire(timeout=1), "a connection too many was opened"
        with psycopg.connect(postgresql_url.replace("+psycopg", "")) as admin:
            row = admin.execute(
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            ).fetchone()
        assert row == (CONNECTIONS,)
        pool: Any = store.engine.pool
        assert (pool.overflow(), pool.checkedout()) == (8, 16)
    finally:
        counted.set()
        for thread in threads:
            thread.join()
        store.close()


async def test_and_the_engine_beside_it_no_more_than_it_says(postgresql_url: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path, store=postgresql_url, engine="dbos", clock=SystemClock())
    count = "select count(*) from pg_stat_activity where application_name = 'dbos_transact'"
    assert desk.house
    async with desk.house.at_work(engine="dbos", concurrency=64) as engine:
        working = asyncio.create_task(engine.work())
        with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as admin:

            def counted() -> int:
                row = admin.execute(count).fetchone()
                assert row is not None
                return int(row[0])

            await until(counted, says="the engine connects", task=working)
            pool = dbos_engine._instance()._sys_db.engine.pool
            assert (pool.size() + 1, pool._max_overflow) == (OF_THE_ENGINE, 0)
            held: list[Any] = []
            while pool.checkedout() < pool.size():
                held.append(await asyncio.to_thread(pool.connect))
            await until(lambda: counted() == OF_THE_ENGINE, says="every connection is open", task=working)
            for connection in held:
                connection.close()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    desk.close()


async def test_old_rows_of_the_engine_are_cleared_as_fast_as_they_come(
    postgresql_url: str, tmp_path: Path
) -> None:
    """A segment that the engine itself ended, 1,700 times: more than one clearing takes at a time."""
    desk = Desk(tmp_path, store=postgresql_url, engine="dbos", clock=SystemClock())
    try:
        desk.start(workflow="plain")
        await desk.work()
        store = desk.house.store
        with store.writing() as connection:
            rows = connection.exec_driver_sql("select * from dbos.workflow_status").mappings().all()
            (kept,) = [dict(row) for row in rows if row["status"] == "SUCCESS"]
            names = ", ".join(f'"{name}"' for name in kept)
            others = names.replace('"workflow_uuid"', "'r' || n || ':seg1'", 1)
            connection.exec_driver_sql(
                f"insert into dbos.workflow_status ({names})"
                f" select {others} from dbos.workflow_status, generate_series(1, 1700) n"
            )
            connection.exec_driver_sql("update dbos.workflow_status set updated_at = 0")
            assert len(dbos_rows.old(connection)) == dbos_rows.AT_ONCE < 1700
        nobody: Any = None
        Upkeep(store, desk.clock, "w", active=nobody, schedules=nobody, queue=nobody)._clean()
        with store.reading() as connection:
            assert connection.exec_driver_sql("select count(*) from dbos.workflow_status").scalar_one() == 0
    finally:
        desk.close()


def test_a_house_closes_while_its_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Store.open.__func__.__kwdefaults__  # type: ignore[attr-defined]
    monkeypatch.setitem(kept, "lock_seconds", 0.5)
    with running() as server:
        desk = Desk(tmp_path, store=server.new_database())
        before = set(threading.enumerate())
        assert desk.house.ledger.size_and_root()[0] > 0, "there is something to sign"
        server.stop()
        desk.close()
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert [thread for thread in left if thread.name == "ledger-writer"] == []
