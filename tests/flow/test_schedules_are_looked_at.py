"""What people see of schedules: when next, how the last one ended, and what is late where nobody works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridgehead.doors.cli import cli
from bridgehead.enforce.stop import set_stop
from bridgehead.explain import ScheduleLine, list_schedules
from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.errors import EngineError
from fixtures.houses import OPERATOR, Desk
from fixtures.scheduled import EACH, SCHEDULES, scheduled


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


async def test_a_failed_run_is_seen_until_the_next_one_is_done(desk: Desk) -> None:
    good = (desk.folder / "workflow.py").read_text()
    desk.workflow("async def play(run, steps):\n    raise ValueError('no file')\n")
    desk.add(f'schedules:\n  hourly: {{when: "0 * * * *", timezone: UTC, {EACH}}}\n', "charter.yaml")
    assert desk.house
    desk.clock.advance(3602)
    await desk.work()
    assert lines(desk)["hourly"].standing == "failed"
    desk.workflow(good).activate()
    assert lines(desk)["hourly"].standing == "failed"  # until the next one
    desk.clock.advance(3600)
    assert lines(desk)["hourly"].standing == "failed"  # it is due, and not late yet
    await desk.work()
    found = lines(desk)["hourly"]
    assert found.last is not None
    assert (found.standing, found.last.words) == ("on time", "done")


def weeks_ago() -> SetClock:
    """Return a clock at nine on a Monday, so long ago that everything is due again by now."""
    now = datetime.now(UTC)
    monday = now - timedelta(days=now.weekday() + 21)
    return SetClock(monday.replace(hour=9, minute=0, second=0, microsecond=0))


def test_the_command_lists_them_and_exits_with_1_where_something_is_wrong(tmp_path: Path) -> None:
    """The command asks the machine what time it is."""
    week = scheduled(Desk(tmp_path, clock=weeks_ago()))
    week.close()
    where = ["--in", str(week.folder), "--state", str(week.state)]
    told = CliRunner().invoke(cli, ["schedules", *where, "--json"], standalone_mode=False)
    assert told.return_value == 1
    found = {line["name"]: line for line in json.loads(told.stdout)["schedules"]}
    assert (found["hourly"]["when"], found["weekly"]["standing"]) == ("0 * * * *", "late")
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


async def test_a_later_time_that_was_skipped_does_not_hide_a_failed_run(tmp_path: Path) -> None:
    """Monday's run waits for an answer, so Tuesday is skipped; then Monday's run fails."""
    waits = "    await run.decide('go-ahead', question='Go on?')\n    raise ValueError\n"
    desk = (
        Desk(tmp_path)
        .workflow(f"async def play(run, steps):\n{waits}")
        .add(SCHEDULES.replace("%s", EACH), "charter.yaml")
    )
    assert desk.house
    desk.clock.advance(17 * 3600)
    await desk.work()
    desk.clock.advance(24 * 3600)
    await desk.work()
    while desk.questions():
        desk.vote("olga", "refuse", desk.questions()[0])
    await desk.work()
    line = lines(desk)["nightly"]
    assert line.last is not None
    assert (line.last.state, line.standing) == ("skipped", "failed")
    desk.close()


def by_hand(desk: Desk) -> str:
    return desk.house.schedules.start_now("nightly", desk.person("olga"), "the file came late")


def test_nothing_is_started_by_hand_under_a_release_that_was_replaced_meanwhile(week: Desk) -> None:
    assert week.house.deployment, "looked up just now, and not again for a second"
    week.change("title: Hourly prices", "title: All prices")
    other = week.another()
    other.activate(by=OPERATOR)
    other.close()
    with pytest.raises(EngineError) as told:
        by_hand(week)
    assert told.value.code == "BH-RUN-039"
    week.clock.advance(2)
    assert week.row(by_hand(week)).release == week.house.deployment.digest


def test_nothing_is_started_by_hand_for_somebody_who_is_not_active(tmp_path: Path) -> None:
    desk = Desk(tmp_path).add(SCHEDULES.replace("%s", EACH), "charter.yaml")
    boundary = desk.house.boundary
    gone = boundary.charter.people["maya"].model_copy(update={"active": False})
    directory = boundary.charter.model_copy(update={"people": {**boundary.charter.people, "maya": gone}})
    object.__setattr__(boundary, "directory", lambda: directory)
    with pytest.raises(EngineError) as told:
        by_hand(desk)
    assert told.value.code == "BH-RUN-040"
    desk.close()
