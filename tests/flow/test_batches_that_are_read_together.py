"""Batches of one table that differ in form: whatever one holds, the others are read as they were alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bridgehead.watch.schema_accepting import accept_change
from fixtures.fed import HEADER, ROWS, FedDesk
from fixtures.sales_contract import CONTRACT

TOTAL = "select count(*) as n, sum(income) as total from customers"
EMAIL = "      - {name: email, logicalType: string}\n"
PLAY = "async def play(run, ask):\n    return (await run.query('sales', ask)).value\n"


@pytest.fixture
def grows(tmp_path: Path) -> Iterator[FedDesk]:
    """A desk whose table grows batch by batch, whatever they are called."""
    made = FedDesk(tmp_path, holds="new")
    made.change('files: "customers*.csv"', 'files: "customers*"')
    yield made
    made.close()


async def asked(desk: FedDesk, sql: str) -> Any:
    """Return the row that a new run reads: of one region, which is every second customer's."""
    desk.workflow(PLAY)
    desk.activate()
    run = desk.start(workflow="plain", input={"ask": sql}, on_behalf="ana")
    await desk.work()
    (row,) = desk.ended(run)
    return row


async def total(desk: FedDesk) -> tuple[int, int]:
    """Return how many customers a new run reads, and what they earn together."""
    row = await asked(desk, TOTAL)
    return row["n"], int(row["total"])


def records(rows: list[str], income: str) -> str:
    """Return rows as JSON lines, whose income is called so."""
    names = HEADER.replace("income", income).split(",")
    cells = [[int(cell) if cell.isdigit() else cell for cell in row.split(",")] for row in rows]
    return "\n".join(json.dumps(dict(zip(names, each, strict=True))) for each in cells) + "\n"


def parquet(rows: list[str], email: str, folder: Path) -> bytes:
    """Return rows as Parquet, with an expression in place of their e-mail."""
    (folder / "rows.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    with duckdb.connect() as connection:
        read = f"select * replace ({email} as email, since::text as since) from read_csv('{folder}/rows.csv')"
        connection.execute(f"copy ({read}) to '{folder}/rows.parquet' (format parquet)")
    return (folder / "rows.parquet").read_bytes()


def earned(rows: list[str]) -> tuple[int, int]:
    mine = [int(row.split(",")[5]) for row in rows if ",us," not in row]
    return len(mine), sum(mine)


async def test_a_batch_of_another_format_is_read_beside_those_before(grows: FedDesk, tmp_path: Path) -> None:
    grows.sender.sends("customers_01.csv", ROWS[:10])
    grows.sender.drops("customers_02.jsonl", records(ROWS[10:24], "income"))
    grows.sender.drops("customers_03.parquet", parquet(ROWS[24:32], "email", tmp_path))
    grows.look()
    assert list(grows.batches().values()) == ["published"] * 3
    assert await total(grows) == earned(ROWS[:32])


async def test_records_whose_names_differ_in_case_alone_are_all_read(grows: FedDesk) -> None:
    grows.sender.drops("customers_01.jsonl", records(ROWS[:10], "Income"))
    grows.sender.drops("customers_02.jsonl", records(ROWS[10:24], "INCOME"))
    grows.look()
    assert list(grows.batches().values()) == ["published"] * 2
    assert await total(grows) == earned(ROWS[:24])


async def test_an_accepted_type_of_one_batch_leaves_the_others_readable(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path, holds="new", contract=CONTRACT.replace(EMAIL, ""))
    desk.change('files: "customers*.csv"', 'files: "customers*"')
    desk.sender.drops("customers_01.parquet", parquet(ROWS[:10], "12", tmp_path))
    desk.sender.drops("customers_02.parquet", parquet(ROWS[10:24], "date '2026-01-02'", tmp_path))
    desk.look()
    assert list(desk.batches().values()) == ["published", "quarantined"]
    accept_change(desk.house.boundary, "sales", "customers", {}, desk.person("olga"), "They said so.")
    desk.look()
    assert list(desk.batches().values()) == ["published"] * 2
    assert await asked(desk, "select count(distinct email) as n from customers") == {"n": 2}
    desk.close()
