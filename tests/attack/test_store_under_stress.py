"""A full disk, a file nobody may write, a file that is no database, a killed writer: refuse, lose nothing."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, func, insert, select

from bridgehead.kernel.errors import StoreError
from bridgehead.store import Store
from bridgehead.store.tables import incident

WHEN = "2026-01-02T03:04:05.000000Z"


def an_incident(number: int, words: str = "w") -> dict[str, str]:
    return {"id": f"i{number}", "kind": "k", "words": words, "opened_at": WHEN}


def count(store: Store) -> int:
    with store.reading() as connection:
        return connection.scalar(select(func.count()).select_from(incident)) or 0


def write(store: Store, number: int, words: str = "w") -> None:
    with store.writing() as connection:
        connection.execute(insert(incident), an_incident(number, words))


def test_a_full_database_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.db")
    write(store, 1)
    limit = _Limit(store)
    with pytest.raises(StoreError) as fault, store.writing() as connection:
        connection.execute(insert(incident), an_incident(2))
        connection.execute(insert(incident), an_incident(3, "x" * 1_000_000))
    assert fault.value.code == "BH-STO-004"
    assert "full" in fault.value.what
    assert count(store) == 1  # the small row of the same transaction went too
    limit.lift()
    write(store, 4, "x" * 1_000_000)
    assert count(store) == 2
    store.close()


def test_a_disk_that_fills_while_committing_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """The operating system refuses the write itself (a file size limit), in a process of its own."""
    path = tmp_path / "store.db"
    Store.open(path).close()
    program = """
import resource, sys
from sqlalchemy import insert
from bridgehead.kernel.errors import StoreError
from bridgehead.store import Store
from bridgehead.store.tables import incident
store = Store.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
done = 0
try:
    while done < 1000:
        with store.writing() as connection:
            row = {"id": f"i{done}", "kind": "k", "words": "x" * 9000, "opened_at": "t"}
            connection.execute(insert(incident), row)
        done += 1
except StoreError as fault:
    print(done, fault.code)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with store.writing() as connection:
        connection.execute(insert(incident), {"id": "after", "kind": "k", "words": "w", "opened_at": "t"})
    print("usable again")
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    first, second = ran.stdout.splitlines()
    done, code = first.split()
    assert code == "BH-STO-004" and 0 < int(done) < 1000
    assert second == "usable again"
    store = Store.open(path)
    assert count(store) == int(done) + 1
    with store.reading() as connection:
        assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"
    store.close()


def test_a_store_nobody_may_write_is_told_in_words() -> None:
    with _open_folder() as folder:
        path = folder / "store.db"
        store = Store.open(path)
        write(store, 1)
        store.close()
        path.chmod(0o444)
        with _as_an_ordinary_user(), pytest.raises(StoreError) as fault:
            write(Store.open(path), 2)
        assert fault.value.code in ("BH-STO-001", "BH-STO-004")
        assert fault.value.fix
        path.chmod(0o644)
        store = Store.open(path)
        assert count(store) == 1
        store.close()


def test_a_folder_nobody_may_write_is_told_in_words() -> None:
    with _open_folder() as folder:
        folder.chmod(0o555)
        with _as_an_ordinary_user(), pytest.raises(StoreError) as fault:
            Store.open(folder / "store.db")
    assert fault.value.code == "BH-STO-001"
    assert str(folder) in fault.value.what


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"%PDF-1.7 not a database at all" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError) as fault:
        Store.open(path)
    assert fault.value.code == "BH-STO-001"
    assert path.read_bytes() == before


def test_another_program_s_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("create table run (somebody, elses)")
    with pytest.raises(StoreError) as fault:
        Store.open(path)
    assert fault.value.code == "BH-STO-007"
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("select name from sqlite_master where type = 'table'").fetchall() == [("run",)]


@pytest.mark.parametrize(
    "name", ["a ?mode=memory.db", "100% sure#1.db", "ä ö/日本.db", "file:x.db", "' or 1.db"]
)
def test_any_path_is_only_a_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    store = Store.open(path)
    write(store, 1)
    store.close()
    assert path.exists()


def test_a_writer_killed_in_the_middle_leaves_only_whole_transactions(tmp_path: Path) -> None:
    """Every transaction writes two rows; the writer says when one is acknowledged, and is then killed."""
    path = tmp_path / "store.db"
    program = """
import sys
from sqlalchemy import insert
from bridgehead.store import Store
from bridgehead.store.tables import incident
store = Store.open(sys.argv[1])
number = 0
while True:
    with store.writing() as connection:
        for half in "ab":
            row = {"id": f"{number}{half}", "kind": "k", "words": "w", "opened_at": "t"}
            connection.execute(insert(incident), row)
    print(number, flush=True)
    number += 1
"""
    writer = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(25)][-1]
    writer.send_signal(signal.SIGKILL)
    acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()
    store = Store.open(path)
    rows = count(store)
    assert rows % 2 == 0
    assert rows // 2 in (acknowledged + 1, acknowledged + 2)  # the last one may be committed, not yet said
    store.close()


class _Limit:
    """The database may not grow: SQLite's own way to be full."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine
        self._on = True
        event.listen(self._engine, "checkout", self._apply)

    def lift(self) -> None:
        self._on = False

    def _apply(self, connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if self._on else 1_000_000
        connection.execute(f"PRAGMA max_page_count={pages}").close()


@contextmanager
def _open_folder() -> Iterator[Path]:
    """A folder every user may enter (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="bridgehead-store-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@contextmanager
def _as_an_ordinary_user() -> Iterator[None]:
    """Root may write everywhere, so permissions are tested with root's rights laid down."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
