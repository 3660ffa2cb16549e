"""What was acknowledged is there: after a kill, next to another process, on a full or locked disk."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.errors import StoreError
from bridgehead.record import Keys, Ledger
from bridgehead.record.verify import verify_store
from bridgehead.store import Store
from bridgehead.store import tables as t
from fixtures.ledgers import ORIGIN, case, entry, recording

APPEND = """
import sys, threading
sys.path.insert(0, sys.argv[5])
from pathlib import Path
from fixtures.ledgers import ORIGIN, case, recording
from bridgehead.kernel.clock import SystemClock
from bridgehead.record import Keys, Ledger
from bridgehead.store import Store

url, keys, name, threads = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
ledger = Ledger.open(Store.open(url), Keys.load(keys), origin=ORIGIN, clock=SystemClock())
said = threading.Lock()

def caller(number):
    count = 0
    while True:
        for draft in case(f"{name}-{number}-{count}", f"person-{number}"):
            written = ledger.append(recording(draft)).entries[0]
            with said:
                print(written.index, written.leaf, flush=True)
        count += 1

for number in range(threads):
    threading.Thread(target=caller, args=(number,), daemon=True).start()
threading.Event().wait()
"""
TESTS = str(Path(__file__).parents[1])


class Appender:
    """A process of its own that appends until it is killed, and says what was acknowledged."""

    def __init__(self, url: str, keys: Path, name: str, threads: int = 8) -> None:
        command = [sys.executable, "-c", APPEND, url, str(keys), name, str(threads), TESTS]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.acknowledged: dict[int, str] = {}

    def read(self, count: int) -> None:
        """Read acknowledgements until there are so many."""
        assert self.process.stdout
        while len(self.acknowledged) < count:
            self._take(self.process.stdout.readline())

    def kill(self) -> None:
        """Kill it without a warning, and read what it had said by then."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.stdout
        for line in self.process.stdout:
            if line.endswith("\n"):
                self._take(line)
        self.process.stdout.close()
        assert self.process.wait() == -signal.SIGKILL

    def _take(self, line: str) -> None:
        index, leaf = line.split()
        self.acknowledged[int(index)] = leaf


def leaves(store: Store) -> dict[int, str]:
    with store.reading() as connection:
        rows = connection.execute(select(t.entry.c.idx, t.entry.c.leaf)).all()
    return {row.idx: row.leaf.hex() for row in rows}


def assert_all_there(store: Store, appenders: Sequence[Appender]) -> None:
    found = leaves(store)
    assert sorted(found) == list(range(len(found)))  # no gap
    for appender in appenders:
        assert appender.acknowledged.items() <= found.items()


def test_killed_under_load_no_acknowledged_entry_is_lost(tmp_path: Path) -> None:
    keys, path = Keys.create(tmp_path / "keys", ORIGIN), tmp_path / "store.db"
    store = Store.open(path)
    for round_number in range(5):
        appender = Appender(f"sqlite:///{path}", tmp_path / "keys", f"k{round_number}")
        appender.read(40 * (round_number + 1))
        appender.kill()
        assert_all_there(store, [appender])
        report = verify_store(path, vkey=keys.vkey, keys=tmp_path / "keys")
        assert report.problems == []
    store.close()


def test_processes_that_append_to_one_store_share_one_gapless_log(
    store: Store, store_url: str, keys: Keys, tmp_path: Path
) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    appenders = [Appender(url, tmp_path / "keys", name, threads=4) for name in ("one", "two", "three")]
    for appender in appenders:
        appender.read(60)
    for appender in appenders:
        appender.kill()
    assert_all_there(store, appenders)
    assert not set(appenders[0].acknowledged) & set(appenders[1].acknowledged)
    if store.dialect == "sqlite":
        assert verify_store(tmp_path / "store.db", vkey=keys.vkey, keys=tmp_path / "keys").problems == []


