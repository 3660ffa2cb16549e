"""What goes wrong with the watch itself at night: nothing of it lets sick data through, or ends the watch."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bridgehead.assemble import looking
from bridgehead.assemble.watching import due, look_at, look_for_batches, take_in
from bridgehead.enforce import incidents
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import StoreError
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch import awaited
from bridgehead.watch.feeds import arriving, intake
from bridgehead.watch.schema_accepting import accept_change
from fixtures.fed import FedDesk
from fixtures.sick_data import CUSTOMERS, NOTE, begin, watched

DAY = 86_400
WAITS = '''
async def play(run, before, then):
    """Read, wait for people, then act."""
    for step in before:
        await run.query("sales", step[1])
    await run.decide("go-ahead", question="Go on?")
    return [type(await run.act(step[1], **step[2])).__name__ for step in then]
'''
RETYPED = (
    "add column income2 text",
    "update customers set income2 = income",
    "drop column income",
    "rename column income2 to income",
)


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path)
    yield made
    made.close()


async def test_who_read_a_column_before_its_change_was_accepted_is_left_to_a_person(tmp_path: Path) -> None:
    desk = watched(tmp_path)
    desk.workflow(WAITS)
    look_at(desk.house, "sales")
    with sqlite3.connect(desk.folder.parent / "sales.sqlite") as connection:
        for one in RETYPED:
            connection.execute(one if one.startswith("update") else f"alter table customers {one}")
    connection.close()
    desk.clock.advance(60)
    run = begin(desk, [CUSTOMERS], [NOTE])
    await desk.work()
    desk.clock.advance(60)
    look_at(desk.house, "sales")
    olga = desk.person("olga")
    assert accept_change(desk.house.boundary, "sales", "customers", {}, olga, "as agreed").awaited == ()
    with desk.house.store.reading() as connection:
        (marks,) = connection.execute(select(t.reading.c.broken).where(t.reading.c.run == run)).one()
        left = set(
            connection.execute(select(t.breach.c.clause).where(t.breach.c.object == "customers")).scalars()
        )
        told = incidents.open_kinds(connection, "data:")
    assert "schema.type_changed.income" in marks
    assert bool(left) == ("sales.customers" in told)
    desk.vote("maya")
    await desk.work()
    assert (desk.row(run).status, desk.shop.notes) == ("waiting", {})
    desk.close()


def test_a_clock_that_was_a_year_ahead_does_not_end_the_looks(fed: FedDesk) -> None:
    fed.sender.sends("customers_001.csv")
    fed.look()
    fed.clock.advance(365 * DAY)
    fed.look()
    fed.clock.advance(-364 * DAY)  # it was put right
    assert list(due(fed.house)) == ["sales"]
    fed.look()
    with fed.house.store.reading() as connection:
        looked = connection.execute(select(t.looked_at).where(t.looked_at.c.object == "customers")).one()
    assert looked.checked_at == stamp(fed.clock.now())
    assert list(due(fed.house)) == []
    fed.clock.advance(2 * DAY)
    assert list(due(fed.house)) == ["sales"]


class Panic(BaseException):
    """What a library written in another language raises where it must never come."""


async def test_a_library_that_panics_does_not_end_the_watch() -> None:
    def panics() -> None:
        raise Panic

    assert await asyncio.wait_for(looking.aside(panics), 5) is None


def test_a_copy_that_no_batch_names_goes(fed: FedDesk) -> None:
    fed.sender.sends("customers_001.csv")
    fed.look()
    (kept,) = (row.file for row in fed.batch_rows())
    lost = (fed.state / kept).with_name("0" * 24)
    lost.mkdir()
    (lost / "0.csv").write_text("id,name\n1,Ana\n")
    take_in(fed.house, "sales")
    assert lost.is_dir(), "somebody may be about to write its row"
    before = fed.clock.now().timestamp() - 2 * DAY
    os.utime(lost, (before, before))
    os.utime(fed.state / kept, (before, before))
    take_in(fed.house, "sales")
    assert (lost.exists(), (fed.state / kept).is_dir()) == (False, True)


def test_one_table_that_cannot_be_written_down_hides_no_other(
    fed: FedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def fails(_: object) -> Work:
        raise StoreError("BH-WAT-040", "the stored state of a watch is not a Feed")

    def writes(_: object) -> Work:
        written.append("orders")
        return Work()

    monkeypatch.setattr(awaited, "units", lambda *_: iter((fails, writes)))
    with pytest.raises(StoreError, match="BH-WAT-040"):
        look_for_batches(fed.house, "sales")
    assert written == ["orders"]


def test_a_copy_that_is_lost_before_its_verdict_is_dropped_again(fed: FedDesk) -> None:
    fed.sender.sends("customers_001.csv")
    assert list(arriving.land_all(intake._supply(fed.house.boundary, "sales", "customers"), ())) == []
    (row,) = fed.batch_rows()
    shutil.rmtree(fed.state / row.file)  # the machine that copied it is gone
    fed.sender.sends("customers_002.csv", ["1,Ana,a@example.com,eu,DE1,1000,2021-03-05"])
    said = {each.clause.partition("@")[0]: each.words for each in fed.look().broken}
    assert "let the sender drop it again" in said["batch customers_001.csv"]
    assert fed.batches() == {"customers_001.csv": "landed", "customers_002.csv": "landed"}
    fed.sender.sends("customers_001.csv")
    fed.look()
    assert fed.batches()["customers_001.csv"] == "published"
    assert "landed" not in fed.batches().values()
