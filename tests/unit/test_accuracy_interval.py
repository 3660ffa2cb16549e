"""The interval of an accuracy: it covers the truth as often as it says, and a bad proxy does not hurt."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.watch.accuracy.interval import Interval, Label, interval


def audited(seed: int, accuracy: float, n: int, population: int, honest: float) -> tuple[Interval, float]:
    """Return an interval and the truth. ``honest``: how often the proxy says what is true."""
    chance = random.Random(seed)
    truth = [chance.random() < accuracy for _ in range(population)]
    proxies = [(1.0 if right else 0.0) if chance.random() < honest else chance.random() for right in truth]
    core = [Label(right=truth[at], proxy=proxies[at]) for at in range(n)]
    return interval(core, proxies[n:], drawn=n, population=population), sum(truth) / population


@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("honest", [0.0, 0.7])
@pytest.mark.parametrize("n", [20, 100])
def test_it_covers_the_truth_as_often_as_it_says(accuracy: float, honest: float, n: int) -> None:
    found = [audited(seed, accuracy, n, 1000, honest) for seed in range(300)]
    covered = sum(one.low <= truth <= one.high for one, truth in found if one.low is not None and one.high)
    assert 0.91 <= covered / len(found) <= 1.0


def test_a_good_proxy_narrows_it_and_a_useless_one_does_not_widen_it() -> None:
    def width(honest: float) -> float:
        found = [audited(seed, 0.75, 100, 1000, honest)[0] for seed in range(50)]
        return sum(one.high - one.low for one in found if one.low is not None and one.high) / len(found)

    def unaided(seed: int) -> Interval:
        chance = random.Random(seed)
        core = [Label(right=chance.random() < 0.75) for _ in range(100)]
        return interval(core, drawn=100, population=1000)

    plain = [unaided(seed) for seed in range(50)]
    without = sum(one.high - one.low for one in plain if one.low is not None and one.high) / len(plain)
    assert width(0.9) < 0.7 * without
    assert width(0.0) < 1.05 * without


def test_few_labels_and_rare_errors_are_not_taken_for_normal() -> None:
    few = interval([Label(right=True)] * 12, drawn=12, population=1000)
    rare = interval([Label(right=True)] * 98 + [Label(right=False)] * 2, drawn=100, population=10_000)
    assert few.method == rare.method == "wilson"
    assert few.low is not None
    assert 0.7 < few.low < 0.8


def test_everything_audited_leaves_no_doubt() -> None:
    whole = interval([Label(right=number % 4 > 0) for number in range(80)], drawn=80, population=80)
    assert whole.low == whole.high == whole.estimate == 0.75


def test_without_labels_nothing_is_said() -> None:
    none = interval([], [0.9] * 500, drawn=10, population=500)
    assert (none.method, none.estimate) == ("withheld", None)
    assert none.why == "Nobody has audited anything of it yet."


def test_what_was_not_answered_withholds_it() -> None:
    some = [Label(right=True)] * 70
    assert interval(some, drawn=100, population=1000).method == "withheld"
    assert interval(some, drawn=80, population=1000).method != "withheld"


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.floats(0, 1))
def test_it_is_a_share_and_holds_its_estimate(answers: list[bool], proxy: float) -> None:
    found = interval(
        [Label(right=answer, proxy=proxy) for answer in answers],
        [proxy] * 50,
        drawn=len(answers),
        population=500,
    )
    assert found.low is not None and found.estimate is not None and found.high is not None
    assert 0 <= found.low <= found.estimate + 1e-12
    assert found.estimate <= found.high + 1e-12 <= 1 + 1e-9
