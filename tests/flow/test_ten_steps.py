"""The ten steps of ``perform``: for each a story in which only that step says no, or acts.

``desk.steps`` holds the numbers of the steps as they begin: the last one is where a refused action
stopped. ``desk.system.calls`` is what really reached the other side.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import Any

import cedarpy
import pytest
from sqlalchemy import event

from bridgehead.enforce import execute
from bridgehead.enforce.boundary import Crossing, RunState
from bridgehead.enforce.claim import Claimed
from bridgehead.kernel.action import Action
from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.errors import ConfigError, ConnectError, StoreError
from bridgehead.kernel.principal import Principal
from bridgehead.store import Store
from bridgehead.testing import Fails, Hangs, Refuses
from fixtures.houses import CASE, IDENTIFY, START, Desk, act, ask, decide

REFUND = act("refund", order_id="o1", amount=20)
PRICE = act("price_of", item="lamp")


def calls(desk: Desk, operation: str) -> list[Any]:
    return [call for call in (*desk.system.calls, *desk.printer.calls) if call.operation == operation]


def refused(outcome: dict[str, Any], step: int, *rules: str) -> None:
    assert outcome["is"] == "refused", outcome
    assert (outcome["step"], outcome["rules"]) == (step, list(rules))
    assert outcome["words"], "a refusal says why"


def recorded_refusal(desk: Desk, run: str, *rules: str) -> None:
    """The refusal is in the ledger: envelope with the rule, body with the words."""
    envelope = desk.entries("action.refused", run)[-1]
    assert envelope["decision"] == {"engine": "cedar", "result": "refuse", "rules": list(rules)}
    assert [reason["rule"] for reason in desk.bodies("action.refused", run)[-1]["reasons"]] == list(rules)


async def test_all_ten_steps_in_order_when_nothing_stands_in_the_way(desk: Desk) -> None:
    assert (await desk.settle(PRICE, workflow="plain"))["is"] == "done"
    assert desk.steps == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0]
    assert [entry["kind"] for entry in desk.entries()] == [
        "release.activated",
        "run.started",
        "action.intent",
        "action.outcome",
        "run.ended",
    ]


# --- 1 who ------------------------------------------------------------------------------------


async def test_1_an_agent_that_is_switched_off_does_nothing(desk: Desk) -> None:
    run = desk.start(PRICE, workflow="plain")
    desk.change("    sponsor: sam\n", "    sponsor: sam\n    active: false\n").activate()
    await desk.work()  # the run has its old release; who is active is the new one's say
    refused(desk.ended(run)[-1], 1, "identity.inactive")
    assert desk.steps[-1] == 1
    assert not desk.system.calls
    recorded_refusal(desk, run, "identity.inactive")


async def test_1_nor_one_whose_human_is_switched_off(desk: Desk) -> None:
    run = desk.start(PRICE, workflow="plain", on_behalf="tomas")
    desk.change(
        "email: tomas@example.com, groups: [leads], roles: [approver]}",
        "email: tomas@example.com, groups: [leads], roles: [approver], active: false}",
    ).activate()
    await desk.work()
    refused(desk.ended(run)[-1], 1, "identity.inactive")
    assert not desk.system.calls


async def test_1_nor_one_on_behalf_of_somebody_nobody_knows(desk: Desk) -> None:
    refused(await desk.settle(PRICE, workflow="plain", on_behalf="nobody"), 1, "identity.unknown")
    assert not desk.system.calls


async def test_1_nor_one_that_is_switched_off_while_the_other_side_is_reached(desk: Desk) -> None:
    opened = desk.printer.open

    async def slowly() -> None:
        await opened()
        if desk.steps[-1:] == [7]:
            desk.change("    sponsor: sam\n", "    sponsor: sam\n    active: false\n").activate()

    desk.printer.open = slowly  # type: ignore[method-assign]
    outcome = await desk.settle(act("send_letter", text="Dear Ana"), workflow="plain")
    refused(outcome, 1, "identity.inactive")
    assert desk.shop.letters == []


# --- 2 policy ---------------------------------------------------------------------------------


async def test_2_a_forbid_refuses_with_its_words_and_its_line(desk: Desk) -> None:
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=501))
    await desk.work()
    outcome = desk.ended(run)[-1]
    refused(outcome, 2, "refund.not-more-than-paid", "limit.large-refund.refund")
    assert outcome["words"].startswith("A refund cannot be larger than what the customer paid. ")
    assert desk.bodies("action.refused", run)[-1]["reasons"][0]["source"] == "policy.cedar:1"
    assert desk.shop.refunds == []


async def test_2_what_no_policy_permits_is_refused(desk: Desk) -> None:
    desk.change("actions: [find_customer, read_order, ", "actions: [find_customer, ")
    refused(await desk.settle(IDENTIFY, act("read_order", order_id="o1")), 2, "default.deny")
    assert calls(desk, "read_order") == []


async def test_2_what_the_charter_does_not_declare_is_refused_as_final(desk: Desk) -> None:
    run = desk.start(act("drop_tables"), workflow="plain")
    await desk.work()
    refused(desk.ended(run)[-1], 2, "undeclared")
    assert desk.entries("action.refused", run)[-1]["action"]["effect"] == "final"


@pytest.mark.parametrize(
    "step", [ask(model="other"), ("query", "no.such", {}), decide("May I?", rule="no-such-rule")]
)
async def test_2_nor_models_queries_and_approval_rules_that_are_not_declared(desk: Desk, step: Any) -> None:
    refused(await desk.settle(step, workflow="plain"), 2, "undeclared")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "'item' is a required property"),
        ({"item": 7}, "item: 7 is not of type 'string'"),
        ({"item": "x" * 201}, "is too long"),
        ({"item": "lamp", "tenant": "other"}, "Additional properties are not allowed"),
        ({"item": "lamp", "text": "x" * 70_000}, "65536 are allowed"),
    ],
)
async def test_2_arguments_that_do_not_fit_their_declaration(
    desk: Desk, arguments: dict[str, Any], words: str
) -> None:
    outcome = await desk.settle(("act", "price_of", arguments), workflow="plain")
    refused(outcome, 2, "arguments")
    assert words in outcome["words"]
    assert not desk.system.calls


async def test_2_facts_that_cannot_be_read_refuse(desk: Desk) -> None:
    outcome = await desk.settle(IDENTIFY, act("refund", order_id="o77", amount=1))
    refused(outcome, 2, "facts")
    assert "there is no o77" in outcome["words"]


async def test_2_facts_that_cannot_be_computed_refuse(desk: Desk) -> None:
    del desk.shop.orders["o1"]["status"]
    outcome = await desk.settle(IDENTIFY, REFUND)
    refused(outcome, 2, "facts")
    desk.shop.orders["o1"] |= {"status": "open", "paid": "a lot"}
    outcome = await desk.settle(IDENTIFY, REFUND)
    refused(outcome, 2, "facts.fault")


async def test_2_facts_that_people_would_have_to_agree_to_refuse_and_ask_nobody_for_ever(desk: Desk) -> None:
    desk.add(
        """
