"""Somebody answers in another's place: for named rules and a time, on record, and never a way around."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bridgehead.enforce.approve import obstacle, vote
from bridgehead.enforce.delegate import Delegation, end, give, listed
from bridgehead.enforce.question import Question
from bridgehead.explain import Viewer, inbox
from bridgehead.kernel.errors import ApprovalError
from bridgehead.store import tables as t
from fixtures.houses import IDENTIFY, Desk, act, decide

LARGE = act("refund", order_id="o1", amount=150)
HUGE = act("refund", order_id="o3", amount=1500)
DISPUTED_AND_LARGE = act("refund", order_id="o2", amount=150)


def lend(desk: Desk, giver: str, to: str, *rules: str, hours: float = 8) -> Delegation:
    until = desk.clock.now() + timedelta(hours=hours)
    return give(
        desk.house.boundary,
        desk.person(giver),
        to,
        rules or ("large-refund",),
        until=until,
        reason="on leave",
    )


async def asked(desk: Desk, *steps: Any, **more: Any) -> Question:
    desk.start(*steps, **more)
    await desk.work()
    return desk.question()


def code(desk: Desk, person: str, question: Question, on_behalf_of: str = "") -> str:
    with pytest.raises(ApprovalError) as fault:
        vote(
            desk.house.boundary,
            question.id,
            desk.person(person),
            "approve",
            question.digest(),
            "",
            on_behalf_of,
        )
    return fault.value.code


async def test_a_delegate_answers_and_the_record_says_for_whom(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    assert code(desk, "rhea", question) == "BH-APR-005"
    given = lend(desk, "maya", "rhea")
    assert desk.vote("rhea").state == "approved"
    with desk.house.store.reading() as connection:
        row = connection.execute(select(t.vote)).one()
    assert (row.principal, row.on_behalf_of, row.delegation) == ("rhea", "maya", given.id)
    assert desk.entries("approval.voted")[-1]["approval"]["by"] == ["rhea", "maya"]
    entry = desk.entries("delegation.given")[-1]
    assert (entry["actor"], entry["delegation"]["delegate"]) == ("human:maya", "rhea")
    assert desk.bodies("delegation.given")[-1]["reason"] == "on leave"
    await desk.work()
    assert desk.shop.refunds == [("o1", "150")]


async def test_the_question_reaches_the_delegates_inbox(desk: Desk) -> None:
    await asked(desk, IDENTIFY, LARGE)
    viewer = Viewer.of(desk.house.deployment.charter, "rhea")
    assert viewer is not None

    def waiting() -> list[bool]:
        with desk.house.store.reading() as connection:
            return [each.mine for each in inbox(connection, desk.house.boundary, viewer).waiting]

    assert waiting() == []
    lend(desk, "maya", "rhea")
    assert waiting() == [True]


async def test_it_is_for_the_named_rules_only(desk: Desk) -> None:
    lend(desk, "maya", "rhea", "go-ahead")
    assert code(desk, "rhea", await asked(desk, IDENTIFY, LARGE)) == "BH-APR-005"


async def test_it_must_cover_every_rule_that_asks(desk: Desk) -> None:
    """The question is asked under two-leads too; one of them is not enough."""
    lend(desk, "maya", "rhea", "large-refund")
    question = await asked(desk, IDENTIFY, HUGE)
    assert set(question.rules) == {"large-refund", "two-leads"}
    assert code(desk, "rhea", question) == "BH-APR-005"
    lend(desk, "maya", "rhea", "large-refund", "two-leads")
    assert desk.vote("rhea").still_needed == 1


async def test_it_begins_and_ends_when_it_says(desk: Desk) -> None:
    lend(desk, "maya", "rhea", hours=1)
    question = await asked(desk, IDENTIFY, LARGE)
    desk.clock.advance(3600)
    assert code(desk, "rhea", question) == "BH-APR-005"


async def test_delegate_and_delegator_are_one_human(desk: Desk) -> None:
    lend(desk, "maya", "rhea", "large-refund", "two-leads")
    question = await asked(desk, IDENTIFY, HUGE)
    assert desk.vote("rhea").still_needed == 1
    assert code(desk, "maya", question) == "BH-APR-006"
    assert code(desk, "rhea", question) == "BH-APR-006"
    assert desk.vote("tomas").state == "approved"


async def test_nor_does_the_delegate_answer_after_the_delegator(desk: Desk) -> None:
    lend(desk, "maya", "rhea", "large-refund", "two-leads")
    question = await asked(desk, IDENTIFY, HUGE)
    assert desk.vote("maya").still_needed == 1
    assert code(desk, "rhea", question) == "BH-APR-006"


async def test_one_delegate_of_two_people_is_one_person(desk: Desk) -> None:
    for giver in ("maya", "tomas"):
        lend(desk, giver, "rhea", "large-refund", "two-leads")
    question = await asked(desk, IDENTIFY, HUGE)
    assert desk.vote("rhea").still_needed == 1
    assert code(desk, "rhea", question, "tomas") == "BH-APR-006"


async def test_a_right_of_ones_own_is_used_first_and_another_by_name(desk: Desk) -> None:
    lend(desk, "maya", "tomas", "large-refund", "two-leads")
    question = await asked(desk, IDENTIFY, HUGE)
    standing = vote(
        desk.house.boundary, question.id, desk.person("tomas"), "approve", question.digest(), "", "maya"
    )
    assert standing.still_needed == 1
    assert code(desk, "maya", question) == "BH-APR-006"
    assert desk.vote("lee").state == "approved"


async def test_it_is_not_passed_on(desk: Desk) -> None:
    lend(desk, "maya", "rhea")
    with pytest.raises(ApprovalError) as fault:
        lend(desk, "rhea", "dan")
    assert fault.value.code == "BH-APR-023"
    assert "nobody passes on another's right" in str(fault.value)
    assert code(desk, "dan", await asked(desk, IDENTIFY, LARGE)) == "BH-APR-005"


async def test_who_asks_gets_no_yes_through_somebody_elses_delegation(desk: Desk) -> None:
    """The run is Maya's own: neither does she answer for Tomas, nor Rhea for her."""
    lend(desk, "tomas", "maya", "go-ahead")
    lend(desk, "maya", "rhea", "go-ahead")
    question = await asked(desk, decide("More?"), workflow="plain", on_behalf="maya")
    assert code(desk, "maya", question, "tomas") == "BH-APR-004"
    assert code(desk, "rhea", question) == "BH-APR-004"
    assert desk.vote("tomas").state == "approved"


