"""What runs may spend on models: reserved before the call, settled after it, in one transaction each.

The reservation is the most the call can cost, so that many calls at once cannot overspend together. It is
given back where nothing was sent, and booked where the answer was lost: the provider may charge for it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, bindparam, insert, select, update

from bridgehead.declare.model import amount
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.kernel.canonical import encoded_bytes
from bridgehead.kernel.decision import Reason, Refuse
from bridgehead.kernel.outcome import Usage
from bridgehead.store import tables as t
from bridgehead.store.statement import Statement

STEP = 4
BYTES_PER_TOKEN = 2
"""Deliberately few: English has about four bytes a token, so this reserves too much, never too little."""


_SPENT = Statement(
    select(t.spend.c.reserved, t.spend.c.settled).where(
        t.spend.c.scope == bindparam("scope"), t.spend.c.currency == bindparam("currency")
    )
)
_OPEN = Statement(
    insert(t.spend).values(
        scope=bindparam("scope"), currency=bindparam("currency"), reserved="0", settled="0"
    )
)
_SPEND = Statement(
    update(t.spend)
    .where(t.spend.c.scope == bindparam("scope"), t.spend.c.currency == bindparam("currency"))
    .values(reserved=bindparam("now_reserved"), settled=bindparam("now_settled"))
)
_CALLED = Statement(
    select(t.crossing.c.called_at).where(
        t.crossing.c.run == bindparam("run"), t.crossing.c.position == bindparam("position")
    )
)


def most(boundary: Boundary, crossing: Crossing) -> tuple[Decimal, str]:
    """Return the most a model call can cost, and its currency; zero where no price is declared."""
    model = boundary.charter.models.get(crossing.action.target) if crossing.action.kind == "model" else None
    if model is None or model.price is None:
        return Decimal(0), ""
    tokens_in = Decimal(len(encoded_bytes(dict(crossing.action.arguments))) // BYTES_PER_TOKEN + 1)
    price = model.price
    cost = (
        tokens_in * price.input_per_million + model.max_output_tokens * price.output_per_million
    ) / 1_000_000
    return cost, price.currency


def reserve(connection: Connection, boundary: Boundary, crossing: Crossing, at: datetime) -> Refuse | None:
    """Set aside the most this call can cost, in the run's and in the day's budget, or refuse.

    ``at`` is when the call is claimed. After a refusal the caller takes its transaction back.
    """
    cost, currency = most(boundary, crossing)
    if not cost:
        return None
    budget = boundary.charter.budget
    for scope, name, text in (
        (f"run:{crossing.run.id}", "run_cost", budget.run_cost),
        (f"day:{at:%Y-%m-%d}", "day_cost", budget.day_cost),
    ):
        limit, limit_currency = amount(text)
        reserved, settled = _row(connection, scope, currency)
        if currency != limit_currency or reserved + settled + cost > limit:
            words = f"The call could cost {cost:.4f} {currency}; the budget of {text} has no room for it."
            reason = Reason(rule=f"budget.{name}", words=words, source=boundary.where("budget", name))
            return Refuse(step=STEP, reasons=(reason,))
        _write(connection, scope, currency, reserved + cost, settled)
    return None


def settle(connection: Connection, boundary: Boundary, crossing: Crossing, spent: Decimal) -> None:
    """Give the reservation back, to the day it was made on, and book what was really spent there."""
    cost, currency = most(boundary, crossing)
    if not cost:
        return
    called_at = str(_CALLED.one(connection, run=crossing.run.id, position=crossing.position).called_at)
    for scope in (f"run:{crossing.run.id}", f"day:{called_at[:10]}"):
        reserved, settled = _row(connection, scope, currency)
        _write(connection, scope, currency, max(reserved - cost, Decimal(0)), settled + spent)


def lose(connection: Connection, boundary: Boundary, crossing: Crossing) -> str:
    """Book a call that was claimed and whose answer nobody will hear; return that in words, or nothing."""
    cost, _ = most(boundary, crossing)
    settle(connection, boundary, crossing, cost)
    return unheard(boundary, crossing)[1]


def unheard(boundary: Boundary, crossing: Crossing) -> tuple[Usage, str]:
    """Return what is booked for a call that may have been answered without us: the most it can cost, for its
    provider may charge that; and the words that say so, empty where nothing is booked."""
    cost, currency = most(boundary, crossing)
    if not cost:
        return Usage(), ""
    words = f"Its answer was lost; the most it can cost, {cost:.4f} {currency}, is booked for it."
    return Usage(cost=f"{cost.normalize():f}"), words


def _row(connection: Connection, scope: str, currency: str) -> tuple[Decimal, Decimal]:
    row = _SPENT.first(connection, scope=scope, currency=currency)
    if row is None:
        _OPEN.run(connection, scope=scope, currency=currency)
        return Decimal(0), Decimal(0)
    return Decimal(row.reserved), Decimal(row.settled)


def _write(connection: Connection, scope: str, currency: str, reserved: Decimal, settled: Decimal) -> None:
    _SPEND.run(
        connection, scope=scope, currency=currency, now_reserved=str(reserved), now_settled=str(settled)
    )