@id("read.ask")
@words("A lead agrees to whoever reads an order.")
@ask("go-ahead")
forbid (principal, action == BH::Action::"read_order", resource)
unless { context.approvals.contains("go-ahead") };
"""
    )
    outcome = await desk.settle(IDENTIFY, act("refund", order_id="o1", amount=20))
    refused(outcome, 2, "facts")
    assert "what is read to decide cannot wait" in outcome["words"]
    assert desk.entries("approval.opened") == []
    assert desk.shop.refunds == []


async def test_2_an_engine_that_errs_on_a_forbid_refuses_although_cedar_says_allow(desk: Desk) -> None:
    outcome = await desk.settle(act("order_more", pieces=20_000_000), workflow="plain")
    refused(outcome, 2, "engine.fault")
    assert "overflow" in outcome["words"]
    assert desk.shop.ordered == []
    assert await desk.settle(act("order_more", pieces=5), workflow="plain") == {"is": "done", "value": 1}
    refused(await desk.settle(act("order_more", pieces=6), workflow="plain"), 2, "order-more.few")


async def test_2_a_number_the_engine_cannot_hold_refuses(desk: Desk) -> None:
    refused(await desk.settle(act("order_more", pieces=2**70), workflow="plain"), 2, "engine.fault")
    assert desk.shop.ordered == []


@pytest.mark.parametrize("amount", [1e30, float("inf"), float("nan")])
async def test_2_an_amount_that_is_no_amount_refuses(desk: Desk, amount: float) -> None:
    outcome = await desk.settle(IDENTIFY, act("refund", order_id="o1", amount=amount))
    assert (outcome["is"], outcome["step"]) == ("refused", 2)
    assert desk.shop.refunds == []


@pytest.mark.parametrize("fault", ["raises", "decides nothing"])
async def test_2_an_engine_that_breaks_refuses(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """The engine's border is the one place no policy text can break; so it is broken here."""

    def broken(*args: Any, **more: Any) -> Any:
        if fault == "raises":
            raise RuntimeError("the engine is gone")
        return cedarpy.AuthzResult({"decision": "NoDecision", "diagnostics": {"errors": [], "reason": []}})

    run = desk.start(PRICE, workflow="plain")
    monkeypatch.setattr(cedarpy, "is_authorized", broken)
    await desk.work()
    refused(desk.ended(run)[-1], 2, "engine.fault")
    assert desk.steps[-1] == 2
    assert not desk.system.calls


