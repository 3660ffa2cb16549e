"""Judging is pure: numbers in, verdicts out. What must be true of it for every number."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridgehead.watch.checks.distance import floor, ks, psi
from bridgehead.watch.checks.ir import (
    Age,
    Aggregate,
    Bound,
    Check,
    Distance,
    Histogram,
    Metric,
    NotEmpty,
    NullCount,
    Numbers,
    RowCount,
    Source,
    Stated,
    Test,
)
from bridgehead.watch.checks.judge import judge, within
from bridgehead.watch.contract.model import Threshold

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
OPERATORS = [
    ("mustBe", "mustNotBe"), ("mustBeGreaterThan", "mustBeLessOrEqualTo"),
    ("mustBeGreaterOrEqualTo", "mustBeLessThan"), ("mustBeBetween", "mustNotBeBetween"),
]  # fmt: skip
numbers = st.integers(-(10**12), 10**12) | st.floats(-1e12, 1e12)
histograms = st.lists(st.integers(0, 10**6), min_size=2, max_size=21).filter(any)


def check(metric: Metric, test: Test, unit: str = "rows") -> Check:
    return Check(
        id="t.c", table="t", metric=metric, test=test, unit=unit, severity="block", on_breach=None,  # type: ignore[arg-type]
        source=Source(where="c.yaml:3", clause="x"),
    )  # fmt: skip


@given(numbers, numbers, numbers, st.sampled_from(OPERATORS))
def test_an_operator_and_its_opposite_never_agree(
    x: float, a: float, b: float, pair: tuple[str, str]
) -> None:
    low, high = sorted((a, b))
    yes, no = (Threshold(operator=name, value=low, upper=high) for name in pair)  # type: ignore[arg-type]
    assert within(x, yes) != within(x, no)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0, 100))
def test_a_percentage_is_of_the_rows_and_of_no_rows_undefined(nulls: int, more: int, most: float) -> None:
    rows = nulls + more
    metric = NullCount(column="c")
    one = check(metric, Bound(threshold=Threshold(operator="mustBeLessOrEqualTo", value=most)), "percent")
    values = {("t", metric): nulls, ("t", RowCount()): rows}
    verdict = judge(one, Numbers(values=values, rows={"t": rows}), NOW)
    if rows == 0:
        assert verdict.state == "unevaluable"
        assert judge(one, Numbers(values=values, rows={"t": 0}), NOW, may_be_empty=True).state == "held"
    else:
        assert (verdict.state == "held") == (100 * nulls / rows <= most)


@given(st.sampled_from([Bound(threshold=Threshold(operator="mustBe", value=0)), NotEmpty(),
                        Age(at_most_seconds=1), Stated(key="n")]), st.text(max_size=20))  # fmt: skip
def test_what_was_not_measured_is_a_breach(test: Test, why: str) -> None:
    one = check(RowCount(), test)
    assert judge(one, Numbers(), NOW).is_breach
    assert judge(one, Numbers(faults={("t", RowCount()): why}), NOW).state == "unevaluable"
    full = Numbers(values={("t", RowCount()): 0}, rows={"t": 0}, stated={("t", "n"): 0})
    assert judge(replace(one, fault="never"), full, NOW, may_be_empty=True).is_breach


@given(st.timedeltas(timedelta(0), timedelta(days=400)), st.floats(1, 1e7))
def test_freshness_is_age_against_the_clock_it_is_given(age: timedelta, most: float) -> None:
    metric = Aggregate(column="c", of="max")
    newest = (NOW - age).isoformat()
    verdict = judge(
        check(metric, Age(at_most_seconds=most), "value"), Numbers(values={("t", metric): newest}), NOW
    )
    assert (verdict.state == "held") == (age.total_seconds() <= most)


def test_freshness_of_a_time_without_zone_is_utc_and_the_future_is_told() -> None:
    metric = Aggregate(column="c", of="max")
    one = check(metric, Age(at_most_seconds=3600), "value")
    verdict = judge(one, Numbers(values={("t", metric): "2026-11-21T07:00:00"}), NOW)
    assert (verdict.state, verdict.words) == (
        "held", "the newest is of 2026-11-21 07:00Z, -1.0 h old; it lies in the future",
    )  # fmt: skip


def test_control_totals_are_compared_exactly() -> None:
    metric = Aggregate(column="c", of="sum")
    one = check(metric, Stated(key="total"), "value")
    for found, told, held in (("0.30", "0.3", True), ("0.30", "0.31", False), ("12345678901234567.89",
                              "12345678901234567.88", False)):  # fmt: skip
        numbers = Numbers(values={("t", metric): found}, stated={("t", "total"): told})
        assert (judge(one, numbers, NOW).state == "held") is held
    missing = Numbers(values={("t", metric): "1"}, stated={("t", "total"): None})
    assert judge(one, missing, NOW).state == "unevaluable"
    empty = Numbers(values={("t", metric): None}, stated={("t", "total"): 0}, rows={"t": 0})
    assert judge(one, empty, NOW).state == "held", "no rows add up to nothing"


@given(histograms, st.randoms())
def test_distances_are_nothing_for_equal_shares_and_never_negative(counts: list[int], random: object) -> None:
    assert psi(counts, counts) == 0
    assert ks(counts, counts) == 0
    assert ks(counts, [3 * count for count in counts]) < 1e-12
    shuffled = list(reversed(counts))
    assert psi(counts, shuffled) >= 0
    assert 0 <= ks(counts, shuffled) <= 1 + 1e-9
    assert math.isclose(psi(counts, shuffled), psi(shuffled, counts))
    assert math.isclose(ks(counts, shuffled), ks(shuffled, counts), abs_tol=1e-12)


@given(histograms, histograms)
def test_a_distance_alarms_only_where_chance_could_not_have_done_it(a: list[int], b: list[int]) -> None:
    size = min(len(a), len(b))
    then, now = a[:size], b[:size]
    if not any(then) or not any(now):
        return
    metric = Histogram(column="c", edges=tuple(float(i) for i in range(size - 1)))
    test = Distance(kind="psi", threshold=Threshold(operator="mustBeLessThan", value=0.1), counts=tuple(then))
    verdict = judge(check(metric, test, "value"), Numbers(values={("t", metric): tuple(now)}), NOW)
    measured = psi(then, now)
    assert (verdict.state == "broken") == (measured >= 0.1 and measured >= 3 * floor("psi", then, now))


@given(st.integers(0, 5), st.integers(0, 5))
def test_the_same_numbers_give_the_same_verdict(count: int, bound: int) -> None:
    one = check(NullCount(column="c"), Bound(threshold=Threshold(operator="mustBe", value=bound)))
    numbers = Numbers(values={("t", NullCount(column="c")): count}, rows={"t": 5})
    assert judge(one, numbers, NOW) == judge(one, numbers, NOW)
