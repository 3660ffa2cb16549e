"""Every rule of the example's policy.cedar, both ways: it bites when it should and only then."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from bridgehead.enforce.policy import CedarPolicy, PolicyRequest, people_entities, validate
from bridgehead.kernel.decision import Ask, Permit, Refuse
from fixtures.retail import FOLDER, deployment

ADDRESS = {"address1": "1 Road", "address2": "", "city": "X", "state": "NY", "country": "USA", "zip": "1"}
SWAP = {"item_ids": ["1"], "new_item_ids": ["2"], "payment_method_id": "card"}
SWAP_FACTS = {
    "available": True,
    "same_products": True,
    "all_different": True,
    "payment_known": True,
    "same_payment_kind": True,
}
FINE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cancel_pending_order": (
        {"reason": "no longer needed"},
        {"status": "pending", "one_payment": True},
    ),
    "modify_pending_order_address": (ADDRESS, {"status": "pending"}),
    "modify_pending_order_items": (SWAP, {"status": "pending", **SWAP_FACTS}),
    "modify_pending_order_payment": (
        {"payment_method_id": "card"},
        {
            "status": "pending",
            "one_payment": True,
            "different": True,
            "payment_known": True,
            "origin_known": True,
            "same_payment_kind": True,
        },
    ),
    "return_delivered_order_items": (
        {"item_ids": ["1"], "payment_method_id": "card"},
        {
            "status": "delivered",
            "payment_known": True,
            "to_original": True,
            "to_gift_card": False,
            "same_payment_kind": True,
        },
    ),
    "exchange_delivered_order_items": (SWAP, {"status": "delivered", **SWAP_FACTS}),
}
CHANGES = ("modify_pending_order_address", "modify_pending_order_items", "modify_pending_order_payment")
SWAPS = ("modify_pending_order_items", "exchange_delivered_order_items")
PAYING = (*SWAPS, "modify_pending_order_payment", "return_delivered_order_items")


def fact(**facts: Any) -> dict[str, Any]:
    return {"facts": facts}


def argument(**arguments: Any) -> dict[str, Any]:
    return {"arguments": arguments}


REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    *(
        ("cancel-only-pending", "cancel_pending_order", fact(status=status))
        for status in ("delivered", "processed", "cancelled", "pending (item modified)", "Pending", "")
    ),
    ("cancel-reasons", "cancel_pending_order", argument(reason="the customer is angry")),
    ("cancel-reasons", "cancel_pending_order", argument(reason="No Longer Needed")),
    ("cancel-only-once-paid", "cancel_pending_order", fact(one_payment=False)),
    *(
        ("modify-only-pending", action, fact(status=status))
        for action in CHANGES
        for status in ("processed", "delivered", "cancelled", "pending (item modified)")
    ),
    ("payment-really-changes", "modify_pending_order_payment", fact(different=False)),
    ("payment-changes-once", "modify_pending_order_payment", fact(one_payment=False)),
    ("payment-changes-once", "modify_pending_order_payment", fact(origin_known=False)),
    *(
        ("return-only-delivered", action, fact(status=status))
        for action in ("return_delivered_order_items", "exchange_delivered_order_items")
        for status in ("pending", "processed", "return requested", "exchange requested", "cancelled")
    ),
    ("refund-to-original-or-gift-card", "return_delivered_order_items", fact(to_original=False)),
    *(("new-items-available", action, fact(available=False)) for action in SWAPS),
    *(("new-items-same-product", action, fact(same_products=False)) for action in SWAPS),
    *(("new-items-differ", action, fact(all_different=False)) for action in SWAPS),
    *(("payment-is-the-customers", action, fact(payment_known=False)) for action in PAYING),
]
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    *(("other-payment-kind", action, fact(same_payment_kind=False)) for action in PAYING),
    *(("second-change", action, {"record_changes": 1}) for action in FINE),
    ("large-refund", "cancel_pending_order", {"amount": "500.01"}),
    ("large-refund", "return_delivered_order_items", {"amount": "500.01"}),
    ("large-refund", "modify_pending_order_payment", {"amount": "500.01"}),
    ("large-price-difference", "modify_pending_order_items", {"amount": "150.01"}),
    ("large-price-difference", "exchange_delivered_order_items", {"amount": "150.01"}),
]


@cache
def engine() -> CedarPolicy:
    return CedarPolicy(deployment())


def decide(action: str, changes: dict[str, Any], *approvals: str) -> Permit | Ask | Refuse:
    arguments, facts = FINE[action]
    rule = deployment().charter.actions[action]
    context: dict[str, Any] = {
        "purpose": "",
        "stage": "staging",
        "approvals": list(approvals),
        "subject": "ana_1",
        "record_changes": changes.get("record_changes", 0),
        "unendorsed": [],
        "arguments": {"order_id": "#A", **arguments, **changes.get("arguments", {})},
        "facts": {"customer": "ana_1", **facts, **changes.get("facts", {})},
    }
    if rule.amount:
        amount = {"__extn": {"fn": "decimal", "arg": f"{float(changes.get('amount', '100')):.4f}"}}
        context |= {"amount": amount, "currency": "USD"}
        context["facts"]["amount"] = amount
    request = PolicyRequest(
        principal=("Agent", "support-agent"),
        action=action,
        resource=("Operation", action),
        context=context,
    )
    return engine().decide(request, people_entities(deployment().charter))


def test_the_policies_fit_the_charter_strictly() -> None:
    assert validate(deployment()) == []


@pytest.mark.parametrize("action", FINE)
def test_what_the_policy_allows_is_permitted(action: str) -> None:
    assert isinstance(decide(action, {}), Permit)


@pytest.mark.parametrize(("rule", "action", "changes"), REFUSED)
def test_what_the_policy_forbids_is_refused_by_that_rule(
    rule: str, action: str, changes: dict[str, Any]
) -> None:
    decision = decide(action, changes)
    assert isinstance(decision, Refuse)
    assert [reason.rule for reason in decision.reasons] == [rule]
    assert decision.reasons[0].source.startswith("policy.cedar:")


@pytest.mark.parametrize(("rule", "action", "changes"), REFUSED)
def test_nobody_can_lift_what_the_policy_forbids(rule: str, action: str, changes: dict[str, Any]) -> None:
    everyone = tuple(deployment().charter.approvals)
    assert isinstance(decide(action, changes, *everyone), Refuse)


@pytest.mark.parametrize(("rule", "action", "changes"), ASKED)
def test_exceptions_are_asked_and_a_yes_permits(rule: str, action: str, changes: dict[str, Any]) -> None:
    decision = decide(action, changes)
    assert isinstance(decision, Ask)
    assert decision.approvals == (rule,)
    assert isinstance(decide(action, changes, rule), Permit)
    others = [name for name in deployment().charter.approvals if name != rule]
    assert isinstance(decide(action, changes, *others), Ask)


@pytest.mark.parametrize(
    ("action", "amount"), [("cancel_pending_order", "500"), ("modify_pending_order_items", "150")]
)
def test_a_limit_is_crossed_above_it_not_at_it(action: str, amount: str) -> None:
    assert isinstance(decide(action, {"amount": amount}), Permit)


def test_a_refund_may_go_to_a_gift_card_with_a_leads_yes() -> None:
    to_gift_card = fact(to_original=False, to_gift_card=True, same_payment_kind=False)
    decision = decide("return_delivered_order_items", to_gift_card)
    assert isinstance(decision, Ask)
    assert decision.approvals == ("other-payment-kind",)


def test_people_are_not_asked_about_what_stays_forbidden() -> None:
    both = {"amount": "900", **fact(status="delivered")}
    decision = decide("cancel_pending_order", both)
    assert isinstance(decision, Refuse)


def test_two_questions_are_asked_together() -> None:
    decision = decide("modify_pending_order_items", {"amount": "151", "record_changes": 1})
    assert isinstance(decision, Ask)
    assert set(decision.approvals) == {"large-price-difference", "second-change"}


def test_every_rule_of_the_file_is_tested_for_every_action_it_names() -> None:
    text = re.sub(r"//[^\n]*", "", (FOLDER / "policy.cedar").read_text(encoding="utf-8"))
    named = {
        (rule, action)
        for rule, body in re.findall(r'@id\("([^"]+)"\)(.*?);', text, re.DOTALL)
        for action in re.findall(r'BH::Action::"(\w+)"', body)
    }
    tested = {(rule, action) for rule, action, _ in [*REFUSED, *ASKED]}
    assert named <= tested
    assert len(named) > 20
