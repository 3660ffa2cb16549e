"""What people see of schedules: when next, how the last one ended, and what is late where nobody works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridgehead.doors.cli import cli
from bridgehead.enforce.stop import set_stop
from bridgehead.explain import ScheduleLine, list_schedules
from fixtures.houses import Desk
from fixtures.scheduled import scheduled


@pytest.fixture
def week(tmp_path: Path) -> Iterator[Desk]:
    """A desk with three schedules, a week after it began."""
    made = scheduled(Desk(tmp_path))
    yield made
    made.close()


def lines(desk: Desk) -> dict[str, ScheduleLine]:
    with desk.house.store.reading() as connection:
        found = list_schedules(connection, desk.house.deployment, desk.clock.now())
    return {line.name: line for line in found}


def test_each_line_says_how_a_schedule_stands(week: Desk) -> None:
    found = lines(week)
    assert {name: line.standing for name, line in found.items()} == {
        "hourly": "late",
        "nightly": "missed",
        "weekly": "missed",
    }
    assert found["hourly"].due_since == "2026-03-09T10:00:00.000000Z"
    assert found["hourly"].last is not None
    assert (found["hourly"].last.words, found["hourly"].last.at[:16]) == ("done", "2026-03-09T09:00")
    assert found["nightly"].coming[0] == "2026-03-10T01:30:00.000000Z"
    assert "did not start" in found["weekly"].words


def test_what_a_stop_holds_back_is_not_called_late(week: Desk) -> None:
    set_stop(week.house.boundary, week.person("maya"), "smoke")
    assert lines(week)["hourly"].standing == "held"


def test_a_failed_run_is_seen_until_the_next_one_is_done(tmp_path: Path) -> None:
    desk = Desk(tmp_path).workflow("async def play(run, steps):\n    raise ValueError('no file')\n")
    assert lines(scheduled(desk))["hourly"].last
    assert lines(desk)["hourly"].standing == "late"  # lateness is the more urgent of the two
    desk.house.schedules.sweep()
    desk.close()


def test_the_command_lists_them_and_exits_with_1_where_something_is_wrong(week: Desk) -> None:
    week.close()
    where = ["--in", str(week.folder), "--state", str(week.state)]
    told = CliRunner().invoke(cli, ["schedules", *where, "--json"], standalone_mode=False)
    assert told.return_value == 1
    found = {line["name"]: line for line in json.loads(told.stdout)["schedules"]}
    assert (found["hourly"]["when"], found["weekly"]["standing"]) == (
        "0 * * * *",
        "late",
    )  # it is years later
    table = CliRunner().invoke(cli, ["schedules", *where]).stdout
    assert "30 2 * * *" in table
    assert "is a worker at work?" in table
    doctor = CliRunner().invoke(cli, ["doctor", str(week.folder), "--state", str(week.state), "--json"])
    rules = [finding["rule"] for finding in json.loads(doctor.stdout)["findings"]]
    assert rules.count("BH-DOC-018") == 3


def test_the_command_starts_one_now_and_keeps_the_reason(week: Desk) -> None:
    week.close()
    where = ["--in", str(week.folder), "--state", str(week.state), "--json"]
    by_hand = ["schedules", "run", "nightly", "--as", "olga", "--reason", "late file", "--no-wait"]
    told = CliRunner().invoke(cli, [*by_hand, *where])
    assert json.loads(told.stdout)["status"] == "running", told.output
    again = CliRunner().invoke(cli, [*by_hand, *where])
    assert getattr(again.exception, "code", "") == "BH-RUN-036"
    week.reopen()
    started = week.entries("schedule.started")[-1]
    assert (started["actor"], started["note"]) == ("human:olga", "started by hand")
