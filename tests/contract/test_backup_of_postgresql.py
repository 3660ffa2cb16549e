"""A store on PostgreSQL is backed up in one snapshot and restored into an empty database, verified."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridgehead.backup import restore as restoring
from bridgehead.backup.judge import Evidence, Verdict
from bridgehead.backup.restore import Place, check, restore
from bridgehead.backup.take import take
from bridgehead.enforce.stop import in_force, lift_stop
from bridgehead.kernel.errors import ConfigError, StoreError
from bridgehead.store import Store, dump
from bridgehead.store import tables as t
from bridgehead.store.session import address_of
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.ledgers import case, recording
from fixtures.postgres import Server

pytestmark = pytest.mark.postgresql


async def test_a_deployment_moves_to_another_database_and_repeats_nothing(
    postgresql: Server, postgresql_url: str, tmp_path: Path
) -> None:
    """Others append while the dump is taken; a refund is made after it; the new database knows neither."""
    desk = Desk(tmp_path, store=postgresql_url, engine="embedded")
    house = desk.house
    run = desk.start(act("refund", order_id="o1", amount=20), workflow="plain")
    over = threading.Event()

    def append() -> None:
        count = 0
        while not over.is_set():
            house.ledger.append(recording(*case(f"other-{count}", "zoe")))
            count += 1

    thread = threading.Thread(target=append)
    thread.start()
    taken = take(house.store, house.ledger, house.state, tmp_path / "b", now=desk.clock.now(), with_keys=True)
    over.set()
    thread.join()
    await desk.work()
    assert desk.shop.refunds == [("o1", "20")]
    desk.close()
    desk.clock.advance(3600)

    desk.store, desk.state = postgresql.new_database(), tmp_path / "n"
    with pytest.raises(ConfigError, match="BH-BAK-008"):
        check(taken.place, Evidence())
    refused = [
        (Place(state=desk.state), "BH-BAK-009"),
        (Place(state=desk.state, url=postgresql_url), "BH-STO-023"),
    ]
    for place, code in refused:
        with pytest.raises((ConfigError, StoreError), match=code):
            restore(taken.place, place, Evidence(), clock=desk.clock, by="human:sam")
    place = Place(state=desk.state, url=desk.store)
    done = restore(taken.place, place, Evidence(), clock=desk.clock, by="human:sam")
    assert done.aftermath.open_runs == 1
    assert done.verdict.report.size >= taken.manifest.size

    desk.reopen()
    await desk.work()
    lift_stop(desk.house.boundary, desk.person("olga"), "looked at the shop")
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert desk.shop.refunds == [("o1", "20")]
    assert desk.ended(run)[-1]["is"] == "done"
    desk.close()
    postgresql.drop_database(desk.store)


def test_without_its_programs_it_refuses_and_says_what_to_install(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, store=postgresql_url)
    house = desk.house
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError) as fault:
        take(house.store, house.ledger, house.state, tmp_path / "b", now=desk.clock.now(), with_keys=False)
    assert fault.value.code == "BH-STO-020" and "postgresql-client" in fault.value.fix
    assert not (tmp_path / "b").exists()
    desk.close()


def test_the_password_is_on_no_command_line(postgresql_url: str) -> None:
    secret = postgresql_url.split(":")[2].split("@")[0]
    place, said = dump.where(address_of(postgresql_url))
    assert said["PGPASSWORD"] == secret and secret not in place and "host=127.0.0.1" in place
    with pytest.raises(StoreError) as fault:
        dump.run("pg_dump", address_of(postgresql_url), ["--schema=no_such_schema"])
    assert fault.value.code == "BH-STO-021" and secret not in str(fault.value)


def test_the_programs_go_to_the_server_of_the_store_whatever_its_address_looks_like() -> None:
    """A socket folder and a port in the query name another server than the defaults do."""
    url = address_of("postgresql://bh@/support?host=/var/run/pg-prod&port=5433&password=geheim")
    place, said = dump.where(url)
    assert "host=/var/run/pg-prod" in place and "port=5433" in place and "geheim" not in place
    assert said["PGPASSWORD"] == "geheim"
    assert "geheim" not in url.render_as_string()
    with pytest.raises(StoreError) as fault:
        Store.open("postgresql://bh@127.0.0.1:1/support?password=geheim", lock_seconds=0.1)
    assert "geheim" not in str(fault.value)


def a_backup(desk: Desk, to: Path) -> Path:
    """Back up a desk with a refund that is due."""
    house = desk.house
    desk.start(IDENTIFY, act("refund", order_id="o1", amount=20))
    return take(house.store, house.ledger, house.state, to, now=desk.clock.now(), with_keys=True).place


def test_nobody_opens_a_database_before_it_is_verified_and_stopped(
    postgresql: Server, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that a supervisor starts again and again meets a database in the middle of its restore."""
    desk = Desk(tmp_path, store=postgresql_url, engine="embedded")
    backup, new, met = a_backup(desk, tmp_path / "b"), postgresql.new_database(), []
    desk.close()
    real = restoring.judge

    def judge(*given: Any) -> Verdict:
        with pytest.raises(StoreError) as fault:
            Store.open(new)
        met.append(fault.value.code)
        return real(*given)

    monkeypatch.setattr(restoring, "judge", judge)
    place = Place(state=tmp_path / "n", url=new)
    restore(backup, place, Evidence(), clock=desk.clock, by="human:sam")
    assert met == ["BH-STO-024"]
    store = Store.open(new)
    with store.reading() as connection:
        assert in_force(connection) is not None
    store.close()


def test_what_does_not_verify_is_not_left_in_the_database(
    postgresql: Server, postgresql_url: str, tmp_path: Path
) -> None:
    desk = Desk(tmp_path, store=postgresql_url, engine="embedded")
    backup, new = a_backup(desk, tmp_path / "b"), postgresql.new_database()
    desk.start(IDENTIFY, act("refund", order_id="o1", amount=20))
    later = desk.house.ledger.checkpoint()
    desk.close()
    place = Place(state=tmp_path / "n", url=new)
    with pytest.raises(ConfigError, match="BH-BAK-005"):
        restore(backup, place, Evidence(kept=[later]), clock=desk.clock, by="human:sam")
    store = Store.open(new)  # as empty as it was
    with store.reading() as connection:
        assert connection.execute(select(t.segment)).all() == []
    store.close()
    assert not place.state.exists()
