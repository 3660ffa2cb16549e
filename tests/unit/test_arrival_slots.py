"""Sticky slots: what was due and did not come is said, every time, until a person says otherwise."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgehead.kernel.errors import CharterError, StoreError
from bridgehead.watch import stored
from bridgehead.watch.arrivals import (
    EVERY_DAY,
    Arrival,
    Declared,
    Feed,
    Noticed,
    Pattern,
    accept,
    look,
    next_look,
    observe,
)
from bridgehead.watch.arrivals.pattern import learned

MONDAY = date(2026, 1, 5)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def moment(day: date, hour: float) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + hour * HOUR


def arrival(day: date, hour: float = 3.0, rows: int | None = None, **more: object) -> Arrival:
    return Arrival(
        feed="orders", batch=day.isoformat(), at=moment(day, hour), rows=rows, about=(day,), **more
    )  # type: ignore[arg-type]


class Story:
    """A feed that is watched; what was noticed of it, in order."""

    def __init__(self, **declared: object) -> None:
        self.declared = Declared(feed="orders", **declared)  # type: ignore[arg-type]
        self.feed = Feed(feed="orders")
        self.said: list[Noticed] = []

    def comes(self, *arrivals: Arrival) -> Story:
        for each in arrivals:
            self.feed, said = observe(self.feed, self.declared, each)
            self.said += said
        return self

    def until(self, at: datetime) -> Story:
        self.feed, said = look(self.feed, self.declared, at)
        self.said += said
        return self

    def days(
        self, count: int, *, but: set[date] | None = None, first: date = MONDAY, hour: float = 3.0
    ) -> Story:
        days = [first + n * DAY for n in range(count)]
        return self.comes(*(arrival(day, hour) for day in days if day not in (but or set())))

    def told(self, kind: str) -> list[date | None]:
        return [each.day for each in self.said if each.kind == kind]


def test_a_daily_batch_that_does_not_come_is_late_then_missing_then_wakes_somebody() -> None:
    story = Story().days(70)
    gone = MONDAY + 70 * DAY
    story.until(moment(gone, 4.4))
    assert story.said == []
    # usually 03:00, never later: late a spread's six quarters of an hour after it, missing 1.5 h after that
    story.until(moment(gone, 4.6))
    assert [(each.kind, each.at) for each in story.said] == [("late", moment(gone, 4.5))]
    story.until(moment(gone, 12))
    assert [each.kind for each in story.said] == ["late", "missing", "missing_page"]
    assert [each.at for each in story.said[1:]] == [moment(gone, 6), moment(gone, 8.5)]
    assert [each.page for each in story.said] == [False, False, True]


def test_a_missed_monday_never_becomes_normal() -> None:
    """Forty Mondays in a row: each of them is said, from the first on, and it is one story."""
    mondays = {MONDAY + 7 * week * DAY for week in range(10, 50)}
    story = Story().days(7 * 50, but=mondays).until(moment(MONDAY + 350 * DAY, 0))
    assert story.told("missing") == sorted(mondays)
    assert len({each.incident for each in story.said if each.kind == "missing"}) == 1
    # one page when it begins, one when it has happened three times, none after that
    assert story.told("missing_page") == [MONDAY + 70 * DAY, MONDAY + 84 * DAY]


def test_the_owner_accepts_and_only_then_it_is_normal() -> None:
    mondays = {MONDAY + 7 * week * DAY for week in range(10, 20)}
    story = Story().days(7 * 12, but=mondays)
    assert story.told("missing") == [MONDAY + 70 * DAY, MONDAY + 77 * DAY]
    at = moment(MONDAY + 84 * DAY, 1)
    story.feed = accept(story.feed, "mon", by="olga", at=at, why="the source closes on Sundays")
    story.days(7 * 8, but=mondays, first=MONDAY + 84 * DAY)
    assert len(story.told("missing")) == 2
    retired = next(slot for slot in story.feed.slots if slot.name == "mon")
    assert (retired.status, retired.retired_by, retired.retired_at) == ("retired", "olga", at)
    story.days(3, first=MONDAY + 141 * DAY).until(moment(MONDAY + 145 * DAY, 1))
    assert story.told("missing")[2:] == [MONDAY + 144 * DAY], "the other weekdays are expected as before"


@pytest.mark.parametrize(
    ("slot", "by", "why"), [("sun", "", "x"), ("sun", "olga", " "), ("never", "olga", "x")]
)
def test_nothing_is_accepted_without_a_name_a_reason_and_a_slot(slot: str, by: str, why: str) -> None:
    story = Story().days(40)
    with pytest.raises(ValueError, match=r"accepted by a person|is not expected"):
        accept(story.feed, slot, by=by, at=moment(MONDAY, 0), why=why)


def test_too_little_history_is_learning_and_says_nothing() -> None:
    story = Story().days(5)
    assert story.feed.status == "learning"
    story.until(moment(MONDAY + 60 * DAY, 0))
    assert story.said == []


def test_a_batch_that_comes_after_all_closes_its_miss_and_teaches_no_hour() -> None:
    story = Story().days(60).comes(arrival(MONDAY + 60 * DAY, hour=11))
    assert [each.kind for each in story.said] == ["missing", "missing_page", "arrived_late"]
    before = story.feed.known
    assert story.feed.missed == ()
    story.days(1, first=MONDAY + 61 * DAY)
    assert [each.usual.late for each in story.feed.known] == [each.usual.late for each in before]


def test_days_off_are_expected_as_they_were_before() -> None:
    """Where the first brings nothing none is due; where they brought batches, the next must."""
    off = [MONDAY + n * DAY for n in (50, 57, 64, 72)]
    quiet = Story(holidays=frozenset(off)).days(80, but=set(off))
    assert quiet.told("missing") == []
    busy = Story(holidays=frozenset(off)).days(80, but={off[-1]})
    assert busy.told("missing") == [off[-1]]


def test_weekday_weekly_and_monthly_feeds_are_learned() -> None:
    weekdays = {MONDAY + n * DAY for n in range(90) if n % 7 < 5}
    story = Story().comes(*(arrival(day) for day in sorted(weekdays - {MONDAY + 78 * DAY})))
    assert story.told("missing") == [MONDAY + 78 * DAY]
    weekly = [MONDAY + 7 * n * DAY for n in range(20)]
    story = Story().comes(*(arrival(day) for day in weekly if day != weekly[15]))
    assert story.told("missing") == [weekly[15]]
    every = [MONDAY + 30 * n * DAY for n in range(12)]
    story = Story().comes(*(arrival(day) for day in every if day != every[9]))
    assert story.told("missing") == [every[9]]
    firsts = [date(2026 + n // 12, n % 12 + 1, 1) for n in range(18)]
    story = Story().comes(*(arrival(day) for day in firsts if day != firsts[14]))
    assert story.told("missing") == [firsts[14]]


def test_the_last_business_day_is_told_from_the_last_day() -> None:
    last = [date(2026, 1, 30), date(2026, 2, 27), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 29)]
    assert learned({*last, date(2026, 6, 30), date(2026, 7, 31)}) == Pattern(
        shape="business_day", numbers=(-1,)
    )


def test_a_batch_that_comes_about_midnight_belongs_to_its_window() -> None:
    """Without a partition key: 23:50 or 00:20 are the same day's batch."""
    story = Story()
    for n in range(60):
        at = moment(MONDAY + n * DAY, 23.8 if n % 3 else 24.3)
        if n != 50:
            story.comes(Arrival(feed="orders", batch=str(n), at=at))
    assert story.told("missing") == [MONDAY + 50 * DAY]


