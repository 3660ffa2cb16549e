"""A run ends once, whatever its code does, and leaves no question, no effect and no segment behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bridgehead.enforce.approve import vote
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.stop import lift_stop, set_stop, wake
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import ApprovalError
from bridgehead.run import segments, sickness
from bridgehead.testing import Fails, Hangs, Refuses
from fixtures.houses import SETTLED, Desk, act
from fixtures.limits import no_open_files

TESTS = Path(__file__).parents[1]
HEADER = "from __future__ import annotations\nimport asyncio\nimport sys\nimport desk_witness as seen\n\n"
TWO_QUESTIONS = """
async def one(branch):
    await branch.decide("go-ahead", question="One?")
async def two(branch):
    seen.now()
    await branch.decide("go-ahead", question="Two?")
async def play(run):
    await run.gather(one, two)
    await run.act("send_letter", text="Dear Ana")
    return "done"
"""
STOPPED = """
async def one(branch):
    await branch.decide("go-ahead", question="One?")
async def two(branch):
    await branch.decide("go-ahead", question="Two?")
async def play(run):
    seen.now()
    await run.gather(one, two)
"""


@pytest.fixture
def seen() -> Iterator[Any]:
    """What the workflow's code and the test tell each other."""
    module: Any = ModuleType("desk_witness")
    module.now = lambda: None
    sys.modules["desk_witness"] = module
    yield module
    del sys.modules["desk_witness"]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workflow code through that readiness would refuse."""
    monkeypatch.setattr("bridgehead.assemble.House.findings", lambda house: [])


async def played(desk: Desk, body: str) -> str:
    desk.workflow(HEADER + body)
    run = desk.start(workflow="plain", input={})
    await desk.work()
    return run


# --- woken in the middle ----------------------------------------------------------------------


async def test_an_answer_in_the_middle_of_the_last_stretch_does_not_end_the_run_twice(
    desk: Desk, seen: Any
) -> None:
    run = await played(desk, TWO_QUESTIONS)
    first, second = desk.questions()
    desk.vote("maya", question=first)
    seen.now = lambda: desk.vote("maya", question=second) if desk.questions() else None
    await desk.work()
    assert desk.ended(run) == "done"
    assert len(desk.entries("run.ended", run)) == 1


async def test_a_stretch_whose_process_died_and_the_next_one_are_not_carried_on_side_by_side(
    desk: Desk, seen: Any
) -> None:
    run = await played(desk, TWO_QUESTIONS)
    first, second = desk.questions()
    desk.vote("maya", question=first)
    assert segments.claim_due(desk.house.store, desk.clock, "a boot that died", 8)
    desk.vote("maya", question=second)
    await desk.work()
    assert desk.ended(run) == "done"
    assert desk.shop.letters == ["Dear Ana"]
    assert len(desk.entries("run.ended", run)) == 1


async def test_a_stop_that_is_lifted_in_the_middle_is_not_slept_through_until_an_effect_has_settled(
    desk: Desk, seen: Any
) -> None:
    desk.printer.will("send_letter", Fails("unknown"))
    seen.stop = lambda: set_stop(desk.house.boundary, desk.person("maya"), "smoke")
    seen.lift = lambda: lift_stop(desk.house.boundary, desk.person("olga"), "it was toast")
    run = await played(
        desk,
        """
async def one(branch):
    await branch.act("send_letter", text="Dear Ana")
async def two(branch):
    first, seen.stop = seen.stop, lambda: None
    first()
    try:
        await branch.act("price_of", item="lamp")
    finally:
        first, seen.lift = seen.lift, lambda: None
        first()
async def play(run):
    await run.gather(one, two)
""",
    )
    assert [row.target for row in desk.crossings(run) if row.state == "done"] == ["price_of"]


# --- stopped while people are asked -----------------------------------------------------------


async def test_nobody_is_asked_on_for_a_run_that_was_stopped(desk: Desk, seen: Any) -> None:
    seen.item = "lamp"
    run = await played(
        desk,
        """
async def one(branch):
    await branch.decide("go-ahead", question="One?")
    await branch.act("send_letter", text="after the end")
async def two(branch):
    await branch.act("price_of", item=seen.item)
async def play(run):
    await run.gather(one, two)
""",
    )
    question = desk.question()
    seen.item = "chair"
    with desk.house.store.writing() as connection:
        wake(connection, [run], stamp(desk.clock.now()))
    await desk.work()
    assert desk.row(run).status == "failed"
    assert desk.questions() == []
    with pytest.raises(ApprovalError, match="the question is closed"):
        vote(desk.house.boundary, question.id, desk.person("maya"), "approve", question.digest(), "late")
    seen.item = "lamp"
    await desk.work()
    assert desk.row(run).status == "failed"
    assert desk.shop.letters == []
    assert len(desk.entries("run.ended", run)) == 1
    assert (
        desk.bodies("approval.closed", run)[-1]["reason"] == "Its run was stopped before people had answered."
    )
    assert [row.state for row in desk.crossings(run)] == ["refused", "done"]


async def test_a_refund_that_was_never_made_is_no_earlier_refund(desk: Desk, seen: Any) -> None:
    seen.item = "lamp"
    desk.workflow(
        HEADER
        + """
