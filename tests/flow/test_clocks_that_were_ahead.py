"""A clock that was ahead and was put right: batches keep their order, and what is due is expected again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bridgehead.assemble.watching import watch_once
from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t
from fixtures.fed import ROWS, FedDesk, richer
from fixtures.late_batches import DAY, MONDAY, Batches, contract

NIGHTLY = '- {property: bridgeheadCadence, value: {cron: "0 5 * * *"}}'
STALENESS = "- {property: bridgeheadMaxStaleness, value: 2d}"
YEAR = 365 * 86_400


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path)
    file = made.folder / "sales.odcs.yaml"
    file.write_text(file.read_text().replace(STALENESS, f"{STALENESS}\n      {NIGHTLY}"))
    yield made
    made.close()


async def at(desk: FedDesk, day: int, hour: float) -> None:
    then = desk.clock.now().replace(hour=0, minute=0) - (desk.clock.now().date() - MONDAY)
    desk.clock.advance((then + day * DAY + timedelta(hours=hour) - desk.clock.now()).total_seconds())
    await watch_once(desk.house)


async def test_the_very_first_batch_seen_by_a_clock_that_is_a_year_ahead_ends_no_watch(desk: FedDesk) -> None:
    desk.clock.advance(YEAR)
    desk.sender.sends("customers_1.csv")
    await watch_once(desk.house)
    assert desk.batches() == {"customers_1.csv": "published"}
    desk.clock.advance(-YEAR)  # it is put right
    await at(desk, 0, 10)
    desk.sender.sends("customers_2.csv", richer(ROWS))
    await at(desk, 1, 4.8)
    assert list(desk.batches().items()) == [
        ("customers_1.csv", "published"),
        ("customers_2.csv", "published"),
    ]
    with desk.house.store.reading() as connection:
        of_batches = select(t.profile.c.part).where(t.profile.c.object == "customers")
        counted = connection.execute(of_batches.order_by(t.profile.c.at)).scalars().all()
    assert counted == ["customers_1.csv", "customers_2.csv"]
    assert all(row.first_seen_at <= stamp(desk.clock.now()) for row in desk.batch_rows())
    await at(desk, 1, 9)
    assert "arrival.missing" not in desk.breaches()
    await at(desk, 2, 9)
    assert "arrival.missing" in desk.breaches()


async def test_batches_keep_their_order_where_only_the_later_was_too_far_ahead(desk: FedDesk) -> None:
    desk.clock.advance(260)
    desk.sender.sends("customers_1.csv")
    await watch_once(desk.house)
    desk.clock.advance(60)
    desk.sender.sends("customers_2.csv", richer(ROWS))
    await watch_once(desk.house)
    desk.clock.advance(-318)
    await watch_once(desk.house)
    assert list(desk.batches()) == ["customers_1.csv", "customers_2.csv"]


async def test_what_was_missed_while_the_clock_was_ahead_was_not_due(desk: FedDesk) -> None:
    await at(desk, 0, 10)
    for day in (1, 2):
        desk.sender.sends(f"customers_{day}.csv", richer(ROWS, day))
        await at(desk, day, 4.8)
    desk.clock.advance(YEAR)
    await watch_once(desk.house)
    assert "arrival.missing" in desk.breaches()
    desk.clock.advance(-YEAR)
    await at(desk, 2, 9)
    assert "arrival.missing" not in desk.breaches()
    await at(desk, 3, 9)
    assert "arrival.missing" in desk.breaches()


async def test_rows_of_a_table_are_awaited_again(tmp_path: Path) -> None:
    element = {"cadence": {"cron": "0 5 * * *", "element": "id"}}
    batches = Batches(tmp_path, contract(orders=element), every="1h")
    await batches.watch()
    batches.desk.clock.advance(YEAR)
    batches.inserts(100)
    await batches.watch()
    batches.desk.clock.advance(-YEAR)
    await batches.watch()
    batches.desk.clock.advance(120)
    await batches.watch()
    assert "arrival.missing" not in batches.responses("orders")
    await batches.until(MONDAY + 2 * DAY, 9)
    assert "arrival.missing" in batches.responses("orders")
    batches.desk.close()


async def test_a_file_whose_time_is_in_the_future_is_not_taken_for_the_newest(desk: FedDesk) -> None:
    first = desk.sender.sends("customers_a.csv")
    ahead = desk.clock.now().timestamp() + 50 * YEAR
    os.utime(first, (ahead, ahead))
    second = desk.sender.sends("customers_b.csv", richer(ROWS))
    os.utime(second)
    await watch_once(desk.house)
    assert list(desk.batches()) == ["customers_a.csv", "customers_b.csv"]
