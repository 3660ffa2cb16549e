"""Drift: an effect that matters, shown beyond chance, against the baseline and the same weekday."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridgehead.watch import stored
from bridgehead.watch.drift import Dated, Drift, DriftState, Relevance, judged
from bridgehead.watch.drift.evidence import e_rejected, log_e_value, rejected
from bridgehead.watch.profile import EMPTY, Frame, Profile, Value, framed, profiled

MONDAY = date(2026, 1, 5)
DAY = timedelta(days=1)
Table = dict[str, list[Value]]


def table(
    rows: int, seed: int, *, shift: float = 0.0, nulls: float = 0.02, north: float = 0.5, new: float = 0.0
) -> Table:
    draw = random.Random(seed)
    stores = ["north" if draw.random() < north else draw.choice(["south", "west"]) for _ in range(rows)]
    return {
        "amount": [draw.gauss(shift, 1.0) for _ in range(rows)],
        "income": [None if draw.random() < nulls else draw.lognormvariate(8, 0.5) for _ in range(rows)],
        "store": ["moon" if draw.random() < new else store for store in stores],
        "steady": [draw.uniform(0, 1) for _ in range(rows)],
    }


BASELINE = table(10_000, 1)
FRAME = framed(BASELINE)
REFERENCE = profiled(FRAME, BASELINE)


def batch(n: int, **how: float) -> Dated:
    return Dated(day=MONDAY + n * DAY, profile=profiled(FRAME, table(1000, 100 + n, **how)))  # type: ignore[arg-type]


def watched(batches: list[Dated], relevance: dict[str, Relevance] | None = None) -> list[tuple[int, Drift]]:
    """Judge batch after batch; the state goes through JSON, drifted batches do not become the measure."""
    state, history, found = DriftState(), list[Dated](), list[tuple[int, Drift]]()
    for n, each in enumerate(batches):
        state, drifts = judged(FRAME, REFERENCE, each, history, state, relevance)
        state = stored.read(DriftState, json.loads(json.dumps(stored.plain(state))))
        history.append(Dated(day=each.day, profile=each.profile, drifted=bool(drifts)))
        found += [(n, drift) for drift in drifts]
    return found


@pytest.mark.parametrize(
    ("how", "column", "measure"),
    [
        ({"shift": 0.5}, "amount", "ks"),
        ({"nulls": 0.10}, "income", "null_rate"),
        ({"north": 0.7}, "store", "tv"),
        ({"new": 0.03}, "store", "unseen"),
    ],
)
def test_a_shift_that_matters_is_found_in_the_first_batch(
    how: dict[str, float], column: str, measure: str
) -> None:
    found = watched([batch(0), batch(1, **how)])
    assert {(n, drift.column) for n, drift in found} == {(1, column)}
    assert measure in {effect.measure for effect in found[0][1].effects}
    assert column in found[0][1].words


def test_without_change_there_is_silence() -> None:
    assert watched([batch(n) for n in range(30)]) == []


def test_at_four_million_rows_a_difference_nobody_needs_is_still_none() -> None:
    """Significant beyond any doubt, and below what matters: recorded, no finding."""
    large, reference = profiled(FRAME, table(1000, 5, shift=0.05)), REFERENCE
    for _ in range(12):
        large, reference = large + large, reference + reference
    _, drifts = judged(FRAME, reference, Dated(day=MONDAY, profile=large), [], DriftState())
    assert large.rows == 4_096_000
    assert drifts == ()


def test_a_slow_shift_is_found_over_batches() -> None:
    found = watched([batch(n, shift=0.0 if n < 5 else min(0.45, 0.15 * (n - 4))) for n in range(10)])
    assert found
    assert 6 <= found[0][0] <= 8, "0.3 standard deviations are a KS distance of 0.12"


def test_what_is_usual_on_that_weekday_is_no_drift_and_a_fault_does_not_become_usual() -> None:
    sundays = [batch(n, shift=0.6 if n % 7 == 6 else 0.0) for n in range(42)]
    known = [Dated(day=each.day, profile=each.profile) for each in sundays[:35]]
    _, drifts = judged(FRAME, REFERENCE, sundays[41], known, DriftState())
    assert drifts == (), "five Sundays before were accepted as they are"
    found = watched([batch(n, shift=0.6 if n >= 5 else 0.0) for n in range(36)])
    assert {n for n, _ in found} == set(range(5, 36)), "never accepted, so it is said to the end"


def test_relevance_is_the_readers() -> None:
    shifted = [batch(0, shift=0.5)]
    deaf = Relevance(psi=5.0, ks=0.9)
    assert watched(shifted, {"amount": deaf}) == []


def test_a_column_that_is_absent_counts_as_null() -> None:
    part = {name: values for name, values in table(1000, 9).items() if name != "income"}
    _, drifts = judged(FRAME, REFERENCE, Dated(day=MONDAY, profile=profiled(FRAME, part)), [], DriftState())
    assert [(each.column, each.effects[0].now) for each in drifts] == [("income", 1.0)]


def test_profiles_of_another_baseline_are_not_compared() -> None:
    other = framed(table(500, 77))
    with pytest.raises(ValueError, match="baseline"):
        judged(FRAME, REFERENCE, Dated(day=MONDAY, profile=profiled(other, table(10, 1))), [], DriftState())
    with pytest.raises(ValueError, match="two baselines"):
        _ = REFERENCE + profiled(other, table(10, 1))


values = st.one_of(st.none(), st.integers(-5, 200), st.floats(allow_nan=True, allow_infinity=True))
words = st.one_of(st.none(), st.sampled_from(["north", "south", "west", "moon", ""]))
parts = st.lists(st.tuples(values, words), max_size=15)


@settings(max_examples=60, deadline=None)
@example(a=[(0, None)], b=[(0.0, None)], c=[(Decimal(0), None)])  # one value, three spellings
@example(a=[], b=[], c=[(8.988465674311579e307, None), (8.98846567431158e307, None)])  # their sum is no float
@example(a=[(10**400, None)], b=[(Decimal("1e500"), None)], c=[(Decimal("inf"), None)])
@given(a=parts, b=parts, c=parts)
def test_profiles_are_a_commutative_monoid(
    a: list[tuple[Value, Value]], b: list[tuple[Value, Value]], c: list[tuple[Value, Value]]
) -> None:
    frame = framed({"n": list(range(100)), "w": ["north", "south"] * 50})
    x, y, z = (profile(frame, part) for part in (a, b, c))
    assert (x + y) + z == x + (y + z)
    assert x + y == y + x
    assert x + EMPTY == x == EMPTY + x
    whole, together = profile(frame, a + b), x + y
    assert [(e.counts, e.nulls, e.unseen, e.least, e.most, e.distinct) for e in whole.columns] == [
        (e.counts, e.nulls, e.unseen, e.least, e.most, e.distinct) for e in together.columns
    ]
    assert stored.read(Profile, json.loads(json.dumps(stored.plain(together)))) == together


def profile(frame: Frame, rows: list[tuple[Value, Value]]) -> Profile:
    return profiled(frame, {"n": [row[0] for row in rows], "w": [row[1] for row in rows]})


def test_personal_values_are_kept_as_keyed_hashes() -> None:
    people: Table = {"name": ["Ada", "Grace", "Ada"]}
    frame = framed(people, {"name": b"a key of this deployment"})
    assert not {"Ada", "Grace"} & set(frame.columns[0].top)
    column = profiled(frame, people, {"name": b"a key of this deployment"}).column("name")
    assert column.counts == (2, 1, 0)
    assert round(column.distinct.count()) == 2


def test_distinct_values_are_counted_within_a_few_percent() -> None:
    frame = framed({"id": list(range(50))})
    column = profiled(frame, {"id": list(range(20_000))}).column("id")
    assert abs(column.distinct.count() / 20_000 - 1) < 0.08


@given(p=st.lists(st.floats(1e-300, 1), min_size=1, max_size=30), q=st.floats(0.001, 0.2))
def test_more_evidence_never_rejects_less(p: list[float], q: float) -> None:
    named = {str(n): value for n, value in enumerate(p)}
    found = rejected(named, q)
    assert found == {name for name in named if named[name] <= max((named[one] for one in found), default=-1)}
    assert found <= rejected({name: value / 2 for name, value in named.items()}, q)
    log_e = {name: log_e_value(value) for name, value in named.items()}
    assert e_rejected(log_e, q) <= e_rejected({name: value + 1 for name, value in log_e.items()}, q)


def test_e_values_have_a_mean_of_at_most_one() -> None:
    draw = random.Random(4)
    mean = sum(2.718281828 ** log_e_value(draw.random()) for _ in range(100_000)) / 100_000
    assert mean < 1.1


def test_the_batch_after_a_strong_shift_ends_it() -> None:
    strong = [batch(0), batch(1), batch(2, shift=2.0)]
    found = watched([*strong, *(batch(n) for n in range(3, 9))])
    assert {(n, drift.column) for n, drift in found} == {(2, "amount")}


def test_a_column_whose_values_are_always_new_is_not_new_every_time() -> None:
    names: Table = {"name": [f"n{n}" for n in range(1000)], "home": ["a", "b"] * 500}
    frame = framed(names)
    later = profiled(frame, {"name": [f"m{n}" for n in range(1000)], "home": ["a", "c"] * 500})
    assert later.column("name").unseen == 0 and later.column("home").unseen == 500
