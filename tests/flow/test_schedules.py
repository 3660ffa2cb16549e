"""Runs that the clock starts: each time once, whatever happens to workers, releases and the stop switch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridgehead.declare.cron import Timing
from bridgehead.enforce.stop import lift_stop, set_stop
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import EngineError
from bridgehead.run.schedules import Schedules, key_of
from bridgehead.store import tables as t
from fixtures.houses import START, Desk
from fixtures.restoring import back_up, put_back

HOUR, DAY = 3600.0, 86400.0
NIGHTLY = """
schedules:
  nightly:
    workflow: plain
    when: "30 10 * * *"
    timezone: UTC
    principal: maya
    bindings: {case: case-7f3a90d1}
    input: {steps: [[act, price_of, {item: "lamp of {date}"}]]}
"""
ASKING = NIGHTLY.replace(
    '[act, price_of, {item: "lamp of {date}"}]', '[decide, go-ahead, {question: "Go on?"}]'
)


@pytest.fixture
def both(desk_on: Desk) -> Desk:
    """The same on each database."""
    desk_on.add(NIGHTLY, "charter.yaml")
    assert desk_on.house
    return desk_on


@pytest.fixture
def nightly(tmp_path: Path) -> Iterator[Desk]:
    """The desk with a schedule at half past ten, opened at nine."""
    made = Desk(tmp_path).add(NIGHTLY, "charter.yaml")
    assert made.house
    yield made
    made.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Desk]:
    """The same on SQLite only, not opened yet."""
    made = Desk(tmp_path)
    yield made
    made.close()


def opened(desk: Desk, text: str = NIGHTLY) -> Desk:
    desk.add(text, "charter.yaml")
    assert desk.house
    return desk


def times(desk: Desk, table: Any = t.occurrence) -> list[Any]:
    with desk.house.store.reading() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key.columns)).all())


def states(desk: Desk) -> list[tuple[str, str, int]]:
    return [(row.at[5:16], row.state, row.count) for row in times(desk)]


def runs(desk: Desk) -> list[Any]:
    return [row for row in times(desk, t.run) if row.schedule]


def sweep(desk: Desk) -> None:
    desk.house.schedules.sweep()


def open_incidents(desk: Desk) -> list[str]:
    return [row.words for row in desk.incidents() if row.closed_at is None]


# --- one occurrence ---


async def test_it_is_started_when_it_is_due_and_recorded(both: Desk) -> None:
    await both.work()
    assert runs(both) == []
    both.clock.advance(1.5 * HOUR + 2)
    await both.work()
    (run,) = runs(both)
    assert both.ended(run.id) == [{"is": "done", "value": {"item": "lamp of 2026-03-02", "price": "9.90"}}]
    assert (run.title, run.agent, run.on_behalf) == ("nightly, 2026-03-02 10:30", "clerk", "maya")
    (entry,) = both.entries("schedule.started")
    assert entry["run"] == run.id
    assert entry["schedule"]["name"] == "nightly"
    assert entry["schedule"]["at"] == "2026-03-02T10:30:00.000000Z"
    assert states(both) == [("03-02T10:30", "started", 1)]


async def test_looking_again_and_again_starts_it_once(nightly: Desk) -> None:
    nightly.clock.advance(1.5 * HOUR + 2)
    for _ in range(3):
        sweep(nightly)
        nightly.reopen()
    assert len(runs(nightly)) == 1
    nightly.clock.advance(DAY)
    sweep(nightly)
    await nightly.work()
    assert [row.state for row in times(nightly)] == ["started", "skipped"]  # the first was under way


async def test_its_key_is_the_schedule_and_the_time(nightly: Desk) -> None:
    """Whoever has started a run under that key already has started this one."""
    key = key_of("nightly", datetime(2026, 3, 2, 10, 30, tzinfo=UTC))
    assert key == "schedule:nightly:2026-03-02T10:30Z"
    by_key = nightly.start(workflow="plain", key=key)
    nightly.clock.advance(1.5 * HOUR + 2)
    sweep(nightly)
    assert [row.id for row in times(nightly, t.run)] == [by_key]
    assert times(nightly)[0].run == by_key


async def test_an_earlier_run_that_has_not_ended_lets_it_pass(small: Desk) -> None:
    opened(small, ASKING)
    small.clock.advance(1.5 * HOUR + 2)
    await small.work()
    small.clock.advance(DAY)
    sweep(small)
    assert states(small) == [("03-02T10:30", "started", 1), ("03-03T10:30", "skipped", 1)]
    assert times(small)[1].why == f"{runs(small)[0].id} has not ended"
    assert open_incidents(small) == []


async def test_unless_the_charter_allows_two(small: Desk) -> None:
    opened(small, ASKING + "    overlap: allow\n")
    small.clock.advance(1.5 * HOUR + 2)
    await small.work()
    small.clock.advance(DAY)
    sweep(small)
    assert len(runs(small)) == 2


# --- missed ---


async def test_one_run_makes_up_for_what_was_missed_within_grace(small: Desk) -> None:
    opened(small, NIGHTLY.replace("30 10 * * *", "*/20 * * * *"))
    small.clock.advance(3 * HOUR + 120)
    sweep(small)
    assert states(small) == [
        ("03-02T09:20", "missed", 6),
        ("03-02T11:20", "skipped", 2),
        ("03-02T12:00", "started", 1),
    ]


async def test_what_nobody_could_start_is_told_to_the_owner_until_somebody_has_seen_it(
    nightly: Desk,
) -> None:
    nightly.clock.advance(3 * HOUR)
    await nightly.work()
    assert runs(nightly) == []
    words = "Schedule nightly did not start for 2026-03-02 10:30Z: no worker was there to start it."
    assert open_incidents(nightly) == [words]
    nightly.clock.advance(22.5 * HOUR + 2)
    await nightly.work()  # a later one that goes well changes nothing about that
    assert open_incidents(nightly) == [words]
    schedules = nightly.house.schedules
    with pytest.raises(EngineError) as told:
        schedules.seen("nightly", nightly.person("maya"), "never mind")
    assert (told.value.code, open_incidents(nightly)) == ("BH-RUN-038", [words])
    assert schedules.seen("nightly", nightly.person("dan"), "no orders that night")
    assert not schedules.seen("nightly", nightly.person("dan"), "again")
    assert open_incidents(nightly) == []
    (entry,) = nightly.entries("finding.cleared")
    assert (entry["note"], entry["actor"]) == ("schedule:nightly", "human:dan")


async def test_one_that_is_started_by_hand_makes_up_for_it(small: Desk) -> None:
    opened(small)
    small.clock.advance(3 * HOUR)
    sweep(small)
    assert open_incidents(small)
    small.house.schedules.start_now("nightly", small.person("sam"), "the machine is back")
    assert open_incidents(small) == []


async def test_a_week_of_silence_is_one_incident(nightly: Desk) -> None:
    nightly.clock.advance(7.2 * DAY)
    sweep(nightly)
    nightly.clock.advance(2 * DAY)
    sweep(nightly)
    assert [(row.state, row.count) for row in times(nightly)] == [("missed", 8), ("missed", 2)]
    assert len(nightly.incidents()) == 1


async def test_missed_ones_are_left_where_the_charter_says_skip(small: Desk) -> None:
    opened(small, NIGHTLY + "    missed: skip\n")
    small.clock.advance(1.5 * HOUR + 120)
    sweep(small)
    assert states(small) == [("03-02T10:30", "missed", 1)]
    assert "did not start" in open_incidents(small)[0]


async def test_a_run_that_fails_is_an_incident_that_names_its_schedule(small: Desk) -> None:
    small.workflow("async def play(run, steps):\n    raise ValueError('the file is not there')\n")
    opened(small)
    small.clock.advance(1.5 * HOUR + 2)
    await small.work()
    assert small.row(runs(small)[0].id).status == "failed"
    (words,) = open_incidents(small)
    assert words.startswith("Schedule nightly: ")
    assert "the file is not there" in words


# --- the stop switch ---


async def test_the_stop_holds_it_back_and_says_so(both: Desk) -> None:
    set_stop(both.house.boundary, both.person("maya"), "smoke")
    both.clock.advance(1.5 * HOUR + 2)
    sweep(both)
    sweep(both)
    assert states(both) == [("03-02T10:30", "held", 1)]
    assert [entry["note"] for entry in both.entries("schedule.held")] == ["the deployment was stopped"]
    lift_stop(both.house.boundary, both.person("olga"), "toast")
    both.clock.advance(0.5 * HOUR)
    sweep(both)
    assert states(both) == [("03-02T10:30", "started", 1)]


async def test_a_stop_that_lasts_too_long_is_told_while_it_lasts(nightly: Desk) -> None:
    set_stop(nightly.house.boundary, nightly.person("maya"), "smoke")
    nightly.clock.advance(1.6 * HOUR)
    sweep(nightly)
    assert open_incidents(nightly) == []
    for _ in range(3):
        nightly.clock.advance(DAY)
        sweep(nightly)
    assert open_incidents(nightly) == [
        "Schedule nightly did not start for 2026-03-02 10:30Z: the deployment was stopped."
    ]
    assert len(nightly.entries("schedule.held")) == 1
    lift_stop(nightly.house.boundary, nightly.person("olga"), "toast")
    sweep(nightly)
    missed, started = times(nightly)
    assert (missed.state, missed.count, missed.why) == ("missed", 3, "the deployment was stopped")
    assert (started.state, started.at[:10]) == ("started", "2026-03-05")


# --- releases ---


async def test_a_new_release_brings_its_own_times(nightly: Desk) -> None:
    sweep(nightly)
    nightly.clock.advance(HOUR)
    nightly.change('"30 10 * * *"', '"0 12 * * *"')
    nightly.activate()
    nightly.clock.advance(2.1 * HOUR)
    sweep(nightly)
    assert states(nightly) == [("03-02T12:00", "started", 1)]
    assert runs(nightly)[0].release == nightly.house.deployment.digest


async def test_what_was_due_before_it_and_nobody_started_is_not_lost(both: Desk) -> None:
    sweep(both)
    both.clock.advance(2 * HOUR)
    both.change('"30 10 * * *"', '"0 12 * * *"')
    both.activate()
    sweep(both)
    assert states(both) == [("03-02T10:30", "missed", 1)]
    assert "another release" in open_incidents(both)[0]


async def test_another_input_keeps_how_far_it_has_come(nightly: Desk) -> None:
    nightly.clock.advance(1.5 * HOUR + 2)
    await nightly.work()
    nightly.change("lamp of", "chair of")
    nightly.activate()
    nightly.clock.advance(DAY)
    await nightly.work()
    first, second = runs(nightly)
    ended = [
        nightly.ended(run.id)[0]["value"]["item"]
        for run in sorted((first, second), key=lambda r: r.created_at)
    ]
    assert ended == ["lamp of 2026-03-02", "chair of 2026-03-03"]


async def test_a_schedule_that_is_removed_stops_and_begins_anew_when_it_is_back(nightly: Desk) -> None:
    sweep(nightly)
    charter = (nightly.folder / "charter.yaml").read_text()
    (nightly.folder / "charter.yaml").write_text(charter.replace(NIGHTLY, ""))
    nightly.activate()
    nightly.clock.advance(3 * DAY)
    sweep(nightly)
    assert (runs(nightly), open_incidents(nightly)) == ([], [])
    (nightly.folder / "charter.yaml").write_text(charter)
    nightly.activate()
    sweep(nightly)
    assert states(nightly) == []
    nightly.clock.advance(DAY)
    sweep(nightly)
    assert [row.count for row in times(nightly)] == [1]


async def test_a_worker_that_has_not_heard_of_the_release_starts_nothing(both: Desk) -> None:
    """It looks the active release up once a second; the transaction looks again."""
    sweep(both)
    old = both.house.boundary
    both.change('"30 10 * * *"', '"0 12 * * *"')
    both.activate()
    sweep(both)
    both.clock.advance(1.6 * HOUR)
    Schedules(lambda: old, dict).sweep()
    assert states(both) == []
    assert [row.next_at[:16] for row in times(both, t.schedule)] == ["2026-03-02T12:00"]


async def test_nothing_is_started_for_somebody_who_was_switched_off(small: Desk) -> None:
    """Readiness refuses such a release; a person switched off after it is off at once."""
    opened(small)
    boundary = small.house.boundary
    gone = boundary.charter.people["maya"].model_copy(update={"active": False})
    directory = boundary.charter.model_copy(update={"people": {**boundary.charter.people, "maya": gone}})
    object.__setattr__(boundary, "directory", lambda: directory)
    small.clock.advance(1.5 * HOUR + 2)
    sweep(small)
    assert states(small) == [("03-02T10:30", "missed", 1)]
    assert "the person for whom it runs is not active" in open_incidents(small)[0]


# --- by hand ---


async def test_somebody_starts_it_now_with_a_reason(nightly: Desk) -> None:
    run = nightly.house.schedules.start_now("nightly", nightly.person("olga"), "the file came late")
    await nightly.work()
    assert nightly.ended(run)[0]["is"] == "done"
    assert nightly.row(run).on_behalf == "maya"
    (entry,) = nightly.entries("schedule.started")
    assert (entry["actor"], entry["run"]) == ("human:olga", run)
    assert nightly.bodies("schedule.started")[0]["reason"] == "the file came late"
    nightly.clock.advance(1.5 * HOUR + 2)
    sweep(nightly)
    assert len(runs(nightly)) == 2


@pytest.mark.parametrize("code", ["BH-RUN-034", "BH-RUN-035", "BH-RUN-036"])
async def test_but_not_what_is_unknown_stopped_or_under_way(small: Desk, code: str) -> None:
    opened(small)
    schedules, olga = small.house.schedules, small.person("olga")
    if code == "BH-RUN-035":
        set_stop(small.house.boundary, small.person("maya"), "smoke")
    if code == "BH-RUN-036":
        schedules.start_now("nightly", olga, "first")
    before = len(runs(small))
    with pytest.raises(EngineError) as told:
        schedules.start_now("daily" if code == "BH-RUN-034" else "nightly", olga, "again")
    assert told.value.code == code
    assert len(runs(small)) == before


# --- the whole of it ---


@pytest.mark.parametrize(
    "begin", [datetime(2026, 3, 28, 9, tzinfo=UTC), datetime(2026, 10, 24, 9, tzinfo=UTC)]
)
async def test_over_the_change_of_the_clock_with_restarts_every_time_has_one_end(
    tmp_path: Path, begin: datetime
) -> None:
    """Two days, looked at by workers that come and go; what the table says adds up to what was due."""
    desk = Desk(tmp_path)
    desk.clock.advance((begin - START).total_seconds())
    opened(
        desk,
        NIGHTLY.replace('"30 10 * * *"', '"*/30 1-3 * * *"').replace("UTC", "Europe/Berlin")
        + "    overlap: allow\n",
    )
    for step in (30, 900, 8 * 3600, 7 * 3600, 60, 1800, 1800, 600, 4000, 20000, 5 * 3600):
        desk.clock.advance(step)
        desk.reopen()
        sweep(desk)
        sweep(desk)
    timing = Timing(when="*/30 1-3 * * *", timezone="Europe/Berlin")
    due = [stamp(at) for at in _until(timing, begin, desk.clock.now())]
    ended = [(at, row.state) for row in times(desk) for at in due if row.at <= at <= row.last_at]
    assert [at for at, _ in ended] == due
    assert sum(row.count for row in times(desk)) == len(due)
    assert len(runs(desk)) == len([1 for _, state in ended if state == "started"]) >= 3
    desk.close()


def _until(timing: Timing, begin: datetime, end: datetime) -> Iterator[datetime]:
    for at in timing.after(begin):
        if at > end:
            return
        yield at


async def test_more_times_than_fit_into_one_transaction_still_start_one_run(
    small: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgehead.run.schedules.AT_ONCE", 7)
    opened(
        small, NIGHTLY.replace("30 10 * * *", "* * * * *").replace("    input", "    grace: 12h\n    input")
    )
    small.clock.advance(30 * 60 + 1)
    for _ in range(6):
        sweep(small)
    assert sum(row.count for row in times(small)) == 30
    assert len(runs(small)) == 1
    assert times(small)[-1].state == "started"


UNSURE = (
    "Schedule nightly is not started again for 2026-03-02 10:30Z: the deployment was restored from a backup,"
    " and nobody knows whether it was started before."
)


def told(desk: Desk) -> list[str]:
    return [words for words in open_incidents(desk) if words.startswith("Schedule")]


@pytest.mark.parametrize("looked", [True, False], ids=["a-worker-had-looked", "nobody-had-looked"])
async def test_what_may_have_been_started_before_a_restore_is_neither_started_again_nor_called_not_started(
    nightly: Desk, looked: bool
) -> None:
    """The owner, who is told that it did not start, would start it a second time."""
    nightly.clock.advance(1.4 * HOUR)
    if looked:
        sweep(nightly)
    backup = back_up(nightly)
    nightly.clock.advance(360 + 2)
    await nightly.work()
    assert states(nightly) == [("03-02T10:30", "started", 1)]
    put_back(nightly, backup)  # an hour later
    sweep(nightly)
    assert told(nightly) == [UNSURE]
    lift_stop(nightly.house.boundary, nightly.person("olga"), "looked at the shop")
    sweep(nightly)
    assert told(nightly) == [UNSURE]
    assert (states(nightly), runs(nightly)) == ([("03-02T10:30", "missed", 1)], [])
    nightly.clock.advance(DAY - HOUR)
    sweep(nightly)
    assert len(runs(nightly)) == 1


async def test_nor_by_a_release_with_other_times_that_comes_after_the_restore(nightly: Desk) -> None:
    sweep(nightly)
    nightly.clock.advance(1.4 * HOUR)
    backup = back_up(nightly)
    nightly.clock.advance(360 + 2)
    await nightly.work()
    put_back(nightly, backup)  # at half past eleven
    nightly.clock.advance(DAY)
    nightly.change('"30 10 * * *"', '"45 9 * * *"').activate()
    sweep(nightly)
    assert told(nightly) == [UNSURE]
    assert [(row.at[5:16], row.why[:7]) for row in times(nightly)] == [
        ("03-02T10:30", "the dep"),
        ("03-03T10:30", "another"),
    ]
