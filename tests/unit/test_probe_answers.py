"""What a probe's answer means: yes, no, or how many, beside equal effects on record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bridgehead.enforce.found import Equals, surprise, verdict

COUNTS = some.integers(0, 6)


@pytest.mark.parametrize(
    ("answer", "others", "means"),
    [
        (True, Equals(), "landed"),
        (False, Equals(), "absent"),
        (0, Equals(), "absent"),
        (1, Equals(), "landed"),
        (2, Equals(), "duplicate"),
        (1, Equals(done=1), "absent"),  # the one there is somebody else's
        (2, Equals(done=1), "landed"),
        (3, Equals(done=1), "duplicate"),
        (0, Equals(done=1), "ambiguous"),  # something is gone; nobody can say what
        (True, Equals(done=1), "ambiguous"),
        (1, Equals(unclear=1), "ambiguous"),  # one of two: whose?
        (2, Equals(unclear=1), "landed"),
        (0, Equals(unclear=1), "absent"),
    ],
)
def test_one_answer_about_an_unclear_effect(answer: bool | int, others: Equals, means: str) -> None:
    assert verdict(answer, others) == means


@given(done=COUNTS, unclear=COUNTS, mine=some.booleans(), theirs=COUNTS, extra=COUNTS)
def test_a_verdict_is_never_against_what_happened(
    done: int, unclear: int, mine: bool, theirs: int, extra: int
) -> None:
    """Whatever landed: ``landed`` and ``absent`` are only said where no other reading is possible."""
    landed_of_the_unclear = min(theirs, unclear)
    count = done + landed_of_the_unclear + mine + extra
    said = verdict(count, Equals(done=done, unclear=unclear))
    if extra == 0:
        assert said != "duplicate"
        if said == "landed":
            assert mine
        if said == "absent":
            assert not mine
    if said == "duplicate":
        assert extra > 0


@pytest.mark.parametrize(
    ("answer", "happened", "others", "means"),
    [
        (True, True, Equals(), None),
        (False, False, Equals(), None),
        (True, False, Equals(), "zombie"),
        (1, False, Equals(), "zombie"),
        (2, False, Equals(), "duplicate"),
        (False, True, Equals(), "gone"),
        (0, True, Equals(), "gone"),
        (2, True, Equals(), "duplicate"),
        (1, True, Equals(), None),
        (True, False, Equals(done=1), None),  # the equal one explains it
        (2, False, Equals(done=1), "zombie"),
        (1, False, Equals(done=1), None),
        (0, False, Equals(done=1), None),  # told where that one is looked at
        (1, False, Equals(unclear=1), None),
        (1, True, Equals(done=1), "gone"),
    ],
)
def test_a_second_look(answer: bool | int, happened: bool, others: Equals, means: str | None) -> None:
    assert surprise(answer, happened=happened, others=others) == means


@given(happened=some.booleans(), done=COUNTS, unclear=COUNTS, late=COUNTS)
def test_what_is_as_recorded_surprises_nobody(happened: bool, done: int, unclear: int, late: int) -> None:
    count = done + happened + min(late, unclear)
    assert surprise(count, happened=happened, others=Equals(done=done, unclear=unclear)) is None
