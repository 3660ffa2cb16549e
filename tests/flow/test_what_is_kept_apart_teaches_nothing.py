"""How many rows are expected: a batch that nobody reads does not move it, one that people release does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from bridgehead.watch.arrivals.state import Feed
from bridgehead.watch.arrivals.volume import judged
from bridgehead.watch.feeds import remembered
from bridgehead.watch.feeds.deciding import decide
from fixtures.fed import ROWS, FedDesk, richer

FIRST = date(2026, 2, 2)
DAYS = 21


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path)
    yield made
    made.close()


def sends(desk: FedDesk, day: int, rows: int, *, faulty: bool = False) -> str:
    """Drop the batch of a day; a faulty one lacks regions, which its contract promises."""
    name = f"customers_{FIRST + timedelta(days=day)}.csv"
    lines = richer(ROWS[:rows], day + 1)
    desk.sender.sends(name, [line.replace(",us,", ",,") for line in lines] if faulty else lines)
    return name


def feed(desk: FedDesk) -> Feed:
    with desk.house.store.reading() as connection:
        return remembered.load(connection, "sales", "customers").feed


def expected(desk: FedDesk, day: int) -> int:
    known = feed(desk)
    weekday = known.weekday(FIRST + timedelta(days=day))
    return round(judged(known.volume, weekday, 1).expected)


def noticed(desk: FedDesk) -> str:
    return str(desk.batch_rows()[-1].said)


def test_ten_half_batches_in_a_row_leave_what_is_expected_and_the_eleventh_is_short(desk: FedDesk) -> None:
    for day in range(DAYS):
        sends(desk, day, 40)
    for day in range(DAYS, DAYS + 10):
        sends(desk, day, 20)
    desk.look()
    assert list(desk.batches().values()) == ["published"] * DAYS + ["quarantined"] * 10
    assert {expected(desk, day) for day in range(DAYS, DAYS + 7)} == {40}
    sends(desk, DAYS + 10, 20)
    desk.look()
    assert '"kind":"partial"' in noticed(desk) and "about 40 were expected" in noticed(desk)


def test_a_batch_kept_apart_for_another_reason_does_not_make_short_ones_usual(desk: FedDesk) -> None:
    for day in range(DAYS):
        sends(desk, day, 40)
    for day in range(DAYS, DAYS + 10):
        sends(desk, day, 35, faulty=True)  # not so few that this alone is noticed
    desk.look()
    assert set(list(desk.batches().values())[DAYS:]) == {"quarantined"}
    assert {expected(desk, day) for day in range(DAYS, DAYS + 7)} == {40}
    sends(desk, DAYS + 10, 30)
    desk.look()
    assert '"kind":"partial"' in noticed(desk)


def test_before_there_is_enough_history_it_teaches_nothing_at_all(desk: FedDesk) -> None:
    for day in range(3):
        sends(desk, day, 20, faulty=True)
    desk.look()
    assert feed(desk).volume == ()


def test_what_people_release_counts_as_it_was_counted(desk: FedDesk) -> None:
    for day in range(DAYS):
        sends(desk, day, 40)
    names = [sends(desk, day, 20) for day in range(DAYS, DAYS + 10)]
    desk.look()
    olga = desk.person("olga")
    decide(desk.house.boundary, "sales.customers", names[-1], "release", olga, "They sold a branch.")
    assert [round(math.exp(point[1])) for point in feed(desk).volume[-2:]] == [40, 20]
    assert [point[2] for point in feed(desk).volume[-2:]] == [False, True]
