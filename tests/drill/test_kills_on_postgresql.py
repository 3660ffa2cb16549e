"""Writers and the server are killed under load, round after round: no acknowledged entry lost, no gap, every
checkpoint consistent, no row without its entry and no entry without its row.

Four processes append to one ledger on PostgreSQL. Each round kills one of them (SIGKILL), and every third one
the server too: a backend in the middle of its work, or all of it. Nobody waits for a clock: a round is over
when enough was acknowledged. ``BRIDGEHEAD_ROUNDS=50`` makes it the long drill.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from bridgehead.kernel.clock import SystemClock
from bridgehead.record import Keys, Ledger
from bridgehead.record.export import export
from bridgehead.record.verify import verify_export
from bridgehead.store import Store
from bridgehead.store import tables as t
from fixtures.ledgers import ORIGIN
from fixtures.postgres import Server

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
ROUNDS = int(os.environ.get("BRIDGEHEAD_ROUNDS", "5"))
WRITERS, EACH = 4, 8
TESTS = str(Path(__file__).parents[1])

APPEND = """
import sys, threading
sys.path.insert(0, sys.argv[4])
from pathlib import Path
from sqlalchemy import insert, update
from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import StoreError
from bridgehead.record import Keys, Ledger, Work
from bridgehead.store import Store
from bridgehead.store import tables as t
from fixtures.ledgers import ORIGIN, entry

url, keys, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
ledger = Ledger.open(Store.open(url, lock_seconds=60), Keys.load(keys), origin=ORIGIN, clock=SystemClock())
said = threading.Lock()

def noted(id):
    def work(connection):
        connection.execute(insert(t.incident).values(id=id, kind="k", words="w", opened_at="t"))
        def then(connection, written):
            at = {"entry": written[0].index}
            connection.execute(update(t.incident).where(t.incident.c.id == id).values(**at))
        return Work(drafts=(entry("finding.raised", "", {"words": id}, id[:12]),), then=then)
    return work

def caller(number):
    count = 0
    while True:
        id = f"{name}-{number}-{count}"
        try:
            written = ledger.append(noted(id)).entries[0]
        except StoreError as error:
            with said:
                print("unknown", id, error.code, flush=True)
        else:
            with said:
                print(written.index, written.leaf, id, flush=True)
        count += 1

for number in range(int(sys.argv[5])):
    threading.Thread(target=caller, args=(number,), daemon=True).start()
threading.Event().wait()
"""


class Writer:
    """A process that appends until it is killed; what it said is kept as it comes."""

    def __init__(self, url: str, keys: Path, name: str) -> None:
        self.name = name
        command = [sys.executable, "-c", APPEND, url, str(keys), name, TESTS, str(EACH)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.acknowledged: dict[int, tuple[str, str]] = {}
        self.refused: list[str] = []
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, more: int) -> None:
        """Return when so many more entries were acknowledged."""
        with self._grown:
            wanted = len(self.acknowledged) + more
            said = self._grown.wait_for(lambda: len(self.acknowledged) >= wanted or not self.alive(), 120)
        assert said and self.alive(), f"{self.name} is no longer at work"

    def alive(self) -> bool:
        """Say whether the process is there."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Kill it without a warning; read what it had said by then."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait() == -signal.SIGKILL
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if not line.endswith("\n"):
                return  # killed while it spoke
            first, second, third = line.split()
            with self._grown:
                if first == "unknown":
                    self.refused.append(f"{second} {third}")
                else:
                    self.acknowledged[int(first)] = (second, third)
                self._grown.notify_all()


class Drill:
    """Some writers at work on one database, and everything that was ever acknowledged."""

    def __init__(self, url: str, keys: Path) -> None:
        self.url, self.keys = url, keys
        self.started = 0
        self.gone: list[Writer] = []
        self.writers = [self.start() for _ in range(WRITERS)]

    def start(self) -> Writer:
        """Start one more writer."""
        self.started += 1
        return Writer(self.url, self.keys, f"w{self.started}")

    def kill_one(self, at: int) -> None:
        """Kill a writer and put another in its place."""
        self.writers[at].kill()
        self.gone.append(self.writers[at])
        self.writers[at] = self.start()

    def everyone(self) -> Sequence[Writer]:
        """Return every writer there ever was."""
        return [*self.gone, *self.writers]

    def close(self) -> None:
        """Kill whoever is left."""
        for writer in self.writers:
            if writer.alive():
                writer.kill()


@pytest.fixture
def drill(postgresql_url: str, keys: Keys, tmp_path: Path) -> Iterator[Drill]:
    made = Drill(postgresql_url, tmp_path / "keys")
    yield made
    made.close()


def test_killed_round_after_round_nothing_acknowledged_is_lost(
    drill: Drill, postgresql: Server, postgresql_url: str, keys: Keys, tmp_path: Path
) -> None:
    chance = random.Random(7)
    for number in range(ROUNDS):
        for writer in drill.writers:
            writer.wait_for(10)
        if number % 3 == 1:
            kill_a_backend(postgresql, postgresql_url)
        if number % 3 == 2:
            postgresql.crash()
        drill.kill_one(chance.randrange(WRITERS))
    for writer in drill.writers:
        writer.wait_for(10)
    for writer in list(drill.writers):
        writer.kill()
    assert_nothing_lost(drill, postgresql_url)
    assert_a_stranger_agrees(postgresql_url, keys, tmp_path)


def kill_a_backend(server: Server, url: str) -> None:
    """Kill a process of the server that works for a writer: the server then restarts all of them."""
    with psycopg.connect(server.conninfo(url.rpartition("/")[2]), autocommit=True) as connection:
        row = connection.execute(
            "select pid from pg_stat_activity"
            " where application_name = 'bridgehead' and state <> 'idle' limit 1"
        ).fetchone()
    if row is not None:
        os.kill(row[0], signal.SIGKILL)


def assert_nothing_lost(drill: Drill, url: str) -> None:
    store = Store.open(url)
    with store.reading() as connection:
        entries = connection.execute(select(t.entry.c.idx, t.entry.c.leaf).order_by(t.entry.c.idx)).all()
        rows = connection.execute(select(t.incident.c.id, t.incident.c.entry)).all()
    store.close()
    leaves = {entry.idx: entry.leaf.hex() for entry in entries}
    assert list(leaves) == list(range(len(entries)))  # no gap
    told: dict[int, str] = {}
    for writer in drill.everyone():
        for index, (leaf, name) in writer.acknowledged.items():
            assert leaves[index] == leaf
            assert index not in told
            told[index] = name
    assert len(told) >= ROUNDS * 10 * WRITERS
    by_entry = {row.entry: row.id for row in rows}
    assert sorted(by_entry) == list(leaves)  # rows and entries came together, each once
    assert told.items() <= by_entry.items()
    assert [refused for writer in drill.everyone() for refused in writer.refused] == []  # all were outlived


def assert_a_stranger_agrees(url: str, keys: Keys, folder: Path) -> None:
    store = Store.open(url)
    ledger = Ledger.open(store, keys, origin=ORIGIN, clock=SystemClock())
    ledger.checkpoint()
    ledger.close()
    with (folder / "ledger.jsonl").open("w") as out:
        size = export(store, out, bodies=True)
    store.close()
    report = verify_export(folder / "ledger.jsonl", vkey=keys.vkey)
    assert report.problems == []
    assert (report.size, report.signed_size) == (size, size)
