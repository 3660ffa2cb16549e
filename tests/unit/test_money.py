"""Money is exact, has one currency, and never guesses."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.money import Money

CENTS = st.integers(-(10**12), 10**12)


def usd(amount: Any) -> Money:
    return Money.of(amount, "USD")


@given(CENTS)
def test_a_price_another_system_wrote_as_a_float_is_that_price(cents: int) -> None:
    assert usd(cents / 100) == usd(
        f"{cents // 100}.{cents % 100:02d}" if cents >= 0 else str(Decimal(cents) / 100)
    )


@given(CENTS, CENTS, CENTS)
def test_adding_is_exact_in_any_order(a: int, b: int, c: int) -> None:
    one, two, three = (usd(Decimal(x) / 100) for x in (a, b, c))
    assert (one + two) + three == three + (two + one) == usd(Decimal(a + b + c) / 100)


@given(CENTS, CENTS)
def test_order_is_the_order_of_amounts(a: int, b: int) -> None:
    assert (usd(a) < usd(b)) == (a < b)
    assert (usd(a) > usd(b)) == (a > b)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (12.07, "12.07 USD"),
        ("250", "250.00 USD"),
        (1000, "1000.00 USD"),
        ("1E+3", "1000.00 USD"),
        (0.1 + 0.2, "0.30 USD"),
        ("-0.00001", "0.00 USD"),
        (" 5 ", "5.00 USD"),
        ("3.1", "3.10 USD"),
        ("0.1235", "0.1235 USD"),
    ],
)
def test_money_is_shown_with_two_decimals_or_more_and_its_currency(written: Any, shown: str) -> None:
    assert str(usd(written)) == shown


@pytest.mark.parametrize("text", ["1000", "1E+3", "1000.0000", "1000.00004"])
def test_one_amount_has_one_form(text: str) -> None:
    assert str(usd(text).amount) == "1000"


def test_the_surrounding_decimal_context_changes_no_amount() -> None:
    with localcontext() as context:
        context.prec = 3
        context.rounding = ROUND_UP
        assert str(usd("123456.78001").amount) == "123456.78"
        assert str((usd("123456.78") + usd("0.01")).amount) == "123456.79"


@pytest.mark.parametrize(
    "amount", ["", "ten", "1,5", None, True, "NaN", float("nan"), "Infinity", "1E+50", [], b"1"]
)
def test_what_is_no_amount_is_refused(amount: Any) -> None:
    with pytest.raises(ValueError, match="money"):
        usd(amount)


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDD", "US1", "ÜSD", "$", "US\n"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money.of(1, currency)


@pytest.mark.parametrize("amount", [1, 1.5, "1", Decimal("NaN"), Decimal("Infinity")])
def test_only_a_finite_decimal_makes_money(amount: Any) -> None:
    with pytest.raises(ValueError, match="finite Decimal"):
        Money(amount=amount, currency="USD")


def test_two_currencies_are_never_combined() -> None:
    dollars, euros = usd(1), Money.of(1, "EUR")
    with pytest.raises(ValueError, match="USD and EUR"):
        dollars + euros
    with pytest.raises(ValueError, match="USD and EUR"):
        assert dollars < euros
    assert dollars != euros


def test_a_sum_that_cannot_be_kept_exactly_is_refused() -> None:
    huge = Money(amount=Decimal("1E+45"), currency="USD")
    with pytest.raises(ValueError, match="exactly"):
        huge + usd("0.01")
