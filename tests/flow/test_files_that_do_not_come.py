"""Files dropped into a folder, through the real intake: one that does not come is noticed and holds back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridgehead.assemble.watching import watch_once
from bridgehead.doors.cli.watch import watch
from bridgehead.explain.arrivals import calendar
from fixtures.fed import ROWS, FedDesk, richer
from fixtures.late_batches import DAY, MONDAY
from fixtures.sick_data import CUSTOMERS, NOTE, play

NIGHTLY = '{property: bridgeheadCadence, value: {cron: "0 5 * * *"}}'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path, holds="new")
    file = made.folder / "sales.odcs.yaml"
    staleness = "- {property: bridgeheadMaxStaleness, value: 2d}"
    text = file.read_text()
    assert staleness in text
    file.write_text(text.replace(staleness, f"{staleness}\n      - {NIGHTLY}"))
    yield made
    made.close()


async def at(desk: FedDesk, day: int, hour: float, *names: str) -> None:
    """Let it be an hour of a day, files having just been dropped, and look at whatever is due then."""
    then = desk.clock.now().replace(hour=0, minute=0) - (desk.clock.now().date() - MONDAY)
    then += day * DAY + timedelta(hours=hour)
    desk.clock.advance((then - desk.clock.now()).total_seconds())
    for number, name in enumerate(names):
        rows = [row.split(",", 1)[1] for row in richer(ROWS, day)]
        desk.sender.sends(name, [f"{1000 * (10 * day + number) + n},{row}" for n, row in enumerate(rows)])
    await watch_once(desk.house)


def said(desk: FedDesk, *words: str) -> Any:
    """Return what a command says as JSON, and its exit code."""
    place = ["--in", str(desk.folder), "--state", str(desk.state), "--json"]
    result = CliRunner().invoke(watch, [*words, *place], standalone_mode=False)
    return result.return_value, json.loads(result.output)


async def test_a_file_that_does_not_come_is_missed_until_it_does(desk: FedDesk) -> None:
    await at(desk, 0, 10)
    for day in (1, 2):
        await at(desk, day, 4.8, f"customers_{MONDAY + day * DAY}.csv")
        await at(desk, day, 9)
    assert "arrival.missing" not in desk.breaches()
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", "done"]
    await at(desk, 3, 9)
    assert desk.breaches()["arrival.missing"] == "warn"
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", "done"]
    await at(desk, 4, 6)
    assert desk.breaches()["arrival.missing"] == "lastGood"
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", ["data.lastGood"]]
    (line,) = said(desk, "arrivals")[1]["feeds"]
    assert (line["standing"], line["missed"]) == ("missing", ["2026-03-05"])
    await at(desk, 4, 7, "customers_2026-03-05.csv", "customers_2026-03-06.csv")
    await at(desk, 4, 7.1)
    assert "arrival.missing" not in desk.breaches()
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", "done"]
    with desk.house.store.reading() as connection:
        weeks = calendar(connection, "sales", "customers", desk.clock.now())
    states = [cell.state for cell in weeks[-1]]
    assert states == ["", "came", "came", "late", "late", "expected", ""]
    assert desk.verified().ok


async def test_a_file_that_comes_after_its_time_did_not_come_in_time(desk: FedDesk) -> None:
    await at(desk, 0, 10)
    await at(desk, 1, 4.8, f"customers_{MONDAY + DAY}.csv")
    await at(desk, 2, 6, f"customers_{MONDAY + 2 * DAY}.csv")  # due at 05:00, missing from 06:30
    await at(desk, 2, 9)
    with desk.house.store.reading() as connection:
        cells = calendar(connection, "sales", "customers", desk.clock.now())[-1]
    assert [cell.words for cell in cells[1:3]] == ["came in time", "late"]
    assert desk.breaches() == {}
    (last, _) = said(desk, "arrivals")[1]["feeds"][0]["last"]
    assert "came 1.0 h after it was due" in last["words"]
    assert desk.batches()[f"customers_{MONDAY + 2 * DAY}.csv"] == "published"


async def test_what_came_before_anything_was_expected_is_not_called_late(desk: FedDesk) -> None:
    await at(desk, 0, 10, f"customers_{MONDAY}.csv")
    await at(desk, 1, 4.9, f"customers_{MONDAY + DAY}.csv")
    with desk.house.store.reading() as connection:
        weeks = calendar(connection, "sales", "customers", desk.clock.now())
    assert [cell.state for cell in weeks[-1]][:2] == ["came", "came"]


async def test_the_owner_accepts_at_the_command_line(desk: FedDesk) -> None:
    await at(desk, 0, 10)
    await at(desk, 1, 4.8, "customers_2026-03-03.csv")
    await at(desk, 2, 9)
    assert said(desk, "arrivals", "sales.customers")[0] == 1
    why = ["--as", "olga", "--reason", "the file is lost"]
    _, told = said(desk, "accept", "sales.customers", "--missed", "2026-03-04", *why)
    assert told["words"] == "What is missed of sales.customers of 2026-03-04 is no longer awaited."
    missed = said(desk, "arrivals", "sales.customers")[1]["feeds"][0]["missed"]
    assert "2026-03-04" not in missed
    assert "2026-03-05" in missed, (
        "the command line has a clock of its own, much later: its slot is still there"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("accept", "sales.nothing", "--rows"), "no table 'sales.nothing' has a contract"),
        (("accept", "sales.customers"), "one of --slot, --rows and --missed"),
        (("accept", "sales.customers", "--missed", "monday"), "is not a day"),
        (("arrivals", "nowhere.at"), "no table 'nowhere.at' has a contract"),
    ],
)
def test_what_is_not_there_is_told(desk: FedDesk, words: tuple[str, ...], says: str) -> None:
    assert desk.house.deployment
    place = ["--in", str(desk.folder), "--state", str(desk.state)]
    who = ["--as", "olga", "--reason", "because"] if words[0] == "accept" else []
    result = CliRunner().invoke(watch, [*words, *who, *place])
    assert result.exit_code == 2
    assert says in result.output
