"""Who wrote the rules does not decide under them, and half a quorum in two groups is not a whole one."""

from __future__ import annotations

import pytest

from bridgehead.enforce.approve import vote
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.principal import Principal
from fixtures.houses import IDENTIFY, Desk
from fixtures.questions import LARGE, asked, rule


def code(desk: Desk, person: str) -> str:
    question = desk.question()
    with pytest.raises(ApprovalError) as fault:
        vote(desk.house.boundary, question.id, desk.person(person), "approve", question.digest(), "")
    return fault.value.code


def activated_by(desk: Desk, person: str) -> None:
    desk.house.activate(by=Principal(id=person, kind="human", name=person))


async def test_whoever_activated_the_release_does_not_decide_under_it(desk: Desk) -> None:
    desk.reopen()
    activated_by(desk, "maya")
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    assert code(desk, "maya") == "BH-APR-020"
    assert desk.vote("tomas").state == "approved"


async def test_nor_whoever_brings_an_older_release_back(desk: Desk) -> None:
    """Tomas activates the strict folder again, once, to decide under its older sister."""
    assert desk.house
    desk.change("amount > 100 USD", "amount > 140 USD")
    activated_by(desk, "lee")
    desk.change("amount > 140 USD", "amount > 100 USD")
    activated_by(desk, "tomas")
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    assert code(desk, "tomas") == "BH-APR-020"
    assert desk.vote("lee").state == "approved"  # that was another release


async def test_the_release_that_counts_is_the_one_the_run_is_pinned_to(desk: Desk) -> None:
    await asked(desk)
    desk.change("amount > 100 USD", "amount > 140 USD")
    activated_by(desk, "maya")
    assert desk.vote("maya").state == "approved"


async def test_two_of_one_and_one_of_another_are_three_people(desk: Desk) -> None:
    """Lee is in both groups and stands for one of them."""
    await asked(rule(desk, "", who="2 of leads and 1 of risk"))
    assert desk.question().who == "2 of leads and 1 of risk"
    assert desk.vote("lee").still_needed == 2
    assert desk.vote("maya").still_needed == 1
    assert code(desk, "lee") == "BH-APR-006"
    assert desk.vote("tomas").state == "approved"  # Lee moves over to risk
    await desk.work()
    assert desk.shop.refunds == [("o1", "150")]
