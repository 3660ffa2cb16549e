"""Cells that are probably wrong: planted mistakes are found, and what only looks odd is left alone."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.watch.draft.casts import cast
from bridgehead.watch.draft.closed import closed
from bridgehead.watch.draft.dependencies import dependencies, grouped
from bridgehead.watch.draft.nearby import misspelt
from bridgehead.watch.draft.sample import column, sample
from bridgehead.watch.draft.shapes import written
from bridgehead.watch.draft.suspects import suspects

Rows = list[list[str | None]]


def shops(draw: random.Random, count: int = 900) -> Rows:
    """Sales of 60 shops: shop, town, manager, amount."""
    known = [(f"S{n:03d}", f"Town{chr(97 + n % 20)}", f"Boss{chr(97 + n % 26)}{n % 7}") for n in range(60)]
    return [[*draw.choice(known), f"{draw.lognormvariate(3, 1):.2f}"] for _ in range(count)]


def found(rows: Rows, header: tuple[str, ...] = ("shop", "town", "boss", "amount")) -> set[tuple[int, int]]:
    said = suspects(sample("t", header, rows))
    return {(int(row), n) for n, name in enumerate(header) for row in np.flatnonzero(said.cells[name])}


def test_an_orderly_table_has_no_suspects() -> None:
    assert found(shops(random.Random(1))) == set()


def test_a_wrong_town_is_found_through_its_shop_and_the_shop_is_not_blamed() -> None:
    rows = shops(random.Random(2))
    planted = set(random.Random(3).sample(range(len(rows)), 20))
    for n in planted:
        rows[n][1] = "Elsewhere" + chr(97 + n % 26)
    assert found(rows) == {(n, 1) for n in planted}


def test_a_wrong_shop_is_blamed_itself_where_everything_else_of_the_row_agrees() -> None:
    rows = [[*row[:3], f"Street {row[0]}", *row[3:]] for row in shops(random.Random(4)) if row[0]]
    row = next(n for n, one in enumerate(rows) if one[0] == "S001")
    rows[row][0] = "S002"
    assert (row, 0) in found(rows, ("shop", "town", "boss", "street", "amount"))
    assert len(found(rows, ("shop", "town", "boss", "street", "amount"))) == 1


def test_a_second_value_that_comes_back_is_no_slip() -> None:
    rows = shops(random.Random(5), 3000)
    mine = [n for n, row in enumerate(rows) if row[0] == "S010"]
    for n in mine[:4]:
        rows[n][2] = "Bossz9"
    assert found(rows) == set()


def test_exceptions_that_a_third_column_explains_are_none() -> None:
    draw = random.Random(6)
    rows: Rows = []
    for n in range(1200):
        state, code = ("AK" if n % 50 == 0 else "AL"), f"M{draw.randint(1, 24):02d}"
        rows.append([code, state, f"{state}-{code}"])
    assert found(rows, ("code", "state", "rate")) == set()


def test_several_reporters_of_one_thing_are_outvoted() -> None:
    draw = random.Random(7)
    rows: Rows = []
    wrong = set()
    for flight in range(40):
        for source in range(20):
            time = f"{6 + flight % 12}:{flight:02d} a.m."
            if draw.random() < 0.25:
                time = f"{6 + flight % 12}:{draw.randint(41, 59)} a.m."
                wrong.add((len(rows), 2))
            rows.append([f"src{source}", f"F{flight}", time])
    assert found(rows, ("source", "flight", "time")) == wrong


def test_towns_that_swallowed_their_state_are_found_on_both_sides() -> None:
    draw = random.Random(8)
    states = ["OR", "WA", "CA", "NY"]
    rows: Rows = [[f"Town{n % 150}x", draw.choice(states)] for n in range(800)]
    for n in (5, 77, 300):
        rows[n] = [f"{rows[n][0]} {rows[n][1]}", None]
    assert found(rows, ("town", "state")) == {(n, c) for n in (5, 77, 300) for c in (0, 1)}


def test_numbers_written_another_way_and_words_for_nothing_are_found() -> None:
    rows: Rows = [[f"0.{n % 90 + 10}"] for n in range(200)]
    rows[3], rows[9], rows[11] = ["0.05%"], ["N/A"], ["12,5"]
    assert found(rows, ("rate",)) == {(3, 0), (9, 0), (11, 0)}


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("PAID ", "PAID"),
        ("heart faylure", "heart failure"),
        ("Cancelldd", "Cancelled"),
        ("retunred", "returned"),
    ],
)
def test_a_rare_value_a_slip_away_from_a_frequent_one(wrong: str, meant: str) -> None:
    cells = [meant] * 200 + ["something else"] * 200 + [wrong]
    table = column("c", cells)
    near = {table.values[a]: table.values[b] for a, b in misspelt(table).items()}
    assert near == {wrong: meant}


def test_another_number_is_no_slip() -> None:
    assert misspelt(column("c", ["Beer 46"] * 300 + ["Beer 47", "Beer 4"])) == {}


def test_what_may_grow_is_no_closed_set() -> None:
    draw = random.Random(9)
    names = [f"n{int(draw.paretovariate(0.8))}" for _ in range(1000)]
    assert closed(column("c", names)) is None
    members = closed(column("c", [draw.choice("abc") for _ in range(1000)] + ["z"]))
    assert members is not None
    assert sorted(members.members) == ["a", "b", "c"]


def test_a_code_with_leading_zeros_is_text() -> None:
    assert cast(column("zip", ["01067", "10115"] * 30)).logical == "string"
    assert cast(column("n", ["1067", "10115"] * 30)).logical == "integer"


def test_a_column_that_hardly_differs_is_decided_by_nothing() -> None:
    draw = random.Random(10)
    rows: Rows = [[f"S{draw.randint(1, 30)}", "yes" if draw.random() < 0.97 else "no"] for _ in range(900)]
    assert dependencies(sample("t", ("shop", "open"), rows)) == []


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([None, "x", "y", "z"])), max_size=60))
def test_groups_count_what_a_loop_counts(pairs: list[tuple[str, str | None]]) -> None:
    by, of = column("by", [a for a, _ in pairs]), column("of", [b for _, b in pairs])
    groups = grouped(by, of)
    for place, value in enumerate(by.values):
        mine = sorted(
            (sum(1 for a, b in pairs if a == value and b == other) for other in of.values), reverse=True
        )
        held = [count for count in mine if count]
        assert groups.held[place] == sum(held)
        assert groups.at_top[place] == (held[0] if held else 0)
        assert groups.second[place] == (held[1] if len(held) > 1 else 0)


@given(
    st.lists(st.tuples(st.sampled_from(["AB", "CD", "XY"]), st.integers(0, 9999)), min_size=30, max_size=60)
)
def test_a_pattern_covers_what_it_was_drawn_from(drawn: list[tuple[str, int]]) -> None:
    values = [f"{word}-{number}" for word, number in drawn]
    found = written(column("c", values))
    assert found is not None
    assert found.support == 1
    assert all(re.search(found.pattern, value) for value in values)