def test_two_ledgers_may_take_turns_on_one_run(store: Store, keys: Keys, clock: SetClock) -> None:
    one, other = (Ledger.open(store, keys, origin=ORIGIN, clock=clock) for _ in range(2))
    for number, draft in enumerate(case("r1", "zoe")):
        (one, other)[number % 2].append(recording(draft))
    with store.reading() as connection:
        assert connection.execute(select(t.entry.c.seq).order_by(t.entry.c.idx)).scalars().all() == [
            *range(1, 7)
        ]
    one.close()
    other.close()


def test_a_locked_store_refuses_and_loses_nothing(tmp_path: Path, keys: Keys, clock: SetClock) -> None:
    store = Store.open(tmp_path / "store.db", lock_seconds=0.05)
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    ledger.append(recording(entry("run.started", "r1")))
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as intruder:
        intruder.execute("begin immediate")
        with pytest.raises(StoreError, match="BH-STO-003"):
            ledger.append(recording(entry("action.intent", "r1", {"n": 1}, position="1")))
        intruder.execute("rollback")
    assert ledger.append(recording(entry("run.ended", "r1"))).entries[0].index == 1
    ledger.close()
    store.close()
    assert verify_store(tmp_path / "store.db", vkey=keys.vkey).ok


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, keys: Keys, clock: SetClock) -> None:
    store = Store.open(tmp_path / "store.db")
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    ledger.append(recording(entry("run.started", "r1", {"n": 0}, "zoe")))
    limit_pages(store, 0)
    before = ledger.size_and_root()
    with pytest.raises(StoreError, match="BH-STO-004"):
        ledger.append(recording(entry("action.intent", "r1", {"long": "x" * 2_000_000}, "zoe", position="1")))
    assert ledger.size_and_root() == before
    limit_pages(store, 1_000_000)
    assert ledger.append(recording(entry("run.ended", "r1"))).entries[0].index == 1
    ledger.close()
    store.close()
    assert verify_store(tmp_path / "store.db", vkey=keys.vkey, keys=tmp_path / "keys").ok


def test_a_disk_that_fills_up_inside_a_unit_fails_the_whole_batch(
    tmp_path: Path, keys: Keys, clock: SetClock
) -> None:
    store = Store.open(tmp_path / "store.db")
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    limit_pages(store, 0)
    with pytest.raises(StoreError, match="BH-STO-004"):
        ledger.append(
            lambda connection: connection.execute(
                text("insert into run_head values ('r', 1, :long)"), {"long": "x" * 2_000_000}
            )  # type: ignore[arg-type,return-value]
        )
    limit_pages(store, 1_000_000)
    assert ledger.append(recording(entry("run.started", "r1"))).entries[0].index == 0
    ledger.close()
    store.close()


def limit_pages(store: Store, pages: int) -> None:
    """Make the disk full: SQLite refuses to grow beyond so many pages. Per connection, so on each."""
    with store.engine.connect() as connection:
        connection.exec_driver_sql(f"pragma max_page_count = {pages or 1}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_became_read_only_refuses(tmp_path: Path, keys: Keys, clock: SetClock) -> None:
    store = Store.open(tmp_path / "store.db")
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    store.engine.dispose()
    (tmp_path / "store.db").chmod(0o400)
    with pytest.raises(StoreError):
        ledger.append(recording(entry("run.started", "r1")))
    (tmp_path / "store.db").chmod(0o600)
    ledger.close()
    store.close()


def test_a_backup_taken_while_appending_verifies(tmp_path: Path, keys: Keys, clock: SetClock) -> None:
    store = Store.open(tmp_path / "store.db")
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=clock)
    ledger.append(recording(*case("r1", "zoe")))
    for name in ("store.db", "store.db-wal"):
        shutil.copy(tmp_path / name, tmp_path / f"copy-{name}")
    ledger.append(recording(*case("r2", "zoe")))
    ledger.close()
    store.close()
    shutil.move(tmp_path / "copy-store.db-wal", tmp_path / "copy.db-wal")
    shutil.move(tmp_path / "copy-store.db", tmp_path / "copy.db")
    report = verify_store(tmp_path / "copy.db", vkey=keys.vkey)
    assert (report.ok, report.size) == (True, 6)
