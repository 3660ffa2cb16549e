"""A batch that does not come lowers what may be done with its table, and nobody has to be awake for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.kernel.errors import WatchError
from bridgehead.watch.accepting import Accepted
from fixtures.late_batches import DAY, MONDAY, Batches, contract
from fixtures.sick_data import CUSTOMERS, MOVE, NOTE, ORDERS, begin, play

NIGHTLY = {"cadence": {"cron": "0 5 * * *"}, "maxStaleness": "30h"}
Made = Callable[..., Batches]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    desks: list[Batches] = []

    def make(every: str = "2000h", seen_otherwise: str = "", **tables: dict[str, Any]) -> Batches:
        desks.append(Batches(tmp_path, contract(**tables), every=every))
        return desks[-1].taken_in(*(name for name in tables if name not in seen_otherwise))

    yield make
    for each in desks:
        each.desk.close()


async def nights(batches: Batches, count: int, *, first: int = 1, but: tuple[int, ...] = ()) -> None:
    """Let the nightly batch of orders come at 04:50 for so many days, except on some."""
    for number in range(first, first + count):
        day = MONDAY + number * DAY
        await batches.until(day, 4.8)
        if number not in but:
            batches.comes("orders", day)
        await batches.until(day, 9)


async def test_a_missing_batch_is_said_first_and_holds_back_once_the_last_good_one_is_too_old(
    made: Made,
) -> None:
    batches = made(orders=NIGHTLY)
    await batches.until(MONDAY, 9.1)
    await nights(batches, 3)
    assert batches.responses("orders") == {}
    friday = MONDAY + 4 * DAY
    await batches.until(friday, 5.5)
    assert batches.responses("orders") == {"arrival.late": "warn"}
    assert await play(batches.desk, [ORDERS], [NOTE]) == ["done", "done"]
    await batches.until(friday, 7)
    assert batches.responses("orders") == {"arrival.missing": "warn"}
    assert "recent enough" in batches.clauses("orders")["arrival.missing"].words
    await batches.until(friday, 11)  # the batch of Thursday came at 04:48
    assert batches.responses("orders") == {"arrival.missing": "lastGood"}
    assert await play(batches.desk, [ORDERS], [NOTE]) == ["done", ["data.lastGood"]]
    run = begin(batches.desk, [ORDERS], [MOVE])
    await batches.desk.work()
    assert batches.desk.row(run).waiting_for == batches.desk.question().id
    assert await play(batches.desk, [CUSTOMERS], [NOTE]) == ["done", "done"], "another table goes on"


async def test_the_batch_that_comes_after_all_ends_it(made: Made) -> None:
    batches = made(orders=NIGHTLY)
    await batches.until(MONDAY, 9.1)
    await nights(batches, 2)
    thursday = MONDAY + 3 * DAY
    await batches.until(thursday, 20)
    assert list(batches.open()) == ["sales.orders"]
    assert [each.kind for each in batches.comes("orders", thursday)] == ["arrived_late"]
    await batches.until(thursday, 20.1)
    assert (batches.responses("orders"), batches.open()) == ({}, {})
    assert await play(batches.desk, [ORDERS], [NOTE]) == ["done", "done"]
    assert batches.desk.verified().ok


async def test_what_was_learned_in_less_than_eight_weeks_is_said_and_holds_nothing_back(made: Made) -> None:
    batches = made(orders={"cadence": {"learned": True}})
    batches.history("orders", 30)
    assert batches.feed("orders").status == "active"
    await batches.until(MONDAY + 32 * DAY, 4)
    assert batches.responses("orders") == {"arrival.unsure": "warn"}
    assert batches.open() == {}
    assert await play(batches.desk, [ORDERS], [NOTE]) == ["done", "done"]


async def test_one_job_that_fails_is_one_incident_whatever_hangs_on_it(made: Made) -> None:
    hangs = {**NIGHTLY, "upstream": ["nightly-export"]}
    batches = made(orders=hangs, customers=hangs)
    await batches.until(MONDAY, 9.1)
    tuesday = MONDAY + DAY
    await batches.until(tuesday, 4.8)
    batches.comes("orders", tuesday)
    batches.comes("customers", tuesday)
    await batches.until(tuesday + DAY, 5.5)
    assert await play(batches.desk, [ORDERS, CUSTOMERS], [NOTE]) == ["done"] * 3
    await batches.until(tuesday + DAY, 12)
    (words,) = batches.open().values()
    assert "nightly-export seems to have failed: batches of 2 tables" in words
    told = batches.told("arrivals:nightly-export")[-1]
    assert told["tables"] == ["sales.customers", "sales.orders"]
    assert (told["workflows"], told["owner"]) == (
        ["plain"],
        batches.desk.house.deployment.charter.owner.person,
    )
    batches.comes("orders", tuesday + DAY)
    await batches.until(tuesday + DAY, 13)
    assert list(batches.open()) == ["sales.customers"], "one table alone is not the job"


async def test_three_misses_in_a_row_are_one_incident_that_reaches_further(made: Made) -> None:
    batches = made(orders=NIGHTLY)
    await batches.until(MONDAY, 9.1)
    await nights(batches, 5, but=(2, 3, 4, 5))
    about = [row for row in batches.desk.incidents() if row.kind.startswith("arrivals:")]
    assert len(about) == 1
    assert "4 misses in a row" in about[0].words
    pages = batches.told("page:sales.orders")
    assert [(each["who"], each["escalated"]) for each in pages] == [
        (["olga"], False),
        (["olga", "dan", "rhea"], True),
    ]


async def test_rows_of_a_database_are_batches_too(made: Made) -> None:
    batches = made(
        every="1h", seen_otherwise="orders", orders={"cadence": {"cron": "0 5 * * *", "element": "id"}}
    )
    await batches.until(MONDAY, 9.1)
    assert batches.feed("orders").seen == (), "nobody knows when the rows came that were there"
    number = 100
    for day in (MONDAY + n * DAY for n in range(1, 4)):
        await batches.until(day, 4.8)
        batches.inserts(*range(number, number + 50))
        number += 50
        await batches.until(day, 12)
    assert batches.responses("orders") == {}
    assert [each.day for each in batches.feed("orders").seen] == [MONDAY + n * DAY for n in range(1, 4)]
    await batches.until(MONDAY + 4 * DAY, 12)
    assert batches.responses("orders") == {"arrival.missing": "lastGood"}
    batches.inserts(number)
    for hour in (19, 19.1):  # more rows may still be coming
        await batches.until(MONDAY + 4 * DAY, hour)
    assert "arrival.missing" not in batches.responses("orders")


async def test_rows_that_were_there_when_they_were_due_are_not_said_to_be_late(made: Made) -> None:
    batches = made(
        every="1h", seen_otherwise="orders", orders={"cadence": {"cron": "0 5 * * *", "element": "id"}}
    )
    await batches.until(MONDAY, 9.1)
    await batches.until(MONDAY + DAY, 4.9)
    batches.inserts(*range(100, 150))
    await batches.until(MONDAY + DAY, 5)
    assert batches.responses("orders") == {}
    await batches.until(MONDAY + DAY, 9)
    assert [each.day for each in batches.feed("orders").seen] == [MONDAY + DAY]
    assert not [body for body in batches.desk.bodies("finding.raised") if "is late" in str(body)]
    await batches.until(MONDAY + 2 * DAY, 5.5)
    assert batches.responses("orders") == {"arrival.late": "warn"}
    batches.inserts(200)
    await batches.until(MONDAY + 2 * DAY, 5.6)
    assert batches.responses("orders") == {"arrival.late": "warn"}, "these came after it was due"


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        ({"cadence": {"cron": "0 5 * * *"}}, "nobody can see whether they do"),
        ({"cadence": {"every": "7h", "element": "id"}}, "no part of a day"),
        ({"cadence": {"cron": "0 5 * * *", "element": "note"}}, ""),
    ],
)
async def test_what_cannot_be_seen_is_not_taken_for_there(made: Made, ours: Any, words: str) -> None:
    batches = made(seen_otherwise="orders", orders=ours)
    await batches.until(MONDAY, 9.1)
    await batches.until(MONDAY + 2 * DAY, 12)
    (clause,) = batches.clauses("orders").values()
    assert clause.response == "lastGood"
    assert words in clause.words
    assert clause.where.partition(":")[0] in ("sales.odcs.yaml", "charter.yaml")
    assert await play(batches.desk, [ORDERS], [NOTE]) == ["done", ["data.lastGood"]]


async def test_while_nothing_is_due_nobody_looks(made: Made) -> None:
    batches = made(orders=NIGHTLY)
    await batches.until(MONDAY, 9.1)
    before = batches.looked_at("orders")
    batches.desk.clock.advance(3600)
    await batches.watch()
    assert batches.looked_at("orders") == before
    await batches.until(MONDAY + DAY, 5.1)
    assert batches.looked_at("orders") > before


async def test_a_contract_that_no_longer_says_when_ends_what_was_missed(made: Made) -> None:
    batches = made(orders=NIGHTLY)
    await batches.until(MONDAY, 9.1)
    await batches.until(MONDAY + 2 * DAY, 12)
    assert list(batches.open()) == ["sales.orders"]
    batches.promises()
    await batches.until(MONDAY + 3 * DAY, 12)
    assert (batches.responses("orders"), batches.open()) == ({}, {})


async def test_four_silent_mondays_and_what_ends_them(made: Made) -> None:
    """A cadence that was learned: the first silent Monday is found, and the fourth is not normal either."""
    batches = made(orders={"cadence": {"learned": True}, "maxStaleness": "2d"})
    batches.history("orders", 70)
    found = [MONDAY + (77 + 7 * week) * DAY for week in range(4)]
    for number in range(71, 100):
        day = MONDAY + number * DAY
        await batches.until(day, 4.8)
        if day not in found:
            batches.comes("orders", day)
        if day == found[0]:
            await batches.until(day, 8)
            assert list(batches.open()) == ["sales.orders"], "from the first miss"
    told = batches.open()["sales.orders"]
    assert all(day.isoformat() in told for day in found)
    assert "4 misses in a row" in told
    assert len([row for row in batches.desk.incidents() if row.kind.startswith("arrivals:")]) == 1
    assert len(batches.told("page:sales.orders")) == 2, "when it began, and when it had happened three times"

    # the job stops altogether: past two days nothing that cannot be taken back is done
    stopped = MONDAY + 99 * DAY
    await batches.until(stopped + 2 * DAY, 8)
    assert batches.responses("orders")["arrival.missing"] == "lastGood"
    assert await play(batches.desk, [ORDERS], [NOTE]) == ["done", ["data.lastGood"]]

    # two days late, one file brings two batches
    late = (stopped + DAY, stopped + 2 * DAY)
    said = batches.comes("orders", late[0], rows=200, about=late)
    assert [each.kind for each in said].count("arrived_late") == 2
    await batches.until(stopped + 2 * DAY, 9)
    assert batches.responses("orders") == {"arrival.missing": "warn"}, "the Mondays are still missed"
    assert await play(batches.desk, [ORDERS], [NOTE]) == ["done", "done"]

    # nobody but the owner makes that normal
    with pytest.raises(WatchError, match="is not its owner"):
        batches.accepts("maya", Accepted(what="slot", slot="mon"))
    batches.accepts("olga", Accepted(what="slot", slot="mon"))
    assert (batches.responses("orders"), batches.open()) == ({}, {})
    assert batches.desk.entries("arrivals.accepted")
    for number in (3, 4, 5):
        await batches.until(stopped + number * DAY, 4.8)
        batches.comes("orders", stopped + number * DAY)
    await batches.until(stopped + 6 * DAY, 12)  # Monday again, and nothing is said
    assert batches.responses("orders") == {}
    assert batches.desk.verified().ok


async def test_where_nothing_is_missing_nothing_is_said(made: Made) -> None:
    """The same weeks, with every batch in its time."""
    batches = made(orders={"cadence": {"learned": True}, "maxStaleness": "2d"})
    batches.history("orders", 70)
    for number in range(71, 102):
        day = MONDAY + number * DAY
        await batches.until(day, 4.8)
        batches.comes("orders", day)
    assert batches.responses("orders") == {}
    assert batches.open() == {}
    assert batches.told("page:sales.orders") == []
    assert await play(batches.desk, [ORDERS], [NOTE]) == ["done", "done"]


@pytest.mark.parametrize(
    "what",
    [Accepted(what="slot", slot="mon"), Accepted(what="missed", day=MONDAY), Accepted(what="missed")],
)
async def test_nothing_is_accepted_that_is_not_there(made: Made, what: Accepted) -> None:
    batches = made(orders=NIGHTLY)
    await batches.until(MONDAY, 9.1)
    with pytest.raises(WatchError, match=r"is not expected|is missed"):
        batches.accepts("olga", what)


async def test_a_batch_that_is_lost_is_written_off_and_its_slot_stays(made: Made) -> None:
    batches = made(orders=NIGHTLY)
    await batches.until(MONDAY, 9.1)
    await nights(batches, 3, but=(2,))
    assert list(batches.open()) == ["sales.orders"]
    batches.accepts("olga", Accepted(what="missed", day=MONDAY + 2 * DAY))
    assert (batches.responses("orders"), batches.open()) == ({}, {})
    cells = {cell.day: cell.state for week in batches.calendar("orders") for cell in week}
    assert (cells[MONDAY + 2 * DAY], cells[MONDAY + 3 * DAY]) == ("written off", "came")
    await batches.until(MONDAY + 4 * DAY, 12)
    assert list(batches.open()) == ["sales.orders"]
    cells = {cell.day: cell.state for week in batches.calendar("orders") for cell in week}
    assert cells[MONDAY + 4 * DAY] == "missing"