async def test_nor_does_whoever_it_is_about(desk: Desk) -> None:
    lend(desk, "ana_1", "rhea")
    lend(desk, "maya", "ana_1")
    question = await asked(desk, IDENTIFY, LARGE)
    assert code(desk, "rhea", question) == "BH-APR-004"
    assert code(desk, "ana_1", question, "maya") == "BH-APR-004"


async def test_a_yes_falls_with_its_delegation_until_enough_agreed(desk: Desk) -> None:
    given = lend(desk, "maya", "rhea", "large-refund", "two-leads")
    question = await asked(desk, IDENTIFY, HUGE)
    desk.vote("rhea")
    end(desk.house.boundary, given.id, desk.person("maya"), "I am back")
    assert desk.entries("delegation.ended")[-1]["actor"] == "human:maya"
    assert desk.vote("tomas").still_needed == 1
    assert desk.vote("maya", question=question).state == "approved"  # she has not answered herself


async def test_whoever_left_is_not_answered_for(desk: Desk) -> None:
    lend(desk, "maya", "rhea")
    question = await asked(desk, IDENTIFY, LARGE)
    desk.change(
        "email: maya@example.com, groups: [leads], roles: [approver]}",
        "email: maya@example.com, groups: [leads], roles: [approver], active: false}",
    ).activate()
    assert code(desk, "rhea", question) == "BH-APR-005"


@pytest.mark.parametrize(
    ("giver", "to", "rules", "hours"),
    [
        ("maya", "maya", ("large-refund",), 1),
        ("maya", "nobody", ("large-refund",), 1),
        ("maya", "ivo", ("large-refund",), 1),
        ("maya", "rhea", ("risk-look",), 1),
        ("maya", "rhea", ("no-such-rule",), 1),
        ("maya", "rhea", ("large-refund",), 0),
        ("maya", "rhea", ("large-refund",), -1),
    ],
)
def test_what_cannot_be_delegated(
    desk: Desk, giver: str, to: str, rules: tuple[str, ...], hours: float
) -> None:
    with pytest.raises(ApprovalError) as fault:
        lend(desk, giver, to, *rules, hours=hours)
    assert fault.value.code == "BH-APR-023"
    assert desk.entries("delegation.given") == []


def test_who_may_end_one_and_that_it_ends_once(desk: Desk) -> None:
    given = lend(desk, "maya", "rhea")
    with pytest.raises(ApprovalError) as stranger:
        end(desk.house.boundary, given.id, desk.person("tomas"))
    assert stranger.value.code == "BH-APR-024"
    assert end(desk.house.boundary, given.id, desk.person("olga")).ended_by == "olga"  # the owner
    with pytest.raises(ApprovalError) as again:
        end(desk.house.boundary, given.id, desk.person("maya"))
    assert again.value.code == "BH-APR-024"
    with desk.house.store.reading() as connection:
        (found,) = listed(connection)
    assert found.state("2026-03-02T10:00:00.000000Z") == "ended"


async def test_a_page_says_beforehand_who_may(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    lend(desk, "maya", "rhea")
    with desk.house.store.reading() as connection:
        assert obstacle(connection, desk.house.boundary, question.id, desk.person("rhea")) is None