# --- 3 entitlements ---------------------------------------------------------------------------


async def test_3_nobody_elses_record_is_touched(desk: Desk) -> None:
    refused(await desk.settle(IDENTIFY, act("read_customer", customer="bo_2")), 3, "subject.other")
    assert desk.steps[-1] == 3
    assert calls(desk, "read_customer") == []


async def test_3_nor_any_record_before_the_subject_is_known(desk: Desk) -> None:
    refused(await desk.settle(act("read_customer", customer="ana_1")), 3, "subject.unidentified")
    assert calls(desk, "read_customer") == []


async def test_3_nor_anything_through_an_effect(desk: Desk) -> None:
    """Reading the other's order for the decision is refused already: nothing of it becomes a fact."""
    outcome = await desk.settle(IDENTIFY, act("refund", order_id="o9", amount=20))
    refused(outcome, 2, "facts")
    assert "another customer" in outcome["words"]
    assert desk.shop.refunds == []


# --- 4 limits ---------------------------------------------------------------------------------


async def test_4_a_stop_parks_and_calls_nothing(desk: Desk) -> None:
    from bridgehead.enforce.stop import set_stop

    run = desk.start(PRICE, workflow="plain")
    stop = set_stop(desk.house.boundary, desk.person("maya"), "smoke")
    await desk.work()
    assert desk.row(run).waiting_for == f"stop:{stop.id}"
    assert desk.steps[-1] == 4
    assert not desk.system.calls


async def test_4_a_run_makes_only_so_many_crossings(desk: Desk) -> None:
    desk.change("run_crossings: 60", "run_crossings: 2")
    outcomes = await desk.play(PRICE, PRICE, PRICE, workflow="plain")
    assert [outcome["is"] for outcome in outcomes] == ["done", "done", "refused"]
    refused(outcomes[-1], 4, "budget.run_crossings")
    assert desk.steps[-1] == 4
    assert len(desk.system.calls) == 2


async def test_4_and_has_only_so_many_effects(desk: Desk) -> None:
    desk.change("run_effects: 6", "run_effects: 1")
    outcomes = await desk.play(
        act("post_note", text="a"), act("post_note", text="b"), PRICE, workflow="plain"
    )
    assert [outcome["is"] for outcome in outcomes] == ["done", "refused", "done"]
    refused(outcomes[1], 4, "budget.run_effects")
    assert list(desk.shop.notes.values()) == ["a"]


async def test_4_a_model_call_that_could_cost_too_much_is_not_made(desk: Desk) -> None:
    desk.change("run_cost: 1 USD", "run_cost: 0.2 USD")
    outcomes = await desk.play(ask(), ask("x" * 4000), ask(), workflow="plain")
    assert [outcome["is"] for outcome in outcomes] == ["done", "refused", "done"]
    refused(outcomes[1], 4, "budget.run_cost")
    assert len(desk.model.calls) == 2


# --- 5 approval -------------------------------------------------------------------------------


