"""Promise 5, as far as it is built: rights are the intersection of human, agent and charter, and a run
opened for one subject touches nobody else's records, whatever the agent tries."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings

from fixtures.hostile import attempts
from fixtures.houses import IDENTIFY, Desk, act


@settings(max_examples=30)
@given(steps=attempts)
async def test_a_run_for_ana_neither_sees_nor_changes_anything_of_bo(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        bo = dict(desk.shop.orders["o9"])
        run = desk.start(IDENTIFY, *steps)
        await desk.work()
        assert desk.shop.orders["o9"] == bo
        assert desk.row(run).subject == "ana_1"
        values = [body.get("value") for body in desk.bodies("action.outcome", run)]
        assert "bo_2" not in str(values)
        for asked in desk.questions():
            assert "bo_2" not in str(asked.as_value())
        desk.close()


@settings(max_examples=15)
@given(steps=attempts)
async def test_before_anybody_is_identified_no_record_is_touched(steps: list[Any]) -> None:
    unidentified = [step for step in steps if step[1] != "find_customer"]
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        run = desk.start(*unidentified)
        await desk.work()
        assert desk.row(run).subject == ""
        touched = {call.operation for call in desk.system.calls}
        assert touched <= {"price_of", "post_note", "order_more"}  # which belong to nobody
        desk.close()


async def test_rights_are_the_intersection_of_human_agent_and_charter(desk: Desk) -> None:
    """One by one they are taken away; each alone is enough."""
    price = act("price_of", item="lamp")
    assert (await desk.settle(price, workflow="plain"))["is"] == "done"
    desk.change("post_note, order_more]", "order_more]").activate()  # the agent's
    outcomes = await desk.play(price, act("post_note", text="a"), workflow="plain")
    assert [outcome["is"] for outcome in outcomes] == ["done", "refused"]
    desk.add(  # the charter's
        '\n@id("no-prices") @words("Prices are not told.")\n'
        'forbid (principal, action == BH::Action::"price_of", resource);\n'
    ).activate()
    assert (await desk.settle(price, workflow="plain"))["rules"] == ["no-prices"]
    run = desk.start(act("order_more", pieces=1), workflow="plain")
    desk.change("rhea: {name: Rhea Risk", "rhea: {active: true, name: Rhea Risk")
    desk.change("    sponsor: sam", "    sponsor: rhea")  # the human's: sam goes
    desk.change(
        "sam: {name: Sam Sponsor, email: sam@example.com, roles: [fde]}",
        "sam: {name: Sam Sponsor, email: sam@example.com, roles: [fde], active: false}",
    ).activate()
    await desk.work()
    assert desk.ended(run)[-1]["rules"] == ["identity.inactive"]


async def test_a_second_customer_cannot_be_slipped_in_side_by_side(desk: Desk) -> None:
    desk.workflow(
        "async def play(run):\n"
        "    async def one(branch):\n"
        "        return type(await branch.act('find_customer', email='ana@example.com')).__name__\n"
        "    async def two(branch):\n"
        "        return type(await branch.act('find_customer', email='bo@example.com')).__name__\n"
        "    found = await run.gather(one, two)\n"
        "    return [found, run.subject]\n"
    )
    run = desk.start(workflow="case", input={})
    await desk.work()
    found, subject = desk.ended(run)
    assert desk.row(run).subject == subject
    assert sorted(found) == ["Done", "Refused"]


async def test_what_policy_says_of_a_record_of_bo_is_not_told(desk: Desk) -> None:
    """The read that decides is not confined itself, and the policy would say that bo paid less than that."""
    desk.change("    subject: result.customer\n", "")
    outcome = (await desk.play(IDENTIFY, act("refund", order_id="o9", amount=501)))[-1]
    assert (outcome["step"], outcome["rules"]) == (3, ["subject.other"])
    outcome = (await desk.play(IDENTIFY, act("refund", order_id="o1", amount=501)))[-1]
    assert (outcome["step"], outcome["rules"][0]) == (2, "refund.not-more-than-paid")
