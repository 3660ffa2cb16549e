"""What confidence suggests without labels, and the state that says whether it may be listened to."""

from __future__ import annotations

import random
import statistics

import pytest

from bridgehead.watch.accuracy.interval import Label, interval
from bridgehead.watch.accuracy.labelfree import Example, LabelFree, judged


def results(
    number: int, seed: int, *, shift: float = 0.0, unseen: float = 0.0, gone: float = 0.0, flip: bool = False
) -> list[Example]:
    """Return results of a workflow that is as often right as it is sure: more so for a large income."""
    dice, found = random.Random(seed), []
    for _ in range(number):
        income = dice.gauss(0.0, 1.0) + shift
        sure = min(0.97, max(0.55, 0.8 + 0.1 * income))
        right = dice.random() < (1 - sure if flip else sure)
        country = "new" if dice.random() < unseen else dice.choice(["fi", "se", "no"])
        told = None if dice.random() < gone else income
        found.append(Example(features={"income": told, "country": country}, proxy=sure, right=right))
    return found


def truth(batch: list[Example]) -> float:
    return statistics.fmean(bool(one.right) for one in batch)


@pytest.mark.parametrize("seed", range(4))
def test_inputs_like_those_people_looked_at_are_supported_and_near_the_truth(seed: int) -> None:
    batch = results(800, seed + 100)
    found = judged(results(600, seed), batch)
    assert found.state == "supported", found
    assert found.span is not None and abs(found.span.estimate - truth(batch)) < 0.06
    assert found.words.endswith("not validated on this week's inputs.")


def test_ever_stranger_inputs_are_extrapolated_and_then_not_estimated_at_all() -> None:
    states = [judged(results(600, 1), results(600, 2, shift=shift)).state for shift in (0.0, 0.6, 3.0)]
    assert states == ["supported", "extrapolating", "not estimable"]


def test_a_number_is_withheld_where_values_are_new_or_a_feature_is_gone() -> None:
    new = judged(results(600, 1), results(600, 2, unseen=0.05))
    assert (new.state, new.span) == ("not estimable", None) and "`country`" in new.why
    gone = judged(results(600, 1), results(600, 2, gone=0.9))
    assert (gone.state, gone.span) == ("not estimable", None) and "missing in 9" in gone.why
    some = judged(results(600, 1), results(600, 2, gone=0.08))
    assert some.state != "supported" and "0 % before" in some.why


def test_too_few_say_nothing() -> None:
    found = judged(results(99, 1), results(600, 2))
    assert found.span is None and "too few" in found.words


def test_it_does_not_see_that_the_same_case_is_decided_wrongly_now() -> None:
    """Why an accuracy is never shown without answers: nothing of what is looked at here has moved."""
    batch = results(600, 2, flip=True)
    found = judged(results(600, 1), batch)
    assert found.state == "supported" and found.span is not None
    assert found.span.estimate - truth(batch) > 0.4


def test_the_words_never_call_it_an_accuracy() -> None:
    every: list[LabelFree] = [
        judged(results(600, 1), results(600, 2, shift=shift)) for shift in (0.0, 0.6, 3.0)
    ]
    for found in every:
        assert "accuracy" not in found.words.lower()
        assert found.words.startswith(("Confidence suggests", "Cannot be estimated"))


def test_many_answers_free_the_shape_of_the_calibration() -> None:
    found = judged(results(1500, 3), results(1000, 4))
    assert found.state == "supported" and found.error < 0.05


def test_what_was_drawn_more_often_does_not_count_more() -> None:
    """Doubtful results are drawn four times as often; the interval holds the truth all the same."""
    held, plain = 0, []
    for seed in range(150):
        dice = random.Random(seed)
        every = [(dice.random() < 0.25, 0.0) for _ in range(4000)]
        population = [(doubtful, dice.random() < (0.5 if doubtful else 0.95)) for doubtful, _ in every]
        labels = [
            Label(right=right, probability=0.08 if doubtful else 0.02)
            for doubtful, right in population
            if dice.random() < (0.08 if doubtful else 0.02)
        ]
        found = interval(labels, drawn=len(labels), population=len(population))
        true = statistics.fmean(right for _, right in population)
        assert found.low is not None and found.high is not None
        held += found.low <= true <= found.high
        plain.append(statistics.fmean(label.right for label in labels))
    assert held >= 0.91 * 150
    assert statistics.fmean(plain) < 0.75  # counted alike, they would have lied by ten points