async def test_5_people_are_asked_and_nothing_happens_meanwhile(desk: Desk) -> None:
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    asked = desk.question()
    assert desk.row(run).waiting_for == asked.id
    assert desk.steps[-1] == 5
    assert desk.shop.refunds == []
    assert asked.title == "Refund 150.00 USD on order o1 of ana_1"
    assert asked.asked_because == ("The refund is above what the agent may pay back alone.",)
    assert (asked.amount, asked.can_be_undone) == ("150.00 USD", "It cannot be taken back.")
    assert [(fact.name, fact.value) for fact in asked.facts] == [
        ("customer", "ana_1"),
        ("paid", "500.00"),
        ("status", "open"),
    ]
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run)[-1] == {"is": "done", "value": {"refunded": "150"}}
    assert desk.shop.refunds == [("o1", "150")]


async def test_5_the_workflow_itself_may_ask(desk: Desk) -> None:
    run = desk.start(decide("Shall we open on Sunday?"), workflow="plain")
    await desk.work()
    assert desk.question().title == "Shall we open on Sunday?"
    desk.vote("tomas")
    await desk.work()
    assert desk.ended(run)[-1]["value"] == {"approved": True, "by": ["tomas"], "reason": "I looked"}
    run = desk.start(decide("And at night?"), workflow="plain")
    await desk.work()
    desk.vote("tomas", "refuse")
    await desk.work()
    refused(desk.ended(run)[-1], 5, "approval.refused")


# --- 6 re-check -------------------------------------------------------------------------------


async def test_6_what_changed_during_the_wait_is_asked_again(desk: Desk) -> None:
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    first = desk.question()
    desk.vote("maya")
    desk.clock.advance(60)
    desk.shop.orders["o1"]["paid"] = "160"  # still permitted, but not what Maya saw
    await desk.work()
    second = desk.question()
    assert desk.steps[-1] == 6
    assert desk.shop.refunds == []
    assert second.id != first.id
    assert desk.approval(first.id).state == "superseded"
    assert [fact.value for fact in second.facts if fact.name == "paid"] == ["160.00"]
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.approval(second.id).state == "used"
    assert desk.shop.refunds == [("o1", "150")]


async def test_6_what_became_forbidden_during_the_wait_is_refused(desk: Desk) -> None:
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    desk.vote("maya")
    desk.shop.orders["o1"]["paid"] = "100"
    await desk.work()
    refused(desk.ended(run)[-1], 2, "refund.not-more-than-paid")
    assert desk.shop.refunds == []
    (approval,) = desk.entries("approval.opened", run)
    assert desk.approval(approval["approval"]["id"]).state == "approved"  # never used


async def test_6_when_more_must_agree_than_before_both_rules_are_asked_together(desk: Desk) -> None:
    """Otherwise each yes would void the other and people would be asked in turn for ever."""
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    desk.vote("maya")
    desk.clock.advance(60)
    desk.shop.orders["o1"]["status"] = "disputed"
    await desk.work()
    assert set(desk.question().rules) == {"large-refund", "risk-look"}
    desk.vote("maya")
    desk.vote("rhea")
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.shop.refunds == [("o1", "150")]


# --- 7 intent ---------------------------------------------------------------------------------


async def test_7_the_inverse_is_on_record_before_the_effect(desk: Desk) -> None:
    seen: list[Any] = []

    def look(arguments: Any) -> Any:
        """Look into the ledger at the moment the effect happens."""
        envelope, body = desk.entries("action.intent")[-1], desk.bodies("action.intent")[-1]
        seen.append((envelope["action"]["target"], body["undo"], desk.crossings()[-1].state))
        return "moved"

    desk.system._handlers["change_address"] = look
    await desk.play(IDENTIFY, act("change_address", order_id="o1", address="2 Lane"))
    undo = {"action": "change_address", "arguments": {"order_id": "o1", "address": "1 Road"}}
    assert seen == [("change_address", undo, "claimed")]


async def test_7_what_could_not_be_taken_back_is_refused(desk: Desk) -> None:
    del desk.shop.orders["o1"]["address"]
    outcome = await desk.settle(IDENTIFY, act("change_address", order_id="o1", address="2 Lane"))
    refused(outcome, 7, "undo.unknown")
    assert calls(desk, "change_address") == []


async def test_7_a_store_that_is_full_calls_nothing(desk: Desk) -> None:
    await desk.settle(PRICE, workflow="plain")
    run = desk.start(act("post_note", text="x" * 50_000), workflow="plain")
    full = Full(desk)
    desk.on_step[7] = full.begin
    with pytest.raises(StoreError) as fault:
        await desk.work()
    assert fault.value.code == "BH-STO-004"
    assert calls(desk, "post_note") == []
    full.end()
    desk.on_step.clear()
    await desk.work()
    assert desk.ended(run) == [{"is": "done", "value": "noted"}]
    assert len(calls(desk, "post_note")) == 1


