"""The business record an action changes may be named by a fact: then it is that record, and nobody else's."""

from __future__ import annotations

import pytest

from fixtures.houses import IDENTIFY, Desk, act

REFUND = act("refund", order_id="o1", amount=20)
OTHER = act("refund", order_id="o2", amount=20)


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """A desk whose refunds change the record of the customer."""
    return desk.change(
        "    record: arguments.order_id\n    amount:", "    record: facts.customer\n    amount:"
    )


async def test_a_refund_changes_the_record_that_its_fact_names(desk: Desk) -> None:
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    assert desk.crossings(run, "refund")[0].record.endswith("/ana_1")


async def test_what_others_did_to_it_counts(desk: Desk) -> None:
    """The policy asks for a second refund, by whatever order it comes."""
    desk.shop.orders["o2"]["status"] = "open"
    await desk.play(IDENTIFY, REFUND)
    run = desk.start(IDENTIFY, OTHER)
    await desk.work()
    assert desk.question().rules == ("second-refund",)
    assert desk.crossings(run, "refund")[0].record.endswith("/ana_1")


async def test_what_changes_it_while_it_is_decided_refuses_it(desk: Desk) -> None:
    """The other refund is decided and paid between the facts of this one and its claim."""
    desk.shop.orders["o2"]["status"] = "open"
    first, second = desk.start(IDENTIFY, REFUND), desk.start(IDENTIFY, OTHER)
    await desk.work()
    ended = [desk.crossings(run, "refund")[0].state for run in (first, second)]
    assert ended.count("done") == 1, ended
    assert len(desk.shop.refunds) == 1


async def test_a_record_without_a_name_is_refused(desk: Desk) -> None:
    """Otherwise all of them would be one record."""
    desk.change("    record: facts.customer\n", "    record: arguments.case\n")
    amount = "      amount: {type: number, exclusiveMinimum: 0}\n"
    desk.change(amount, f"{amount}      case: {{type: string}}\n    optional: [case]\n")
    assert (await desk.settle(IDENTIFY, REFUND))["rules"] == ["record.unknown"]
    assert desk.shop.refunds == []
    named = act("refund", order_id="o1", amount=20, case="c7")
    assert (await desk.settle(IDENTIFY, named))["is"] == "done"
