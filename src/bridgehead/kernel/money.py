"""Money: an exact amount in one currency. Adding two currencies is an error, never a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation, Overflow

_CURRENCY = re.compile("[A-Z]{3}")
_FOUR_PLACES = Decimal("0.0001")
# Our own contexts: what the surrounding code does to decimal's global one changes no amount of ours.
_ROUNDING = Context(prec=40, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, Overflow])
_EXACT = Context(prec=40, traps=[InvalidOperation, Overflow, Inexact])


def shown(amount: Decimal) -> str:
    """Return an amount as it is written everywhere: with two places, or with as many as it has, so that what
    is shown adds up to the sums that are shown."""
    whole, _, places = f"{amount:f}".partition(".")
    return f"{whole}.{places.rstrip('0'):0<2}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in a currency (ISO 4217 code, upper case)."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise ValueError(f"money needs a finite Decimal amount, not {self.amount!r}")
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code")

    @classmethod
    def of(cls, amount: str | int | Decimal | float, currency: str) -> Money:
        """Return money from a number as another system wrote it, rounded to four decimals.

        A float goes through its shortest decimal text, so ``Money.of(12.07, "USD")`` is 12.07.
        Raises ``ValueError`` for what is no finite number, or too large to keep exactly.
        """
        try:
            rounded = Decimal(str(amount)).quantize(_FOUR_PLACES, context=_ROUNDING)
            plain = _EXACT.add(rounded.normalize(_EXACT), Decimal(0))  # 1E+3 becomes 1000, -0 becomes 0
        except ArithmeticError as error:
            raise ValueError(f"{amount!r} is not an amount of money") from error
        return cls(amount=plain, currency=currency)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        try:
            return Money(amount=_EXACT.add(self.amount, other.amount), currency=self.currency)
        except ArithmeticError as error:
            raise ValueError(f"{self.amount} and {other.amount} cannot be added exactly") from error

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __str__(self) -> str:
        return f"{shown(self.amount)} {self.currency}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be combined")
