"""A decision carries reasons and has no truth value; an outcome gives its value only when it is done."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bridgehead.kernel.decision import Ask, Permit, Reason, Refuse
from bridgehead.kernel.outcome import ActionFailed, ActionRefused, Done, Failed, Fault, Refused

LIMIT = Reason(rule="refund-limit", words="Refunds above 250 USD need a lead.", source="charter.yaml:41")
GONE = Reason(rule="delivered", words="The order was delivered.", source="policies/orders.cedar:7")
DECISIONS = [
    Permit(),
    Permit(reasons=(LIMIT,)),
    Ask(approvals=("lead",), reasons=(LIMIT,)),
    Refuse(reasons=(GONE,), step=2),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: type(decision).__name__)
def test_a_slip_of_the_pen_cannot_permit(decision: Any) -> None:
    slips = [
        lambda: bool(decision),
        lambda: not decision,
        lambda: decision and "permitted",
        lambda: decision or "permitted",
        lambda: any([decision]),
        lambda: [1 for _ in [0] if decision],
    ]
    for slip in slips:
        with pytest.raises(TypeError, match="no truth value"):
            slip()


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: type(decision).__name__)
def test_a_decision_cannot_be_changed_afterwards(decision: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        decision.reasons = ()
    with pytest.raises((AttributeError, TypeError)):
        decision.permitted = True


def test_a_refusal_must_say_why_and_where() -> None:
    with pytest.raises(TypeError):
        Refuse()  # type: ignore[call-arg]
    assert Refuse(reasons=(GONE, LIMIT), step=2).words() == f"{GONE.words} {LIMIT.words}"


def test_matching_tells_the_three_apart() -> None:
    def said(decision: Permit | Ask | Refuse) -> str:
        match decision:
            case Permit():
                return "yes"
            case Ask(approvals=approvals):
                return f"ask {approvals[0]}"
            case Refuse(step=step):
                return f"no at {step}"

    assert [said(decision) for decision in DECISIONS] == ["yes", "yes", "ask lead", "no at 2"]


def test_a_value_nobody_permitted_cannot_be_used() -> None:
    with pytest.raises(ActionRefused) as refused:
        _ = Refused(decision=Refuse(reasons=(GONE,), step=2)).value
    assert refused.value.code == "BH-ENF-001"
    assert refused.value.what == GONE.words


@pytest.mark.parametrize("state", ["none", "done", "unknown"])
def test_a_value_of_something_that_failed_cannot_be_used(state: Any) -> None:
    fault = Fault(code="BH-CON-009", words="The order system did not answer.", effect_state=state)
    with pytest.raises(ActionFailed) as failed:
        _ = Failed(fault=fault).value
    assert failed.value.fault.effect_state == state
    assert "did not answer" in str(failed.value)


def test_what_is_done_gives_its_value_even_when_that_is_nothing() -> None:
    assert Done(value=None).value is None
