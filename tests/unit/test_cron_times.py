"""When a schedule is due: in a place, on its working days, and on the two odd nights of a year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridgehead.declare.asking import Calendar
from bridgehead.declare.cron import Timing, is_cron

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
)
MINUTE = timedelta(minutes=1)

numbers = st.integers
minutes = st.one_of(st.just("*"), st.just("*/7"), numbers(0, 59).map(str), st.just("0,30"), st.just("10-12"))
hours = st.one_of(st.just("*"), st.just("*/2"), numbers(0, 23).map(str), st.just("0-3"), st.just("2,3"))
days = st.one_of(st.just("*"), numbers(1, 31).map(str), st.just("L"))
weekdays = st.one_of(st.just("*"), st.just("mon-fri"), numbers(0, 6).map(str))
texts = st.tuples(minutes, hours, days, st.just("*"), weekdays).map(" ".join)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def due(when: str, zone: str, since: str, count: int = 3, **more: tuple[object, ...]) -> list[str]:
    timing = Timing(when=when, timezone=zone, **more)  # type: ignore[arg-type]
    start = datetime.fromisoformat(since).replace(tzinfo=ZoneInfo(zone))
    return [f"{at:%d %H:%M}" for at in islice(timing.after(start), count)]


def test_a_time_that_does_not_exist_is_due_at_the_next_minute_that_does() -> None:
    """On 29 March 2026 Berlin has no hour from 2 to 3: 3 o'clock is 01:00 in UTC."""
    assert due("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00") == ["29 01:00", "30 00:30", "31 00:30"]


def test_several_that_do_not_exist_are_due_once_together() -> None:
    assert due("*/15 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 2) == ["29 01:00", "30 00:00"]


def test_a_time_that_does_not_exist_is_due_once_with_the_one_that_is_due_then_anyway() -> None:
    assert due("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00", 2) == ["29 01:00", "30 00:00"]


def test_a_time_that_occurs_twice_is_due_the_first_time() -> None:
    """On 25 October 2026 Berlin has the hour from 2 to 3 twice, first as 00:00 to 01:00 in UTC."""
    assert due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00") == ["25 00:30", "26 01:30", "27 01:30"]


def test_also_where_it_is_asked_for_between_the_two() -> None:
    timing = Timing(when="30 2 * * *", timezone="Europe/Berlin")
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10, for the second time
    assert next(timing.after(between)) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_every_hour_goes_on_in_the_repeated_hour() -> None:
    expected = ["24 23:30", "25 00:30", "25 01:30", "25 02:30"]
    assert due("30 * * * *", "Europe/Berlin", "2026-10-25T00:45", 4) == expected


def test_a_clock_put_back_over_midnight_keeps_the_order() -> None:
    """St. John's put its clocks back at one minute past midnight, until 2011."""
    found = due("*/30 * * * *", "America/St_Johns", "2006-10-28T23:00", 6)
    assert found == ["29 02:00", "29 02:30", "29 03:00", "29 03:30", "29 04:00", "29 04:30"]


def test_a_day_that_was_left_out_is_made_up_for() -> None:
    """Samoa had no 30 December 2011."""
    assert due("0 12 * * *", "Pacific/Apia", "2011-12-29T13:00", 2) == ["30 10:00", "30 22:00"]


def test_only_on_working_days() -> None:
    office = Calendar(timezone="Europe/Berlin", holidays=["2026-12-25"]).working_time
    timing = Timing.on("0 6 * * *", "Europe/Berlin", office)
    found = list(islice(timing.after(datetime(2026, 12, 24, 12, tzinfo=UTC)), 2))
    assert [at.date() for at in found] == [date(2026, 12, 28), date(2026, 12, 29)]


def test_what_is_never_due_ends() -> None:
    weekend = Timing(when="0 6 * * sat", timezone="UTC", days=(0, 1, 2, 3, 4))
    assert list(weekend.after(datetime(2026, 1, 1, tzinfo=UTC))) == []


def test_29_february_is_found_over_a_century_without_it() -> None:
    leap = Timing(when="0 0 29 2 *", timezone="UTC")
    assert next(leap.after(datetime(2096, 3, 1, tzinfo=UTC))) == datetime(2104, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "x * * * *", "@daily", "*/0 * * * *"]
)
def test_what_is_not_cron_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"five fields|not cron text"):
        is_cron(text)


