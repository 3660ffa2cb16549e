"""What a contract says of batches becomes slots and deadlines; what it cannot mean is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bridgehead.kernel.errors import BridgeheadError
from bridgehead.watch.arrivals import Arrival, Declared, Feed, Pattern, look, observe, write_off
from bridgehead.watch.arrivals.rows import LONGEST, SETTLES, Found, taken
from bridgehead.watch.cadence import Promised, promised
from bridgehead.watch.contract.read import read
from fixtures.late_batches import contract

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def of(tmp_path: Path, **orders: object) -> Promised:
    """Return what a contract with these properties promises of orders."""
    (tmp_path / "sales.odcs.yaml").write_text(contract(orders=orders))
    found = promised(read(tmp_path / "sales.odcs.yaml"), "sales", "orders", NOW)
    assert found is not None
    return found


def test_everything_that_is_said_counts(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        cadence={
            "cron": "0 5 * * *",
            "timezone": "Europe/Berlin",
            "country": "DE",
            "days": 1,
            "element": "id",
        },
        needBy={"at": "07:00", "timezone": "Europe/London"},
        maxStaleness="30h",
        upstream=["export", "core"],
        onBreach={"default": "hold", "readers": {"plain": "warn"}},
        criticality="critical",
    )
    declared = found.declared
    assert (declared.cron, declared.timezone, declared.lag_days) == ("0 5 * * *", "Europe/Berlin", 1)
    assert (declared.need_by, declared.need_by_zone) == ("07:00", "Europe/London")
    assert date(2026, 12, 25) in declared.holidays
    assert (found.column, found.fresh_seconds, found.upstream) == ("id", 108_000, ("export", "core"))
    assert (found.response, dict(found.readers), found.critical) == ("hold", {"plain": "warn"}, True)
    assert found.where.startswith(str(tmp_path / "sales.odcs.yaml:"))


@pytest.mark.parametrize(
    ("every", "cron", "pattern"),
    [
        ("15m", "*/15 * * * *", ""),
        ("1h", "0 */1 * * *", ""),
        ("6h", "0 */6 * * *", ""),
        ("1d", "", "weekdays"),
        ("7d", "", "every"),
    ],
)
def test_a_period_is_times_of_the_day_or_days(tmp_path: Path, every: str, cron: str, pattern: str) -> None:
    declared = of(tmp_path, cadence={"every": every}).declared
    assert (declared.cron, declared.pattern.shape if declared.pattern else "") == (cron, pattern)


def test_a_contract_that_says_nothing_leaves_it_to_learning(tmp_path: Path) -> None:
    found = of(tmp_path)
    assert (found.said, found.column, found.declared.at_once) == (False, "", False)
    assert of(tmp_path, cadence={"learned": True}).said


@pytest.mark.parametrize(
    ("cadence", "words"),
    [
        ({"every": "7h"}, "no part of a day"),
        ({"every": "1h", "cron": "0 5 * * *"}, "either"),
        ({"learned": False}, "true or not there"),
        ({"cron": "0 5 * * *", "days": -1}, "whole number"),
        ({"cron": "0 5 * * *", "element": "nothing"}, "no column"),
        ({"cron": "0 5 * * *", "country": "XX"}, "no calendar"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, cadence: object, words: str) -> None:
    with pytest.raises(BridgeheadError, match=words):
        of(tmp_path, cadence=cadence)


@pytest.mark.parametrize("upstream", [[], ["a", "a"], 7, [""]])
def test_an_upstream_without_a_name_is_refused(tmp_path: Path, upstream: object) -> None:
    with pytest.raises(BridgeheadError, match="bridgeheadUpstream"):
        of(tmp_path, upstream=upstream)


def comes(feed: Feed, declared: Declared, at: datetime) -> Feed:
    return observe(feed, declared, Arrival(feed="f", batch=at.isoformat(), at=at))[0]


def test_a_batch_of_every_quarter_hour_belongs_to_its_own_quarter() -> None:
    declared = Declared(feed="f", cron="*/15 * * * *", within_hours=0.25, grace_hours=0.25)
    feed, said = look(Feed(feed="f"), declared, NOW + MINUTE)
    for number in range(1, 9):
        feed = comes(feed, declared, NOW + 15 * number * MINUTE + 7 * MINUTE)
    feed, said = look(feed, declared, NOW + 2 * HOUR + 10 * MINUTE)
    assert (said, feed.missed) == ((), ())
    feed, said = look(feed, declared, NOW + 2 * HOUR + 50 * MINUTE)
    assert [each.kind for each in said if each.kind == "missing"] == ["missing"]


def test_every_week_is_counted_from_the_first_batch() -> None:
    declared = Declared(feed="f", pattern=Pattern(shape="every", numbers=(7,)), need_by="23:59")
    feed, said = look(Feed(feed="f"), declared, NOW)
    assert (said, feed.cursor) == ((), None)
    feed = comes(feed, declared, NOW + 2 * DAY)
    feed, said = look(feed, declared, NOW + 8 * DAY)
    assert said == ()
    _, said = look(feed, declared, NOW + 10 * DAY)
    assert [each.day for each in said if each.kind == "missing"] == [date(2026, 3, 11)]


def test_another_schedule_begins_anew_and_keeps_what_batches_hold() -> None:
    before = Declared(feed="f", cron="0 5 * * *")
    feed, _ = look(Feed(feed="f"), before, NOW)
    feed = comes(feed, before, NOW + DAY)
    feed, _ = look(feed, before, NOW + 4 * DAY)
    assert len(feed.missed) == 3
    feed, said = look(feed, Declared(feed="f", cron="0 6 * * *"), NOW + 4 * DAY)
    assert (said, feed.missed, len(feed.batches)) == ((), (), 1)


def test_what_is_written_off_is_not_awaited_and_its_slot_stays() -> None:
    declared = Declared(feed="f", cron="0 5 * * *")
    feed, _ = look(Feed(feed="f"), declared, NOW)
    feed, _ = look(feed, declared, NOW + 2 * DAY)
    left = write_off(feed, date(2026, 3, 3), by="olga", why="lost")
    assert ([miss.day.day for miss in left.missed], left.gone) == ([4], ((date(2026, 3, 3), 0),))
    assert write_off(feed, None, by="olga", why="lost").missed == ()
    for day, by in ((date(2026, 3, 9), "olga"), (None, "")):
        with pytest.raises(ValueError, match=r"is missed|by a person"):
            write_off(feed, day, by=by, why="lost")


def seen(feed: Feed, rows: int, at: datetime, newest: str = "") -> tuple[Feed, Arrival | None]:
    known = feed.table.newest if feed.table else ""
    return taken(feed, Found(beyond=known, newest=newest or str(100 + rows), rows=rows), at)


def test_rows_are_a_batch_once_no_more_come() -> None:
    feed, none = seen(Feed(feed="f"), 0, NOW, newest="100")
    assert none is None
    feed, none = seen(feed, 10, NOW + HOUR)
    assert none is None
    feed, none = seen(feed, 25, NOW + HOUR + SETTLES / 2)
    assert none is None, "more are coming"
    feed, arrival = seen(feed, 25, NOW + HOUR + 2 * SETTLES)
    assert arrival is not None
    assert (arrival.at, arrival.rows, arrival.batch) == (NOW + HOUR, 25, "125")
    assert seen(feed, 0, NOW + 2 * HOUR)[1] is None


def test_rows_that_never_stop_are_a_batch_all_the_same() -> None:
    feed, _ = seen(Feed(feed="f"), 0, NOW, newest="100")
    arrivals = []
    for minute in range(1, 31):
        feed, arrival = seen(feed, minute, NOW + minute * MINUTE)
        arrivals += [arrival] if arrival else []
    assert arrivals
    assert arrivals[0].at == NOW + MINUTE
    assert LONGEST == 15 * MINUTE


def test_whoever_looked_from_another_place_says_nothing() -> None:
    feed, _ = seen(Feed(feed="f"), 0, NOW, newest="100")
    assert taken(feed, Found(beyond="90", newest="120", rows=30), NOW + HOUR) == (feed, None)
