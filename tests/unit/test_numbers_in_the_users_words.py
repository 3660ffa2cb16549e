"""Digits are an amount where they are nothing else: of an account, a day, a card no part is a number."""

from __future__ import annotations

import string
from datetime import date
from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.declare.model import ActionRule
from bridgehead.enforce.provenance import kinds, numbers
from bridgehead.enforce.provenance.judge import judge
from bridgehead.enforce.provenance.origins import Origins
from bridgehead.enforce.provenance.words import Words

CLAIMED = [
    ("Pay 20.00 EUR to NL91 ABNA 0417 1643 00, please.", [20], [1643, 417, 164300, 91]),
    ("Pay 20.00 EUR to DE89 3704 0044 0532 0130 00.", [20], [3704, 44, 532, 13000]),
    ("Pay 20 EUR to FR14 2004 1010 0505 0001 3M02 607.", [20], [607, 2004]),  # a digit is wrong
    ("Pay Bob 20 EUR on 5 May 2026.", [20], [2026, 5]),
    ("Pay Bob 20 EUR on 05/05/2026 or 5.5.2026 or 2026-05-05.", [20], [2026, 5, 5.5]),
    ("Pay Bob 20 EUR. My phone is 020 555 0199.", [20], [555, 199, 20555]),
    ("Pay Bob 20 EUR, card 4111 1111 1111 1111", [20], [1111, 4111]),
    ("Pay the invoice of 12 March over 8 EUR", [8], [12]),
    ("Pay Bob 20 EUR; I live at Main Street 4400", [20], [4400]),
    ("Pay 20 EUR\n4400 Main Street", [20], [4400]),
    ("Pay 25 000 USD", [25000], [25]),
    ("Pay 25\u2009000 USD and 25\u00a0001.50 USD", [25000, 25001.5], [25, 1.5]),
    ("Pay 1.000 EUR", [1000], [1]),
    ("Pay 1.000 KWD", [], [1, 1000]),
    ("Pay 1,000.50 EUR and 1.234,56 EUR", [1000.5, 1234.56], [1, 1.234]),
    ("Pay CHF 1'000.50 and 1\u2019234 CHF", [1000.5, 1234], [1, 234]),
    ("Pay $1,200.50 and 20\u20ac and EUR20", [1200.5, 20], [1, 200.5]),
    ("Pay 20k EUR, 1.5 million USD and EUR 2.5 million", [], [20, 1.5, 2.5]),
    ("20\u00bd EUR, 20\u00b2 EUR, 20\u200b500 EUR", [], [2, 20, 201, 202, 500]),
    ("Pay invoice 12 EUR 50 now", [], [12, 50]),
    ("25-30 EUR, 3500 kg, 100% sure, 40 dollars", [40], [25, 30, 3500, 100]),
    ("Take order 20 500 EUR", [], [20, 500, 20500]),
    ("Transfer 1200 to Bob", [1200], []),
    ("Transfer 1,000 to Bob", [1000], [1]),
    ("Transfer 1200 to Bob, I have 4400.", [], [1200, 4400]),
    ("Transfer 1200 to Bob on 5 May 2026 for room 4400 and 30 days", [1200], [4400, 2026, 30]),
    ("Delete the 4400 oldest files.", [], [4400]),
    ("50.00 per month to the usual account", [50], []),
    ("10. Read it\n11. Answer it", [], [10, 11]),
]


@pytest.mark.parametrize(("said", "named", "others"), CLAIMED)
def test_an_amount_is_read_whole_or_not_at_all(said: str, named: list[Any], others: list[Any]) -> None:
    words = Words([said])
    assert [value for value in named if not words.name("amount", value)] == []
    assert [value for value in others if words.name("amount", value)] == []


def test_a_number_that_is_no_money_may_count_things() -> None:
    words = Words(
        ["Book 12 seats for 20 EUR, 15% off, at most 3500 kg, 1.000 or so, on 5 May 2026, room 44."]
    )
    assert all(words.name("number", value) for value in (12, 15, 3500))
    assert not any(words.name("number", value) for value in (20, 1, 1000, 5, 2026, 44))


@pytest.mark.parametrize(
    ("said", "kind", "named", "others"),
    [
        (
            "Delete 4711, paid by 4111 1111 1111 1111 on 5 May 2026",
            "id",
            ["4711"],
            ["4111", "1111", "2026"],
        ),
        ("Delete the note of 2026-05-20, phone 020 5555 0199", "id", ["2026-05-20"], ["5555", "0199"]),
        (
            "Ring +31 20 5550199 or (020) 555-0198, pay DE89 3704 0044 0532 0130 00 by 3782 822463 10005",
            "phone",
            ["+31205550199", "0205550198"],
            ["8937040044053201300", "370400440532013", "378282246310005", "05320130"],
        ),
    ],
)
def test_part_of_something_else_is_no_id_and_no_telephone(
    said: str, kind: str, named: list[str], others: list[str]
) -> None:
    words = Words([said])
    assert [value for value in named if not words.name(kind, value)] == []
    assert [value for value in others if words.name(kind, value)] == []


CENTS = st.integers(10, 10**9).map(lambda cents: Decimal(cents) / 100)
SPACES = st.sampled_from([" ", "\u00a0", "\u2009", "\u202f"])


@st.composite
def accounts(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(["DE", "NL", "FR", "GB", "CH"]))
    letters = draw(st.text(string.digits + "ABX", min_size=12, max_size=26))
    number = "".join(str(int(letter, 36)) for letter in f"{letters}{country}00")
    whole = f"{country}{98 - int(number) % 97:02}{letters}"
    by = draw(st.sampled_from(["", " ", "\u00a0"]))
    return by.join(whole[start : start + 4] for start in range(0, len(whole), 4))


