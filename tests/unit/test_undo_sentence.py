"""What an undo comes to in one sentence: every effect is in it, and the money adds up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.explain.balance import MoneyLine, certified_money, money_lines, sentence
from bridgehead.kernel.undoing import OUTCOMES


@dataclass(frozen=True)
class Line:
    group: str
    number: int


@dataclass(frozen=True)
class Item:
    outcome: str
    amount: str = ""
    currency: str = ""


def said(state: str, *lines: Line, money: tuple[MoneyLine, ...] = ()) -> str:
    return sentence(state, lines, lines, money)


@pytest.mark.parametrize(
    ("state", "lines", "words"),
    [
        ("ended", [], "Nothing was done in another system, so there is nothing to take back."),
        ("ended", [Line("undone", 1)], "The one effect was taken back."),
        ("ended", [Line("undone", 7)], "All 7 effects were taken back."),
        (
            "ended",
            [Line("undone", 5), Line("skipped", 1), Line("impossible", 2)],
            "Of 8 effects, 5 were taken back; 1 was left, because its record was changed since; "
            "2 cannot be taken back.",
        ),
        (
            "running",
            [Line("undone", 1), Line("pending", 3)],
            "Of 4 effects, 1 was taken back; 3 are still to come.",
        ),
        (
            "refused",
            [Line("refused", 2)],
            "Nobody agreed, so nothing was taken back. All 2 effects were refused and stand.",
        ),
        (
            "planned",
            [Line("automatic", 2), Line("approval", 1), Line("unknown", 1)],
            "This is a plan; nothing was stopped or taken back. Of 4 effects, 2 will be taken back; "
            "1 will be once somebody agrees to it by itself; 1 is unclear.",
        ),
    ],
)
def test_a_sentence_names_every_effect(state: str, lines: list[Line], words: str) -> None:
    assert said(state, *lines) == words


def test_money_is_told_both_ways() -> None:
    items = [
        Item("undone", "40", "USD"),
        Item("impossible", "20.005", "USD"),
        Item("pending", "1", "USD"),
        Item("unknown", "7", "USD"),
        Item("nothing", "99", "USD"),
        Item("undone", "5.50", "EUR"),
    ]
    euro, dollar = money_lines(items)
    assert (euro.currency, euro.moved, euro.taken_back, euro.remaining) == ("EUR", "5.50", "5.50", "0.00")
    assert said("running", Line("undone", 2), money=(dollar,)).endswith(
        "Of 61.005 USD moved, 40.00 USD came back and 21.005 USD remain, of which 1.00 USD are still to come."
        " Another 7.00 USD is unclear."
    )
    assert said("planned", Line("automatic", 1), money=(dollar,)).endswith(
        "61.005 USD moved, of which 1.00 USD would come back."
    )


def test_a_certificate_tells_the_same_money() -> None:
    of = {"moved": "60", "taken-back": "40", "remaining": "20", "unclear": "0"}
    (line,) = certified_money({"USD": of})
    assert (line.moved, line.taken_back, line.remaining, line.unclear) == ("60.00", "40.00", "20.00", "0.00")


_AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=4).map(str)


@given(st.lists(st.builds(Item, st.sampled_from(OUTCOMES), _AMOUNTS, st.sampled_from(("USD", "EUR")))))
def test_what_moved_is_what_came_back_and_what_remains(items: list[Item]) -> None:
    for line in money_lines(items):
        assert Decimal(line.moved) == Decimal(line.taken_back) + Decimal(line.remaining)
        assert Decimal(line.pending) <= Decimal(line.remaining)
        every = [Decimal(one.amount) for one in items if one.currency == line.currency]
        nothing = [
            Decimal(one.amount) for one in items if (one.outcome, one.currency) == ("nothing", line.currency)
        ]
        assert Decimal(line.moved) + Decimal(line.unclear) == sum(every) - sum(nothing)