@given(st.text(alphabet="0123456789*/-,#LWabcMON² \t\n", max_size=40))
def test_nothing_but_a_refusal_comes_of_odd_text(text: str) -> None:
    try:
        is_cron(text)
    except ValueError:
        return
    next(Timing(when=text, timezone="UTC").after(datetime(2026, 1, 1, tzinfo=UTC)), None)


@given(texts, st.sampled_from(ZONES), st.sets(st.integers(0, 6), min_size=1))
def test_a_timing_reads_back_what_it_writes(when: str, zone: str, open_on: set[int]) -> None:
    timing = Timing(when=when, timezone=zone, days=tuple(sorted(open_on)), holidays=("2026-12-25",))
    assert Timing.read(timing.text()) == timing


@example("30 2 * * *", "Europe/Berlin", datetime(2026, 3, 28, 20, tzinfo=UTC), 6)
@example("*/7 * * * *", "America/Havana", datetime(2026, 11, 1, 3, tzinfo=UTC), 3)
@settings(max_examples=60)
@given(texts, st.sampled_from(ZONES), moments, st.integers(1, 12))
def test_asked_anew_after_any_of_them_none_is_lost_and_none_comes_twice(
    when: str, zone: str, since: datetime, count: int
) -> None:
    """What a worker does that is restarted after each: no gap, no double, in order."""
    timing = Timing(when=when, timezone=zone)
    straight = list(islice(timing.after(since), count))
    at, restarted = since, []
    for _ in straight:
        at = next(timing.after(at))
        restarted.append(at)
    assert restarted == straight
    assert all(first < later for first, later in pairwise([since, *straight]))


@settings(max_examples=60)
@example(datetime(2026, 3, 28, 20, tzinfo=UTC), 2, "Europe/Berlin")
@example(datetime(2026, 10, 24, 20, tzinfo=UTC), 2, "Europe/Berlin")
@given(moments, st.integers(0, 23), st.sampled_from(ZONES))
def test_a_time_of_the_day_comes_on_every_day_exactly_once(since: datetime, hour: int, zone: str) -> None:
    timing = Timing(when=f"30 {hour} * * *", timezone=zone)
    dates = [at.astimezone(ZoneInfo(zone)).date() for at in islice(timing.after(since), 12)]
    assert all(later - first == timedelta(days=1) for first, later in pairwise(dates))


@settings(max_examples=40)
@example({0, 30}, {2}, "Australia/Lord_Howe", datetime(2026, 10, 3, 2, tzinfo=UTC))
@example({15}, set(), "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC))
@given(st.sets(numbers(0, 59), min_size=1), st.sets(numbers(0, 23)), st.sampled_from(ZONES), moments)
def test_it_is_due_when_the_wall_clock_says_so(
    at_minutes: set[int], at_hours: set[int], zone: str, since: datetime
) -> None:
    """Beside a look at every minute of a day and a half, without cron. No hours: every hour."""
    when = f"{_list(at_minutes)} {_list(at_hours) or '*'} * * *"
    begin, place = since.replace(second=0, microsecond=0), ZoneInfo(zone)
    seen = set()
    for at in (begin + number * MINUTE for number in range(1, 36 * 60 + 1)):
        wall, skipped = at.astimezone(place), []
        if _offset(at, place) > _offset(at - MINUTE, place):
            length = _offset(at, place) - _offset(at - MINUTE, place)
            skipped = [wall - number * MINUTE for number in range(1, int(length / MINUTE) + 1)]
        shown = [] if wall.fold and at_hours else [wall]
        if any(w.minute in at_minutes and w.hour in (at_hours or {w.hour}) for w in (*shown, *skipped)):
            seen.add(at)
    timing = Timing(when=when, timezone=zone)
    assert set(takewhile(lambda at: at <= begin + 36 * 60 * MINUTE, timing.after(begin))) == seen


def _list(values: set[int]) -> str:
    return ",".join(map(str, sorted(values)))


def _offset(at: datetime, place: ZoneInfo) -> timedelta:
    found = at.astimezone(place).utcoffset()
    assert found is not None
    return found
