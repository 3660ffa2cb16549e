"""A run goes through its code again after every wait: same values, same order, nothing twice."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from bridgehead.enforce.stop import lift_stop, set_stop
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, START, Desk, act, decide

HEADER = "from __future__ import annotations\nimport asyncio\nimport desk_witness as seen\n\n"


@pytest.fixture
def seen() -> Iterator[Any]:
    """What the workflow's code tells the test, pass by pass: ``seen.passes`` and whatever it sets."""
    module: Any = ModuleType("desk_witness")
    module.passes = []
    sys.modules["desk_witness"] = module
    yield module
    del sys.modules["desk_witness"]


def written(desk: Desk, body: str, monkeypatch: pytest.MonkeyPatch | None = None) -> Desk:
    """Let the run be this code. With ``monkeypatch`` readiness, which would refuse it, is switched off."""
    if monkeypatch is not None:
        monkeypatch.setattr("bridgehead.assemble.House.findings", lambda house: [])
    return desk.workflow(HEADER + body)


async def start(desk: Desk, **case: Any) -> str:
    run = desk.start(workflow="plain", input=case)
    await desk.work()
    return run


async def answer(desk: Desk) -> None:
    """Say yes to what is asked, and carry on."""
    desk.vote("maya")
    await desk.work()


# --- values -----------------------------------------------------------------------------------

PRECIOUS = {
    "zebra": 1,
    "apple": [0.1, 1e-320, -0.0, float("inf"), 2**80, -(2**53)],
    "money": Decimal("9.90"),
    "more": (Decimal("1E+3"), ("a", b"\x00\xff"), None, True),
    "when": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "day": date(2026, 2, 28),
    "é": {"$f": "not a tag", "": 7, "b": {}, "a": []},
}


async def test_values_are_the_same_to_the_bit_and_in_order(desk: Desk, seen: Any) -> None:
    desk.shop.extra = PRECIOUS
    written(
        desk,
        """
async def play(run):
    outcome = await run.act("price_of", item="lamp")
    seen.passes.append((repr(outcome), type(outcome.value["more"]).__name__, list(outcome.value)))
    await run.decide("go-ahead", question="Go on?")
    await run.decide("go-ahead", question="Really?")
    return outcome.value
""",
    )
    run = await start(desk)
    await answer(desk)
    await answer(desk)
    first, second, third = seen.passes
    assert first == second == third
    assert {key: value for key, value in desk.ended(run).items() if key in PRECIOUS} == PRECIOUS
    assert repr(desk.ended(run)["apple"]) == repr(PRECIOUS["apple"])  # -0.0 and 1e-320 too
    assert len(desk.system.calls) == 1


