"""The charter in Cedar's words: what is generated validates strictly and means what the charter says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cedarpy
import pytest

from bridgehead.declare import load
from bridgehead.enforce import cedar
from bridgehead.enforce.policy import CedarPolicy, PolicyRequest, faults, people_entities, validate
from bridgehead.kernel.decision import Ask, Decision, Permit, Refuse
from bridgehead.kernel.errors import PolicyError
from fixtures.houses import FOLDER, Desk
from fixtures.retail import deployment as retail

DESK = load(FOLDER)
ENGINE = CedarPolicy(DESK)
PEOPLE = people_entities(DESK.charter)


def decimal(text: str) -> dict[str, Any]:
    return {"__extn": {"fn": "decimal", "arg": text}}


def refund(
    amount: str | None = "50.0",
    currency: str | None = "USD",
    *,
    approvals: tuple[str, ...] = (),
    paid: str = "5000.0",
    status: str = "open",
    changes: int = 0,
    agent: str = "clerk",
    people: str = PEOPLE,
    **more: Any,
) -> Decision:
    """Ask the desk's policies about a refund."""
    context: dict[str, Any] = {
        "purpose": "p",
        "stage": "staging",
        "approvals": list(approvals),
        "subject": "ana_1",
        "record_changes": changes,
        "unendorsed": [],
        "arguments": {"order_id": "o1", "amount": decimal("1.0")},
        "facts": {"customer": "ana_1", "status": status, "paid": decimal(paid)},
        **more,
    }
    if amount is not None:
        context["amount"] = decimal(amount)
    if currency is not None:
        context["currency"] = currency
    request = PolicyRequest(
        principal=("Agent", agent), action="refund", resource=("Operation", "refund"), context=context
    )
    return ENGINE.decide(request, people)


def model(region: str, regions: list[str], agent: str = "clerk") -> Decision:
    entities = PEOPLE
    context = {"purpose": "p", "stage": "s", "approvals": [], "subject": "", "regions": regions}
    request = PolicyRequest(
        principal=("Agent", agent), action="model", resource=("Model", "support"), context=context
    )
    assert DESK.charter.models["support"].region == region
    return ENGINE.decide(request, entities)


