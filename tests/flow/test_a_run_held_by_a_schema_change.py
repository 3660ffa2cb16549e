"""A run that a renamed column held goes on after a person accepted it and a release names the new column."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.assemble.watching import look_at
from bridgehead.watch.schema_accepting import accept_change
from fixtures.houses import Desk
from fixtures.sick_data import TABLE, watched

CODE = '''
async def play(run, ask, order):
    """Read, let people decide, then do one thing that can be taken back, if the data could be read."""
    read = await run.query("sales", ask)
    if type(read).__name__ != "Done":
        return [type(read).__name__.lower()]
    await run.decide("go-ahead", question="Go on?")
    moved = await run.act("change_address", order_id=order, address="2 Road")
    return [read.value, type(moved).__name__.lower()]
'''
ASK = "select region, sum(income) as total, count(*) as n from customers group by region"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = watched(tmp_path)
    made.workflow(CODE)
    look_at(made.house, "sales")
    yield made
    made.close()


def look(desk: Desk) -> None:
    desk.clock.advance(60)
    look_at(desk.house, "sales")


def rename(desk: Desk, *statements: str) -> None:
    """Rename columns in the database, with no notice; a look finds it."""
    with sqlite3.connect(desk.folder.parent / "sales.sqlite") as connection:
        for statement in statements or ("rename column income to yearly_income",):
            connection.execute(f"alter table customers {statement}")
    connection.close()
    look(desk)


def accept(desk: Desk, **names: str) -> tuple[str, ...]:
    boundary, by = desk.house.boundary, desk.person("olga")
    names = names or {"income": "yearly_income"}
    return accept_change(boundary, "sales", "customers", names, by, "their release 7").awaited


def release(desk: Desk) -> None:
    """Change the charter and the contract as the page says, and activate them."""
    desk.change("          income: integer\n", "          yearly_income: integer\n")
    desk.change("income: {bucket: 1000}", "yearly_income: {bucket: 1000}")
    desk.change("income: {bucket: 10000}", "yearly_income: {bucket: 10000}")
    desk.change("- name: income", "- name: yearly_income", "sales.odcs.yaml")
    desk.activate()
    look(desk)


def begin(desk: Desk) -> str:
    return desk.start(workflow="plain", input={"ask": ASK, "order": "o1"}, on_behalf="ana")


def held(desk: Desk, run: str) -> bool:
    return (desk.row(run).status, desk.row(run).waiting_for) == ("waiting", TABLE)


def moves(desk: Desk) -> int:
    return sum(call.operation == "change_address" for call in desk.system.calls)


async def test_a_run_held_before_its_first_read_reads_the_new_column_under_its_own_release(
    desk: Desk,
) -> None:
    before = begin(desk)
    await desk.work()
    desk.vote("maya")
    await desk.work()
    (told, moved), first = desk.ended(before), moves(desk)
    assert moved == "done"
    rename(desk)
    run = begin(desk)
    await desk.work()
    assert held(desk, run)
    assert accept(desk) == ("income",)
    look(desk)
    await desk.work()
    assert held(desk, run), "its release names a column that is not there"
    release(desk)
    await desk.work()
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run) == [told, "done"]
    assert moves(desk) == first + 1
    sql = [body["entitled"]["sql"] for body in desk.bodies("action.intent", run) if "entitled" in body]
    assert '"yearly_income"' in sql[0]
    assert ' AS "income"' in sql[0], "the record says what was read under which name"
    assert desk.verified().ok


async def test_a_run_that_had_read_does_its_effect_once_and_not_before_the_release(desk: Desk) -> None:
    run = begin(desk)
    await desk.work()
    rename(desk)
    desk.vote("maya")
    await desk.work()
    assert held(desk, run)
    accept(desk)
    look(desk)
    await desk.work()
    assert (held(desk, run), moves(desk)) == (True, 0)
    release(desk)
    await desk.work()
    await desk.work()
    assert desk.ended(run)[-1] == "done"
    assert (moves(desk), desk.shop.orders["o1"]["address"]) == (1, "2 Road")


async def test_a_row_filter_follows_its_column_and_nobody_sees_more(desk: Desk) -> None:
    before = begin(desk)
    rename(desk, "rename column region to area")
    await desk.work()
    assert held(desk, before)
    accept(desk, region="area")
    desk.change("          region: text\n", "          area: text\n")
    desk.change('rows: "region = :region"', 'rows: "area = :region"')
    desk.change('rows: "region in (:regions)"', 'rows: "area in (:regions)"')
    desk.change("show: [id, name, region, iban]", "show: [id, name, area, iban]")
    desk.change("show: [id, name, email, region, since, iban]", "show: [id, name, email, area, since, iban]")
    desk.change("- {name: region,", "- {name: area,", "sales.odcs.yaml")
    desk.activate()
    look(desk)
    await desk.work()
    desk.vote("maya")
    await desk.work()
    (rows, moved) = desk.ended(before)
    assert moved == "done"
    assert len(rows) == 1, "ana sees one region, also by its old name"
