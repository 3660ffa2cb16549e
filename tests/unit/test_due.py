"""What becomes of the times a schedule was due: all are accounted for, and at most one is started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridgehead.run.due import MADE_UP, NOBODY, ON_TIME, STOPPED, UNSURE, Situation, verdicts

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

dues = st.sets(st.integers(0, 600), min_size=1, max_size=30).map(
    lambda ago: [NOW - timedelta(minutes=each) for each in sorted(ago, reverse=True)]
)
situations = st.builds(
    Situation,
    now=st.just(NOW),
    late=st.integers(0, 300).map(lambda minutes: timedelta(minutes=minutes)),
    was_stopped=st.booleans(),
    unsure_until=st.none() | st.integers(0, 600).map(lambda ago: NOW - timedelta(minutes=ago)),
    more=st.booleans(),
)


def said(*ago: int, **about: object) -> list[tuple[str, int, str]]:
    """Return what becomes of times so many minutes ago, oldest first."""
    situation = Situation(**{"now": NOW, "late": HOUR, **about})  # type: ignore[arg-type]
    due = [NOW - timedelta(minutes=each) for each in ago]
    return [(each.state, each.count, each.why) for each in verdicts(due, situation)]


def test_what_is_due_now_is_started() -> None:
    assert said(0) == [("started", 1, "")]


def test_one_run_makes_up_for_what_was_missed_within_grace() -> None:
    assert said(180, 120, 50, 10) == [("missed", 2, NOBODY), ("skipped", 1, MADE_UP), ("started", 1, "")]


def test_what_is_skipped_when_missed_still_starts_where_a_worker_looks_a_moment_late() -> None:
    assert said(1, late=ON_TIME) == [("started", 1, "")]
    assert said(2, late=ON_TIME) == [("missed", 1, NOBODY)]


def test_a_stop_that_was_lifted_is_named_as_the_reason() -> None:
    assert said(90, 10, was_stopped=True) == [("missed", 1, STOPPED), ("started", 1, "")]


def test_what_a_restored_store_cannot_know_is_not_started_again() -> None:
    assert said(20, 10, unsure_until=NOW - timedelta(minutes=15))[0] == ("missed", 1, UNSURE)


@given(dues, situations)
def test_every_time_is_accounted_for_once_and_in_order(due: list[datetime], about: Situation) -> None:
    found = list(verdicts(due, about))
    assert sum(verdict.count for verdict in found) == len(due)
    told = [at for verdict in found for at in due if verdict.first <= at <= verdict.last]
    assert told == due


@given(dues, situations)
def test_at_most_the_last_one_is_started_and_never_too_late(due: list[datetime], about: Situation) -> None:
    started = [verdict for verdict in verdicts(due, about) if verdict.state == "started"]
    assert len(started) <= 1
    for verdict in started:
        assert verdict.first == verdict.last == due[-1]
        assert about.now - verdict.first <= max(about.late, ON_TIME)
        assert about.unsure_until is None or verdict.first > about.unsure_until
        assert not about.more