def rules(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


# --- it validates -----------------------------------------------------------------------------


@pytest.mark.parametrize("deployment", [DESK, retail()], ids=["desk", "retail-support"])
def test_schema_and_policies_validate_strictly(deployment: Any) -> None:
    assert validate(deployment) == []
    result = cedarpy.validate_policies(cedar.policies(deployment), cedar.schema(deployment.charter))
    assert list(result.errors) == []


def test_a_context_that_does_not_fit_the_schema_is_refused() -> None:
    for wrong in ({"record_changes": "none"}, {"facts": {}}, {"unknown": 1}):
        decision = refund(**wrong)
        assert isinstance(decision, Refuse)
        assert rules(decision) == ["engine.fault"]


def test_argument_types_follow_their_json_schema() -> None:
    types = {
        "string": "String",
        "integer": "Long",
        "boolean": "Bool",
        "number": "decimal",
        "object": "",
        "null": "",
    }
    assert {kind: cedar.cedar_type({"type": kind}) for kind in types} == types
    assert cedar.cedar_type({"type": "array", "items": {"type": "string"}}) == "Set<String>"
    assert cedar.cedar_type({"type": "array", "items": {"type": "integer"}}) == ""
    assert cedar.cedar_type({"enum": ["a"]}) == ""


# --- grants -----------------------------------------------------------------------------------


def test_only_what_is_listed_is_granted() -> None:
    assert isinstance(refund(), Permit)
    other = refund(agent="visitor")
    assert isinstance(other, Refuse)
    assert rules(other) == ["default.deny"]
    assert rules(refund(agent="nobody")) == ["default.deny"]


@pytest.mark.parametrize("off", ["agent", "sponsor"])
def test_nothing_is_granted_to_who_is_switched_off(off: str) -> None:
    """The agent, or its sponsor: also the policy says so, not only step 1."""
    charter = DESK.charter
    agent = charter.agents["clerk"].model_copy(update={"active": off != "agent"})
    sam = charter.people["sam"].model_copy(update={"active": off != "sponsor"})
    changed = charter.model_copy(
        update={"agents": {**charter.agents, "clerk": agent}, "people": {**charter.people, "sam": sam}}
    )
    assert rules(refund(people=people_entities(changed))) == ["default.deny"]


def test_a_model_runs_only_in_allowed_regions() -> None:
    assert isinstance(model("eu", ["local", "eu"]), Permit)
    refused = model("eu", ["local", "us"])
    assert isinstance(refused, Refuse)
    assert rules(refused) == ["residency.model"]
    assert rules(model("eu", ["eu"], agent="visitor")) == ["default.deny"]


# --- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["0.0", "99.99", "100.0", "-5.0"])
def test_up_to_the_limit_nobody_is_asked(amount: str) -> None:
    assert isinstance(refund(amount), Permit)


@pytest.mark.parametrize("amount", ["100.0001", "100.01", "999.0"])
def test_above_it_people_are_asked_and_a_yes_permits(amount: str) -> None:
    decision = refund(amount)
    assert isinstance(decision, Ask)
    assert decision.approvals == ("large-refund",)
    assert rules(decision) == ["limit.large-refund.refund"]
    assert decision.reasons[0].source == DESK.where("approvals", "large-refund", "when", "refund")
    assert isinstance(refund(amount, approvals=("large-refund",)), Permit)
    assert isinstance(refund(amount, approvals=("risk-look", "second-refund")), Ask)


@pytest.mark.parametrize("currency", ["EUR", "usd", "", None])
def test_a_missing_or_other_currency_is_refused_and_nobody_can_lift_it(currency: str | None) -> None:
    for approvals in ((), tuple(DESK.charter.approvals)):
        for amount in ("1.0", "500.0"):
            decision = refund(amount, currency, approvals=approvals)
            assert isinstance(decision, Refuse)
            assert "limit.large-refund.refund.currency" in rules(decision)


def test_a_missing_amount_is_refused() -> None:
    decision = refund(None)
    assert isinstance(decision, Refuse)
    assert rules(decision) == ["limit.large-refund.refund.currency"]


# --- ask against never ------------------------------------------------------------------------


def test_what_is_never_allowed_is_not_asked_about() -> None:
    """More than was paid, and above the limit: a yes would change nothing, so nobody is asked."""
    decision = refund("150.0", paid="100.0")
    assert isinstance(decision, Refuse)
    assert "refund.not-more-than-paid" in rules(decision)
    assert isinstance(refund("150.0", paid="100.0", approvals=tuple(DESK.charter.approvals)), Refuse)


def test_what_several_people_may_lift_is_asked_of_all_of_them_at_once() -> None:
    decision = refund("150.0", status="disputed", changes=1)
    assert isinstance(decision, Ask)
    assert set(decision.approvals) == {"large-refund", "risk-look", "second-refund"}
    assert isinstance(refund("150.0", status="disputed", changes=1, approvals=decision.approvals), Permit)


def test_a_yes_that_would_change_nothing_is_not_asked_for(tmp_path: Path) -> None:
    """The second evaluation: a forbid that carries @ask and does not listen to it."""
    desk = Desk(tmp_path).add(
        '\n@id("deaf") @words("Never on this day.") @ask("go-ahead")\n'
        'forbid (principal, action == BH::Action::"price_of", resource);\n'
    )
    deployment = load(desk.folder)
    context = {
        "purpose": "p",
        "stage": "s",
        "approvals": [],
        "subject": "",
        "record_changes": 0,
        "unendorsed": [],
        "arguments": {"item": "lamp"},
        "facts": {},
    }
    request = PolicyRequest(
        principal=("Agent", "clerk"), action="price_of", resource=("Operation", "price_of"), context=context
    )
    decision = CedarPolicy(deployment).decide(request, people_entities(deployment.charter))
    assert isinstance(decision, Refuse)
    assert rules(decision) == ["deaf"]


def test_people_are_asked_by_the_workflow_only_where_it_is_declared() -> None:
    context = {"purpose": "p", "stage": "s", "approvals": [], "subject": "", "rule": "go-ahead"}

    def decide(group: str, **more: Any) -> Decision:
        request = PolicyRequest(
            principal=("Agent", "clerk"),
            action="decide",
            resource=("Group", group),
            context=context | more,
        )
        return ENGINE.decide(request, PEOPLE)

    asked = decide("leads")
    assert isinstance(asked, Ask)
    assert asked.approvals == ("go-ahead",)
    assert isinstance(decide("leads", approvals=["go-ahead"]), Permit)
    assert rules(decide("risk")) == ["default.deny"]  # go-ahead is for leads


# --- what refuses to load ---------------------------------------------------------------------

FINE = 'forbid (principal, action == BH::Action::"price_of", resource) when { false };\n'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (FINE, "BH-POL-004"),
        ('@words("No id.")\n' + FINE, "BH-POL-005"),
        ('@id("")\n@words("Empty id.")\n' + FINE, "BH-POL-005"),
        ('@id("silent")\n' + FINE, "BH-POL-005"),
        ('@id("silent")\n@words("")\n' + FINE, "BH-POL-005"),
        ('@id("refund.second")\n@words("Taken.")\n' + FINE, "BH-POL-005"),
        ('@id("grant.clerk.actions")\n@words("Taken by a generated one.")\n' + FINE, "BH-POL-005"),
        ('@id("a") @words("b")\nforbid (principal, action, resource', "BH-POL-002"),
        (
            '@id("a") @words("b")\nforbid (principal, action == BH::Action::"price_of", resource)'
            ' when { context.arguments.itm == "lamp" };\n',
            "BH-POL-003",
        ),
        (
            '@id("a") @words("b")\nforbid (principal, action == BH::Action::"refund", resource)'
            ' when { context.amount.greaterThan(decimal("1.0")) };\n',  # amount may be missing
            "BH-POL-003",
        ),
        (
            '@id("a") @words("b")\nforbid (principal, action == BH::Action::"no_such", resource);\n',
            "BH-POL-003",
        ),
        ('// @id("a") @words("b")\n' + FINE, "BH-POL-004"),  # annotations in a comment are none
    ],
)
def test_policies_that_could_not_be_explained_or_relied_on(tmp_path: Path, text: str, code: str) -> None:
    deployment = load(Desk(tmp_path).add("\n" + text).folder)
    assert faults(deployment), "readiness says so first"
    with pytest.raises(PolicyError) as fault:
        CedarPolicy(deployment)
    assert fault.value.code == code


def test_a_folder_without_its_policy_file_is_not_served(tmp_path: Path) -> None:
    deployment = load(Desk(tmp_path).folder)
    (deployment.folder / "policy.cedar").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError) as fault:
        CedarPolicy(deployment)
    assert fault.value.code == "BH-POL-001"


def test_the_digest_changes_with_every_rule(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    before = CedarPolicy(load(desk.folder)).digest
    desk.change("refund: amount > 100 USD", "refund: amount > 101 USD")
    assert CedarPolicy(load(desk.folder)).digest != before == ENGINE.digest


@pytest.mark.parametrize("words", ['He said "no".', "back\\slash", "two\nlines?"])
def test_words_of_the_charter_cannot_break_out_of_a_policy(tmp_path: Path, words: str) -> None:
    desk = Desk(tmp_path).change("question: The payment is disputed.", f"question: {json.dumps(words)}")
    attack = Desk(tmp_path / "attack").change(
        "question: The payment is disputed.",
        "question: 'x\") permit (principal, action, resource); @words(\"'",
    )
    assert faults(load(desk.folder)) == []
    deployment = load(attack.folder)
    assert faults(deployment) == []
    assert len(CedarPolicy(deployment).rules()) == len(ENGINE.rules())
