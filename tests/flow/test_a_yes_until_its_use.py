"""Between a yes and its use time passes, people leave, what is asked is changed: it is looked at again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bridgehead.enforce import delegate
from bridgehead.enforce.edit import propose
from bridgehead.enforce.emergency import break_glass
from bridgehead.enforce.stop import lift_stop, set_stop, wake
from bridgehead.kernel.clock import stamp
from bridgehead.run import journal
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.questions import LARGE, editable, emergency

MAYA = "maya: {name: Maya Lead, email: maya@example.com,"


def switch_off(desk: Desk, line: str) -> None:
    """Switch somebody off, in a new release."""
    name, _, rest = line.partition("{")
    desk.change(line, f"{name}{{active: false, {rest}")
    desk.house.activate(by=desk.person("olga"))


async def held(desk: Desk) -> str:
    """Ask about a large refund, and stop the deployment before anybody answers."""
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    set_stop(desk.house.boundary, desk.person("olga"), "something is wrong")
    return run


async def go_on(desk: Desk) -> None:
    lift_stop(desk.house.boundary, desk.person("olga"), "all well")
    await desk.work()


# --- people leave -------------------------------------------------------------------------------


async def test_a_yes_of_somebody_switched_off_since_is_asked_for_again(desk: Desk) -> None:
    run = await held(desk)
    first = desk.question()
    desk.vote("maya")
    switch_off(desk, MAYA)
    await go_on(desk)
    assert desk.shop.refunds == []
    again = desk.question()
    assert (again.supersedes, desk.row(run).waiting_for) == (first.id, again.id)
    desk.vote("tomas")
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"


async def test_nor_is_it_used_by_a_claim_that_was_decided_before(desk: Desk) -> None:
    run = desk.start(IDENTIFY, LARGE)
    await desk.work()
    desk.vote("maya")
    desk.on_step[7] = lambda: (
        switch_off(desk, MAYA) if desk.on_step.pop(7, None) and desk.crossings(run, "refund") else None
    )
    await desk.work()
    assert desk.shop.refunds == []
    assert desk.ended(run)[-1]["rules"] == ["approval.left"]


async def test_a_yes_in_somebodys_place_stands_when_the_delegation_ends(desk: Desk) -> None:
    run = await held(desk)
    until = desk.clock.now() + timedelta(days=1)
    given = delegate.give(desk.house.boundary, desk.person("maya"), "rhea", ["large-refund"], until=until)
    desk.vote("rhea")
    delegate.end(desk.house.boundary, given.id, desk.person("maya"))
    await go_on(desk)
    assert desk.ended(run)[-1]["is"] == "done"


@pytest.mark.parametrize("stays", [True, False])
async def test_what_was_permitted_in_an_emergency_stands_while_whoever_did_takes_part(
    desk: Desk, stays: bool
) -> None:
    rhea = "  rhea: {name: Rhea Risk, email: rhea@example.com, groups: [risk], roles: [approver]}\n"
    desk.change(rhea, rhea + rhea.replace("rhea", "nora").replace("Rhea", "Nora"))
    run = await held(emergency(desk))
    asked = desk.question()
    break_glass(desk.house.boundary, asked.id, desk.person("rhea"), asked.digest(), "fire")
    if not stays:
        switch_off(desk, "rhea: {name: Rhea Risk, email: rhea@example.com,")
    await go_on(desk)
    assert len(desk.shop.refunds) == stays
    assert (desk.row(run).status == "done") is stays


# --- time passes --------------------------------------------------------------------------------


async def test_a_yes_ends_with_its_time_also_while_the_claim_waits_for_the_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    desk.vote("maya")
    desk.clock.advance(2 * 3600 - 1)
    ledger: Any = type(desk.house.ledger)
    real, once = ledger.commit, []

    async def slow(self: Any, work: Any) -> Any:
        if desk.steps[-6:] == [0, 3, 4, 5, 6, 7] and not once:  # others are at the log for five seconds
            once.append(1)
            desk.clock.advance(5)
        return await real(self, work)

    monkeypatch.setattr(ledger, "commit", slow)
    await desk.work()
    assert once
    assert desk.shop.refunds == []


# --- somebody changes what is asked -------------------------------------------------------------


async def woken_and_edited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> str:
    """Another branch wakes the run; while it looks at the action again, somebody changes the amount."""
    run = editable(desk).start(IDENTIFY, act("refund", order_id="o2", amount=20))  # disputed: risk is asked
    await desk.work()
    asked, once = desk.question(), []
    desk.shop.orders["o2"]["status"] = "open"  # the policy would need nobody any more
    with desk.house.store.writing() as connection:
        wake(connection, [run], stamp(desk.clock.now()))

    def change() -> None:
        if not once:
            once.append(1)
            who = desk.person("rhea")
            propose(desk.house.boundary, asked.id, who, {"amount": 5}, asked.digest(), "only 5")

    real = journal.presumed.may_have_happened

    def looked(crossing: Any, row: Any) -> bool:
        if crossing.action.target == "refund":
            change()
        return real(crossing, row)

    monkeypatch.setattr(journal.presumed, "may_have_happened", looked)
    await desk.work()
    assert once
    return run


async def test_a_change_that_comes_while_its_run_is_awake_is_not_passed_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await woken_and_edited(desk, monkeypatch)
    assert desk.shop.refunds == []
    assert desk.question().arguments["amount"] == 5
