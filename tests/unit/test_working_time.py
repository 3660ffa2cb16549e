"""Working time: deadlines that run only while people work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.declare.asking import Calendar
from bridgehead.kernel.calendar import WorkingTime, hours

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Calendar(timezone="Europe/Berlin", hours="09:00-17:00", holidays=["2026-12-25"]).working_time
ALWAYS = Calendar(
    timezone="UTC", hours="00:00-24:00", days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
).working_time

moments = st.datetimes(
    min_value=datetime(2026, 1, 1),
    max_value=datetime(2027, 12, 31),
    timezones=st.just(UTC),
)
lengths = st.integers(1, 60 * 3600)
places = st.builds(
    WorkingTime,
    zone=st.sampled_from(
        [
            ZoneInfo(name)
            for name in ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu")
        ]
    ),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    opens=st.integers(0, 700),
    closes=st.integers(701, 1440),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=5),
)


def local(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN)


def test_four_hours_asked_on_friday_afternoon_end_on_monday() -> None:
    assert OFFICE.after(local(2026, 3, 6, 15), 4 * 3600) == local(2026, 3, 9, 11)


def test_what_is_asked_at_night_begins_in_the_morning() -> None:
    assert OFFICE.after(local(2026, 3, 9, 22), 3600) == local(2026, 3, 10, 10)


def test_a_holiday_does_not_count() -> None:
    assert OFFICE.after(local(2026, 12, 24, 16), 2 * 3600) == local(2026, 12, 28, 10)


def test_a_day_whose_clock_changes_has_the_hours_it_has() -> None:
    """On 29 March 2026 Berlin has no hour from 2 to 3."""
    nights = Calendar(
        timezone="Europe/Berlin", hours="00:00-06:00", days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    ).working_time
    assert nights.between(local(2026, 3, 29, 0), local(2026, 3, 29, 6)) == 5 * 3600
    assert nights.between(local(2026, 10, 25, 0), local(2026, 10, 25, 6)) == 7 * 3600


def test_a_day_in_a_calendar_is_a_working_day() -> None:
    calendar = Calendar(timezone="Europe/Berlin")
    assert calendar.seconds("2d") == 16 * 3600
    assert calendar.seconds("4h") == 4 * 3600


@given(places, moments, lengths)
def test_what_has_passed_by_then_is_what_was_asked_for(
    place: WorkingTime, since: datetime, length: int
) -> None:
    then = place.after(since, length)
    assert then > since
    assert place.between(since, then) == pytest.approx(length)


@given(places, moments, lengths, lengths)
def test_a_later_question_and_a_longer_one_never_end_earlier(
    place: WorkingTime, since: datetime, length: int, more: int
) -> None:
    assert place.after(since, length) <= place.after(since, length + more)
    assert place.after(since, length) <= place.after(since + timedelta(seconds=more), length)


@given(places, moments, lengths, lengths)
def test_two_stretches_are_one_after_the_other(
    place: WorkingTime, since: datetime, first: int, second: int
) -> None:
    assert place.after(place.after(since, first), second) == place.after(since, first + second)


@given(places, moments, lengths)
def test_a_deadline_falls_into_working_time(place: WorkingTime, since: datetime, length: int) -> None:
    last = (place.after(since, length) - timedelta(microseconds=1)).astimezone(place.zone)
    assert last.weekday() in place.days
    assert last.date() not in place.holidays


@given(moments, lengths)
def test_where_people_work_always_it_is_the_time_itself(since: datetime, length: int) -> None:
    assert ALWAYS.after(since, length) == since + timedelta(seconds=length)


@pytest.mark.parametrize("text", ["9-17", "17:00-09:00", "09:00-09:00", "09:00-24:01", "09:70-17:00", ""])
def test_hours_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="not hours of one day"):
        hours(text)
