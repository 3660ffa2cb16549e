"""The alarm against a floor: how soon a fall is proved, how seldom it cries wolf, and that it replays."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.errors import WatchError
from bridgehead.watch.accuracy.alarm import Alarm, began, heard


def labels_until_raised(accuracy: float, seed: int, most: int, floor: float = 0.9) -> int | None:
    """Return at which label the alarm was raised; None: not within ``most``."""
    chance, alarm = random.Random(seed), Alarm(floor=floor)
    for _ in range(most):
        alarm = heard(alarm, wrong=chance.random() >= accuracy)
        if alarm.raised:
            return alarm.raised_at
    return None


def test_a_fall_from_94_to_61_is_proved_within_40_audited_outputs_in_nine_of_ten_replays() -> None:
    found = [labels_until_raised(0.61, seed, 400) for seed in range(200)]
    assert None not in found
    assert sum(at <= 40 for at in found if at) >= 180


def test_at_94_it_does_not_alarm_in_400_replays() -> None:
    assert [seed for seed in range(400) if labels_until_raised(0.94, seed, 500)] == []


def test_exactly_at_the_floor_it_alarms_at_most_as_often_as_it_may() -> None:
    wrong = sum(labels_until_raised(0.9, seed, 500) is not None for seed in range(400))
    assert wrong <= 400 * 0.01 + 3 * math.sqrt(400 * 0.01)


@given(st.lists(st.booleans(), max_size=60), st.floats(0.05, 0.95))
def test_what_it_says_depends_on_the_labels_alone_and_replays_to_the_bit(
    labels: list[bool], floor: float
) -> None:
    first = second = Alarm(floor=floor)
    for wrong in labels:
        first = heard(first, wrong=wrong)
        logs = tuple(json.loads(json.dumps(second.logs)))  # as it is kept between two labels
        second = heard(
            Alarm(
                floor=floor, logs=logs, labels=second.labels, wrong=second.wrong, raised_at=second.raised_at
            ),
            wrong=wrong,
        )
    assert first == second
    assert first.evidence > 0
    assert (first.labels, first.wrong) == (len(labels), sum(labels))


@given(st.floats(0.05, 0.95))
def test_no_bet_gains_by_itself_while_the_floor_is_kept(floor: float) -> None:
    """The mean of what a bet is multiplied by is 1 where the error rate is exactly what is allowed."""
    before = Alarm(floor=floor)
    right, wrong = heard(before, wrong=False), heard(before, wrong=True)
    for laid, lost, won in zip(before.logs, right.logs, wrong.logs, strict=True):
        mean = floor * math.exp(lost) + (1 - floor) * math.exp(won)
        assert math.isclose(mean, math.exp(laid), rel_tol=1e-9)


@given(st.lists(st.booleans(), min_size=1, max_size=90), st.floats(0.05, 0.95))
def test_laying_more_makes_nothing_of_itself(labels: list[bool], floor: float) -> None:
    """What is worth 1 at the start is worth, before each label, what it is worth after it on average."""
    alarm = Alarm(floor=floor)
    assert math.isclose(alarm.evidence, 1.0)
    for wrong in labels:
        right, other = heard(alarm, wrong=False), heard(alarm, wrong=True)
        mean = floor * right.evidence + (1 - floor) * other.evidence
        assert math.isclose(mean, alarm.evidence, rel_tol=1e-9)
        alarm = other if wrong else right


def test_a_fall_after_400_good_labels_is_proved_within_80_in_nine_of_ten_replays() -> None:
    found = []
    for seed in range(60):
        chance, alarm = random.Random(seed), Alarm(floor=0.9)
        for number in range(1, 701):
            alarm = heard(alarm, wrong=chance.random() >= (0.94 if number <= 400 else 0.61))
            if alarm.raised:
                break
        found.append(alarm.raised_at - 400)
    assert min(found) > 0
    assert sum(at <= 80 for at in found) >= 54


def test_once_raised_it_stays_raised_whatever_comes() -> None:
    alarm = Alarm(floor=0.9)
    while not alarm.raised:
        alarm = heard(alarm, wrong=True)
    at = alarm.raised_at
    for _ in range(300):
        alarm = heard(alarm, wrong=False)
    assert alarm.raised
    assert alarm.raised_at == at


def test_when_it_began_is_found_within_a_few_labels() -> None:
    chance = random.Random(7)
    labels = [chance.random() >= 0.97 for _ in range(150)] + [chance.random() >= 0.5 for _ in range(60)]
    assert abs(began(Alarm(floor=0.9), labels) - 150) <= 5


@pytest.mark.parametrize("floor", [0.0, 1.0, -1.0])
def test_a_floor_that_is_none_is_refused(floor: float) -> None:
    with pytest.raises(WatchError, match="BH-WAT-070"):
        Alarm(floor=floor)
