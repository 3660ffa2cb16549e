"""The example posts into the hostile order system: what it promises for each way to settle a lost answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.doors.cli.check import check
from bridgehead.doors.cli.run import run as run_command
from bridgehead.enforce.approve import vote
from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.principal import Principal
from bridgehead.run.looks import look_again
from bridgehead.store import tables as t
from bridgehead.testing import HostileErp
from fixtures.charters import ROOT

EXAMPLE = ROOT / "examples" / "hostile-erp"
OPERATOR = Principal(id="noor", kind="human", name="Noor Haddad")
EACH_WAY = ("probe", "key", "weak probe", "nothing")


@pytest.fixture
def erp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileErp]:
    with HostileErp.start(tmp_path / "erp", keys=True, late="20ms..40ms") as started:
        monkeypatch.setenv("HOSTILE_ERP", started.url)
        yield started


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The example's house, with short windows."""
    folder = tmp_path / "folder"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
    text = (folder / "charter.yaml").read_text()
    (folder / "charter.yaml").write_text(text.replace("settle: 2s", "settle: 300ms"))
    opened = House.open(folder, state=tmp_path / "state")
    opened.activate(by=OPERATOR)
    yield opened
    opened.close()


async def posted(house: House, settled_by: str, *references: str, amount: str = "12.00") -> str:
    orders = [{"reference": name, "customer": "Ana", "amount": amount} for name in references]
    return house.start("post", {"orders": orders, "settled_by": settled_by})


async def work(house: House) -> None:
    async with house.at_work() as engine:
        await engine.work(until_idle=True)


def result(house: House, run: str) -> Any:
    with house.store.reading() as connection:
        row = connection.execute(select(t.run).where(t.run.c.id == run)).one()
        if row.result_entry is None:
            return row.status
        return [order["ended"] for order in house.ledger.body(connection, row.result_entry)["result"]]


def unknown(house: House) -> Sequence[str]:
    """Return the orders nobody knows about, as the incidents for people name them."""
    with house.store.reading() as connection:
        rows = connection.execute(
            select(t.crossing.c.record)
            .join(t.incident, t.incident.c.run == t.crossing.c.run)
            .where(t.incident.c.kind == "unknown:" + t.crossing.c.position, t.crossing.c.effect != "read")
        ).all()
    return sorted(row.record.rpartition("/")[2] for row in rows)


def test_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTILE_ERP", "http://127.0.0.1:1")
    told = json.loads(CliRunner().invoke(check, [str(EXAMPLE), "--json"]).output)
    assert told["ok"]
    # One variant is there to show what cannot be settled, another what a weak probe means.
    assert sorted(finding["rule"] for finding in told["findings"]) == [
        "BH-CHK-012",
        "BH-CHK-019",
        "BH-CHK-090",
    ]


async def test_a_lost_reply_is_settled_as_each_variant_says(erp: HostileErp, house: House) -> None:
    runs = {}
    for way in EACH_WAY:
        references = [f"{way} lost", f"{way} never"]
        erp.next(references[0], ["loses-reply"])
        erp.next(references[1], ["fails-before"])
        runs[way] = await posted(house, way, *references)
    await work(house)
    assert {way: result(house, run) for way, run in runs.items()} == {
        "probe": ["posted", "posted"],  # adopted, and sent again
        "key": ["posted", "posted"],  # both sent again: the system drops the repeat
        "weak probe": "waiting",
        "nothing": "waiting",
    }
    assert unknown(house) == ["nothing lost", "nothing never", "weak probe never"]
    seen = erp.judge([f"{way} {what}" for way in EACH_WAY for what in ("lost", "never")])
    assert (seen.twice, seen.extra) == (0, 0)
    assert seen.absent == ("nothing never", "weak probe never")


async def test_what_the_system_itself_posted_twice_is_noticed_later(erp: HostileErp, house: House) -> None:
    """Its answer came and looked right; the probe counts."""
    erp.next("o-1", ["applies-twice"])
    run = await posted(house, "probe", "o-1", "o-2")
    await work(house)
    assert result(house, run) == ["posted", "posted"]
    in_an_hour = SetClock(house.clock.now() + timedelta(hours=1))
    async with house.at_work():
        assert await look_again(house.store, in_an_hour, house.boundary_of) == 2
    with house.store.reading() as connection:
        (incident,) = connection.execute(select(t.incident)).all()
    assert incident.kind.startswith("duplicate:1.")
    assert "was meant once, and the other system shows 2 of it" in incident.words
    assert erp.judge(["o-1"]).by_the_system == 1


async def test_what_the_system_refuses_is_refused_and_told(erp: HostileErp, house: House) -> None:
    erp.next("o-1", ["rejects"])
    run = await posted(house, "probe", "o-1", "o-2")
    await work(house)
    assert result(house, run) == ["failed", "posted"]
    assert erp.judge(["o-1", "o-2"]).absent == ("o-1",)


async def test_a_large_order_waits_for_people_and_holds_no_other_back(erp: HostileErp, house: House) -> None:
    large = await posted(house, "probe", "large", amount="1000.01")
    await posted(house, "probe", "small", amount="1000.00")
    await work(house)
    assert erp.judge(["large", "small"]).absent == ("large",)
    with house.store.reading() as connection:
        question = connection.execute(select(t.approval).where(t.approval.c.run == large)).one()
    vote(house.boundary, question.id, house.person("maya", "test"), "approve", question.digest, "in order")
    await work(house)
    assert erp.judge(["large", "small"]).once == 2


def test_the_three_commands_of_its_readme(erp: HostileErp, tmp_path: Path) -> None:
    erp.set_faults("chaos", seed=1)
    orders = str(EXAMPLE / "orders.json")
    told = CliRunner().invoke(
        run_command,
        ["post", "--in", str(EXAMPLE), "--state", str(tmp_path / "state"), "--input", f"@{orders}"],
    )
    assert told.exit_code == 0, told.output
    assert "waits for people" in told.output
    references = [order["reference"] for order in json.loads(Path(orders).read_text())["orders"]]
    seen = erp.judge(references)
    assert (seen.once, seen.twice, seen.absent) == (11, 0, ("2026-007",))
