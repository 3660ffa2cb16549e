"""One machine cannot fetch a release (its disk is full): the runs are nobody's fault, and none ends."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from bridgehead.declare import lock
from bridgehead.kernel.clock import SystemClock
from bridgehead.run import sickness
from bridgehead.store import tables as t
from fixtures.houses import IDENTIFY, Desk

GIVE_UP = 60.0


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


async def until(what: Callable[[], object]) -> None:
    for _ in range(int(GIVE_UP / 0.05)):
        if what():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


def open_incidents(desk: Desk) -> list[str]:
    return [f"{one.kind} {one.words}" for one in desk.incidents() if one.closed_at is None]


@pytest.mark.postgresql
@pytest.mark.parametrize("engine", ["dbos", "embedded"])
async def test_a_worker_with_a_full_disk_leaves_the_runs_to_others_and_goes_on_when_it_is_well(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    desk = Desk(tmp_path, store=postgresql_url, engine=engine, clock=SystemClock())  # type: ignore[arg-type]
    runs = [desk.start(IDENTIFY) for _ in range(2)]
    desk.add("\n// a second release\n")
    desk.activate()
    desk.close()
    second = tmp_path / "second"
    shutil.copytree(desk.state / "keys", second / "keys")
    desk.state = second
    house = desk.reopen()
    assert house.boundary, "the active release is here already; that of the runs is not"
    await desk.system.open()
    with monkeypatch.context() as disk:
        disk.setattr(lock, "rebuild", full)
        async with house.at_work(engine=engine, name="two") as working:  # type: ignore[arg-type]
            task = asyncio.create_task(working.work())
            await until(lambda: waits_for_later(desk))
            assert [desk.row(run).status for run in runs] == ["running", "running"]
            (told,) = open_incidents(desk)
            assert told.startswith("BH-RUN-037:") and "No space left" in told
            disk.undo()
            await until(lambda: [desk.row(run).status for run in runs] == ["done", "done"])
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert (open_incidents(desk), len(desk.incidents())) == ([], 1), "told once, and closed when it was well"
    assert len(desk.entries("finding.raised")) == len(desk.entries("finding.cleared")) == 1
    desk.close()


def waits_for_later(desk: Desk) -> bool:
    """Say whether both were tried here and put off, one of them twice."""
    with desk.house.store.reading() as connection:
        rows = connection.execute(select(t.segment.c.attempts, t.segment.c.state)).all()
    return all(row.state == "ready" and row.attempts for row in rows) and max(r.attempts for r in rows) > 1


async def test_a_fault_of_our_own_ends_no_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something breaks while the end of a run is recorded: it is neither done nor failed, and tried again."""
    from bridgehead.run import runs

    run = desk.start(IDENTIFY)
    real = runs.end

    def broken(*_: object) -> None:
        raise RuntimeError("a fault nobody foresaw")

    monkeypatch.setattr(runs, "end", broken)
    monkeypatch.setattr(sickness, "FIRST", 100.0)  # beyond what is waited for until idle
    await desk.work()
    assert desk.row(run).status == "running"
    (told,) = open_incidents(desk)
    assert run in told and "nobody foresaw" in told
    monkeypatch.setattr(runs, "end", real)
    desk.clock.advance(200)
    await desk.work()
    assert (desk.row(run).status, open_incidents(desk)) == ("done", [])


async def test_the_incident_is_closed_also_where_others_carried_what_could_not_be_done_here(
    desk: Desk,
) -> None:
    house, clock = desk.house, desk.clock
    one = sickness.Sickness(house.ledger, clock, "one")
    await one.well("run_before")
    await one.struck("run_a", "run run_a", OSError(28, "No space left on device"))
    await one.well("run_b")
    assert len(open_incidents(desk)) == 1, "run_a may come back here at any moment"
    clock.advance(sickness.FIRST + sickness.LONGEST + 1)
    await one.well("run_b")
    assert open_incidents(desk) == []
    one.heed("run_a")
    await one.struck("run_a", "run run_a", OSError(28, "No space left on device"))
    assert len(open_incidents(desk)) == 1, "and is told again when it strikes again"
