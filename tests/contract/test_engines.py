"""Every engine keeps the same promises: each segment is started once, soon, and again if its worker died.

On SQLite and on PostgreSQL, in one process and in many. Workers are real processes and are killed for real.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from sqlalchemy import text

from bridgehead.enforce.stop import wake
from bridgehead.kernel.clock import SystemClock, stamp
from bridgehead.run import workers
from fixtures.engines import Works
from fixtures.postgres import Server


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_worker_s_runs_end_and_nothing_is_paid_twice(works: Works, moment: str) -> None:
    run = works.start("inv-0", "inv-1", "inv-2")
    works.kill_at(f"inv-1 {moment}")
    works.worker("another")
    assert works.ended(run) == ["Done", "Done", "Done"]
    assert works.booked() == ["inv-0", "inv-1", "inv-2"]
    assert works.count("run.ended") == 1
    assert works.incidents() == []


def test_starting_and_waking_twice_is_harmless(works: Works) -> None:
    run = works.start("inv-0", key="march")
    assert works.start("inv-0", key="march") == run
    with works.house.store.writing() as connection:
        wake(connection, [run], stamp(SystemClock().now()))
    works.worker()
    assert works.ended(run) == ["Done"]
    works.until(lambda: not unfinished(works))
    assert works.booked() == ["inv-0"]
    assert (works.count("run.started"), works.count("run.ended")) == (1, 1)


def test_a_paused_worker_that_wakes_up_sends_nothing_again(works: Works) -> None:
    """It was cut off in the middle of a call. Where several may work, another one carries its run on; where
    one may, nobody else gets in until it is gone."""
    run = works.start("inv-0", "inv-1", "inv-2")
    works.stop_at("inv-1 after")
    sleeper = works.worker("sleeper")
    works.wait_for("inv-1 after")
    sleeper.send_signal(signal.SIGSTOP)
    other = works.worker("other")
    if works.many:
        assert works.ended(run) == ["Done", "Done", "Done"]
        sleeper.send_signal(signal.SIGCONT)
        works.until(lambda: alive(works) == {"sleeper", "other"})
    else:
        assert other.wait(60) == 2
        works.kill(sleeper)
        works.worker("after it")
        assert works.ended(run) == ["Done", "Done", "Done"]
    assert works.booked() == ["inv-0", "inv-1", "inv-2"]
    assert works.count("run.ended", run) == 1
    # What the sleeper hears in the end was settled without it, and is told.
    assert set(works.incidents()) <= {"late-answer:2"}


def test_many_more_runs_than_it_carries_at_once(works: Works) -> None:
    """Four side by side; every run ends, none waits for a free thread for ever."""
    runs = [works.start(f"inv-{number}") for number in range(24)]
    works.worker()
    assert [works.ended(run) for run in runs] == [["Done"]] * 24
    assert sorted(works.booked()) == sorted(f"inv-{number}" for number in range(24))


@pytest.mark.postgresql
@pytest.mark.parametrize("works", ["embedded-postgresql", "dbos-postgresql"], indirect=True)
def test_what_another_process_makes_due_is_begun_without_waiting_for_a_look(works: Works) -> None:
    works.worker(looks="3600")
    first = works.start("inv-0")
    assert works.ended(first) == ["Done"]
    assert works.ended(works.start("inv-1")) == ["Done"]


@pytest.mark.postgresql
@pytest.mark.parametrize("works", ["embedded-postgresql", "dbos-postgresql"], indirect=True)
def test_the_database_restarts_while_a_dead_worker_s_run_is_recovered(
    works: Works, postgresql: Server
) -> None:
    run = works.start("inv-0", "inv-1", "inv-2")
    works.kill_at("inv-1 after")
    works.stop_at("inv-2 before")
    recovering = works.worker("recovering")
    works.wait_for("inv-2 before")
    assert postgresql.run("pg_ctl", "restart", "-w", "-m", "immediate", "-D", str(postgresql.folder / "data"))
    works.kill(recovering)  # its bank hangs for as long as it lives
    works.worker("after the restart")
    assert works.ended(run) == ["Done", "Done", "Done"]
    assert works.booked() == ["inv-0", "inv-1", "inv-2"]


@pytest.mark.postgresql
def test_a_worker_outlives_a_restart_of_the_database(postgresql: Server, workshop: Works) -> None:
    first = workshop.start("inv-0")
    worker = workshop.worker()
    assert workshop.ended(first) == ["Done"]
    assert postgresql.run("pg_ctl", "restart", "-w", "-m", "immediate", "-D", str(postgresql.folder / "data"))
    second = workshop.until(lambda: started(workshop))
    assert workshop.ended(second) == ["Done"]
    assert worker.poll() is None
    assert workshop.booked() == ["inv-0", "inv-1"]


@pytest.mark.postgresql
def test_a_pickled_row_is_refused_by_the_database_and_by_the_code(workshop: Works, tmp_path: Path) -> None:
    """Somebody who can write the database puts code into the queue. It does not run, and people are told."""
    witness = tmp_path / "pickle-was-run"
    run = workshop.start("inv-0", "inv-1")
    workshop.kill_at("inv-0 after")
    poison = text(
        "update dbos.workflow_status set status = 'ENQUEUED', serialization = 'py_pickle', inputs = :bad"
    )
    with workshop.house.store.writing() as connection:
        with pytest.raises(Exception, match="no_pickle"), connection.begin_nested():
            connection.execute(poison, {"bad": pickled(witness)})
        # The owner of the tables can take the constraint away.
        connection.execute(text("alter table dbos.workflow_status drop constraint no_pickle"))
        connection.execute(poison, {"bad": pickled(witness)})
        connection.execute(text("update dbos.workflow_input set inputs = :bad"), {"bad": pickled(witness)})
    workshop.worker("next")
    assert workshop.ended(run) == ["Done", "Done"]
    assert workshop.booked() == ["inv-0", "inv-1"]
    assert not witness.exists()
    assert workshop.until(workshop.incidents) == ["BH-RUN-031"]


def pickled(witness: Path) -> str:
    """Return what would make a file when it is unpickled, as dbos would find it."""
    import base64
    import os
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {witness}",)

    return base64.b64encode(pickle.dumps({"args": (Evil(),), "kwargs": {}})).decode()


def started(works: Works) -> str:
    """Start one more run; the first connections after a restart of the database may still be dead ones."""
    from bridgehead.kernel.errors import StoreError

    try:
        return works.start("inv-1", key="second")
    except StoreError:
        return ""


def alive(works: Works) -> set[str]:
    with works.house.store.reading() as connection:
        return {worker.name for worker in workers.every(connection) if worker.silent < 2.0}


def unfinished(works: Works) -> list[object]:
    with works.house.store.reading() as connection:
        return list(connection.execute(text("select run from segment where state <> 'ended'")).all())
