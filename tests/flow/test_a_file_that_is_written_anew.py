"""A file of one name that is written anew every day, through the real intake: what it held before, again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridgehead.assemble.watching import watch_once
from bridgehead.doors.cli.watch import watch
from bridgehead.explain.arrivals import calendar
from bridgehead.watch.feeds.deciding import Answer, decide
from fixtures.fed import HEADER, ROWS, FedDesk, richer
from fixtures.late_batches import DAY, MONDAY

NIGHTLY = '- {property: bridgeheadCadence, value: {cron: "0 5 * * *"}}'
STALENESS = "- {property: bridgeheadMaxStaleness, value: 2d}"
NAME = "customers.csv"


def nightly(path: Path, holds: str) -> FedDesk:
    made = FedDesk(path, holds=holds)
    file = made.folder / "sales.odcs.yaml"
    file.write_text(file.read_text().replace(STALENESS, f"{STALENESS}\n      {NIGHTLY}"))
    return made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = nightly(tmp_path, "all")
    yield made
    made.close()


async def at(desk: FedDesk, day: int, hour: float, rows: list[str] | None = None) -> None:
    """Let it be an hour of a day, the file having just been written anew, and look."""
    then = desk.clock.now().replace(hour=0, minute=0) - (desk.clock.now().date() - MONDAY)
    desk.clock.advance((then + day * DAY + timedelta(hours=hour) - desk.clock.now()).total_seconds())
    if rows is not None:
        desk.sender.sends(NAME, rows)
    await watch_once(desk.house)


def decided(desk: FedDesk, answer: Answer) -> None:
    (name,) = (row.name for row in desk.batch_rows() if row.state == "quarantined")
    decide(desk.house.boundary, "sales.customers", name, answer, desk.person("olga"), "Asked the sender.")


def states(desk: FedDesk) -> list[str]:
    return [row.state for row in desk.batch_rows()]


def days(desk: FedDesk) -> list[str]:
    with desk.house.store.reading() as connection:
        return [cell.state for cell in calendar(connection, "sales", "customers", desk.clock.now())[-1]]


async def test_a_whole_table_that_did_not_change_came_and_is_listed(desk: FedDesk) -> None:
    await at(desk, 0, 10)
    for day in (1, 2, 3):
        await at(desk, day, 4.8, ROWS)
        await at(desk, day, 9)
    assert states(desk) == ["published", "set aside", "set aside"]
    assert "arrival.missing" not in desk.breaches()
    assert days(desk)[:4] == ["", "came", "came", "came"]
    assert len(desk.snapshots()) == 1
    place = ["--in", str(desk.folder), "--state", str(desk.state), "--json"]
    told = json.loads(CliRunner().invoke(watch, ["batches", *place], standalone_mode=False).output)["batches"]
    assert [(line["label"], line["state"]) for line in told] == [
        (NAME, "set aside"), (NAME, "set aside"), (NAME, "published"),
    ]  # fmt: skip
    assert "holds exactly what it held before: it was sent again" in told[0]["noticed"][0]
    assert [body["rows"] for body in desk.bodies("batch.repeated")] == [40, 40]
    await at(desk, 4, 9)
    assert "arrival.missing" in desk.breaches(), "this time it was not written anew"


async def test_the_same_rows_in_another_order_came_too(desk: FedDesk) -> None:
    await at(desk, 0, 10)
    await at(desk, 1, 4.8, ROWS)
    await at(desk, 2, 4.8, ROWS[::-1])
    await at(desk, 2, 9)
    assert states(desk) == ["published", "set aside"]
    assert "arrival.missing" not in desk.breaches()


async def test_the_table_of_an_earlier_day_again_is_no_batch_of_this_one(desk: FedDesk) -> None:
    await at(desk, 0, 10)
    await at(desk, 1, 4.8, ROWS)
    await at(desk, 2, 4.8, richer(ROWS))
    await at(desk, 3, 4.8, ROWS)
    await at(desk, 3, 9)
    assert states(desk) == ["published", "published", "quarantined"]
    assert "arrival.missing" in desk.breaches()


async def test_a_table_that_may_have_gone_back_is_put_to_people_and_read_once_they_say_so(
    desk: FedDesk,
) -> None:
    await at(desk, 1, 5, ROWS)
    await at(desk, 2, 5, richer(ROWS))
    await at(desk, 3, 5, ROWS)
    *_, back = desk.batch_rows()
    (clause,) = (name for name in desk.breaches() if name.startswith("batch "))
    assert back.name.startswith(clause.removeprefix("batch "))
    assert "holds exactly what customers.csv of 2026-03-03 held, and what is read is" in back.said, back.said
    await at(desk, 4, 5, ROWS)
    assert states(desk)[2:] == ["quarantined", "set aside"], "people are asked once"
    decided(desk, "release")
    assert len(desk.snapshots()) == 3
    assert not [name for name in desk.breaches() if name.startswith("batch ")]
    assert (desk.state / desk.batch_rows()[2].file / "0.csv").read_text().endswith(ROWS[-1] + "\n")
    await at(desk, 5, 5, richer(ROWS))
    assert states(desk)[-1] == "quarantined", "and forth: that is another change"
    await at(desk, 6, 5, richer(ROWS, by=2))
    assert states(desk)[-2:] == ["replaced", "published"]


async def test_the_rows_of_an_earlier_day_in_another_order_are_put_to_people_too(desk: FedDesk) -> None:
    await at(desk, 1, 5, ROWS)
    await at(desk, 2, 5, richer(ROWS))
    await at(desk, 3, 5, ROWS[::-1])
    assert states(desk)[-1] == "quarantined"
    assert "sent again" not in [one["kind"] for one in json.loads(desk.batch_rows()[-1].said)["said"]]


async def test_the_copy_of_a_table_that_went_back_outlives_the_one_it_repeats(desk: FedDesk) -> None:
    await at(desk, 1, 5, ROWS)
    await at(desk, 2, 5, richer(ROWS))
    await at(desk, 300, 5, ROWS)
    decided(desk, "release")
    await at(desk, 700, 5)
    first, _, last = desk.batch_rows()
    assert (first.file, last.state) == ("", "published")
    assert (desk.state / last.file / "0.csv").is_file()


async def test_an_old_file_of_a_named_day_again_asks_nobody(desk: FedDesk) -> None:
    desk.sender.sends("customers_2026-03-01.csv")
    await at(desk, 1, 5)
    desk.sender.sends("customers_2026-03-02.csv", richer(ROWS))
    await at(desk, 2, 5)
    desk.sender.sends("customers_2026-03-01.csv")
    await at(desk, 2, 6)
    assert states(desk) == ["published", "published", "set aside"]
    assert not [name for name in desk.breaches() if name.startswith("batch ")]


async def test_new_rows_that_are_the_old_ones_are_no_batch(tmp_path: Path) -> None:
    desk = nightly(tmp_path, "new")
    await at(desk, 0, 10)
    await at(desk, 1, 4.8, ROWS)
    await at(desk, 2, 4.8, ROWS)
    await at(desk, 2, 9)
    assert states(desk) == ["published", "set aside"]
    assert "arrival.missing" in desk.breaches()
    desk.close()


async def test_a_format_that_nobody_counts_is_known_by_its_bytes(desk: FedDesk) -> None:
    desk.change('files: "customers*.csv"', 'files: "customers*"')
    await at(desk, 0, 10)
    lines = [dict(zip(HEADER.split(","), row.split(","), strict=True)) for row in ROWS]
    for day in (1, 2):
        desk.sender.drops("customers.json", json.dumps(lines))
        await at(desk, day, 4.8)
    assert states(desk)[1:] == ["set aside"]