class Full:
    """A disk with no room left: the database may not grow (https://www.sqlite.org/pragma.html)."""

    def __init__(self, desk: Desk) -> None:
        self.engine, self.path = desk.house.store.engine, desk.state / "store.db"
        self.pages = 0
        event.listen(self.engine, "connect", self._limit)

    def begin(self) -> None:
        with closing(sqlite3.connect(self.path)) as other:
            self.pages = other.execute("pragma page_count").fetchone()[0]
        self.engine.dispose()  # the next connection has the limit

    def end(self) -> None:
        self.pages = 0
        self.engine.dispose()

    def _limit(self, raw: Any, _: Any) -> None:
        if self.pages:
            raw.execute(f"pragma max_page_count = {self.pages}").fetchall()


async def test_7_a_store_that_is_locked_calls_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = Store.open
    monkeypatch.setattr(Store, "open", lambda path: patient(path, lock_seconds=0.05))
    run = desk.start(act("post_note", text="a"), workflow="plain")
    with closing(sqlite3.connect(desk.state / "store.db")) as other:
        desk.on_step[7] = lambda: other.execute("begin immediate")
        with pytest.raises(StoreError) as fault:
            await desk.work()
    assert fault.value.code == "BH-STO-003"
    assert desk.system.calls == []
    desk.on_step.clear()
    await desk.work()
    assert desk.ended(run) == [{"is": "done", "value": "noted"}]
    assert len(desk.system.calls) == 1


async def test_7_many_at_once_have_no_more_effects_than_are_allowed(desk: Desk) -> None:
    desk.change("run_effects: 6", "run_effects: 3").workflow(
        "async def play(run):\n"
        "    async def note(branch):\n"
        "        return type(await branch.act('post_note', text='a')).__name__\n"
        "    return await run.gather(*[note] * 8)\n"
    )
    names = await desk.play(workflow="plain", input={})
    assert (names.count("Done"), names.count("Refused")) == (3, 5)
    assert len(desk.shop.notes) == 3


async def test_7_two_at_once_do_not_both_believe_to_be_the_first_on_a_record(desk: Desk) -> None:
    """A second refund is for people to decide; two decided at the same moment are a first and a second."""
    desk.workflow(
        "async def play(run):\n"
        "    await run.act('find_customer', email='ana@example.com')\n"
        "    async def refund(branch):\n"
        "        outcome = await branch.act('refund', order_id='o1', amount=20)\n"
        "        name = type(outcome).__name__\n"
        "        return name if name == 'Done' else outcome.decision.reasons[0].rule\n"
        "    return await run.gather(refund, refund)\n"
    )
    said = await desk.play(workflow="case", input={})
    assert sorted(said) == ["Done", "record.changed"]
    assert desk.shop.refunds == [("o1", "20")]


# --- 8 execute --------------------------------------------------------------------------------


async def test_8_an_effect_that_is_never_answered_is_unknown_and_never_repeated(desk: Desk) -> None:
    desk.printer.will("send_letter", Hangs(after=True))
    run = desk.start(act("send_letter", text="Dear Ana"), workflow="plain")
    await desk.work()
    assert desk.crossings(run)[0].state == "unknown"
    assert desk.row(run).waiting_for == "settle:1"
    for _ in range(3):
        desk.clock.advance(1000)
        await desk.work()
    assert desk.row(run).waiting_for == "person:1"
    assert desk.shop.letters == ["Dear Ana"]
    assert len(desk.printer.calls) == 1


