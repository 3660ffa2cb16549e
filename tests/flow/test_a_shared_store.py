"""A deployment whose store is a PostgreSQL database: named once, worked on from several state folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, make_url, text, update

from bridgehead.assemble import House
from bridgehead.declare import lock
from bridgehead.kernel.errors import BridgeheadError, CharterError
from bridgehead.run import workers
from bridgehead.store import Store, where
from bridgehead.store import tables as t
from fixtures.houses import OPERATOR, SETTLED, Desk, act


def code(error: pytest.ExceptionInfo[BridgeheadError]) -> str:
    return error.value.code


# --- which store ---


def test_the_store_is_remembered_without_its_password(tmp_path: Path) -> None:
    given = "postgresql://ana:secret@db.example:5433/support?sslmode=require&password=secret"
    where.remember(tmp_path, given)
    kept = where.address(tmp_path)
    assert kept == "postgresql://ana@db.example:5433/support?sslmode=require"
    assert "secret" not in (tmp_path / "store.url").read_text()
    assert where.address(tmp_path, given) == given, "given again, the password that comes with it counts"


def test_without_a_word_it_is_a_file(tmp_path: Path) -> None:
    assert where.address(tmp_path) == tmp_path / "store.db"
    where.remember(tmp_path, "")
    assert not (tmp_path / "store.url").exists()


@pytest.mark.parametrize(
    "other", ["postgresql://db/other", "sqlite:////tmp/other.db", "postgresql://b@db/one"]
)
def test_another_store_than_the_remembered_one_is_refused(tmp_path: Path, other: str) -> None:
    where.remember(tmp_path, "postgresql://a@db/one")
    with pytest.raises(BridgeheadError) as error:
        where.address(tmp_path, other)
    assert code(error) == "BH-STO-015"


def test_a_folder_with_a_file_does_not_move_by_mistyping(tmp_path: Path) -> None:
    Store.open(tmp_path / "store.db").close()
    with pytest.raises(BridgeheadError) as error:
        where.address(tmp_path, "postgresql://ana:secret@db/support")
    assert code(error) == "BH-STO-015"
    assert "secret" not in str(error.value)


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(BridgeheadError) as error:
        Store.open("postgresql://ana:secret@127.0.0.1:1/support")
    assert code(error) == "BH-STO-001"
    assert "secret" not in str(error.value)
    assert "running and reachable" in error.value.fix


@pytest.mark.postgresql
@pytest.mark.parametrize("change", [{"password": "wrong"}, {"username": "nobody"}], ids=["password", "role"])
def test_a_role_that_is_not_let_in_is_told_so(postgresql_url: str, change: dict[str, str]) -> None:
    given = make_url(postgresql_url).set(drivername="postgresql", **change)
    with pytest.raises(BridgeheadError) as error:
        Store.open(given.render_as_string(hide_password=False))
    assert code(error) == "BH-STO-001"
    assert f"the store postgresql://{given.username}:***@" in error.value.what
    assert "refused the role or its password" in error.value.fix


@pytest.mark.parametrize("url", ["postgresql+asyncpg://db/x", "mysql://db/x", "postgres://db/x"])
def test_other_databases_and_drivers_are_refused(url: str) -> None:
    with pytest.raises(BridgeheadError) as error:
        Store.open(url)
    assert code(error) == "BH-STO-006"


@pytest.mark.postgresql
def test_our_tables_are_in_a_schema_of_their_own(postgresql_url: str) -> None:
    plain = make_url(postgresql_url).set(drivername="postgresql").render_as_string(hide_password=False)
    store = Store.open(plain)
    with store.reading() as connection:
        schemas = text(
            "select distinct table_schema from information_schema.tables where table_name = 'segment'"
        )
        assert list(connection.execute(schemas).scalars()) == ["bridgehead"]
    assert store.shared
    store.close()


# --- releases and keys on another machine ---


def elsewhere(desk: Desk, place: Path, *, keys: bool = True) -> House:
    """Open the deployment from another state folder, as on another machine."""
    place.mkdir()
    if keys:
        shutil.copytree(desk.state / "keys", place / "keys")
    given = {"server:shop": desk.system, "server:printer": desk.printer, "model:support": desk.model}
    return House.open(desk.folder, state=place, store=desk.store, clock=desk.clock, drivers=given)


@pytest.fixture
def shared(tmp_path: Path, postgresql_url: str) -> Desk:
    return Desk(tmp_path, store=postgresql_url, engine="embedded")


@pytest.mark.postgresql
async def test_a_release_comes_out_of_the_store_and_is_the_same_to_the_byte(
    shared: Desk, tmp_path: Path
) -> None:
    """Its runs are carried there under it, although the folder has moved on."""
    run = shared.start(act("price_of", item="lamp"), workflow="plain")
    digest = shared.house.deployment.digest
    shared.add("\n// a later thought\n")
    shared.activate()
    other = elsewhere(shared, tmp_path / "machine-2")
    await shared.system.open()
    async with other.at_work(engine="embedded") as engine:
        await engine.work(until_idle=True)
    assert shared.ended(run)[0]["is"] == "done"
    mine, theirs = (list(lock.files(state, digest)) for state in (shared.state, other.state))
    assert mine == theirs
    other.close()
    shared.close()


@pytest.mark.postgresql
def test_a_release_altered_in_the_store_is_not_used(shared: Desk, tmp_path: Path) -> None:
    digest = shared.activate()
    with shared.house.store.writing() as connection:
        evil = {"sha256": "0" * 64, "content": b"import os\n"}
        connection.execute(insert(t.file_content).values(evil))
        connection.execute(
            update(t.release_file).where(t.release_file.c.path == "workflow.py").values(sha256="0" * 64)
        )
    other = elsewhere(shared, tmp_path / "machine-2")
    with pytest.raises(CharterError) as error:
        other.boundary_of(digest)
    assert code(error) == "BH-CHA-086"
    assert not lock.has(other.state, digest)
    other.close()
    shared.close()


@pytest.mark.postgresql
def test_without_the_keys_of_the_ledger_nothing_is_opened(shared: Desk, tmp_path: Path) -> None:
    shared.activate()
    with pytest.raises(BridgeheadError) as error:
        elsewhere(shared, tmp_path / "machine-2", keys=False)
    assert code(error) == "BH-ASM-004"
    assert not (tmp_path / "machine-2" / "keys").exists()
    shared.close()


@pytest.mark.parametrize("path", ["../workflow.py", "/etc/x", "a/../../x", "", "a//../x", "./x"])
def test_a_file_outside_of_its_release_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(CharterError) as error:
        lock.rebuild(tmp_path / "state", "0" * 64, [(path, False, b"x")])
    assert code(error) == "BH-CHA-086"
    assert [p for p in tmp_path.rglob("*") if p.name in ("x", "workflow.py")] == []


async def test_several_workers_need_a_shared_store(desk: Desk) -> None:
    with pytest.raises(BridgeheadError) as error:
        async with desk.house.at_work(engine="dbos"):
            pass
    assert code(error) == "BH-ASM-005"


@pytest.mark.postgresql
async def test_a_run_goes_on_under_its_release_on_the_engine_of_many_workers(
    tmp_path: Path, postgresql_url: str
) -> None:
    """It waited for people while another release became active."""
    desk = Desk(tmp_path, store=postgresql_url, engine="dbos")
    run = desk.start(act("find_customer", email="ana@example.com"), act("refund", order_id="o1", amount=200))
    await desk.work()
    old = desk.house.deployment.digest
    desk.workflow("async def play(run, steps):\n    return 'another workflow'\n")
    assert desk.activate() != old
    desk.vote("maya")
    await desk.work()
    assert [step["is"] for step in desk.ended(run)] == ["done", "done"]
    assert desk.row(run).release == old
    desk.close()


@pytest.mark.postgresql
async def test_a_worker_that_ended_can_begin_again(tmp_path: Path, postgresql_url: str) -> None:
    desk = Desk(tmp_path, store=postgresql_url)
    await desk.system.open()
    async with desk.house.at_work(engine="dbos") as engine:
        for _ in range(2):
            run = desk.start(act("price_of", item="lamp"), workflow="plain")
            await engine.work(until_idle=True)
            assert desk.ended(run)[0]["is"] == "done"
    with desk.house.store.reading() as connection:
        assert [worker.left for worker in workers.every(connection)] == [True, True]
    desk.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("step", [7, 8, 9, 10])
async def test_who_lost_a_segment_records_nothing_more(shared: Desk, step: int) -> None:
    """It was paused between two steps of an action, and somebody else has taken the run over meanwhile."""
    from bridgehead.run import segments

    run = shared.start(act("find_customer", email="ana@example.com"), act("refund", order_id="o1", amount=20))
    house = shared.house

    def taken_over() -> None:
        if [row.state for row in shared.crossings(run, "find_customer")] == ["done"]:
            shared.on_step.clear()
            assert segments.take(house.store, "another", run, 1) is not None
            seen.append(len(shared.entries()))

    seen: list[int] = []
    shared.on_step[step] = taken_over
    await shared.work()
    assert len(shared.entries()) == seen[0], "nothing was recorded once it was another's"
    assert (shared.incidents(), shared.row(run).status) == ([], "running")
    shared.close()
    shared.reopen()  # whoever has it now, carries it on from what the journal says
    for _ in range(2):
        await shared.work()
        shared.clock.advance(SETTLED)
    assert [one["is"] for one in shared.ended(run)] == ["done", "done"]
    assert shared.shop.refunds == [("o1", "20")]
    shared.close()


@pytest.mark.postgresql
async def test_rows_the_engine_lost_are_handed_over_anew(tmp_path: Path, postgresql_url: str) -> None:
    """Somebody emptied the engine's tables while a run was queued: our own say what is to be done."""
    from bridgehead.run import dbos_rows
    from bridgehead.run import segments as rows

    desk = Desk(tmp_path, store=postgresql_url, engine="dbos")
    first = desk.start(act("price_of", item="lamp"), workflow="plain")
    await desk.work()
    run = desk.start(act("price_of", item="lamp"), workflow="plain")
    with desk.house.store.writing() as connection:
        assert [segment.run for segment in rows.hand_over(connection, desk.clock, 10)] == [run]
        assert [lost.run for lost in dbos_rows.stranded(connection)] == [run]
        connection.execute(text("delete from dbos.workflow_status"))
    await desk.work()
    assert [desk.ended(one)[0]["is"] for one in (first, run)] == ["done", "done"]
    with desk.house.store.writing() as connection:
        assert dbos_rows.old(connection) == [], "kept for a day"
        connection.execute(text("update dbos.workflow_status set updated_at = 0"))
        assert dbos_rows.old(connection) == [dbos_rows.name_of(run, 1)]
        connection.execute(text("update segment set state = 'ready'"))
        assert dbos_rows.old(connection) == [], "what may still run is never cleared away"
    desk.close()


def test_what_we_use_of_dbos_beyond_its_documents_is_still_there() -> None:
    """These names are private; a new version of dbos that drops one must fail here and not in production."""
    from dbos import DBOS
    from dbos._serialization import DBOSDefaultSerializer
    from dbos._sys_db import SystemDatabase

    import bridgehead.run.dbos_engine  # noqa: F401 - replaces the default serializer

    assert callable(DBOS._recover_pending_workflows)
    assert callable(SystemDatabase.reenqueue_for_recovery)
    assert callable(SystemDatabase.get_queue)
    for refused in (DBOSDefaultSerializer.serialize, DBOSDefaultSerializer.deserialize):
        with pytest.raises(BridgeheadError) as error:
            refused("gASVBAAAAAAAAABLAS4=")
        assert code(error) == "BH-RUN-031"


def test_nothing_of_a_run_is_left_behind(tmp_path: Path) -> None:
    """A desk without a store is on SQLite, and keeps no files in it: they are in its state folder."""
    desk = Desk(tmp_path)
    desk.house.activate(by=OPERATOR)
    with desk.house.store.writing() as connection:
        assert connection.execute(delete(t.release_file)).rowcount == 0
    desk.close()
