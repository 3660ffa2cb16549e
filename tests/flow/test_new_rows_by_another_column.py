"""The contract names another column by which new rows are known: the old one is no measure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.late_batches import DAY, MONDAY, Batches, contract


def by(column: str) -> dict[str, object]:
    return {"cadence": {"cron": "0 5 * * *", "element": column}}


@pytest.fixture
def batches(tmp_path: Path) -> Iterator[Batches]:
    made = Batches(tmp_path, contract(orders=by("id")), every="1h")
    yield made
    made.desk.close()


def pays(batches: Batches, *amounts: int) -> None:
    """Insert orders with ever greater amounts, as the application does."""
    with sqlite3.connect(batches.file) as connection:
        rows = [(10_000 + amount, amount) for amount in amounts]
        connection.executemany("insert into orders values (?, 1, 'open', ?, '')", rows)
    connection.close()


async def test_another_column_begins_anew_and_says_so(batches: Batches) -> None:
    batches.inserts(90_000)  # no amount will ever be as great
    await batches.until(MONDAY, 9.1)
    await batches.until(MONDAY + DAY, 4.8)
    batches.inserts(90_001)
    await batches.until(MONDAY + DAY, 9)
    assert [each.day for each in batches.feed("orders").seen] == [MONDAY + DAY]
    batches.promises(orders=by("amount"))
    await batches.until(MONDAY + DAY, 12)
    (said,) = batches.told("rows:sales.orders")
    assert "are known by `amount` from now on, and no more by `id`" in said["words"]
    await batches.until(MONDAY + 2 * DAY, 4.8)
    pays(batches, 5_000, 5_001)
    await batches.until(MONDAY + 2 * DAY, 9)
    assert [each.day for each in batches.feed("orders").seen] == [MONDAY + DAY, MONDAY + 2 * DAY]
    assert "arrival.missing" not in batches.responses("orders")
    assert len(batches.told("rows:sales.orders")) == 1
