"""Moments inside a sentence are written as they are beside it; what only looks like one stays as it is."""

from __future__ import annotations

import pytest

from bridgehead.explain.words import briefly, dated, said


@pytest.mark.parametrize(
    "text",
    ["2026-02-10T02:30Z", "2026-02-10T02:30:00.000000Z", "2026-02-10 02:30 UTC", "2026-02-10 02:30:09+00:00"],
)
def test_every_moment_is_written_in_one_form(text: str) -> None:
    assert dated(f"The last good one is of {text}.") == "The last good one is of 10 Feb 2026, 02:30 UTC."


@pytest.mark.parametrize(
    "text", ["The batch of 2026-02-10", "reports_2026-02-10.csv", "10:30", "2026-02-10T02:30+05:00", ""]
)
def test_a_day_a_name_and_another_zone_stay(text: str) -> None:
    assert dated(text) == text


def test_what_is_no_moment_of_the_calendar_stays() -> None:
    assert dated("It holds 2026-99-10T02:30Z.") == "It holds 2026-99-10T02:30Z."


def test_a_page_names_no_command_that_its_form_takes_the_place_of() -> None:
    words = "Perhaps it is called b now. If so: `bridgehead watch accept-change s.t --renamed a=b`. Gone."
    assert said(words) == "Perhaps it is called b now. Gone."


def test_figures_and_clauses_are_left_to_the_place_that_explains_them() -> None:
    moved = "income has moved: 151 on average (PSI 0.53, matters from 0.10, noise 0.044). Look (twice)."
    assert briefly(moved) == "income has moved: 151 on average. Look (twice)."
    short = "region: 20 rows have no value; none is promised (required: true)."
    assert briefly(short) == "region: 20 rows have no value; none is promised."
