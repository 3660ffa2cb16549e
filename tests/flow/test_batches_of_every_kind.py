"""Batches of new rows, with a manifest, in other formats; a folder that is away; data that grow old."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bridgehead.assemble.watching import came, due
from fixtures.fed import HEADER, ROWS, FedDesk, richer
from fixtures.sales_contract import CONTRACT

TOTAL = "select count(*) as n, sum(income) as total from customers"
FRESH = CONTRACT + "slaProperties:\n  - {property: freshness, value: 2, unit: d, element: customers.since}\n"
DATED = FRESH.replace("{name: since, logicalType: string}", "{name: since, logicalType: date}", 1)


@pytest.fixture
def grows(tmp_path: Path) -> Iterator[FedDesk]:
    """A desk whose table grows batch by batch."""
    made = FedDesk(tmp_path, holds="new")
    yield made
    made.close()


async def total(desk: FedDesk) -> Any:
    """Return what a new run reads, without the filter of anybody's region."""
    desk.workflow("async def play(run, ask):\n    return (await run.query('sales', ask)).value\n")
    desk.activate()
    run = desk.start(workflow="plain", input={"ask": TOTAL}, on_behalf="ana")
    await desk.work()
    (row,) = desk.ended(run)
    return row["n"]


async def test_new_rows_add_up_and_a_correction_takes_the_place_of_what_it_corrects(grows: FedDesk) -> None:
    grows.sender.sends("customers_01.csv", ROWS[:10])
    grows.sender.sends("customers_02.csv", ROWS[10:24])
    grows.look()
    assert await total(grows) == 12
    grows.sender.sends("customers_01.csv", richer(ROWS[:8]))
    grows.look()
    assert [len(names) for names in grows.contents()] == [1, 2, 2]
    assert await total(grows) == 11, "the old rows of the first batch are gone"
    grows.sender.sends("customers_03.csv", richer(ROWS[10:24], 7))
    grows.look()
    assert await total(grows) == 11, "the same keys with other values correct the second"


async def test_rows_that_wait_for_people_are_a_hole_until_somebody_decides(grows: FedDesk) -> None:
    grows.sender.sends("customers_01.csv", ROWS[:10])
    grows.look()
    grows.sender.sends("customers_02.csv", [row.replace(",us,", ",,") for row in ROWS[10:20]])
    grows.look()
    grows.sender.sends("customers_03.csv", ROWS[20:30])
    grows.look()
    assert list(grows.batches().values()) == ["published", "quarantined", "published"]
    assert grows.breaches() == {"batch customers_02.csv": "warn"}
    grows.clock.advance(3 * 86_400)
    assert list(due(grows.house)) == ["sales"]
    grows.look()
    assert grows.breaches() == {"batch customers_02.csv": "lastGood"}
    grows.sender.sends("customers_02.csv", ROWS[10:20])
    grows.look()
    assert list(grows.batches().values())[-1] == "published"
    assert (grows.breaches(), await total(grows)) == ({}, 15)


