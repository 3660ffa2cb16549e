"""The sender's control totals lie in a file beside each batch: without them it is not complete."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.assemble.watching import came
from bridgehead.kernel.finding import Finding
from fixtures.fed import ROWS, FedDesk, richer

FIGURES = "rows: figures.count, sums: {income: figures.sum}"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = stated(FedDesk(tmp_path), "{batch}.totals.json")
    yield made
    made.close()


def stated(desk: FedDesk, manifest: str) -> FedDesk:
    line = "      - {property: bridgeheadMaxStaleness, value: 2d}\n"
    value = f"      - {{property: bridgeheadControlTotals, value: {{manifest: '{manifest}', {FIGURES}}}}}\n"
    desk.change(line, line + value, "sales.odcs.yaml")
    return desk


def states(desk: FedDesk, batch: str, count: int, income: int) -> None:
    told = {"figures": {"count": count, "sum": income}}
    desk.sender.drops(f"{batch}.totals.json", json.dumps(told))


def test_a_batch_waits_for_its_totals_and_is_published_where_they_agree(desk: FedDesk) -> None:
    desk.sender.sends("customers_01.csv")
    (awaited,) = [each for each in desk.look().broken if each.clause.startswith("landing")]
    assert "customers_01.totals.json, are not there" in awaited.words
    assert (desk.batches(), list(came(desk.house))) == ({}, [])
    states(desk, "customers_01", 40, 1000 * sum(range(1, 41)))
    assert list(came(desk.house)) == ["sales"]
    assert desk.look().broken == ()
    assert desk.batches() == {"customers_01.csv": "published"}
    assert list(came(desk.house)) == []


def test_totals_that_differ_keep_it_apart_and_right_ones_sent_later_publish_it(desk: FedDesk) -> None:
    states(desk, "customers_01", 40, 1000 * sum(range(1, 41)))
    desk.sender.sends("customers_01.csv")
    desk.look()
    states(desk, "customers_02", 41, 1000 * sum(range(1, 41)) + 40)
    desk.sender.sends("customers_02.csv", richer(ROWS))
    words = desk.look().broken[0].words
    assert desk.batches()["customers_02.csv"] == "quarantined"
    assert "{batch}.totals.json" in words
    states(desk, "customers_02", 40, 1000 * sum(range(1, 41)) + 40)
    assert desk.look().broken == ()
    assert [row.state for row in desk.batch_rows()] == ["published", "replaced", "published"]


def test_totals_that_cannot_be_read_are_no_agreement(desk: FedDesk) -> None:
    desk.sender.drops("customers_01.totals.json", "rows: 40")
    desk.sender.sends("customers_01.csv")
    desk.look()
    assert desk.batches() == {"customers_01.csv": "quarantined"}
    said = desk.batch_rows()[0].said
    assert "controlTotals" in said
    assert f"{desk.folder}" not in said, "no path of this machine is kept"
    assert "sales.odcs.yaml:" in said


def findings(desk: FedDesk) -> dict[str, Finding]:
    house = desk.another()
    try:
        return {each.rule: each for each in house.findings()}
    finally:
        house.close()


def test_one_name_for_the_totals_of_all_batches_is_refused_and_a_missing_folder_is_told(
    tmp_path: Path,
) -> None:
    desk = stated(FedDesk(tmp_path), "totals.json")
    found = findings(desk)
    assert (found["BH-CHK-113"].severity, "`totals.json`" in found["BH-CHK-113"].words) == ("block", True)
    assert found["BH-CHK-113"].where.startswith("sales.odcs.yaml:")
    assert "BH-CHK-112" not in found
    desk.change("totals.json", "{batch}.totals.json", "sales.odcs.yaml")
    (tmp_path / "drop").rename(tmp_path / "gone")
    found = findings(desk)
    assert "BH-CHK-113" not in found
    assert (found["BH-CHK-112"].severity, "`../drop`" in found["BH-CHK-112"].words) == ("warn", True)
    if os.geteuid():
        (tmp_path / "gone").rename(tmp_path / "drop")
        (tmp_path / "drop").chmod(0)
        found = findings(desk)
        assert "cannot read" in found["BH-CHK-112"].words
        (tmp_path / "drop").chmod(0o700)
