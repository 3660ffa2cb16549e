"""What a batch holds against what it should hold: rows, segments, totals, and whether it was here before."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bridgehead.watch.arrivals import (
    Arrival,
    Declared,
    Feed,
    Incident,
    Noticed,
    Total,
    accept_volume,
    incidents,
)
from bridgehead.watch.arrivals.duplicates import Fingerprint, fingerprint, hashed, overlap, smallest
from bridgehead.watch.arrivals.holiday import days_off
from bridgehead.watch.arrivals.volume import Point, judged, kept
from bridgehead.watch.arrivals.watching import observe

MONDAY = date(2026, 1, 5)
DAY = timedelta(days=1)


def arrival(n: int, rows: int = 1000, *, batch: str = "", **more: object) -> Arrival:
    day = MONDAY + n * DAY
    at = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    given: dict[str, object] = {"content": f"content {n}", "about": (day,)} | more
    return Arrival(feed="orders", batch=batch or day.isoformat(), at=at, rows=rows, **given)  # type: ignore[arg-type]


def watched(*arrivals: Arrival, feed: Feed | None = None) -> tuple[Feed, list[Noticed]]:
    feed, said = feed or Feed(feed="orders"), list[Noticed]()
    for each in arrivals:
        feed, more = observe(feed, Declared(feed="orders"), each)
        said += more
    return feed, said


def usual(count: int = 60, seed: int = 1) -> list[Arrival]:
    draw = random.Random(seed)
    return [arrival(n, round(1000 * draw.lognormvariate(0, 0.05))) for n in range(count)]


def kinds(said: list[Noticed]) -> list[str]:
    return [each.kind for each in said]


def test_a_batch_with_half_its_rows_is_partial_and_does_not_become_the_measure() -> None:
    feed, said = watched(*usual(), *(arrival(60 + n, 500) for n in range(20)))
    assert kinds(said) == ["partial"] * 20
    numbers = dict(said[-1].numbers)
    assert 900 < numbers["expected"] < 1100
    feed = accept_volume(feed, by="olga", why="half of the shops were sold")
    assert kinds(watched(*(arrival(80 + n, 500) for n in range(20)), feed=feed)[1]) == []


def test_weekdays_may_differ_and_growth_is_no_alarm() -> None:
    draw = random.Random(2)
    size = [1.0, 1.0, 1.0, 1.0, 1.2, 0.3, 0.2]
    rows = [round(5000 * size[n % 7] * 1.003**n * draw.lognormvariate(0, 0.05)) for n in range(200)]
    assert kinds(watched(*(arrival(n, count) for n, count in enumerate(rows)))[1]) == []
    short = watched(*(arrival(n, count) for n, count in enumerate(rows)), arrival(200, rows[193] // 2))[1]
    assert kinds(short) == ["partial"]


def test_a_batch_of_every_thirty_days_is_judged_too() -> None:
    """It falls on another weekday each time: compared with all before, not with those of its weekday."""
    every = [arrival(30 * n, 1000 + 7 * (n % 3)) for n in range(16)]
    assert kinds(watched(*every, arrival(480, 450))[1]) == ["partial"]


def test_before_six_batches_nothing_is_said_of_rows() -> None:
    assert judged([(0, 6.9, True)] * 5, 0, 10).verdict == "not enough history"
    assert kinds(watched(*usual(5), arrival(5, 3))[1]) == []


@given(
    counts=st.lists(st.integers(900, 1100), min_size=14, max_size=120),
    wrong=st.lists(st.integers(1, 300), min_size=1, max_size=30),
)
def test_however_many_short_batches_come_none_is_believed(counts: list[int], wrong: list[int]) -> None:
    history: tuple[Point, ...] = ()
    for n, rows in enumerate(counts):
        history = kept(history, judged(history, n % 7, rows))
    for n, rows in enumerate(wrong, len(counts)):
        volume = judged(history, n % 7, rows)
        assert volume.verdict == "partial"
        history = kept(history, volume)


def test_two_batches_in_one_after_a_miss_are_caught_up() -> None:
    steady = [arrival(n) for n in range(60)]
    twice = arrival(61, 2010, about=())
    feed, said = watched(*steady, twice)
    assert [(each.kind, each.alarm) for each in said if each.kind != "missing_page"] == [
        ("missing", True),
        ("catch_up", False),
    ]
    # with partition keys it is known: both days are there, and the rows are what two days bring
    both = arrival(61, 2010, about=(MONDAY + 60 * DAY, MONDAY + 61 * DAY))
    feed, said = watched(*steady, both)
    assert "arrived_late" in kinds(said)
    assert feed.missed == ()
    assert not [each for each in said if each.kind in ("surge", "catch_up")]
    # without a miss it is a surge
    assert kinds(watched(*steady, arrival(60, 2010))[1]) == ["surge"]


def test_no_rows_is_no_arrival() -> None:
    _, said = watched(*usual(), arrival(60, 0), arrival(61))
    assert kinds(said) == ["empty", "missing", "missing_page"]
    assert said[1].day == MONDAY + 60 * DAY


def test_control_totals_see_what_statistics_cannot() -> None:
    totals = (
        Total(name="rows", said=Decimal(1000), counted=Decimal(999)),
        Total(name="amount", said=Decimal("10.10"), counted=Decimal("10.1")),
    )
    said = watched(*usual(), arrival(60, 999, totals=totals))[1]
    assert kinds(said) == ["totals"]
    assert "rows: 1000 said, 999 counted" in said[0].words
    assert "amount" not in said[0].words


def test_a_missing_store_is_seen_at_a_usual_total() -> None:
    def stores(n: int, **rows: int) -> Arrival:
        return arrival(n, sum(rows.values()), segments=tuple(sorted(rows.items())))

    draw = random.Random(3)
    usual = [
        stores(
            n,
            north=draw.randint(380, 420),
            south=draw.randint(290, 310),
            west=draw.randint(280, 300),
            new=n % 4,
        )
        for n in range(40)
    ]
    said = watched(*usual, stores(40, north=550, south=440, new=1))[1]
    assert [(each.kind, "west" in each.words) for each in said] == [("segment_missing", True)]
    said = watched(*usual, stores(40, north=530, south=150, west=290))[1]
    assert [(each.kind, "south" in each.words) for each in said] == [("segment_partial", True)]
    assert kinds(watched(*usual, stores(40, north=400, south=300, west=290))[1]) == [], (
        "of few rows, none is chance"
    )


def test_a_batch_sent_again_fills_no_slot_and_is_not_done_again() -> None:
    again = arrival(60, content="content 59", batch="the same under another name")
    feed, said = watched(*usual(), again, arrival(61))
    assert kinds(said) == ["duplicate", "missing", "missing_page"]
    assert len(feed.volume) == 61


def test_other_values_for_the_same_keys_are_a_correction() -> None:
    _, said = watched(*usual(), arrival(59, content="other", batch="2026-03-05"))
    assert kinds(said) == ["correction"]
    keyed = [arrival(n, keys=f"keys {n}") for n in range(20)]
    assert kinds(watched(*keyed, arrival(20, keys="keys 19"))[1]) == ["correction"]


def test_keys_of_the_batch_before_are_an_overlap_unless_they_always_are() -> None:
    apart = [arrival(n, overlap=0.0) for n in range(1, 20)]
    assert kinds(watched(*apart, arrival(20, overlap=0.2))[1]) == ["overlap"]
    assert kinds(watched(*apart, arrival(20, overlap=0.04))[1]) == []
    always = [arrival(n, overlap=0.3) for n in range(20)]
    assert kinds(watched(*always)[1]) == []


rows = st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=30)


@given(first=rows, second=rows, seed=st.integers(0, 99))
def test_a_fingerprint_is_of_the_rows_and_not_of_their_order(
    first: list[tuple[str, str]], second: list[tuple[str, str]], seed: int
) -> None:
    shuffled = first + second
    random.Random(seed).shuffle(shuffled)
    assert fingerprint(first) + fingerprint(second) == fingerprint(shuffled)
    assert fingerprint(first) + Fingerprint() == fingerprint(first)
    if sorted(first) != sorted(second):
        assert fingerprint(first) != fingerprint(second)


def test_a_row_twice_is_not_a_row_less() -> None:
    """A xor alone would forget both."""
    assert fingerprint([("a",), ("b",), ("b",)]) != fingerprint([("a",)])
    assert fingerprint([("a", "bc")]) != fingerprint([("ab", "c")])


def test_overlap_is_measured_from_a_thousand_hashes() -> None:
    old = smallest(hashed([str(n)]) for n in range(20_000))
    new = smallest(hashed([str(n)]) for n in range(18_000, 38_000))
    assert 0.06 < overlap(new, old) < 0.14
    assert overlap(smallest(hashed([f"x{n}"]) for n in range(20_000)), old) == 0.0


def missing(feed: str, hour: float, incident: str = "") -> Noticed:
    at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hour)
    return Noticed(
        kind="missing", feed=feed, at=at, words="gone", fix="", incident=incident or f"{feed}:{hour}"
    )


def test_one_failed_job_that_feeds_twelve_tables_is_one_incident() -> None:
    upstream = {f"table-{n}": ("extract", "erp") for n in range(12)} | {"weather": ("api",)}
    found = incidents(
        [*(missing(f"table-{n}", 6 + n / 10) for n in range(12)), missing("weather", 6)], upstream
    )
    assert [(each.cause, len(each.feeds)) for each in found] == [("erp", 12), ("weather", 1)]
    few = incidents([missing("table-1", 6), missing("table-2", 6)], upstream)
    assert [each.cause for each in few] == ["table-1", "table-2"], "most of what hangs on it is well"
    apart = incidents([missing("a", 6), missing("b", 40)], {"a": ("job",), "b": ("job",)})
    assert [each.cause for each in apart] == ["a", "b"]


def test_a_story_that_goes_on_for_weeks_is_one_incident() -> None:
    found: tuple[Incident, ...] = incidents([missing("a", 168 * n, "a:mondays") for n in range(9)], {})
    assert [(each.cause, len(each.noticed)) for each in found] == [("a", 9)]


def test_days_off_come_from_the_countrys_calendar() -> None:
    assert date(2026, 3, 8) in days_off("DE", [2026], region="BE")
    assert date(2026, 3, 8) not in days_off("DE", [2026], region="BY")
