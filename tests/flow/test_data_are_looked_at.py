"""A house looks at its data by itself: what it finds in a real database decides the next call."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.assemble.watching import due, look_at, watch_once
from bridgehead.explain.data_health import TableHealth, tables
from bridgehead.kernel.errors import CharterError
from fixtures.houses import Desk
from fixtures.sick_data import CUSTOMERS, MOVE, NOTE, ORDERS, TABLE, begin, play, watched


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = watched(tmp_path)
    made.database = tmp_path / "sales.sqlite"  # type: ignore[attr-defined]
    yield made
    made.close()


def change(desk: Desk, *statements: str) -> None:
    with sqlite3.connect(desk.database) as connection:  # type: ignore[attr-defined]
        for statement in statements:
            connection.execute(statement)
    connection.close()


def health(desk: Desk) -> dict[str, TableHealth]:
    with desk.house.store.reading() as connection:
        found = tables(connection, desk.house.deployment, desk.clock.now())
    return {line.table: line for line in found}


async def test_a_table_in_order_is_found_so_and_one_the_contract_leaves_out_is_not(desk: Desk) -> None:
    look_at(desk.house, "sales")
    found = health(desk)
    assert {name: line.standing for name, line in found.items()} == {
        "customers": "in order", "orders": "in order", "salaries": "broken",
    }  # fmt: skip
    assert found["salaries"].clauses[0].words == "The contract sales says nothing of salaries."
    assert await play(desk, [CUSTOMERS, ORDERS], [NOTE]) == ["done"] * 3


async def test_incomes_that_go_missing_leave_what_follows_to_a_person(desk: Desk) -> None:
    look_at(desk.house, "sales")
    change(desk, "update customers set income = null where id < 3")
    look_at(desk.house, "sales")
    (clause,) = health(desk)["customers"].clauses
    assert clause.response == "toPerson"
    assert "income: 2 rows have no value" in clause.words
    assert clause.where.startswith("sales.odcs.yaml:")
    run = begin(desk, [CUSTOMERS], [MOVE])
    await desk.work()
    assert desk.row(run).waiting_for == desk.question().id


async def test_a_renamed_column_holds_its_readers_until_the_contract_is_kept_again(desk: Desk) -> None:
    look_at(desk.house, "sales")
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", "done"]
    desk.clock.advance(60)
    change(desk, "alter table customers rename column name to full_name")
    look_at(desk.house, "sales")
    run = begin(desk, [CUSTOMERS], [])
    await desk.work()
    assert desk.row(run).waiting_for == TABLE
    touched = health(desk)["customers"]
    assert (touched.held, len(touched.touched_runs), touched.touched_effects) == (1, 0, 0)
    change(desk, "alter table customers rename column full_name to name")
    look_at(desk.house, "sales")
    await desk.work()
    assert desk.ended(run) == ["done"]


async def test_what_was_done_with_it_since_it_was_last_in_order_is_listed(desk: Desk) -> None:
    look_at(desk.house, "sales")
    desk.clock.advance(60)
    before = begin(desk, [CUSTOMERS], [NOTE])
    await desk.work()
    begin(desk, [ORDERS], [NOTE])
    await desk.work()
    desk.clock.advance(60)
    change(desk, "update customers set region = null where id = 1")
    look_at(desk.house, "sales")
    touched = health(desk)["customers"]
    assert (touched.touched_runs, touched.touched_effects) == ((before,), 1)


async def test_what_cannot_be_looked_at_is_not_in_order(desk: Desk) -> None:
    assert list(due(desk.house)) == ["sales"]
    desk.database.unlink()  # type: ignore[attr-defined]
    look_at(desk.house, "sales")
    assert {line.standing for line in health(desk).values()} == {"broken"}
    assert all(line.clauses for line in health(desk).values())


def test_a_contract_that_cannot_be_read_is_never_activated(desk: Desk) -> None:
    (desk.folder / "sales.odcs.yaml").write_text("apiVersion: v2.2.2\n")
    with pytest.raises(CharterError, match=r"BH-ASM-002 sales.odcs.yaml:1: .* version v2.2.2"):
        _ = desk.house


async def test_each_source_is_looked_at_when_half_the_time_is_over_that_a_look_counts(desk: Desk) -> None:
    assert list(due(desk.house)) == ["sales"]
    await watch_once(desk.house)
    assert list(due(desk.house)) == []
    desk.clock.advance(12.5 * 3600 - 1)
    assert list(due(desk.house)) == []
    desk.clock.advance(1)
    assert list(due(desk.house)) == ["sales"]
