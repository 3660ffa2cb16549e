"""Effects nobody heard back from: adopted, sent again, or handed to a person. Never guessed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bridgehead.record.verify import verify_store
from bridgehead.testing import Fails, Hangs
from fixtures.houses import IDENTIFY, SETTLED, Desk, act

FIXTURES = Path(__file__).parents[1] / "fixtures"
REFUND = act("refund", order_id="o1", amount=20)
MOVE = act("change_address", order_id="o1", address="2 Lane")
LETTER = act("send_letter", text="Dear Ana")
NOTE = act("post_note", text="called back")


def sent(desk: Desk, operation: str) -> list[Any]:
    return [call for call in (*desk.system.calls, *desk.printer.calls) if call.operation == operation]


async def lost(desk: Desk, *steps: Any, workflow: str = "case") -> str:
    """Play steps, the last of which is not answered."""
    run = desk.start(*steps, workflow=workflow)
    await desk.work()
    assert desk.row(run).waiting_for.startswith("settle:"), desk.result(run)
    return run


async def later(desk: Desk, seconds: float = SETTLED) -> None:
    desk.clock.advance(seconds)
    await desk.work()


# --- a strong probe ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [Fails(after=True), Hangs(after=True)], ids=["broken off", "no answer"])
async def test_an_effect_that_landed_is_adopted(desk: Desk, loss: Any) -> None:
    desk.system.will("refund", loss)
    run = await lost(desk, IDENTIFY, REFUND)
    assert desk.crossings(run, "refund")[0].state == "unknown"
    await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    assert len(sent(desk, "refund")) == 1
    settled = desk.entries("action.settled", run)
    assert [(e["outcome"]["state"], e["note"]) for e in settled] == [("done", "adopted: the probe found it")]


async def test_an_effect_that_provably_did_not_land_is_sent_again_once(desk: Desk) -> None:
    desk.system.will("refund", Fails("unknown"))
    run = await lost(desk, IDENTIFY, REFUND)
    await later(desk)
    assert desk.ended(run)[-1] == {"is": "done", "value": {"refunded": "20"}}
    assert len(sent(desk, "refund")) == 2
    assert desk.shop.refunds == [("o1", "20")]
    first, second = sent(desk, "refund")
    assert first.key == second.key  # the same effect, not another one
    assert [e["kind"] for e in desk.entries(run=run) if e.get("action", {}).get("target") == "refund"] == [
        "action.intent",
        "action.outcome",
        "action.settled",
        "action.claimed",
        "action.outcome",
    ]
    assert desk.row(run).effects == 1


async def test_it_may_be_lost_more_than_once(desk: Desk) -> None:
    desk.system.will("refund", Fails("unknown"), Fails("unknown"), Fails(after=True))
    run = await lost(desk, IDENTIFY, REFUND)
    for _ in range(3):
        await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.shop.refunds == [("o1", "20")]
    assert len(sent(desk, "refund")) == 3


async def test_nothing_is_asked_or_sent_before_the_other_side_must_have_settled(desk: Desk) -> None:
    desk.system.will("refund", Fails("unknown"))
    run = await lost(desk, IDENTIFY, REFUND)
    before = len(desk.system.calls)
    await later(desk, 69)  # 10 s to send and 120 s to settle have not passed
    assert len(desk.system.calls) == before
    assert desk.row(run).waiting_for == "settle:2"
    await later(desk, 61)
    assert desk.ended(run)[-1]["is"] == "done"


async def test_a_probe_that_cannot_be_made_hands_over_to_a_person(desk: Desk) -> None:
    desk.system.will("refund", Fails(after=True))
    run = await lost(desk, IDENTIFY, REFUND)
    del desk.shop.orders["o1"]
    await later(desk)
    handed_over(desk, run, "the probe could not be made")


async def test_a_probe_that_is_not_answered_is_made_again(desk: Desk) -> None:
    desk.system.will("refund", Fails(after=True))
    run = await lost(desk, IDENTIFY, REFUND)
    desk.system.will("read_order", *[Fails("none")] * 6)  # two probes, each tried three times
    for _ in range(2):
        await later(desk)
        assert desk.row(run).waiting_for == "settle:2"
        assert desk.incidents() == []
    await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    assert len(sent(desk, "refund")) == 1


async def test_a_probe_that_is_never_answered_hands_over_to_a_person(desk: Desk) -> None:
    desk.system.will("refund", Fails(after=True))
    run = await lost(desk, IDENTIFY, REFUND)
    desk.system.will("read_order", *[Fails("none")] * 6)
    await later(desk)
    await later(desk, 10 * SETTLED)
    handed_over(desk, run, "the probe could not be made")


async def test_nor_does_a_probe_that_breaks_settle_anything(desk: Desk) -> None:
    desk.system.will("refund", Fails(after=True))
    run = await lost(desk, IDENTIFY, REFUND)
    desk.shop.orders["o1"]["refunds"] = ["twenty"]
    await later(desk)
    handed_over(desk, run, "the probe broke (InvalidOperation)")


# --- a weak probe, or none --------------------------------------------------------------------


async def test_a_weak_probe_may_adopt(desk: Desk) -> None:
    desk.system.will("change_address", Fails(after=True))
    run = await lost(desk, IDENTIFY, MOVE)
    await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    assert len(sent(desk, "change_address")) == 1


async def test_a_weak_no_is_for_a_person(desk: Desk) -> None:
    desk.system.will("change_address", Fails("unknown"))
    run = await lost(desk, IDENTIFY, MOVE)
    await later(desk)
    handed_over(desk, run, "the probe did not find it, which proves nothing")
    assert len(sent(desk, "change_address")) == 1


async def test_what_can_be_neither_asked_about_nor_repeated_is_for_a_person(desk: Desk) -> None:
    desk.printer.will("send_letter", Fails("unknown"))
    run = await lost(desk, LETTER, workflow="plain")
    await later(desk)
    handed_over(desk, run, "it can be neither asked about nor repeated")
    await later(desk, 10**6)
    handed_over(desk, run, "it can be neither asked about nor repeated")  # told once, not every time
    assert len(sent(desk, "send_letter")) == 1


def handed_over(desk: Desk, run: str, why: str) -> None:
    """The run waits for a person, and its owner is told, once."""
    assert desk.row(run).waiting_for.startswith("person:")
    (incident,) = desk.incidents()
    assert (incident.run, incident.closed_at) == (run, None)
    assert incident.words.endswith(f"happened: {why}.")
    (raised,) = desk.bodies("finding.raised", run)
    assert raised == {"words": incident.words, "owner": "olga"}
    assert desk.crossings(run)[-1].state == "unknown"


# --- a key the other side understands ---------------------------------------------------------


async def test_a_call_with_a_key_is_repeated_with_the_same_key(desk: Desk) -> None:
    desk.system.will("post_note", Fails(after=True), Fails("unknown"))
    run = await lost(desk, NOTE, workflow="plain")
    await later(desk)
    await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    keys = {call.arguments["reference"] for call in sent(desk, "post_note")}
    assert len(sent(desk, "post_note")) == 3
    assert list(desk.shop.notes) == list(keys)


async def test_equal_actions_at_two_positions_have_two_keys(desk: Desk) -> None:
    await desk.play(NOTE, NOTE, workflow="plain")
    assert len(desk.shop.notes) == 2


# --- what people said survives ----------------------------------------------------------------


async def test_a_yes_is_not_asked_for_again_when_nothing_had_happened(desk: Desk) -> None:
    desk.system.will("refund", Fails("unknown"))
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    asked = desk.question()
    desk.vote("maya")
    await desk.work()
    assert desk.approval(asked.id).state == "used"
    await later(desk)
    assert desk.questions() == []
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.approval(asked.id).state == "used"
    assert desk.shop.refunds == [("o1", "150")]
    assert desk.row(run).effects == 1


async def test_but_it_is_when_the_facts_changed_meanwhile(desk: Desk) -> None:
    desk.system.will("refund", Fails("unknown"))
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    desk.vote("maya")
    await desk.work()
    desk.shop.orders["o1"]["paid"] = "160"
    await later(desk)
    assert desk.row(run).waiting_for == desk.question().id
    assert desk.shop.refunds == []


async def test_nor_when_it_is_too_old(desk: Desk) -> None:
    desk.system.will("refund", Fails("unknown"))
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    desk.vote("maya")
    await desk.work()
    await later(desk, 2 * 3600)
    assert desk.ended(run)[-1]["rules"] == ["approval.spent"]
    assert desk.shop.refunds == []


async def test_an_adopted_effect_has_used_up_its_yes(desk: Desk) -> None:
    desk.system.will("refund", Fails(after=True))
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    asked = desk.question()
    desk.vote("maya")
    await desk.work()
    await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.approval(asked.id).state == "used"


async def test_the_last_effect_a_run_may_have_is_settled_and_sent_again_like_any_other(desk: Desk) -> None:
    desk.change("run_effects: 6", "run_effects: 1").change("run_crossings: 60", "run_crossings: 2")
    desk.system.will("refund", Fails("unknown"))
    run = await lost(desk, IDENTIFY, REFUND)
    await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.shop.refunds == [("o1", "20")]


# --- real processes ---------------------------------------------------------------------------

INVOICES = 8
KILLS = ["inv-0 before", "inv-2 after", "inv-3 answered", "inv-5 before", "inv-7 answered"]


class Office:
    """The payments deployment, worked on by processes that are killed."""

    def __init__(self, folder: Path) -> None:
        self.state, self.bank = folder / "state", folder / "state" / "bank"
        self.bank.mkdir(parents=True)
        os.mkfifo(self.bank / "paused")
        # Held open for reading and writing, so that nobody ever blocks on opening it.
        self.paused = os.open(self.bank / "paused", os.O_RDWR)

    def worker(self) -> subprocess.Popen[str]:
        program = FIXTURES / "payments_worker.py"
        command = [sys.executable, program, FIXTURES / "payments", self.state, str(INVOICES)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def kill_when(self, moment: str) -> None:
        """Work until the bank is at this moment, then SIGKILL the worker."""
        (self.bank / "pause").write_text(moment)
        worker = self.worker()
        ready, _, _ = select.select([self.paused], [], [], 180)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        assert ready, f"never came to {moment}"
        assert os.read(self.paused, 100).decode().strip() == moment

    def finish(self) -> dict[str, Any]:
        """Work undisturbed."""
        worker = self.worker()
        said, _ = worker.communicate(timeout=120)
        result: dict[str, Any] = json.loads(said)
        return result


@pytest.mark.slow
def test_processes_killed_between_claim_and_confirm_pay_nothing_twice_and_miss_nothing(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path)
    for moment in KILLS:
        office.kill_when(moment)
    assert office.finish() == {
        "status": "done",
        "waiting_for": "",
        "result": {"result": ["Done"] * INVOICES},
    }
    booked = Counter((office.bank / "book").read_text().split())
    assert booked == {f"inv-{number}": 1 for number in range(INVOICES)}
    vkey = (office.state / "keys" / "ledger.vkey").read_text()
    report = verify_store(office.state / "store.db", vkey=vkey, keys=office.state / "keys")
    assert report.ok, report.problems
    assert (report.runs, report.ended_runs, report.open_actions) == (1, 1, 0)
    os.close(office.paused)


async def test_asked_about_again_it_is_still_one_effect(desk: Desk) -> None:
    desk.system.will("refund", Fails("unknown"))
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=200))
    await desk.work()
    desk.vote("maya")
    await desk.work()
    desk.shop.orders["o1"]["paid"] = "499"
    await later(desk)
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"
    assert desk.row(run).effects == 1


# --- a key that is forgotten, or only a reference ---------------------------------------------


async def test_a_key_the_other_side_has_forgotten_repeats_nothing(desk: Desk) -> None:
    desk.change(
        "    key_argument: reference\n    settle",
        "    key_argument: reference\n    key_lifetime: 2m\n    settle",
    )
    desk.system.will("post_note", Fails(after=True))
    run = await lost(desk, NOTE, workflow="plain")
    await later(desk)  # 131 seconds: its two minutes are over
    handed_over(desk, run, "the other side has forgotten its key after 2m")
    assert len(sent(desk, "post_note")) == 1


async def test_a_key_that_is_only_a_reference_repeats_nothing(desk: Desk) -> None:
    desk.change(
        "    key_argument: reference\n    settle",
        "    key_argument: reference\n    repeats: kept\n    settle",
    )
    desk.system.will("post_note", Fails(after=True))
    run = await lost(desk, NOTE, workflow="plain")
    await later(desk)
    handed_over(desk, run, "it can be neither asked about nor repeated")
    assert len(sent(desk, "post_note")) == 1


async def test_a_short_key_is_sent_in_the_form_its_argument_takes(desk: Desk) -> None:
    desk.change(
        "    key_argument: reference\n    settle",
        "    key_argument: reference\n    key_length: 24\n    settle",
    )
    desk.system.will("post_note", Fails(after=True))
    await lost(desk, NOTE, workflow="plain")
    await later(desk)
    keys = {call.arguments["reference"] for call in sent(desk, "post_note")}
    assert len(sent(desk, "post_note")) == 2
    assert [len(key) for key in keys] == [22]
