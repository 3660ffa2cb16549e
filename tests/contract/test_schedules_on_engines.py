"""Schedules on every engine we promise, and one occurrence that several processes reach for at once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bridgehead.assemble import House
from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t
from fixtures.engines import ENGINES, FIXTURES, OLGA, Works
from fixtures.waiting import line_of

MONTHLY = """
schedules:
  monthly:
    workflow: month
    when: "* * * * *"
    timezone: Europe/Berlin
    principal: dan
    grace: 1d
    input: {invoices: ["inv-{date}"]}
"""
SWEEPER = """
import sys
from datetime import datetime
from pathlib import Path
from bridgehead.assemble import House
from bridgehead.kernel.clock import SetClock
clock = SetClock(datetime.fromisoformat(sys.argv[4]))
house = House.open(Path(sys.argv[1]), state=Path(sys.argv[2]), store=sys.argv[3], clock=clock)
house.schedules.sweep()
for line in sys.stdin:
    clock.advance(float(line))
    print("at", flush=True)
    house.schedules.sweep()
    print("swept", flush=True)
house.close()
"""
ROUNDS, PROCESSES = 8, 3


@pytest.fixture
def monthly(tmp_path: Path) -> Path:
    """The payments deployment with a schedule."""
    folder = tmp_path / "monthly"
    shutil.copytree(FIXTURES / "payments", folder, ignore=shutil.ignore_patterns("__pycache__"))
    charter = folder / "charter.yaml"
    charter.write_text(charter.read_text() + MONTHLY)
    return folder


@pytest.fixture(params=ENGINES)
def works(request: pytest.FixtureRequest, tmp_path: Path, monthly: Path) -> Iterator[Works]:
    """That deployment on one of the engines."""
    engine, _, database = request.param.partition("-")
    store = "" if database == "sqlite" else str(request.getfixturevalue("postgresql_url"))
    made = Works(engine, store, tmp_path, monthly)
    yield made
    made.close()


def rows(house: House, table: Any) -> list[Any]:
    with house.store.reading() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key.columns)).all())


def test_a_worker_starts_what_is_due_and_carries_it_to_its_end(works: Works) -> None:
    works.house.schedules.sweep()
    late = stamp(datetime.now(UTC) - timedelta(minutes=5))
    with works.house.store.writing() as connection:
        connection.execute(update(t.schedule).values(since=late, next_at=late))
    works.worker()
    run = works.until(lambda: [row for row in rows(works.house, t.run) if row.schedule])[0]
    assert works.ended(run.id) == ["Done"]
    assert (run.schedule, run.on_behalf, run.kind) == ("monthly", "dan", "case")
    states = [row.state for row in rows(works.house, t.occurrence)]
    assert states[:2] == ["skipped", "started"]  # one run makes up for all that were missed


@pytest.mark.postgresql
def test_processes_that_reach_for_one_occurrence_start_it_once(
    monthly: Path, tmp_path: Path, postgresql_url: str
) -> None:
    begin = datetime(2026, 10, 25, 0, 30, 2, tzinfo=UTC)  # half past two in Berlin, for the first time
    house = House.open(monthly, state=tmp_path / "state", store=postgresql_url)
    house.activate(by=OLGA)
    with house.store.writing() as connection:
        connection.execute(update(t.release).values(activated_at=stamp(begin)))
    with ExitStack() as stack:
        racers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SWEEPER, monthly, house.state, postgresql_url, begin.isoformat()],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(PROCESSES)
        ]
        for _ in range(ROUNDS):
            for racer in racers:
                assert racer.stdin
                racer.stdin.write("60\n")
                racer.stdin.flush()
            for racer in racers:
                assert [line_of(racer) for _ in range(2)] == ["at\n", "swept\n"]
            _end_runs(house)
        for racer in racers:
            assert racer.stdin
            racer.stdin.close()
            assert racer.wait(30) == 0
    occurrences, runs = rows(house, t.occurrence), rows(house, t.run)
    assert [row.state for row in occurrences] == ["started"] * ROUNDS
    assert {row.run for row in occurrences} == {run.id for run in runs}
    assert len(runs) == ROUNDS
    assert len([e for e in rows(house, t.entry) if e.kind == "schedule.started"]) == ROUNDS
    house.close()


def _end_runs(house: House) -> None:
    """Let the next one begin: an earlier run that has not ended would hold it back."""
    with house.store.writing() as connection:
        connection.execute(update(t.run).values(status="done"))
