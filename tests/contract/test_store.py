"""The store keeps its promises on each database: all or nothing, one snapshot, our words."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from bridgehead.kernel.errors import StoreError
from bridgehead.store import Store, migrations
from bridgehead.store.tables import incident, metadata, stop, vote

WHEN = "2026-01-02T03:04:05.000000Z"


def a_stop(name: str) -> dict[str, str]:
    return {"id": name, "set_by": "lena", "reason": "the mail server is down", "set_at": WHEN}


def stops(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.scalars(select(stop.c.id).order_by(stop.c.id)))


def test_a_new_store_is_on_the_current_schema(store: Store) -> None:
    assert migrations.version(store.engine) == migrations.CURRENT
    assert set(inspect(store.engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_the_migrations_build_exactly_what_tables_py_says(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        # alembic misreads empty defaults on SQLite; the generated first migration holds those.
        options = {"compare_type": True, "compare_server_default": store.dialect == "postgresql"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_check_constraints_are_the_database_s_own(store: Store) -> None:
    """alembic does not compare these, so say here that they hold."""
    row = {
        "approval": "a",
        "principal": "lena",
        "answer": "maybe",
        "digest": "d",
        "assurance": "x",
        "at": WHEN,
    }
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(insert(vote), row)


def test_opening_again_changes_nothing(store_url: str) -> None:
    first = Store.open(store_url)
    with first.writing() as connection:
        connection.execute(insert(stop), a_stop("one"))
    first.close()
    second = Store.open(store_url)
    assert stops(second) == ["one"]
    second.close()


def test_what_was_written_is_there_for_the_next_connection(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(insert(stop), [a_stop("one"), a_stop("two")])
    assert stops(store) == ["one", "two"]


def test_an_exception_takes_the_whole_transaction_back(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as connection:
        connection.execute(insert(stop), a_stop("one"))
        connection.execute(insert(incident), {"id": "i", "kind": "k", "words": "w", "opened_at": WHEN})
        raise ZeroDivisionError
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(stop)) == 0
        assert connection.scalar(select(func.count()).select_from(incident)) == 0


def test_what_is_not_an_exception_takes_it_back_too(store: Store) -> None:
    """``Park`` and KeyboardInterrupt derive from BaseException."""
    with pytest.raises(KeyboardInterrupt), store.writing() as connection:
        connection.execute(insert(stop), a_stop("one"))
        raise KeyboardInterrupt
    assert stops(store) == []


def test_a_failed_savepoint_takes_back_only_its_own(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(insert(stop), a_stop("before"))
        with pytest.raises(ZeroDivisionError), connection.begin_nested():
            connection.execute(insert(stop), a_stop("inside"))
            raise ZeroDivisionError
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insert(stop), a_stop("before"))
        with connection.begin_nested():
            connection.execute(insert(stop), a_stop("beside"))
        connection.execute(insert(stop), a_stop("zafter"))
    assert stops(store) == ["before", "beside", "zafter"]


def test_the_connection_is_clean_after_a_failure(store: Store) -> None:
    """The pool hands the same connection out again: nothing of the last caller may be left on it."""
    for _ in range(3):
        with pytest.raises(IntegrityError), store.writing() as connection:
            connection.execute(insert(stop), [a_stop("one"), a_stop("one")])
    with store.writing() as connection:
        connection.execute(insert(stop), a_stop("one"))
    assert stops(store) == ["one"]


def test_a_duplicate_key_is_the_caller_s_to_understand(store: Store) -> None:
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(insert(stop), [a_stop("one"), a_stop("one")])


def test_reading_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError) as fault, store.reading() as connection:
        connection.execute(insert(stop), a_stop("one"))
    assert fault.value.code == "BH-STO-004"
    assert stops(store) == []


def test_a_reader_sees_one_moment(store: Store) -> None:
    """Two figures of one page come from the same moment, whatever is written in between."""
    with store.writing() as connection:
        connection.execute(insert(stop), a_stop("one"))
    with store.reading() as reader:
        assert reader.scalar(select(func.count()).select_from(stop)) == 1
        with store.writing() as connection:
            connection.execute(insert(stop), a_stop("two"))
        assert reader.scalar(select(func.count()).select_from(stop)) == 1
    assert stops(store) == ["one", "two"]


def test_nobody_sees_what_is_not_committed(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(insert(stop), a_stop("one"))
        assert stops(store) == []


def test_text_comes_back_as_it_went_in(store: Store) -> None:
    words = "Grüße, 日本, \U0001f680, ' \" \\ %s :name {}"
    with store.writing() as connection:
        connection.execute(insert(stop), a_stop("one") | {"reason": words})
    with store.reading() as connection:
        assert connection.scalar(select(stop.c.reason)) == words


def test_many_threads_write_one_after_the_other(store: Store) -> None:
    """Each adds one to a number it read: nothing is lost when the store makes them wait."""
    with store.writing() as connection:
        connection.execute(insert(stop), a_stop("count") | {"reason": "0"})

    def add() -> None:
        for _ in range(10):
            with store.writing() as connection:
                row = select(stop.c.reason).where(stop.c.id == "count").with_for_update()
                number = int(connection.scalar(row) or 0)
                connection.execute(stop.update().where(stop.c.id == "count").values(reason=str(number + 1)))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as connection:
        assert connection.scalar(select(stop.c.reason)) == "40"


def test_two_processes_open_a_new_store_at_once(store_url: str) -> None:
    """Both succeed, and the tables are made once. Each waits for a line before it opens."""
    program = (
        "import sys; from bridgehead.store import Store; print('ready', flush=True); sys.stdin.readline(); "
        "Store.open(sys.argv[1]).close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, store_url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    store = Store.open(store_url)
    assert migrations.version(store.engine) == migrations.CURRENT
    store.close()


def test_a_store_of_a_newer_version_is_refused_and_left_alone(store_url: str) -> None:
    store = Store.open(store_url)
    with store.writing() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '0999'")
    store.close()
    with pytest.raises(StoreError) as fault:
        Store.open(store_url)
    assert fault.value.code == "BH-STO-002"
    assert "0999" in fault.value.what
    assert fault.value.fix


def test_a_lock_that_stays_is_told_in_words(store_url: str) -> None:
    store = Store.open(store_url)
    impatient = Store.open(store_url, lock_seconds=0.05)
    with store.writing() as connection:
        connection.execute(insert(stop), a_stop("one"))
        with pytest.raises(StoreError) as fault, impatient.writing() as second:
            # On SQLite the transaction itself waits; on PostgreSQL the same row does.
            second.execute(insert(stop), a_stop("one"))
    assert fault.value.code == "BH-STO-003"
    with impatient.writing() as connection:
        connection.execute(insert(stop), a_stop("two"))
    assert stops(store) == ["one", "two"]
    store.close()
    impatient.close()


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "oracle://x", "nonsense://x", "http://example.org", "://"]
)
def test_other_databases_are_refused_by_name(url: str) -> None:
    with pytest.raises(StoreError) as fault:
        Store.open(url)
    assert fault.value.code == "BH-STO-006"


def test_a_server_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as fault:
        Store.open("postgresql+psycopg://lena:secret-word@127.0.0.1:1/none")
    assert fault.value.code == "BH-STO-001"
    assert "secret-word" not in str(fault.value)
