"""The page of the data, read by somebody new: what broke, since when, what it touched, who must act."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridgehead.doors.cli.watch import watch
from bridgehead.doors.console import console, make_link
from fixtures.console_caller import HOST, Caller
from fixtures.fed import ROWS, FedDesk, richer
from fixtures.houses import Desk
from fixtures.sick_data import MOVE, broken, healthy, look, play, watched

PAGE = "/deployments/desk/health"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = watched(tmp_path)
    yield made
    made.close()


def signed_in(desk: Desk) -> Caller:
    caller = Caller(console([desk.house], clock=desk.clock))
    link = make_link(desk.house.store, "olga", desk.clock, f"http://{HOST}")
    assert caller.post(link.removeprefix(f"http://{HOST}")).status == 303
    return caller


def head(page: str) -> str:
    """What stands above the first section."""
    return page.partition('<div class="head">')[2].partition("<section")[0]


async def test_the_head_of_the_page_says_what_broke_since_when_and_who_must_act(desk: Desk) -> None:
    healthy(desk)
    look(desk, table="salaries")
    desk.clock.advance(60)
    assert (await play(desk, [("query", "select count(*) as n from customers")], [MOVE]))[0] == "done"
    desk.clock.advance(60)
    look(desk, broken("hold"))
    told = head(_page(desk))
    assert "No. This is not in order, and must be seen to by Olga Owner (owner), Dan Deputy (deputy)" in told
    assert "Its readers wait; what cannot be taken back is refused." in told
    assert "1 run read it meanwhile and did 1 thing: look at them again." in told


async def test_it_says_so_where_nobody_has_to_act(desk: Desk) -> None:
    healthy(desk)
    look(desk, table="salaries")
    told = head(_page(desk))
    assert "Nobody has to act now" in told
    look(desk, broken("hold"))
    page = _page(desk)
    assert page.index("sales.customers") < page.index("sales.orders"), "the worst first"


def test_what_was_noticed_is_said_in_plain_words_with_the_clause_behind_them(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)
    desk.sender.sends("customers_01.csv")
    desk.look()
    desk.sender.sends("customers_02.csv", [row.replace(",us,", ",,") for row in richer(ROWS)])
    desk.look()
    said = "region: 20 rows have no value; none is promised (required: true)."
    shown = signed_in(desk).get(PAGE).text
    assert (
        said in shown
        and "kept apart" in head(shown)
        and "(required" not in head(shown)
        and "quarantined" not in shown
    )
    place = ["--in", str(desk.folder), "--state", str(desk.house.state)]
    desk.close()
    for command in ("status", "batches"):
        told = CliRunner().invoke(watch, [command, *place], standalone_mode=False, env={"COLUMNS": "200"})
        assert said in told.output, told.output
        assert "UTC" in told.output and f"{desk.clock.now():%Y-%m-%dT}" not in told.output


def _page(desk: Desk) -> str:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:  # a test that works has this thread's loop
        return pool.submit(lambda: signed_in(desk).get(PAGE).text).result()
