"""Whatever goes wrong in the policy engine refuses, as a fault; and no policy is passed over that could
match."""

from __future__ import annotations

import json
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgehead.declare import load
from bridgehead.enforce.policy import CedarPolicy, PolicyRequest, people_entities, policy_texts
from bridgehead.enforce.slices import Slices, can_match
from bridgehead.kernel.decision import Decision, Refuse
from fixtures.houses import FOLDER, Desk, act
from fixtures.retail import deployment as retail

DESK = load(FOLDER)
PEOPLE = people_entities(DESK.charter)
SOUND: dict[str, Any] = {
    "purpose": "p",
    "stage": "staging",
    "approvals": [],
    "subject": "ana_1",
    "record_changes": 0,
    "unendorsed": [],
    "arguments": {"order_id": "o1", "amount": {"__extn": {"fn": "decimal", "arg": "1.0"}}},
    "facts": {"customer": "ana_1", "status": "open", "paid": {"__extn": {"fn": "decimal", "arg": "90.0"}}},
    "amount": {"__extn": {"fn": "decimal", "arg": "1.0"}},
    "currency": "USD",
}


def decide(context: dict[str, Any], people: str = PEOPLE, **more: Any) -> Decision:
    """Ask the desk's policies about a refund."""
    asked = {"principal": ("Agent", "clerk"), "action": "refund", "resource": ("Operation", "refund"), **more}
    return CedarPolicy(DESK).decide(PolicyRequest(context=context, **asked), people)


def is_a_fault(decision: Decision) -> None:
    assert isinstance(decision, Refuse), decision
    assert [reason.rule for reason in decision.reasons] == ["engine.fault"]


def test_the_sound_request_is_permitted() -> None:
    assert not isinstance(decide(SOUND), Refuse)


@pytest.mark.parametrize("missing", sorted(SOUND.keys() - {"amount", "currency", "approvals"}))
def test_a_missing_attribute_is_a_fault(missing: str) -> None:
    is_a_fault(decide({name: value for name, value in SOUND.items() if name != missing}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"record_changes": "none"},
        {"record_changes": 2**70},
        {"stage": 1},
        {"unendorsed": "amount"},
        {"amount": {"__extn": {"fn": "decimal", "arg": "1.00000"}}},
        {"amount": 1.0},
        {"approvals_": []},
        {"arguments": {"order_id": None}},
    ],
    ids=str,
)
def test_a_wrong_type_is_a_fault(wrong: dict[str, Any]) -> None:
    is_a_fault(decide(SOUND | wrong))


@pytest.mark.parametrize(
    "who",
    [
        {"principal": ("Agent", "nobody")},
        {"principal": ("Group", "leads")},
        {"resource": ("Model", "refund")},
        {"action": "no_such_action"},
    ],
    ids=str,
)
def test_a_request_that_names_what_is_not_there_never_passes(who: dict[str, Any]) -> None:
    assert isinstance(decide(SOUND, **who), Refuse)


@pytest.mark.parametrize("people", ["", "[", "{}", '[{"uid": 1}]', json.dumps([{"attrs": {}}])])
def test_people_that_cannot_be_read_are_a_fault(people: str) -> None:
    is_a_fault(decide(SOUND, people))


@pytest.mark.parametrize("error", [RuntimeError, ValueError, MemoryError, RecursionError, KeyError])
def test_an_engine_that_raises_is_a_fault(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise error("gone")

    monkeypatch.setattr(cedarpy, "is_authorized", broken)
    is_a_fault(decide(SOUND))


@pytest.mark.parametrize(
    "answer",
    [
        {"decision": "NoDecision", "diagnostics": {"errors": [], "reason": []}},
        {"decision": "Allow", "diagnostics": {"errors": ["policy7: overflow"], "reason": ["policy0"]}},
        {"decision": "Allow", "diagnostics": {"errors": [], "reason": ["policy99"]}},
        {"decision": "Maybe", "diagnostics": {"errors": [], "reason": []}},
        {"diagnostics": {}},
        {},
    ],
    ids=["no decision", "an error beside allow", "a reason nobody knows", "a word", "no word", "nothing"],
)
def test_an_answer_that_is_none_is_a_fault(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> None:
    monkeypatch.setattr(cedarpy, "is_authorized", lambda *_, **__: cedarpy.AuthzResult(answer))
    is_a_fault(decide(SOUND))


async def test_a_fault_is_recorded_as_a_fault(desk: Desk) -> None:
    await desk.settle(act("order_more", pieces=20_000_000), workflow="plain")
    assert desk.entries("action.refused")[-1]["decision"]["rules"] == ["engine.fault"]
    assert "overflow" in desk.bodies("action.refused")[-1]["reasons"][0]["words"]


# --- what is not evaluated could not have matched -------------------------------------------------


@pytest.mark.parametrize("deployment", [DESK, retail()], ids=["desk", "retail-support"])
def test_each_action_keeps_every_policy_whose_scope_it_may_match(deployment: Any) -> None:
    text = "\n".join(text for _, text in policy_texts(deployment))
    whole = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    for action in (*deployment.charter.actions, "model", "query", "decide"):
        names = {name for name, policy in whole.items() if can_match(policy["action"], action)}
        for name, policy in whole.items():
            if name not in names:
                named = [policy["action"].get("entity"), *policy["action"].get("entities", ())]
                assert action not in [one["id"] for one in named if one], (action, policy)


ACTIONS = ("a", "b", "c")
SCOPES = (
    "action",
    *(f'action == BH::Action::"{one}"' for one in ACTIONS),
    'action in BH::Action::"act"',
    'action in [BH::Action::"a", BH::Action::"b"]',
    'action in [BH::Action::"act", BH::Action::"c"]',
    'action in BH::Action::"b"',
)
CONDITIONS = ("", "when { context.n > 1 }", "unless { context.n == 2 }", "when { context.n + 1 > 2 }")
SCHEMA = cedarpy.Schema.from_str(
    "namespace BH { entity P; action act; "
    + " ".join(
        f'action "{one}" in [act] appliesTo {{ principal: [P], resource: [P], context: {{ n: Long }} }};'
        for one in ACTIONS
    )
    + "}"
)
POLICY = st.tuples(
    st.sampled_from(["permit", "forbid"]), st.sampled_from(SCOPES), st.sampled_from(CONDITIONS)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(POLICY, max_size=8), st.sampled_from(ACTIONS), st.sampled_from([0, 2, 2**63 - 1]))
def test_a_slice_decides_as_the_whole_does(drawn: Any, action: str, number: int) -> None:
    """Decision, reasons and errors alike, for policies that match, do not match, and err."""
    text = "\n".join(f"{effect} (principal, {scope}, resource) {when};" for effect, scope, when in drawn)
    request = {
        "principal": 'BH::P::"p"',
        "action": f'BH::Action::"{action}"',
        "resource": 'BH::P::"p"',
        "context": {"n": number},
    }
    answers = [
        cedarpy.is_authorized(request, policies, [], SCHEMA)
        for policies in (cedarpy.PolicySet.from_str(text), Slices(text).of(action))
    ]
    told = [
        (answer.decision, sorted(answer.diagnostics.reasons), sorted(answer.diagnostics.errors))
        for answer in answers
    ]
    assert told[0] == told[1]
