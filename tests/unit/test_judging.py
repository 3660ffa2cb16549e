"""Judging is pure: numbers in, verdicts out. What must be true of it for every number."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
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
    SqlAnswer,
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


@pytest.mark.parametrize(
    ("newest", "state", "words"),
    [
        ("2026-11-21T05:30:00", "held", "the newest is of 2026-11-21 05:30Z, 0.5 h old"),
        ("2026-11-21T06:04:59", "held", "the newest is of 2026-11-21 06:04Z, 0.0 h old"),
        ("2026-11-22", "held", "the newest is of 2026-11-22 00:00Z, 0.0 h old"),
        ("2026-11-21T07:00:00", "broken",
         "the newest value lies 1.0 hours in the future: it is of 2026-11-21 07:00Z"),
        ("2026-11-23", "broken",
         "the newest value lies 42.0 hours in the future: it is of 2026-11-23 00:00Z"),
        ("9999-12-31T23:59:59.999999", "broken",
         "the newest value lies 69890850.0 hours in the future: it is of 9999-12-31 23:59Z"),
        ("20000-01-01", "unevaluable",
         "could not be evaluated: the newest value is no moment of the years 1 to 9999"),
        ("0044-03-15 (BC)", "unevaluable",
         "could not be evaluated: the newest value is no moment of the years 1 to 9999"),
    ],
)  # fmt: skip
def test_freshness_is_in_utc_and_nothing_is_fresh_because_it_lies_in_the_future(
    newest: str, state: str, words: str
) -> None:
    metric = Aggregate(column="c", of="max")
    one = check(metric, Age(at_most_seconds=3600), "value")
    verdict = judge(one, Numbers(values={("t", metric): newest}), NOW)
    assert (verdict.state, verdict.words) == (state, words)
    assert newest[:10] not in verdict.plain


HOSTILE = [
    math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 10**300, 10**5000, -(10**400), True, None, "",
    "NaN", "sNaN", "-Infinity", "Infinity", "1e999999999", "-1e-999999999", "0e999999", "9" * 5000,
    "infinity",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "20000-01-01",
    "0044-03-15 (BC)",
    "2026-11-21", "no moment", (), (0, 0), (-3, 2, 1), (1,) * 4, (10**400, 1, 1),
]  # fmt: skip
figures = (
    st.sampled_from(HOSTILE) | st.integers() | st.floats() | st.text(max_size=9) | st.decimals().map(str)
    | st.datetimes().map(datetime.isoformat) | st.lists(st.integers(-9, 99)).map(tuple)
)  # fmt: skip
METRICS: list[Metric] = [
    RowCount(), NullCount(column="c"), SqlAnswer(text="q"), Histogram(column="c", edges=(1.0, 2.0)),
    *(Aggregate(column="c", of=of) for of in ("min", "max", "sum", "mean")),
]  # fmt: skip


@settings(max_examples=600)
@given(
    figures, figures, figures, st.sampled_from(METRICS), st.sampled_from([n for p in OPERATORS for n in p]),
    st.sampled_from(["rows", "percent", "value"]), st.floats(0, 1e9),
)  # fmt: skip
def test_no_figure_that_data_can_hold_makes_judging_fail(
    found: Any, base: Any, told: Any, metric: Metric, operator: str, unit: str, low: float
) -> None:
    threshold = Threshold(operator=operator, value=low, upper=low + 1)  # type: ignore[arg-type]
    tests: list[Test] = [Bound(threshold=threshold), NotEmpty(), Age(at_most_seconds=low), Stated(key="n")]
    if isinstance(metric, Histogram):
        tests = [Distance(kind="psi", threshold=threshold, counts=(1, 2, 3)),
                 Distance(kind="ks", threshold=threshold, counts=(0, 0, 0))]  # fmt: skip
    numbers = Numbers(
        values={("t", RowCount()): base, ("t", metric): found}, stated={("t", "n"): told}, rows={"t": 3}
    )
    for test in tests:
        verdict = judge(check(metric, test, unit), numbers, NOW)
        wild = isinstance(found, float) and not math.isfinite(found)
        assert verdict.is_breach or not wild, "what is no number never holds"


@pytest.mark.parametrize("value", [-math.inf, math.nan, "NaN", "-Infinity", "1e999999999", 10**400])
def test_a_figure_that_is_no_number_is_unevaluable_and_said_to_be(value: Any) -> None:
    metric = Aggregate(column="c", of="sum")
    for test in (Bound(threshold=Threshold(operator="mustBeLessThan", value=5)), Stated(key="n")):
        numbers = Numbers(values={("t", metric): value}, stated={("t", "n"): 1})
        verdict = judge(check(metric, test, "value"), numbers, NOW)
        assert verdict.state == "unevaluable"
        assert verdict.words == "could not be evaluated: the figure is not a number that can be compared"


@pytest.mark.parametrize("metric", [one for one in METRICS if isinstance(one, Aggregate | SqlAnswer)])
@pytest.mark.parametrize(
    "test", [Bound(threshold=Threshold(operator="mustBeLessThan", value=5)), Stated(key="n")]
)
def test_what_is_stored_of_a_verdict_holds_no_value_of_a_row(metric: Metric, test: Test) -> None:
    """The highest salary is somebody's salary."""
    numbers = Numbers(values={("t", metric): 98765}, stated={("t", "n"): 1})
    verdict = judge(check(metric, test, "value"), numbers, NOW)
    assert verdict.state == "broken" and "98765" in verdict.words
    assert "98765" not in verdict.plain + verdict.finding().words
    assert verdict.plain.endswith("is not as promised")
    counted = judge(
        check(RowCount(), test), Numbers(values={("t", RowCount()): 9}, stated={("t", "n"): 1}), NOW
    )
    assert counted.plain == counted.words, "a number of rows is nobody's"


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
