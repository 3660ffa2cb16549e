"""The machine is lost in the middle of work: a backup from before is restored elsewhere, and nothing is
paid twice.

A worker pays invoices at a bank that knows no keys. It is backed up while it works, goes on, is killed, and
its state folder is gone; the bank's book is not. Commands and processes are real.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bridgehead.record.verify import verify_store

FIXTURES = Path(__file__).parents[1] / "fixtures"
BRIDGEHEAD = Path(sys.executable).with_name("bridgehead")
INVOICES = 6


class Office:
    """A bank outside, and state folders that come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bank = folder, folder / "bank"
        self.bank.mkdir()
        os.mkfifo(self.bank / "paused")
        # Held open for reading and writing, so that nobody ever blocks on opening it.
        self.paused = os.open(self.bank / "paused", os.O_RDWR)

    def move_in(self, state: Path) -> None:
        """Let a state folder use this bank."""
        state.mkdir(exist_ok=True)
        (state / "bank").symlink_to(self.bank)

    def worker(self, state: Path) -> subprocess.Popen[str]:
        program = FIXTURES / "payments_worker.py"
        command = [sys.executable, program, FIXTURES / "payments", state, str(INVOICES)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def work_until(self, state: Path, moment: str) -> subprocess.Popen[str]:
        """Return a worker that waits for the bank at this moment."""
        (self.bank / "pause").write_text(moment)
        worker = self.worker(state)
        ready, _, _ = select.select([self.paused], [], [], 180)
        assert ready and os.read(self.paused, 100).decode().strip() == moment
        return worker

    def booked(self) -> Counter[str]:
        return Counter((self.bank / "book").read_text().split())


def kill(worker: subprocess.Popen[str]) -> None:
    worker.send_signal(signal.SIGKILL)
    worker.communicate()


def bridgehead(*words: object) -> dict[str, Any]:
    """Run a command in a process of its own and return what it prints."""
    command = [str(BRIDGEHEAD), *map(str, words), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


@pytest.mark.slow
def test_a_lost_machine_pays_nothing_twice(tmp_path: Path) -> None:
    office, lost, new = Office(tmp_path), tmp_path / "lost", tmp_path / "new"
    folder, backup = FIXTURES / "payments", tmp_path / "backup"
    office.move_in(lost)
    worker = office.work_until(lost, "inv-1 after")  # at work: paid, and not answered yet
    taken = bridgehead("backup", folder, "--state", lost, "--to", backup, "--with-keys")
    kill(worker)
    kill(office.work_until(lost, "inv-4 after"))  # it went on after the backup
    assert sum(office.booked().values()) == 5
    shutil.rmtree(lost / "keys")
    (lost / "store.db").unlink()

    restored = bridgehead("restore", backup, "--state", new, "--verify")
    assert (restored["open_runs"], restored["unclear_effects"]) == (1, 1)
    assert restored["entries"] >= taken["entries"]
    office.move_in(new)
    stopped = office.worker(new)
    said, _ = stopped.communicate(timeout=120)
    assert json.loads(said)["waiting_for"] == f"stop:{restored['stop']}"
    assert sum(office.booked().values()) == 5
    bridgehead("resume", "--as", "olga", "--reason", "the book was read", "--in", folder, "--state", new)
    said, _ = office.worker(new).communicate(timeout=300)
    assert json.loads(said)["result"] == {"result": ["Done"] * INVOICES}
    assert office.booked() == {f"inv-{number}": 1 for number in range(INVOICES)}
    report = verify_store(
        new / "store.db", vkey=(new / "keys" / "ledger.vkey").read_text(), keys=new / "keys"
    )
    assert report.problems == [] and report.ended_runs == 1
    os.close(office.paused)
