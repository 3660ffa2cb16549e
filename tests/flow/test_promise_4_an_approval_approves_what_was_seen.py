"""Promise 4. An approval is bound to the action, its arguments, the evidence and the release; it is used
once, compared again after every wait; silence is refusal; nobody approves their own request.

``tests/attack/test_votes.py`` tries to get around it; ``tests/flow/test_approvals.py`` tells its stories.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from bridgehead.enforce.approve import bound
from bridgehead.enforce.boundary import Crossing, RunState
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.question import Change, Fact, Question
from bridgehead.kernel.action import Action
from bridgehead.kernel.principal import Principal
from fixtures.houses import IDENTIFY, Desk, act

LARGE = act("refund", order_id="o1", amount=150)
QUESTION = Question(
    id="apr_1",
    run="run_1",
    position="2",
    release="a" * 64,
    deployment="desk",
    title="Refund",
    target="refund",
    arguments={"order_id": "o1"},
    action_digest="b" * 64,
    effect="final",
    outward=True,
    amount="150.00 USD",
    subject="ana_1",
    requester="agent:clerk",
    asked_because=("why",),
    reasons=("because",),
    rules=("large-refund",),
    facts=(Fact(name="paid", value="500.00", source="read_order", as_of="now"),),
    can_be_undone="It cannot be taken back.",
    who="1 of leads",
    quorum=1,
    opened_at="2026-03-02T09:00:00.000000Z",
    due_at="2026-03-02T13:00:00.000000Z",
    stand_in=False,
    bound="c" * 64,
    supersedes="apr_0",
    changed=(Change(name="paid, as read", was="400.00", now="500.00"),),
    changed_by="tomas",
    sick=("shop.orders: paid.required: toPerson",),
)


@pytest.mark.parametrize("name", [field.name for field in fields(Question)])
def test_everything_that_is_shown_is_part_of_what_is_approved(name: str) -> None:
    shown: Any = getattr(QUESTION, name)
    other: Any = {
        str: f"{shown}!",
        bool: not shown,
        int: 7,
        tuple: (),
        dict: {"order_id": "o2"},
    }[type(shown)]
    assert replace(QUESTION, **{name: other}).digest() != QUESTION.digest()


def test_a_question_is_read_back_as_it_was_shown() -> None:
    assert Question.from_value(QUESTION.as_value()) == QUESTION


# --- bound ------------------------------------------------------------------------------------

AGENT = Principal(id="clerk", kind="agent", name="clerk")
RUN = RunState(
    id="run_1",
    release="r1",
    workflow="case",
    principal=AGENT,
    bindings={},
    segment=1,
    attempt=1,
    subject="ana_1",
)
ACTION = Action(kind="act", target="refund", arguments={"order_id": "o1", "amount": 150}, outward=True)
CROSSING = Crossing(run=RUN, position="2", action=ACTION)
EVIDENCE = Evidence(
    facts={"paid": Decimal("500.0000")}, amount=Decimal("150.0000"), currency="USD", as_of="t"
)

Change = Callable[[Crossing, Evidence], tuple[Crossing, Evidence]]
CHANGES: dict[str, Change] = {
    "target": lambda c, e: (replace(c, action=replace(ACTION, target="pay")), e),
    "an argument": lambda c, e: (replace(c, action=replace(ACTION, arguments={"order_id": "o2"})), e),
    "its type": lambda c, e: (
        replace(c, action=replace(ACTION, arguments={"order_id": "o1", "amount": 150.0})),
        e,
    ),
    "effect": lambda c, e: (replace(c, action=replace(ACTION, effect="write")), e),
    "outward": lambda c, e: (replace(c, action=replace(ACTION, outward=False)), e),
    "a fact": lambda c, e: (c, replace(e, facts={"paid": Decimal("499.9999")})),
    "another fact": lambda c, e: (c, replace(e, facts={**e.facts, "disputed": True})),
    "amount": lambda c, e: (c, replace(e, amount=Decimal("150.0001"))),
    "no amount": lambda c, e: (c, replace(e, amount=None)),
    "currency": lambda c, e: (c, replace(e, currency="EUR")),
    "release": lambda c, e: (replace(c, run=replace(RUN, release="r2")), e),
    "run": lambda c, e: (replace(c, run=replace(RUN, id="run_2")), e),
    "position": lambda c, e: (replace(c, position="3"), e),
    "subject": lambda c, e: (replace(c, run=replace(RUN, subject="bo_2")), e),
    "on whose behalf": lambda c, e: (
        replace(c, run=replace(RUN, principal=replace(AGENT, on_behalf_of=replace(AGENT, id="maya")))),
        e,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_yes_does_not_fit_anything_else(change: str) -> None:
    assert bound(*CHANGES[change](CROSSING, EVIDENCE)) != bound(CROSSING, EVIDENCE)


def test_a_yes_fits_the_same_thing_later() -> None:
    """Another segment, another attempt, the same facts read again."""
    later = replace(CROSSING, run=replace(RUN, segment=2, attempt=3, told="ana_1"))
    assert bound(later, replace(EVIDENCE, as_of="later")) == bound(CROSSING, EVIDENCE)


# --- the story --------------------------------------------------------------------------------


async def test_from_question_to_effect_there_is_one_digest(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    asked = desk.question()
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"
    named = [entry["approval"]["digest"] for entry in desk.entries(run=run) if "approval" in entry]
    assert named == [asked.digest()] * 4  # opened, voted, closed, intent
    intent = desk.entries("action.intent", run)[-1]
    assert intent["approval"] == {"id": asked.id, "digest": asked.digest(), "by": ["maya"]}


async def test_silence_is_refusal(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    desk.clock.advance(4 * 3600)
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["approval.expired"]
    assert desk.shop.refunds == []
