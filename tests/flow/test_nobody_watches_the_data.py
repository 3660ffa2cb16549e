"""That nobody watches the data any more is seen within minutes, though the last look counts for a day."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridgehead.assemble import watching
from bridgehead.assemble.watching import keep_watch, watch_once
from bridgehead.doors.cli.doctor import doctor
from bridgehead.doors.cli.watch import watch
from bridgehead.explain.data_health import tables
from bridgehead.watch.alive import silent_since
from fixtures.houses import Desk
from fixtures.sick_data import watched

MINUTE = 60.0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = watched(tmp_path)
    yield made
    made.close()


def silent(desk: Desk) -> str:
    with desk.house.store.reading() as connection:
        return silent_since(connection, desk.clock.now())


def told(desk: Desk, command: Any, *words: str) -> str:
    folder = [str(desk.folder)] if command is doctor else ["--in", str(desk.folder)]
    place = [*folder, "--state", str(desk.house.state)]
    return CliRunner().invoke(command, [*words, *place]).output


async def test_a_watch_that_died_is_seen_before_its_last_look_is_too_old(desk: Desk) -> None:
    assert silent(desk) == "", "nobody has begun to"
    await watch_once(desk.house)
    desk.clock.advance(4 * MINUTE)
    assert silent(desk) == ""
    desk.clock.advance(2 * MINUTE)
    with desk.house.store.reading() as connection:
        found = tables(connection, desk.house.deployment, desk.clock.now())
    assert "unknown" not in {line.standing for line in found}
    assert silent(desk).startswith("2026-03-02T09:00")
    await watch_once(desk.house)
    assert silent(desk) == ""


def test_it_is_told_at_the_command_line(desk: Desk) -> None:
    asyncio.run(watch_once(desk.house))  # by a clock that is months behind
    words = "obody has watched the data since 2 Mar 2026, 09:00 UTC"
    assert words in told(desk, watch, "status")
    assert json.loads(told(desk, watch, "status", "--json"))["nobody_watches_since"].startswith("2026-03-02")
    said = json.loads(told(desk, doctor, "--json"))["findings"]
    assert words in next(each["words"] for each in said if each["rule"] == "BH-DOC-020")


async def test_a_clock_that_was_ahead_does_not_say_that_somebody_watches(desk: Desk) -> None:
    desk.clock.advance(365 * 86_400)
    await watch_once(desk.house)
    desk.clock.advance(-364 * 86_400)  # it was put right, and the process ended
    assert silent(desk) != ""
    await watch_once(desk.house)
    assert silent(desk) == ""


async def test_a_machine_without_threads_to_spare_does_not_end_the_watch(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PAUSE", 0.01)
    begin, left = threading.Thread.start, [2]

    def start(thread: threading.Thread) -> None:
        if thread.name == "watch" and left[0]:
            left[0] -= 1
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert desk.house.deployment
    keeping = asyncio.create_task(keep_watch(desk.house))
    while not (desk_is_watched(desk) or keeping.done()):
        await asyncio.sleep(0.01)
    assert (left, keeping.done()) == ([0], False)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


def desk_is_watched(desk: Desk) -> bool:
    with desk.house.store.reading() as connection:
        return connection.exec_driver_sql("select count(*) from watch_beat").scalar_one() == 1