async def play(run, steps=()):
    if not steps:
        await run.act("find_customer", email="ana@example.com")
        await run.act("price_of", item=seen.item)
        await run.act("refund", order_id="o1", amount=200)
        return
    from_steps = [await getattr(run, method)(name, **arguments) for method, name, arguments in steps]
    return [type(outcome).__name__ for outcome in from_steps]
"""
    )
    run = desk.start(input={})
    await desk.work()
    seen.item = "chair"
    with desk.house.store.writing() as connection:
        wake(connection, [run], stamp(desk.clock.now()))
    await desk.work()
    assert desk.row(run).status == "failed"
    other = await desk.play(
        act("find_customer", email="ana@example.com"), act("refund", order_id="o1", amount=20)
    )
    assert other == ["Done", "Done"]


# --- calls given up, or left out --------------------------------------------------------------


async def test_an_effect_the_code_did_not_wait_for_is_told_to_the_owner(
    desk: Desk, seen: Any, free: None
) -> None:
    desk.change(
        "    settle: 120s\n    deadline: 100ms\n\n  post_note",
        "    settle: 120s\n    deadline: 5s\n\n  post_note",
    )
    desk.printer.will("send_letter", Hangs(after=True))
    run = await played(
        desk,
        """
async def play(run):
    try:
        async with asyncio.timeout(0.05):
            await run.act("send_letter", text="Dear Ana")
    except TimeoutError:
        return "all is well"
""",
    )
    assert desk.row(run).status == "failed"
    assert sorted(incident.kind for incident in desk.incidents()) == ["BH-RUN-012", "unknown:1"]


async def test_an_effect_the_code_does_not_come_to_again_is_told_to_the_owner(desk: Desk, seen: Any) -> None:
    seen.on = True
    desk.printer.will("send_letter", Fails("unknown"))
    run = await played(
        desk,
        """
async def play(run):
    if seen.on:
        await run.act("send_letter", text="Dear Ana")
    return "all is well"
""",
    )
    seen.on = False
    desk.clock.advance(SETTLED)
    await desk.work()
    assert "at position 1 the journal holds act:send_letter" in desk.result(run)["fault"]["words"]
    assert sorted(incident.kind for incident in desk.incidents()) == ["BH-RUN-001", "unknown:1"]


async def test_a_call_in_a_task_of_the_codes_own_is_not_made(desk: Desk, seen: Any, free: None) -> None:
    await played(
        desk,
        """
async def play(run):
    seen.task = asyncio.create_task(run.act("send_letter", text="Dear Ana"))
    return "done"
""",
    )
    await asyncio.wait([seen.task])
    assert "a call from a free task" in str(seen.task.exception())
    assert desk.printer.calls == []


# --- code that would take more than its run with it -------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "raise asyncio.CancelledError",
        "task = asyncio.create_task(asyncio.sleep(9)); task.cancel(); await task",
    ],
)
async def test_a_run_whose_code_cancels_itself_is_stopped_and_not_lost(
    desk: Desk, seen: Any, free: None, code: str
) -> None:
    run = await played(desk, f"async def play(run):\n    {code}\n")
    assert "the workflow raised CancelledError" in desk.result(run)["fault"]["words"]


async def test_also_in_a_branch(desk: Desk, seen: Any, free: None) -> None:
    run = await played(
        desk,
        """
async def one(branch):
    raise asyncio.CancelledError
async def play(run):
    await run.gather(one)
""",
    )
    assert "the workflow raised CancelledError" in desk.result(run)["fault"]["words"]


async def test_an_engine_that_is_told_to_leave_leaves_the_run_to_the_next_one(
    desk: Desk, seen: Any, free: None
) -> None:
    desk.workflow(
        HEADER
        + """
async def play(run):
    try:
        await run.act("price_of", item="lamp")
        seen.reached.set()
        await asyncio.sleep(seen.wait)
    except BaseException:
        pass
    return "done"