def test_two_batches_a_day_are_two_slots() -> None:
    story = Story()
    for n in range(40):
        for hour in (6.0, 18.0):
            if (n, hour) != (35, 18.0):
                story.comes(Arrival(feed="orders", batch=f"{n} {hour}", at=moment(MONDAY + n * DAY, hour)))
    assert [(each.day, each.at) for each in story.said if each.kind == "missing"] == [
        (MONDAY + 35 * DAY, moment(MONDAY + 35 * DAY, 18 + 3))
    ]


def test_a_late_batch_without_a_key_fills_the_slot_that_is_open() -> None:
    story = Story()
    for n in range(60):
        if n != 50:
            story.comes(Arrival(feed="orders", batch=str(n), at=moment(MONDAY + n * DAY, 9)))
    assert story.told("missing") == [MONDAY + 50 * DAY]
    story.comes(Arrival(feed="orders", batch="60", at=moment(MONDAY + 60 * DAY, 9)))
    story.until(moment(MONDAY + 61 * DAY, 20))
    story.comes(Arrival(feed="orders", batch="61", at=moment(MONDAY + 62 * DAY, 1)))
    assert story.told("arrived_late") == [MONDAY + 61 * DAY]


def test_declared_beats_learned() -> None:
    """A cron pages from the first day; what is learned tightens its deadline and never loosens it."""
    story = Story(cron="0 2 * * *", timezone="Europe/Berlin", within_hours=3.0, grace_hours=1.0)
    story.days(1, hour=1.5).until(moment(MONDAY + DAY, 4.5)).until(moment(MONDAY + DAY, 5.5))
    assert [(each.kind, each.at) for each in story.said] == [
        ("late", moment(MONDAY + DAY, 4)),
        ("missing", moment(MONDAY + DAY, 5)),
    ]
    story = Story(cron="0 2 * * *", timezone="UTC", within_hours=3.0).days(30, hour=2.2)
    story.until(moment(MONDAY + 30 * DAY, 4))
    assert [each.at for each in story.said if each.kind == "late"] == [moment(MONDAY + 30 * DAY, 3.7)]


def test_a_declared_batch_that_never_came_is_missed_all_the_same() -> None:
    story = Story(cron="0 2 * * *", within_hours=1.0).until(moment(MONDAY, 10))
    assert story.said == [], "what was due before anybody looked is not missed"
    story.until(moment(MONDAY + 3 * DAY, 1))
    assert story.told("missing") == [MONDAY + DAY, MONDAY + 2 * DAY]


