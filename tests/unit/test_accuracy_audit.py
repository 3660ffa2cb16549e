"""What is audited is drawn by a key nobody guesses, in the shares that are on record."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.errors import WatchError
from bridgehead.watch.accuracy.audit import Budget, draw, rate, twice

KEY, ITEMS = b"k" * 32, [f"run_{number}/1" for number in range(20_000)]


def share(drawn: int, of: int, expected: float) -> bool:
    return abs(drawn / of - expected) < 4 * math.sqrt(expected * (1 - expected) / of)


def test_as_much_is_drawn_as_was_said_and_half_of_it_at_random() -> None:
    found = [draw(KEY, item, 0.1) for item in ITEMS]
    assert share(sum(one.as_what == "core" for one in found), len(ITEMS), 0.05)
    assert share(sum(one.as_what != "not drawn" for one in found), len(ITEMS), found[0].probability)


def test_a_group_worth_more_is_drawn_more_and_its_random_core_is_not() -> None:
    found = [draw(KEY, item, 0.1, weight=5) for item in ITEMS]
    assert share(sum(one.as_what == "core" for one in found), len(ITEMS), 0.05)
    assert share(sum(one.as_what != "not drawn" for one in found), len(ITEMS), found[0].probability)
    assert found[0].probability > 0.25


def test_the_same_output_is_drawn_alike_and_another_key_draws_others() -> None:
    first = [draw(KEY, item, 0.5).as_what for item in ITEMS[:200]]
    assert first == [draw(KEY, item, 0.5).as_what for item in ITEMS[:200]]
    assert first != [draw(b"other", item, 0.5).as_what for item in ITEMS[:200]]


def test_a_tenth_is_looked_at_twice_whatever_else_was_drawn() -> None:
    assert share(sum(twice(KEY, item) for item in ITEMS), len(ITEMS), 0.1)


@given(st.floats(0, 1e7), st.booleans())
def test_a_budget_is_kept(a_week: float, raised: bool) -> None:
    found = rate(Budget(), a_week, raised=raised)
    assert 0 < found <= 1
    if a_week > 100 and not raised:
        assert 20 <= round(found * a_week, 6) <= 100


def test_a_small_flow_is_looked_at_whole_and_a_drift_four_times_as_much() -> None:
    assert rate(Budget(), 12) == 1.0
    assert rate(Budget(), 10_000, raised=True) == 4 * rate(Budget(), 10_000)


@pytest.mark.parametrize("wrong", [{"share": 0}, {"core": 0.4}, {"least": 9, "most": 3}, {"raised": 0.5}])
def test_a_budget_that_cannot_be_kept_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(WatchError, match="BH-WAT-071"):
        Budget(**wrong)  # type: ignore[arg-type]
