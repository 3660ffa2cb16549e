"""What broke and is in order again stays on the page of the data: since when, and what it touched."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.doors.console import console, make_link
from bridgehead.explain.data_history import Past, past
from fixtures.console_caller import HOST, Caller
from fixtures.houses import Desk
from fixtures.sick_data import CUSTOMERS, MOVE, NOTE, begin, broken, healthy, look, play, watched


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = watched(tmp_path)
    yield made
    made.close()


def before(desk: Desk) -> tuple[Past, ...]:
    with desk.house.store.reading() as connection:
        return past(connection)


def page(desk: Desk) -> str:
    caller = Caller(console([desk.house], clock=desk.clock))
    link = make_link(desk.house.store, "olga", desk.clock, f"http://{HOST}")
    assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
    return caller.get("/deployments/desk/health").text


def test_it_is_told_with_what_was_refused_and_what_went_out_meanwhile(desk: Desk) -> None:
    healthy(desk)
    look(desk, table="salaries")
    assert "What broke before" not in page(desk)
    asyncio.run(play(desk, [CUSTOMERS], [NOTE]))
    desk.clock.advance(60)
    look(desk, broken("lastGood"))
    found = desk.clock.now()
    refused = begin(desk, [CUSTOMERS], [NOTE])
    asyncio.run(desk.work())
    assert before(desk) == () and "Who must act" in page(desk)
    desk.clock.advance(60)
    look(desk)
    desk.clock.advance(60)
    asyncio.run(play(desk, [CUSTOMERS], [NOTE]))
    (one,) = before(desk)
    assert (one.about, one.refused_runs, one.effects) == ("sales.customers", (refused,), 0)
    assert one.since[:19] == found.isoformat()[:19] and one.since < one.until
    shown = page(desk)
    assert "What broke before" in shown and "1 run was refused; nothing was done" in shown
    assert "income is missing in 12 % of rows." in shown
    assert "Nobody has to act now." in shown and "Who must act" not in shown


def test_what_a_contract_only_notes_is_counted_as_done(desk: Desk) -> None:
    healthy(desk)
    look(desk, broken("warn"))
    asyncio.run(play(desk, [CUSTOMERS], [NOTE, MOVE]))
    desk.clock.advance(60)
    look(desk)
    desk.clock.advance(60)
    look(desk, broken("warn"))
    desk.clock.advance(60)
    look(desk)
    assert [(one.refused_runs, one.effects) for one in before(desk)] == [((), 0), ((), 2)]
    assert "2 things were done: look at them again" in page(desk)