@st.composite
def phones(draw: st.DrawFn) -> str:
    parts = draw(
        st.lists(st.text(string.digits, min_size=2, max_size=5), min_size=2, max_size=3).filter(
            lambda parts: sum(map(len, parts)) >= 7
        )
    )
    return draw(st.sampled_from(["+", "0"])) + draw(st.sampled_from([" ", "-"])).join(parts)


@st.composite
def dates(draw: st.DrawFn) -> str:
    on = draw(st.dates(date(1990, 1, 1), date(2060, 12, 31)))
    form = draw(st.sampled_from(["%d %B %Y", "%B %d, %Y", "%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%B %Y"]))
    return on.strftime(form)


CARDS = st.text(string.digits, min_size=16, max_size=16).map(
    lambda digits: " ".join(digits[start : start + 4] for start in range(0, 16, 4))
)


@st.composite
def printed(draw: st.DrawFn) -> tuple[str, Decimal]:
    """An amount as people print it, and what it is."""
    amount = draw(CENTS)
    by, point = draw(st.sampled_from([("", "."), ("", ","), (",", "."), (".", ","), ("'", "."), (" ", ",")]))
    if by == " ":
        by = draw(SPACES)
    whole, cents = f"{amount:.2f}".split(".")
    groups = f"{int(whole):,}".replace(",", by)
    number = f"{groups}{point}{cents}" if cents != "00" or draw(st.booleans()) else groups
    return draw(
        st.sampled_from([f"{number} EUR", f"EUR {number}", f"${number}", f"{number} dollars"])
    ), amount


@given(printed(), st.one_of(accounts(), phones(), dates(), CARDS), st.booleans())
def test_a_text_of_one_amount_and_other_digits_names_that_amount_only(
    written: tuple[str, Decimal], other: str, first: bool
) -> None:
    shown, amount = written
    said = f"Pay {shown}, please; see {other}." if first else f"See {other}. Then pay {shown}, please."
    assert Words([said]).known("amount") == {kinds.amount(str(amount))}


@given(st.one_of(accounts(), phones(), dates(), CARDS))
def test_other_digits_alone_name_no_amount(other: str) -> None:
    assert Words([f"Pay Bob, see {other}."]).known("amount") == frozenset()


@given(st.text(string.digits + " .,'-/:()+EUR$\n%x", max_size=40))
def test_no_amount_is_named_whose_digits_do_not_stand_there(text: str) -> None:
    squeezed = "".join(letter for letter in text if letter.isdigit())
    for form in Words([text]).known("amount"):
        assert form.replace(".", "").rstrip("0").lstrip("0") in squeezed


def test_long_numbers_that_differ_in_the_last_digit_are_two() -> None:
    long = "10000000000000000000000000006"
    assert kinds.amount(long) == long
    assert [kinds.amount(text) for text in ("007.50", "-0.0", "+1.00", "100")] == ["7.5", "0", "1", "100"]


@pytest.mark.parametrize("piece", ["AB12 ", "1---", "12.", "+1 (", "20 EUR ", "AB12", "1 "])
def test_a_long_text_is_read_in_time_that_grows_with_its_length(piece: str) -> None:
    def taken(size: int) -> float:
        begun = process_time()
        for kind in ("amount", "phone", "iban", "number"):
            Words([piece * size]).known(kind)
        return process_time() - begun

    taken(100)
    assert taken(8000) < 40 * max(taken(1000), 0.01)  # 64 times would be quadratic


def _rule(**more: Any) -> ActionRule:
    money = {"type": "number"}
    return ActionRule.model_validate(
        {
            "server": "bank",
            "title": "Pay {iban}",
            "effect": "final",
            "arguments": {"iban": {"type": "string", "format": "iban"}, "amount": money, "days": money},
            **more,
        }
    )


def _endorsed(rule: ActionRule, said: str, **arguments: Any) -> dict[str, bool]:
    values = judge(rule, arguments, Origins(Words([said]), []), {})
    return {value.argument: value.endorsed for value in values}


SAID = "Pay 20.00 EUR to NL91 ABNA 0417 1643 00 within 30 days, please."


def test_the_account_is_endorsed_and_digits_of_it_are_no_amount() -> None:
    call = {"iban": "NL91ABNA0417164300", "amount": 1643.0}
    assert _endorsed(_rule(), SAID, **call) == {"iban": True, "amount": False}
    assert _endorsed(_rule(), SAID, **call | {"amount": 20}) == {"iban": True, "amount": True}


def test_where_the_charter_says_which_argument_is_the_money_another_may_be_a_count() -> None:
    rule = _rule(amount="arguments.amount", currency="EUR")
    assert _endorsed(rule, SAID, amount=20, days=30) == {"amount": True, "days": True}
    assert _endorsed(rule, SAID, amount=30, days=20) == {"amount": False, "days": False}
    assert not _endorsed(_rule(), SAID, days=30)["days"]  # nobody said that it is no money


@pytest.mark.parametrize("filler", ["@", "a@", "@a", "a@.", "@.", "a@a"])
def test_an_address_is_looked_for_in_one_pass(filler: str) -> None:
    """Had the part before the `@` room for another one, each of these would be read again from every one:
    10^12 steps, and the test would not end."""
    text = filler * 1_000_000 + " bob@example.com"
    found = [match[0] for match in numbers.EMAIL.finditer(text)]
    assert found[-1] == "bob@example.com"
