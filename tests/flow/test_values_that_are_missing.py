"""A case without a value its workflow needs goes to a person, who is told which field and why it matters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.explain.data_health import tables
from fixtures.houses import Desk
from fixtures.sick_data import MOVE, NOTE, begin, healthy, play, watched

WHY = "What somebody earns decides what they can pay back."
NEEDS = f"    needs:\n      sales.customers:\n        income: {WHY}\n"


def of(number: int, what: str = "name, income") -> tuple[str, str]:
    return ("query", f"select {what} from customers where id = {number}")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose workflow needs an income, which the customer 1 does not have."""
    made = watched(tmp_path)
    made.change("  plain:\n", f"  plain:\n{NEEDS}")
    with sqlite3.connect(tmp_path / "sales.sqlite") as connection:
        connection.execute("update customers set income = null where id = 1")
    connection.close()
    yield made
    made.close()


@pytest.mark.parametrize("effect", [NOTE, MOVE])
async def test_a_case_without_its_income_is_left_to_a_person(desk: Desk, effect: tuple[str, str]) -> None:
    healthy(desk)
    assert await play(desk, [of(2)], [effect]) == ["done", "done"]
    run = begin(desk, [of(1)], [effect])
    await desk.work()
    assert desk.row(run).waiting_for == desk.question().id
    assert f"income of sales.customers is missing. {WHY}" in str(desk.question().as_value())
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run) == ["done", "done"]
    assert desk.verified().ok


@pytest.mark.parametrize(
    ("before", "ends"),
    [
        ([of(1, "income * 2 as double")], "asks"),  # made of it
        ([of(99)], "asks"),  # no row came
        ([of(1, "name")], "done"),  # not asked for
        ([of(1), of(2)], "asks"),  # a later customer does not heal an earlier one
        ([("query", "select id, income from customers order by id")], "asks"),
        ([("query", "select avg(income) as mean from customers")], "done"),  # a figure over those there are
    ],
)
async def test_what_counts_as_missing(desk: Desk, before: list[tuple[str, str]], ends: str) -> None:
    healthy(desk)
    told = await play(desk, before, [NOTE])
    if ends == "done":
        assert told == ["done", "done"]
    else:
        assert told == ("waiting", desk.question().id)


async def test_what_only_reads_goes_on(desk: Desk) -> None:
    healthy(desk)
    assert await play(desk, [of(1), of(1)], []) == ["done", "done"]


async def test_a_workflow_that_does_not_need_it_is_not_asked(desk: Desk) -> None:
    desk.change(NEEDS, "")
    healthy(desk)
    assert await play(desk, [of(1)], [NOTE]) == ["done", "done"]


async def test_without_anybody_to_ask_it_is_refused(desk: Desk) -> None:
    desk.change("\nsick_data: go-ahead\n", "\n")
    healthy(desk)
    assert await play(desk, [of(1)], [NOTE]) == ["done", ["missing.toPerson"]]


async def test_the_data_page_counts_the_cases(desk: Desk) -> None:
    healthy(desk)
    await play(desk, [of(1)], [])
    await play(desk, [of(1)], [])
    with desk.house.store.reading() as connection:
        found = tables(connection, desk.house.deployment, desk.clock.now())
    (line,) = [each for each in found if each.table == "customers"]
    assert [(one.column, one.runs) for one in line.missing] == [("income", 2)]
    assert line.standing == "in order"