"""
    )
    seen.reached, seen.wait = asyncio.Event(), 60
    run = desk.start(workflow="plain", input={})
    work = asyncio.create_task(desk.work())
    await seen.reached.wait()
    work.cancel()
    await asyncio.wait([work])
    assert desk.row(run).status == "running"
    seen.wait = 0
    await desk.work()
    assert desk.ended(run) == "done"


@pytest.mark.parametrize(
    "workflow",
    [
        "import sys\nasync def play(run):\n    sys.exit(3)\n",
        "import sys\nasync def play(run):\n    pass\nsys.exit(3)\n",
    ],
    ids=["when run", "when loaded"],
)
def test_code_that_wants_to_end_the_process_ends_its_run(tmp_path: Path, workflow: str) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from bridgehead.assemble import House
from fixtures.houses import Desk
House.findings = lambda house: []
desk = Desk(Path(sys.argv[1])).workflow(sys.argv[2])
run = desk.start(workflow="plain", input={})
asyncio.run(desk.work())
print(desk.row(run).status, desk.result(run)["fault"]["words"])
desk.close()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path, workflow], cwd=TESTS, capture_output=True, text=True
    )
    assert ended.stdout.startswith("failed"), ended.stderr
    assert "SystemExit" in ended.stdout


@pytest.mark.parametrize(
    "code",
    [
        'raise ValueError("\\ud800\\x00")',
        'raise type("Mute", (Exception,), {"__str__": lambda self: 1 / 0})()',
    ],
    ids=["no canonical form", "no words"],
)
async def test_a_fault_that_cannot_be_written_down_ends_its_run_and_no_other(
    desk: Desk, seen: Any, code: str
) -> None:
    run = await played(desk, f"async def play(run):\n    {code}\n")
    assert desk.row(run).status == "failed"
    assert desk.result(run)["fault"]["words"].startswith("the workflow raised ")


async def test_nor_does_a_no_in_letters_that_cannot_be_written_down(desk: Desk) -> None:
    desk.system.will("price_of", Refuses("no \ud800"))
    assert (await desk.settle(act("price_of", item="lamp"), workflow="plain"))["is"] == "failed"


# --- a stop is whole --------------------------------------------------------------------------


async def test_a_stop_that_cannot_be_recorded_whole_leaves_everything_as_it_was(
    desk: Desk, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its questions stay open and it has no end: half a stop would refuse what the run goes on with."""
    monkeypatch.setattr(sickness, "FIRST", 100.0)  # beyond what is waited for until idle
    run = await played(desk, STOPPED)
    first, second = desk.questions()
    desk.vote("maya", question=first)

    def broken() -> None:
        raise ValueError("broken")

    seen.now = broken
    no_room = (
        "before update of status on run when new.status = 'failed' begin select raise(abort, 'full'); end"
    )
    sql(desk, f"create trigger full {no_room}")
    await desk.work()
    (told,) = desk.incidents()
    assert told.kind.startswith("BH-RUN-037:") and run in told.words
    assert desk.approval(second.id).state == "open"
    assert {row.state for row in desk.crossings(run)} == {"asked"}
    sql(desk, "drop trigger full")
    desk.clock.advance(200)
    await desk.work()
    assert desk.row(run).status == "failed"
    assert desk.approval(second.id).state == "expired"
    assert {row.state for row in desk.crossings(run)} == {"refused"}
    assert [one.kind for one in desk.incidents() if one.closed_at is None] == ["BH-RUN-012"]


def sql(desk: Desk, words: str) -> None:
    with desk.house.store.writing() as connection:
        connection.exec_driver_sql(words)


# --- a release that cannot be read any more ---------------------------------------------------


async def test_a_run_whose_release_is_altered_is_left_as_it_is_until_the_release_is_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the machine that is not well, not the run: its owner is told, and nothing is decided for it."""
    monkeypatch.setattr(sickness, "FIRST", 100.0)  # beyond what is waited for until idle
    desk.printer.will("send_letter", Fails("unknown"))
    run = desk.start(act("send_letter", text="Dear Ana"), workflow="plain")
    await desk.work()
    file = desk.state / "releases" / desk.row(run).release / "workflow.py"
    was = file.read_bytes()
    file.chmod(0o600)
    file.write_text("async def play(run, steps):\n    return 'tampered'\n")
    desk.close()
    desk.change("Lead the desk.", "Lead this desk.").reopen()
    desk.activate()
    desk.clock.advance(SETTLED)
    await desk.work()
    (told,) = desk.incidents()
    assert told.kind.startswith("BH-RUN-037:") and desk.row(run).release[:12] in told.words
    assert [row.state for row in desk.crossings(run)] == ["unknown"]
    file.write_bytes(was)
    desk.clock.advance(200)
    await desk.work()
    assert (desk.row(run).status, desk.row(run).waiting_for) == ("waiting", "person:1")
    assert [one.kind for one in desk.incidents() if one.closed_at is None] == ["unknown:1"]


async def test_a_release_that_cannot_be_read_now_is_tried_again(desk: Desk) -> None:
    """The machine has no open files left for a moment; that says nothing about the release."""
    run = desk.start(act("price_of", item="lamp"), workflow="plain")
    pinned = desk.row(run).release
    desk.change("Lead the desk.", "Lead this desk.").activate()
    desk.reopen()
    read, out_of_files = desk.house.boundary_of, [True]

    def boundary_of(digest: str) -> Boundary:
        if digest == pinned and out_of_files:
            with no_open_files():
                return read(digest)
        return read(digest)

    desk.house.boundary_of = boundary_of  # type: ignore[method-assign]
    work = asyncio.create_task(desk.work())
    while not given_back(desk) and not work.done():
        await asyncio.sleep(0)
    assert desk.row(run).status == "running" and pinned[:12] in desk.incidents()[0].words
    out_of_files.clear()
    desk.clock.advance(60)
    await work
    assert desk.ended(run)[0]["is"] == "done"
    assert [one for one in desk.incidents() if one.closed_at is None] == []


def given_back(desk: Desk) -> bool:
    """Say whether a segment was tried and put off."""
    with desk.house.store.reading() as connection:
        rows = connection.exec_driver_sql("select state, attempts from segment").all()
    return [tuple(row) for row in rows] == [("ready", 1)]