def test_history_that_is_filled_in_teaches_no_hour() -> None:
    """A year of files dropped at once, before or after: the hours stay those of the nights."""
    story = Story()
    old = (MONDAY - n * DAY for n in range(200, 20, -1))
    story.comes(*(Arrival(feed="orders", batch=f"{day}", at=moment(MONDAY, 1), about=(day,)) for day in old))
    story.days(40)
    more = (MONDAY - n * DAY for n in range(400, 380, -1))
    at = moment(MONDAY + 39 * DAY, 20)
    story.comes(*(Arrival(feed="orders", batch=f"{day}", at=at, about=(day,)) for day in more))
    story.days(2, first=MONDAY + 40 * DAY)
    assert story.said == []
    story.until(moment(MONDAY + 42 * DAY, 9))
    assert story.told("missing") == [MONDAY + 42 * DAY]


def test_what_readers_need_is_the_last_moment() -> None:
    story = Story(pattern=EVERY_DAY, need_by="04:30").days(60)
    story.until(moment(MONDAY + 60 * DAY, 5))
    assert [each.at for each in story.said if each.kind == "missing"] == [moment(MONDAY + 60 * DAY, 4.5)]


def test_a_local_clock_that_changes_is_no_alarm() -> None:
    """A job at 06:00 in Berlin, measured in UTC and in Berlin: the steadier one counts."""
    declared = Declared(feed="orders", owner_zone="Europe/Berlin")
    berlin, feed, said = declared.zones[1], Feed(feed="orders"), list[Noticed]()
    for n in range(120):
        day = date(2026, 1, 5) + n * DAY
        at = datetime(day.year, day.month, day.day, 6, n % 7, tzinfo=berlin).astimezone(UTC)
        feed, more = observe(feed, declared, Arrival(feed="orders", batch=str(n), at=at, about=(day,)))
        said += more
    assert said == []
    feed, more = look(feed, declared, moment(date(2026, 5, 5), 12))
    # summer time: 06:03 in Berlin is 04:03 in UTC; late 1.5 h after that, missing after another 1.5
    missing = next(each for each in more if each.kind == "missing")
    assert abs(missing.at - moment(date(2026, 5, 5), 7.05)) < timedelta(minutes=2)


@pytest.mark.parametrize(
    "wrong", [{"cron": "61 * * * *"}, {"timezone": "Mars/Base"}, {"need_by": "6:30"}, {"grace_hours": -1.0}]
)
def test_words_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CharterError, match="BH-WAT-041"):
        Story(**wrong)


def test_the_next_look_is_when_there_is_something_to_say() -> None:
    story = Story().days(40)
    due = next_look(story.feed, story.declared)
    assert due is not None
    assert story.until(due - timedelta(seconds=1)).said == []
    assert [each.kind for each in story.until(due).said] == ["late"]


def test_a_state_that_is_not_one_is_refused() -> None:
    good = stored.plain(Story().days(10).feed)
    for wrong in ({**good, "shift": "0"}, {**good, "more": 1}, [], None, {**good, "first": "yesterday"}):
        with pytest.raises(StoreError, match="BH-WAT-040"):
            stored.read(Feed, wrong)


@settings(max_examples=25, deadline=None)
@given(
    gone=st.sets(st.integers(35, 99), max_size=12),
    hours=st.lists(st.floats(1, 5), min_size=100, max_size=100),
    stops=st.sets(st.integers(0, 99), max_size=5),
)
def test_every_missed_day_is_said_and_a_restart_changes_nothing(
    gone: set[int], hours: list[float], stops: set[int]
) -> None:
    """Whatever the hours were: what did not come is missing, what came is not, with or without restarts."""
    through, again = Story(), Story()
    for n in range(100):
        if n not in gone:
            through.comes(arrival(MONDAY + n * DAY, hours[n]))
            again.comes(arrival(MONDAY + n * DAY, hours[n]))
        if n in stops:
            again.feed = stored.read(Feed, json.loads(json.dumps(stored.plain(again.feed))))
    end = moment(MONDAY + 99 * DAY, 23)
    assert through.until(end).said == again.until(end).said
    assert through.feed == again.feed
    assert {MONDAY + n * DAY for n in gone} <= set(through.told("missing"))
    late = set(through.told("missing")) - {MONDAY + n * DAY for n in gone}
    assert late == set(through.told("arrived_late"))


@settings(max_examples=50, deadline=None)
@given(looks=st.lists(st.floats(0, 240), max_size=20))
def test_looking_more_often_says_the_same(looks: list[float]) -> None:
    """When somebody looks changes nothing of what is said, nor of the moments it is said for."""
    start = MONDAY + 40 * DAY
    once = Story().days(40).until(moment(start, 240))
    often = Story().days(40)
    for hour in sorted(looks):
        often.until(moment(start, hour))
    often.until(moment(start, 240))
    kinds = {"missing"}
    assert [(e.day, e.at) for e in once.said if e.kind in kinds] == [
        (e.day, e.at) for e in often.said if e.kind in kinds
    ]