async def test_8_a_driver_that_does_not_keep_its_deadline_is_cut_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    async def deaf(request: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(execute, "GRACE", 0.01)
    run = desk.start(act("send_letter", text="Dear Ana"), workflow="plain")
    monkeypatch.setattr(desk.printer, "call", deaf)
    await desk.work()
    fault = desk.bodies("action.outcome", run)[-1]["fault"]
    assert (fault["code"], fault["effect_state"]) == ("BH-ENF-011", "unknown")


async def test_8_a_read_is_tried_again_and_a_call_that_was_never_sent(desk: Desk) -> None:
    desk.system.will("price_of", Fails("unknown"), Fails("unknown"))
    assert (await desk.settle(PRICE, workflow="plain"))["is"] == "done"
    desk.system.will("post_note", Fails("none"))
    assert (await desk.settle(act("post_note", text="a"), workflow="plain"))["is"] == "done"
    assert list(desk.shop.notes.values()) == ["a"]


async def test_8_but_not_more_than_three_times(desk: Desk) -> None:
    desk.system.will("price_of", *[Fails("unknown")] * 3)
    outcome = await desk.settle(PRICE, workflow="plain")
    assert (outcome["is"], outcome["effect"]) == ("failed", "none")
    assert len(desk.system.calls) == 3


async def test_8_a_no_of_the_other_side_is_failed_where_it_proves_that_nothing_happened(desk: Desk) -> None:
    desk.system.will("post_note", Refuses("the book is full"))
    outcome = await desk.settle(act("post_note", text="a"), workflow="plain")
    assert outcome == {"is": "failed", "code": "BH-ENF-013", "effect": "none"}


async def test_8_and_unknown_where_it_proves_nothing(desk: Desk) -> None:
    desk.printer.will("send_letter", Refuses("paper jam"))
    run = desk.start(act("send_letter", text="a"), workflow="plain")
    await desk.work()
    assert desk.crossings(run)[0].state == "unknown"


async def test_8_a_process_that_woke_up_too_late_does_not_send(desk: Desk) -> None:
    boundary = desk.house.boundary
    clock: SetClock = desk.clock
    run = RunState(
        id="run_1",
        release="r",
        workflow="plain",
        principal=Principal(id="clerk", kind="agent", name="clerk"),
        bindings={"case": CASE},
        segment=1,
        attempt=1,
    )
    action = Action(kind="act", target="post_note", arguments={"text": "a"}, effect="final")
    crossing = Crossing(run=run, position="1", action=action)
    clock.advance(10.5)
    outcome = await execute.call(boundary, crossing, None, Claimed(at=START))
    assert outcome.fault.code == "BH-ENF-015"
    assert outcome.fault.effect_state == "none"
    assert desk.system.calls == []


async def test_8_nor_does_one_that_fell_asleep_between_two_tries(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.start(act("post_note", text="a"), workflow="plain")
    tried: list[Any] = []

    async def falls_asleep(request: Any) -> Any:
        tried.append(request)
        desk.clock.advance(60)
        raise ConnectError("BH-CON-015", "refused", effect_state="none", temporary=True)

    monkeypatch.setattr(desk.system, "call", falls_asleep)
    await desk.work()
    assert len(tried) == 1
    assert desk.ended(run)[-1] == {"is": "failed", "code": "BH-CON-015", "effect": "none"}


async def test_8_nor_a_driver_that_was_long_in_connecting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call could land after the other side was asked whether it had."""
    run, connected = desk.start(act("post_note", text="a"), workflow="plain"), desk.system.call

    async def connects_slowly(request: Any) -> Any:
        desk.clock.advance(15)
        return await connected(request)

    monkeypatch.setattr(desk.system, "call", connects_slowly)
    await desk.work()
    assert desk.ended(run)[-1] == {"is": "failed", "code": "BH-CON-017", "effect": "none"}
    assert desk.shop.notes == {}


async def test_8_a_setting_that_is_missing_leaves_nothing_unknown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unset(request: Any) -> Any:
        raise ConfigError("BH-CON-001", "server printer needs the environment variable TOKEN")

    run = desk.start(act("send_letter", text="a"), workflow="plain")
    monkeypatch.setattr(desk.printer, "call", unset)
    await desk.work()
    assert desk.ended(run)[-1] == {"is": "failed", "code": "BH-CON-001", "effect": "none"}


async def test_8_a_driver_that_breaks_never_passes_for_an_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(request: Any) -> Any:
        raise ValueError("secret words of the driver")

    run = desk.start(act("send_letter", text="a"), workflow="plain")
    monkeypatch.setattr(desk.printer, "call", broken)
    await desk.work()
    fault = desk.bodies("action.outcome", run)[-1]["fault"]
    assert (fault["code"], fault["effect_state"]) == ("BH-ENF-012", "unknown")
    assert "secret" not in fault["words"]


async def test_8_nothing_is_connected(desk: Desk) -> None:
    """A boundary without its drivers refuses to pretend."""
    run = desk.start(PRICE, workflow="plain")
    object.__setattr__(desk.house.boundary, "drivers", {})
    await desk.work()
    assert desk.ended(run)[-1] == {"is": "failed", "code": "BH-ENF-010", "effect": "none"}


# --- 9 inspect --------------------------------------------------------------------------------


async def test_9_a_record_of_somebody_else_is_withheld(desk: Desk) -> None:
    run = desk.start(IDENTIFY, act("read_order", order_id="o9"))
    await desk.work()
    refused(desk.ended(run)[-1], 9, "subject.other")
    assert desk.steps[-1] == 9
    assert len(calls(desk, "read_order")) == 1  # it was read, and not given on
    assert "bo_2" not in str(desk.bodies("action.refused", run))


async def test_9_a_second_identity_is_withheld(desk: Desk) -> None:
    outcomes = await desk.play(IDENTIFY, act("find_customer", email="bo@example.com"), IDENTIFY)
    refused(outcomes[1], 9, "subject.second")
    assert outcomes[2]["value"] == "ana_1"


@pytest.mark.parametrize("answer", ["", 7, {"id": "ana_1"}, None])
async def test_9_an_answer_that_names_nobody_identifies_nobody(desk: Desk, answer: Any) -> None:
    desk.shop.customers["x@example.com"] = answer
    run = desk.start(act("find_customer", email="x@example.com"))
    await desk.work()
    refused(desk.ended(run)[-1], 9, "subject.unclear")
    assert desk.row(run).subject == ""


@pytest.mark.parametrize(
    "extra", [{"debug": f"tenant={CASE}"}, {"a": [{"b": (CASE,)}]}, {CASE: 1}], ids=["text", "nested", "key"]
)
async def test_9_an_answer_that_carries_a_binding_is_withheld(desk: Desk, extra: dict[str, Any]) -> None:
    desk.shop.extra = extra
    refused(await desk.settle(PRICE, workflow="plain"), 9, "binding.leak")


async def test_9_an_answer_that_cannot_be_kept_is_a_failure(desk: Desk) -> None:
    desk.shop.extra = {"raw": object()}
    outcome = await desk.settle(PRICE, workflow="plain")
    assert outcome == {"is": "failed", "code": "BH-ENF-014", "effect": "none"}
    desk.shop.extra = {"raw": "x" * 5_000_000}
    outcome = await desk.settle(PRICE, workflow="plain")
    assert outcome["code"] == "BH-ENF-014"


async def test_9_and_says_that_the_effect_is_done(desk: Desk) -> None:
    desk.system._handlers["post_note"] = lambda arguments: object()
    outcome = await desk.settle(act("post_note", text="a"), workflow="plain")
    assert outcome == {"is": "failed", "code": "BH-ENF-014", "effect": "done"}


async def test_9_and_it_counts_as_a_change_of_its_record(desk: Desk) -> None:
    pay = desk.system._handlers["refund"]
    desk.system._handlers["refund"] = lambda arguments: {"paid": pay(arguments), "raw": object()}
    assert (await desk.settle(IDENTIFY, act("refund", order_id="o1", amount=20)))["effect"] == "done"
    desk.start(IDENTIFY, act("refund", order_id="o1", amount=30))
    await desk.work()
    assert desk.question().rules == ("second-refund",)
    assert desk.shop.refunds == [("o1", "20")]


# --- 10 outcome -------------------------------------------------------------------------------


async def test_10_the_outcome_is_recorded_and_replayed_equal(desk: Desk) -> None:
    desk.shop.extra = {"z": 1, "a": (Decimal("9.90"), 0.1, START), "é": [True, None]}
    run = desk.start(PRICE, decide("Go on?"), PRICE, workflow="plain")
    await desk.work()
    first = desk.bodies("action.outcome", run)[0]["value"]
    desk.vote("maya")
    await desk.work()
    replayed = desk.ended(run)[0]["value"]
    assert repr(replayed) == repr(first)
    assert len(desk.system.calls) == 2  # not a third time
    assert desk.entries("action.outcome", run)[0]["outcome"]["effect_state"] == "done"