def test_a_batch_with_a_manifest_is_taken_when_it_is_as_the_manifest_says(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.change("holds: all}", "holds: all, complete_by: manifest}")
    content = ("\n".join([HEADER, *ROWS]) + "\n").encode()
    part = {"name": "customers.csv", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    said = {"batch": "2026-03-02", "rows": 40, "files": [part], "written": "2026-03-02T06:00:00Z"}
    desk.sender.drops("today.manifest.json", json.dumps(said))
    desk.sender.drops("customers.csv", content[:800])
    look = desk.look()
    assert desk.batches() == {}
    assert any("is not complete: customers.csv" in each.words for each in look.broken)
    desk.sender.drops("customers.csv", content)
    assert desk.look().broken == ()
    (row,) = desk.batch_rows()
    assert (row.state, row.rows, row.data_as_of[:16]) == ("published", 40, "2026-03-02T06:00")
    desk.sender.drops("more.manifest.json", json.dumps(said | {"batch": "2026-03-03", "rows": 41}))
    other = ("\n".join([HEADER, *richer(ROWS)]) + "\n").encode()
    desk.sender.drops("customers.csv", other)
    part |= {"bytes": len(other), "sha256": hashlib.sha256(other).hexdigest()}
    desk.sender.drops("more.manifest.json", json.dumps(said | {"batch": "2026-03-03", "rows": 41}))
    look = desk.look()
    assert desk.batches()["2026-03-03"] == "quarantined"
    assert "41 said, 40 counted" in look.broken[0].words
    desk.close()


async def test_parquet_json_and_packed_files_are_read_as_they_were_checked(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    text = "\n".join([HEADER, *ROWS]) + "\n"
    desk.sender.drops("customers_1.csv.gz", gzip.compress(text.encode()))
    desk.sender.drops("customers_2.csv", text.replace(",", ";").replace("41000", "41001"))
    (tmp_path / "rows.csv").write_text(text)
    with duckdb.connect() as connection:
        more = "income + {} as income, since::text as since"
        read = f"(select * replace ({more}) from read_csv('{tmp_path}/rows.csv'))"
        connection.execute(f"copy {read.format(5)} to '{tmp_path}/rows.parquet' (format parquet)")
        connection.execute(f"copy {read.format(6)} to '{tmp_path}/rows.jsonl' (format json)")
    desk.change('files: "customers*.csv"', 'files: "customers*"')
    for number, packed in ((3, "rows.parquet"), (4, "rows.jsonl")):
        desk.sender.drops(f"customers_{number}.{packed[5:]}", (tmp_path / packed).read_bytes())
    desk.look()
    assert list(desk.batches().values()) == ["published"] * 4
    assert await total(desk) == 20
    desk.sender.drops("customers_5.xlsx", b"PK")
    desk.look()
    assert desk.batches()["customers_5.xlsx"] == "quarantined"
    assert await total(desk) == 20
    desk.close()


def test_a_folder_that_cannot_be_read_is_no_folder_without_batches(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    assert list(came(desk.house)) == ["sales"]
    desk.look()
    (tmp_path / "drop").rename(tmp_path / "gone")
    look = desk.look()
    assert [(each.clause, each.response) for each in look.broken] == [("look", "quarantine")]
    assert "the drop folder" in look.broken[0].words
    (tmp_path / "gone").rename(tmp_path / "drop")
    assert (desk.look().broken, list(came(desk.house)), len(desk.snapshots())) == ((), [], 1)
    desk.close()


def test_published_data_grow_old_without_a_new_batch(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path, contract=DATED)
    desk.sender.sends("customers_01.csv", [row.replace("2021-03-05", "2026-03-01") for row in ROWS])
    assert desk.look().broken == ()
    desk.clock.advance(2 * 86_400)
    (clause,) = desk.look().broken
    assert (clause.clause, clause.response) == ("customers.since.freshness", "lastGood")
    desk.sender.sends("customers_02.csv", [row.replace("2021-03-05", "2026-03-03") for row in ROWS])
    look = desk.look()
    assert (look.broken, look.data_as_of) == ((), "2026-03-03")
    desk.close()


def test_a_whole_table_of_an_earlier_day_does_not_take_the_place_of_a_later_one(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_2026-03-02.csv")
    desk.look()
    desk.sender.sends("customers_2026-03-01.csv", richer(ROWS))
    look = desk.look()
    assert desk.batches()["customers_2026-03-01.csv"] == "quarantined"
    assert "is about 2026-03-01; what is published is about 2026-03-02" in look.broken[0].words
    desk.close()


async def test_copies_are_kept_while_they_are_read_and_then_for_a_while(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.workflow(
        "async def play(run, ask):\n    first = await run.query('sales', ask)\n"
        "    await run.decide('go-ahead', question='Go on?')\n"
        "    return [first.value, (await run.query('sales', ask)).value]\n"
    )
    for number in (1, 2, 3):
        desk.sender.sends(f"customers_0{number}.csv", richer(ROWS, number))
        desk.look()
        if number == 2:
            run = desk.start(workflow="plain", input={"ask": TOTAL}, on_behalf="ana")
            await desk.work()
            desk.clock.advance(1)
    question = desk.question()
    desk.clock.advance(366 * 86_400)
    desk.look()
    assert [bool(row.file) for row in desk.batch_rows()] == [False, True, True]
    copies = {str(each.relative_to(desk.state)) for each in (desk.state / "feeds/sales/customers").iterdir()}
    assert copies == {row.file for row in desk.batch_rows() if row.file}
    assert question.run == run
    desk.close()
