"""Identifiers sort by time, times are text that sorts, and naive times do not get in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.clock import SetClock, SystemClock, stamp, unstamp
from bridgehead.kernel.ids import new_id

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)


@given(MOMENTS)
def test_a_stamp_comes_back_as_the_same_instant(moment: datetime) -> None:
    assert unstamp(stamp(moment)) == moment
    assert len(stamp(moment)) == len("2026-01-01T00:00:00.000000Z")


@given(MOMENTS, MOMENTS)
def test_stamps_sort_as_text_like_the_times_they_are(one: datetime, other: datetime) -> None:
    """The store compares times as text: `due_at <= now` must mean what it says."""
    assert (stamp(one) < stamp(other)) == (one < other)


def test_naive_times_do_not_get_in() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        stamp(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="no zone"):
        unstamp("2026-01-01T00:00:00")


@given(st.datetimes(datetime(1971, 1, 1), datetime(9999, 1, 1)), st.integers(1, 10**9))
def test_a_later_identifier_sorts_later(moment: datetime, milliseconds: int) -> None:
    clock = SetClock(moment.replace(tzinfo=UTC, microsecond=0))
    first = new_id("run", clock)
    clock.advance(milliseconds / 1000)
    assert first < new_id("run", clock)


def test_an_identifier_fits_its_column_and_is_safe_in_addresses_and_file_names() -> None:
    name = new_id("approval", SetClock(NEW_YEAR))
    prefix, _, letters = name.partition("_")
    assert prefix == "approval"
    assert len(letters) == 26 and len(name) <= 40
    assert set(letters) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_identifiers_of_one_moment_differ() -> None:
    clock = SetClock(NEW_YEAR)
    assert len({new_id("run", clock) for _ in range(2000)}) == 2000


def test_a_set_clock_stands_still_until_told() -> None:
    clock = SetClock(NEW_YEAR)
    assert (clock.now(), clock.monotonic()) == (NEW_YEAR, 0.0)
    assert (clock.now(), clock.monotonic()) == (NEW_YEAR, 0.0)
    clock.advance(90)
    assert (clock.now(), clock.monotonic()) == (NEW_YEAR + timedelta(seconds=90), 90.0)


def test_the_system_clock_is_aware_and_does_not_run_backwards() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    first = clock.monotonic()
    assert clock.monotonic() >= first
