"""What an approval and the journal bind to: any change that matters changes the digest, nothing else does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgehead.kernel.action import Action
from bridgehead.kernel.errors import LedgerError

REFUND = Action(
    kind="act",
    target="refund_order",
    arguments={"order_id": "#W1", "amount": Decimal("12.00"), "items": ["a", "b"]},
    effect="write",
    outward=True,
    purpose="the customer asked",
)


def test_the_digest_is_frozen() -> None:
    """Approvals given under an older version must still match: these bytes never change."""
    assert REFUND.digest() == "7679c4f998f11db1d39f2a22387a4b5c8827ca9b6d06a8b8d81afd40b368530d"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "query"},
        {"target": "refund_orders"},
        {"effect": "final"},
        {"outward": False},
        {"arguments": {"order_id": "#W2", "amount": Decimal("12.00"), "items": ["a", "b"]}},
        {"arguments": {"order_id": "#W1", "amount": Decimal("12.01"), "items": ["a", "b"]}},
        {"arguments": {"order_id": "#W1", "amount": Decimal("12.0"), "items": ["a", "b"]}},
        {"arguments": {"order_id": "#W1", "amount": 12.0, "items": ["a", "b"]}},
        {"arguments": {"order_id": "#W1", "amount": "12.00", "items": ["a", "b"]}},
        {"arguments": {"order_id": "#W1", "amount": Decimal("12.00"), "items": ["b", "a"]}},
        {"arguments": {"order_id": "#W1", "amount": Decimal("12.00")}},
        {"arguments": {**REFUND.arguments, "note": None}},
    ],
    ids=str,
)
def test_any_change_that_matters_changes_the_digest(change: dict[str, Any]) -> None:
    assert replace(REFUND, **change).digest() != REFUND.digest()


def test_why_somebody_wants_it_does_not(purpose: str = "another reason") -> None:
    assert replace(REFUND, purpose=purpose).digest() == REFUND.digest()


@given(st.permutations(list(REFUND.arguments.items())))
def test_the_order_of_arguments_does_not(pairs: list[tuple[str, Any]]) -> None:
    assert replace(REFUND, arguments=dict(pairs)).digest() == REFUND.digest()


def test_what_the_charter_does_not_declare_is_final() -> None:
    assert Action(kind="act", target="anything", arguments={}).effect == "final"


def test_an_argument_without_a_canonical_form_is_refused_before_anything_is_decided() -> None:
    with pytest.raises(LedgerError):
        replace(REFUND, arguments={"when": object()}).digest()
