"""Whatever happens while a batch is taken in, it is taken in once and whole: faults, kills, other workers."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bridgehead.assemble.watching import take_in
from fixtures.fed import ROWS, FedDesk, richer


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path)
    yield made
    made.close()


class Fault(RuntimeError):
    """What happens at one statement."""


def test_a_fault_at_any_statement_leaves_nothing_half(desk: FedDesk) -> None:
    armed = {"left": -1}

    def fail(*_: Any) -> None:
        armed["left"] -= 1
        if armed["left"] == 0:
            raise Fault

    desk.look()
    event.listen(desk.house.store.engine, "before_cursor_execute", fail)
    at = 0
    reached = True
    while reached:
        at += 1
        desk.sender.sends(f"customers_{at:03}.csv", richer(ROWS, at))
        armed["left"] = at
        try:
            take_in(desk.house, "sales")
        except Fault:
            pass
        reached = armed["left"] <= 0
        armed["left"] = -1
        whole(desk)
        take_in(desk.house, "sales")
        assert set(desk.batches().values()) == {"published"}
        assert len(desk.snapshots()) == at
    assert at > 15, "it was not armed"
    whole(desk)


def whole(desk: FedDesk) -> None:
    """Every published batch has its snapshot and its entry, and nothing else has."""
    published = [row.name for row in desk.batch_rows() if row.state == "published"]
    assert desk.contents() == [(name,) for name in published]
    assert [body["batch"] for body in desk.bodies("batch.published")] == published


KILLED = """
import os, signal, sys
from pathlib import Path
from bridgehead.assemble import House
from bridgehead.assemble.watching import take_in
from bridgehead.watch.feeds import landing, remembered, verdicts
place, name = {"renamed": (landing, "_put"), "written": (remembered, "save"),
               "told": (verdicts, "standing")}[sys.argv[3]]
real = getattr(place, name)
def dies(*given, **more):
    real(*given, **more)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(place, name, dies)
house = House.open(Path(sys.argv[1]), state=Path(sys.argv[2]))
take_in(house, "sales")
"""


@pytest.mark.parametrize("step", ["renamed", "written", "told"])
def test_a_process_that_is_killed_leaves_work_for_the_next(desk: FedDesk, step: str) -> None:
    desk.sender.sends("customers_001.csv")
    desk.look()
    desk.sender.sends("customers_002.csv", richer(ROWS))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(desk.folder), str(desk.state), step], check=False, timeout=60
    )
    assert killed.returncode == -9
    whole(desk)
    assert len(desk.snapshots()) == 1
    take_in(desk.house, "sales")
    assert list(desk.batches().values()) == ["published", "published"]
    whole(desk)


def test_workers_side_by_side_take_each_batch_in_once(tmp_path: Path, store_url: str) -> None:
    desk = FedDesk(tmp_path, store=store_url)
    desk.look()
    houses = [desk.another() for _ in range(3)]
    for number in range(5):
        desk.sender.sends(f"customers_{number:03}.csv", richer(ROWS, number))
    faults: list[Exception] = []

    def take(house: Any) -> None:
        try:
            take_in(house, "sales")
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=take, args=(house,)) for house in houses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for house in houses:
        house.close()
    take_in(desk.house, "sales")
    assert faults == []
    assert list(desk.batches().values()) == ["published"] * 5
    whole(desk)
    desk.close()