async def test_refusals_and_failures_are_the_same_too(
    desk: Desk, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(
        desk,
        """
async def play(run):
    outcomes = [
        await run.act("price_of", item=7),
        await run.act("order_more", pieces=6),
        await run.act("find_customer", email="nobody"),
        await run.ask("other", messages=[]),
        await run.decide("go-ahead", question="First?"),
    ]
    seen.passes.append([repr(outcome) for outcome in outcomes])
    await run.decide("go-ahead", question="Second?")
""",
        monkeypatch,
    )
    run = await start(desk)
    desk.vote("maya", "refuse")
    await desk.work()
    await answer(desk)
    assert len(seen.passes) == 2
    assert seen.passes[0] == seen.passes[1]
    assert desk.row(run).status == "done"
    assert len(desk.entries("action.refused", run)) == 4


async def test_time_and_chance_are_recorded_once(desk: Desk, seen: Any) -> None:
    written(
        desk,
        """
async def play(run):
    seen.passes.append((await run.now(), await run.random(), await run.random()))
    await run.decide("go-ahead", question="Go on?")
    return await run.now()
""",
    )
    run = await start(desk)
    desk.clock.advance(600)
    await answer(desk)
    first, second = seen.passes
    assert first == second
    assert first[0] == START
    assert 0 <= first[1] < 1
    assert first[1] != first[2]
    assert (desk.ended(run) - START).total_seconds() == 600
    assert len(desk.entries("run.noted", run)) == 4


async def test_whom_the_run_serves_is_known_at_the_same_place_in_every_pass(desk: Desk, seen: Any) -> None:
    written(
        desk,
        """
async def play(run):
    before = run.subject
    await run.act("find_customer", email="ana@example.com")
    seen.passes.append((before, run.subject))
    await run.decide("go-ahead", question="Go on?")
    return "x" if before else (await run.act("read_customer", customer=run.subject)).value
""",
    )
    run = desk.start(workflow="case", input={})
    await desk.work()
    await answer(desk)
    assert seen.passes == [("", "ana_1"), ("", "ana_1")]
    assert desk.ended(run) == {"customer": "ana_1"}


async def test_an_answer_that_identifies_nobody_in_a_run_that_serves_nobody(desk: Desk) -> None:
    desk.shop.customers["x"] = {"id": 1}  # type: ignore[assignment]
    assert (await desk.settle(act("find_customer", email="x"), workflow="plain"))["value"] == {"id": 1}


# --- nondeterminism ---------------------------------------------------------------------------


async def test_code_that_asks_for_something_else_is_stopped_at_that_position(desk: Desk, seen: Any) -> None:
    seen.note = "a"
    written(
        desk,
        """
async def play(run):
    await run.act("price_of", item="lamp")
    await run.act("post_note", text=seen.note)
    await run.decide("go-ahead", question="Go on?")
""",
    )
    run = await start(desk)
    seen.note = "b"
    await answer(desk)
    fault = desk.result(run)["fault"]
    assert (desk.row(run).status, fault["code"]) == ("failed", "BH-RUN-001")
    assert "at position 2 the journal holds act:post_note" in fault["words"]
    assert list(desk.shop.notes.values()) == ["a"]  # neither repeated nor replaced
    assert len(desk.system.calls) == 2
    (incident,) = desk.incidents()
    assert (incident.run, incident.kind) == (run, "BH-RUN-001")
    assert desk.bodies("finding.raised", run)[0]["owner"] == "olga"


async def test_code_that_swallows_the_fault_is_stopped_all_the_same(desk: Desk, seen: Any) -> None:
    seen.note = "a"
    written(
        desk,
        """
async def play(run):
    try:
        await run.act("post_note", text=seen.note)
    except Exception:
        pass
    await run.decide("go-ahead", question="Go on?")
    return "all is well"
""",
    )
    run = await start(desk)
    seen.note = "b"
    await answer(desk)
    assert (desk.row(run).status, desk.result(run)["fault"]["code"]) == ("failed", "BH-RUN-001")


async def test_a_call_left_out_on_replay_is_noticed_at_the_next_one(desk: Desk, seen: Any) -> None:
    seen.first = True
    written(
        desk,
        """
async def play(run):
    if seen.first:
        await run.now()
    await run.act("post_note", text="a")
    await run.decide("go-ahead", question="Go on?")
""",
    )
    run = await start(desk)
    seen.first = False
    await answer(desk)
    assert "at position 1 the journal holds act:run:now" in desk.result(run)["fault"]["words"]
    assert len(desk.shop.notes) == 1


@pytest.mark.parametrize(
    "call",
    [
        'run.act("price_of", item="lamp")',
        "run.now()",
        'run.agent("support", instructions="", input="", tools=[])',
    ],
)
async def test_a_call_from_a_free_task_is_refused(
    desk: Desk, seen: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    written(
        desk,
        f"""
async def play(run):
    async def free():
        return await {call}
    try:
        await asyncio.create_task(free())
    except Exception:
        pass
    return "all is well"
""",
        monkeypatch,
    )
    run = await start(desk)
    fault = desk.result(run)["fault"]
    assert fault["code"] == "BH-RUN-001"
    assert "a call from a free task" in fault["words"]
    assert not desk.system.calls
    assert not desk.model.calls


async def test_readiness_says_so_before_it_runs(desk: Desk, seen: Any) -> None:
    written(desk, "async def play(run):\n    asyncio.create_task(run.now())\n")
    blocking = [finding for finding in desk.reopen().findings() if finding.severity == "block"]
    assert [finding.where for finding in blocking] == ["workflow.py:6"]


# --- side by side -----------------------------------------------------------------------------

BRANCHES = """
async def play(run, order):
    async def note(branch):
        await branch.act("post_note", text="from a branch")
        return (await branch.decide("go-ahead", question="Note more?")).value["by"]
    async def price(branch):
        return (await branch.act("price_of", item="lamp")).value["price"]
    parts = [note, price, note]
    done = await run.gather(*parts)
    seen.passes.append(done)
    return [done, (await run.act("price_of", item="last")).value["item"]]
"""


async def test_branches_have_journals_of_their_own_and_wait_together(desk: Desk, seen: Any) -> None:
    written(desk, BRANCHES)
    run = await start(desk, order=1)
    assert len(desk.questions()) == 2  # one branch that waits does not keep the others waiting
    assert len(desk.shop.notes) == 2
    first, _ = sorted(desk.questions(), key=lambda question: question.position)
    desk.vote("maya", question=first)
    await desk.work()
    desk.vote("tomas")
    await desk.work()
    assert desk.ended(run) == [[["maya"], "9.90", ["tomas"]], "last"]
    assert len(desk.shop.notes) == 2
    assert seen.passes == [[["maya"], "9.90", ["tomas"]]]
    assert [row.position for row in desk.crossings(run)] == ["1.1", "1.2", "2.1", "3.1", "3.2", "4"]


async def test_a_fault_in_one_branch_stops_the_run_though_another_waits(desk: Desk, seen: Any) -> None:
    seen.note = "a"
    written(
        desk,
        """
async def play(run):
    async def note(branch):
        await branch.act("post_note", text=seen.note)
    async def wait(branch):
        await branch.decide("go-ahead", question="A?")
        await branch.decide("go-ahead", question="B?")
    await run.gather(note, wait)
""",
    )
    run = await start(desk)
    seen.note = "b"
    await answer(desk)
    assert desk.result(run)["fault"]["code"] == "BH-RUN-001"
    assert len(desk.shop.notes) == 1


async def test_a_branch_that_waits_for_a_stop_is_woken_though_another_waits_for_people(
    desk: Desk, seen: Any
) -> None:
    written(
        desk,
        """
async def play(run):
    async def wait(branch):
        return (await branch.decide("go-ahead", question="A?")).value["by"]
    async def note(branch):
        await branch.act("price_of", item="lamp")
        return (await branch.act("post_note", text="a")).value
    return await run.gather(wait, note)
""",
    )
    desk.on_step[10] = lambda: (
        desk.on_step.clear() or set_stop(desk.house.boundary, desk.person("maya"), "smoke")
    )
    run = await start(desk)
    assert len(desk.questions()) == 1
    assert desk.shop.notes == {}
    lift_stop(desk.house.boundary, desk.person("olga"), "no fire")
    await desk.work()
    assert len(desk.shop.notes) == 1
    await answer(desk)
    assert desk.ended(run) == [["maya"], "noted"]


# --- parks cannot be swallowed ----------------------------------------------------------------


@pytest.mark.parametrize(
    "catch",
    [
        "except Exception:\n        return 'swallowed'",
        "except BaseException:\n        return 'swallowed'",
        "except BaseException:\n        raise ValueError('turned into something else')",
        "finally:\n        return 'swallowed'",
        "finally:\n        await run.act('post_note', text='tidy up')",
        "except BaseException:\n        await run.act('post_note', text='go on')",
    ],
)
async def test_code_cannot_swallow_a_wait(
    desk: Desk, seen: Any, monkeypatch: pytest.MonkeyPatch, catch: str
) -> None:
    written(
        desk,
        f"""
async def play(run):
    try:
        return (await run.decide("go-ahead", question="Go on?")).value["by"]
    {catch}
""",
        monkeypatch,
    )
    run = await start(desk)
    assert desk.row(run).status == "waiting"
    assert desk.row(run).waiting_for == desk.question().id
    assert desk.shop.notes == {}


async def test_nor_can_a_branch(desk: Desk, seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    written(
        desk,
        """
async def play(run):
    async def part(branch):
        try:
            await branch.decide("go-ahead", question="Go on?")
        except BaseException:
            return "swallowed"
    return await run.gather(part)
""",
        monkeypatch,
    )
    run = await start(desk)
    assert desk.row(run).waiting_for == desk.question().id


async def test_a_workflow_that_raises_stops_and_tells_its_owner(desk: Desk, seen: Any) -> None:
    written(desk, "async def play(run):\n    await run.act('post_note', text='a')\n    return 1 / 0\n")
    run = await start(desk)
    assert desk.row(run).status == "failed"
    assert desk.result(run)["fault"]["code"] == "BH-RUN-012"
    assert desk.incidents()[0].kind == "BH-RUN-012"


async def test_a_value_that_nobody_permitted_stops_the_run_with_the_words(desk: Desk, seen: Any) -> None:
    written(desk, "async def play(run):\n    return (await run.act('order_more', pieces=9)).value\n")
    run = await start(desk)
    assert desk.result(run)["fault"]["code"] == "BH-ENF-001"
    assert "At most five pieces" in desk.result(run)["fault"]["words"]


async def test_a_result_with_no_canonical_form_is_a_fault(desk: Desk, seen: Any) -> None:
    written(desk, "async def play(run):\n    return {1, 2}\n")
    run = await start(desk)
    assert (desk.row(run).status, desk.result(run)["fault"]["code"]) == ("failed", "BH-REC-001")


# --- releases ---------------------------------------------------------------------------------


async def test_a_parked_run_goes_on_under_its_own_release(desk: Desk) -> None:
    run = desk.start(
        decide("Go on?"), act("price_of", item="lamp"), act("order_more", pieces=5), workflow="plain"
    )
    await desk.work()
    old = desk.row(run).release
    desk.workflow("async def play(run, steps):\n    return 'new code'\n")
    desk.add('\n@id("stop-it") @words("Not any more.")\nforbid (principal, action, resource);\n')
    new = desk.activate()
    assert new != old
    (desk.folder / "workflow.py").unlink()  # the run has its own copy
    await answer(desk)
    assert [outcome["is"] for outcome in desk.ended(run)] == ["done", "done", "done"]
    assert desk.row(run).release == old
    assert {entry["release"] for entry in desk.entries(run=run) if "release" in entry} == {old}


async def test_also_in_a_new_process(desk: Desk) -> None:
    run = desk.start(decide("Go on?"), act("price_of", item="lamp"), workflow="plain")
    await desk.work()
    desk.workflow("async def play(run, steps):\n    return 'new code'\n")
    desk.activate()
    desk.close()
    desk.reopen()
    await answer(desk)
    assert [outcome["is"] for outcome in desk.ended(run)] == ["done", "done"]
    assert await desk.play(workflow="plain") == "new code"


async def test_a_release_that_was_altered_on_disk_runs_nothing(desk: Desk) -> None:
    run = desk.start(decide("Go on?"), workflow="plain")
    await desk.work()
    snapshot = desk.state / "releases" / desk.row(run).release / "workflow.py"
    snapshot.chmod(0o600)
    snapshot.write_text("async def play(run, steps):\n    return 'tampered'\n")
    desk.close()
    with pytest.raises(Exception, match="BH-CHA"):
        _ = desk.reopen().boundary


async def test_starting_twice_with_one_key_is_one_run(desk: Desk) -> None:
    first = desk.start(act("post_note", text="a"), workflow="plain", key="ticket 7")
    assert desk.start(act("post_note", text="a"), workflow="plain", key="ticket 7") == first
    await desk.work()
    assert desk.start(act("post_note", text="a"), workflow="plain", key="ticket 7") == first
    await desk.work()
    assert len(desk.shop.notes) == 1


async def test_nothing_is_repeated_however_often_a_run_wakes(desk: Desk) -> None:
    steps = [IDENTIFY, act("refund", order_id="o1", amount=20), act("post_note", text="a")]
    steps += [decide(f"Go on {number}?") for number in range(5)]
    desk.system.will("refund", Fails(after=True))
    run = desk.start(*steps)
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    for _ in range(5):
        await answer(desk)
    assert [outcome["is"] for outcome in desk.ended(run)] == ["done"] * 8
    assert desk.shop.refunds == [("o1", "20")]
    assert len(desk.shop.notes) == 1
    assert len([call for call in desk.system.calls if call.operation == "find_customer"]) == 1


async def test_a_run_that_is_stopped_leaves_nothing_open_behind(desk: Desk, seen: Any) -> None:
    """One branch waits to be settled, the other breaks: nobody will settle it any more but its owner."""
    seen.note = "a"
    written(
        desk,
        """
async def play(run):
    async def send(branch):
        await branch.act("send_letter", text="Dear Ana")
    async def note(branch):
        await branch.act("post_note", text=seen.note)
        await branch.decide("go-ahead", question="Go on?")
    await run.gather(send, note)
""",
    )
    desk.printer.will("send_letter", Fails("unknown"))
    run = await start(desk)
    seen.note = "b"
    await answer(desk)
    assert desk.row(run).status == "failed"
    assert sorted(incident.kind for incident in desk.incidents()) == ["BH-RUN-001", "unknown:1.1"]
