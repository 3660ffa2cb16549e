"""Ways to get a yes that nobody gave: each is refused, counts for nothing, and leaves no vote behind."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bridgehead.assemble import House
from bridgehead.enforce.approve import expire, vote
from bridgehead.enforce.question import Question
from bridgehead.kernel.clock import SetClock
from bridgehead.kernel.errors import ApprovalError
from bridgehead.kernel.principal import Principal
from bridgehead.store import tables as t
from fixtures.houses import IDENTIFY, START, Desk, act, decide

LARGE = act("refund", order_id="o1", amount=150)
HUGE = act("refund", order_id="o3", amount=1500)


async def asked(desk: Desk, *steps: Any, **more: Any) -> Question:
    desk.start(*steps, **more)
    await desk.work()
    return desk.question()


def votes(desk: Desk) -> list[Any]:
    with desk.house.store.reading() as connection:
        return list(connection.execute(select(t.vote)).all())


def must_not_count(desk: Desk, code: str, voter: Principal, question: Question, digest: str = "") -> None:
    """Voting fails with ``code``; nothing is stored or recorded, the question stays as it was."""
    before = (desk.approval(question.id), votes(desk), len(desk.entries()))
    with pytest.raises(ApprovalError) as fault:
        vote(desk.house.boundary, question.id, voter, "approve", digest or question.digest(), "please")
    assert fault.value.code == code
    assert (desk.approval(question.id), votes(desk), len(desk.entries())) == before


async def test_nobody_approves_a_request_made_on_their_behalf(desk: Desk) -> None:
    question = await asked(desk, decide("More budget?"), workflow="plain", on_behalf="maya")
    assert question.requester == "agent:clerk on behalf of human:maya"
    must_not_count(desk, "BH-APR-004", desk.person("maya"), question)
    assert desk.vote("tomas").state == "approved"


async def test_nor_does_the_sponsor_of_the_agent(desk: Desk) -> None:
    desk.change(
        "sam: {name: Sam Sponsor, email: sam@example.com, roles: [fde]}",
        "sam: {name: Sam Sponsor, email: sam@example.com, groups: [leads], roles: [fde, approver]}",
    )
    must_not_count(desk, "BH-APR-004", desk.person("sam"), await asked(desk, IDENTIFY, LARGE))


async def test_nor_the_agent_itself_under_a_persons_name(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    must_not_count(desk, "BH-APR-007", Principal(id="clerk", kind="agent", name="clerk"), question)
    must_not_count(desk, "BH-APR-007", Principal(id="maya", kind="agent", name="Maya Lead"), question)
    must_not_count(desk, "BH-APR-007", Principal(id="maya", kind="service", name="Maya Lead"), question)


async def test_nor_the_person_it_is_about(desk: Desk) -> None:
    """Ana is a lead, and this run refunds Ana."""
    must_not_count(desk, "BH-APR-004", desk.person("ana_1"), await asked(desk, IDENTIFY, LARGE))


async def test_nor_somebody_who_was_not_asked(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    for person in ("olga", "rhea"):  # the owner too
        must_not_count(desk, "BH-APR-005", desk.person(person), question)


async def test_groups_are_the_directorys_not_the_callers(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    claims = replace(desk.person("rhea"), groups=frozenset({"leads"}))
    must_not_count(desk, "BH-APR-005", claims, question)


async def test_nor_somebody_who_left(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    must_not_count(desk, "BH-APR-007", replace(desk.person("ivo"), active=True), question)
    must_not_count(desk, "BH-APR-007", Principal(id="eve", kind="human", name="Eve"), question)


async def test_a_yes_to_something_else_does_not_count(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    for seen in (
        replace(question, amount="1.50 USD"),
        replace(question, facts=()),
        replace(question, due_at="2027-01-01T00:00:00.000000Z"),
        replace(question, title="Refund 1.50 USD"),
    ):
        assert seen.digest() != question.digest()
        must_not_count(desk, "BH-APR-003", desk.person("maya"), question, seen.digest())
    must_not_count(desk, "BH-APR-003", desk.person("maya"), question, question.action_digest)


async def test_a_yes_to_a_question_that_was_replaced_does_not_count(desk: Desk) -> None:
    first = await asked(desk, IDENTIFY, LARGE)
    desk.vote("maya")
    desk.clock.advance(60)
    desk.shop.orders["o1"]["paid"] = "160"
    await desk.work()
    second = desk.question()
    must_not_count(desk, "BH-APR-002", desk.person("tomas"), first)
    must_not_count(desk, "BH-APR-003", desk.person("tomas"), second, first.digest())


async def test_a_late_yes_does_not_count_even_before_the_sweep_came_by(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    desk.clock.advance(4 * 3600)
    must_not_count(desk, "BH-APR-002", desk.person("maya"), question)
    expire(desk.house.boundary)
    must_not_count(desk, "BH-APR-002", desk.person("maya"), question)


async def test_a_used_yes_cannot_be_used_or_given_again(desk: Desk) -> None:
    question = await asked(desk, IDENTIFY, LARGE)
    desk.vote("maya")
    await desk.work()
    assert desk.approval(question.id).state == "used"
    must_not_count(desk, "BH-APR-002", desk.person("tomas"), question)


async def test_an_unknown_question(desk: Desk) -> None:
    with pytest.raises(ApprovalError) as fault:
        vote(desk.house.boundary, "apr_none", desk.person("maya"), "approve", "0" * 64, "")
    assert fault.value.code == "BH-APR-001"


async def test_two_hundred_answers_at_once_from_two_processes_count_once(desk: Desk) -> None:
    """Maya's browser retries in a hundred threads here and a hundred in another process."""
    question = await asked(desk, IDENTIFY, HUGE)
    other = subprocess.Popen(
        [sys.executable, "-c", HAMMER, str(desk.folder), str(desk.state), question.id, question.digest()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin and other.stdout
    assert other.stdout.readline() == "ready\n"
    other.stdin.write("go\n")
    other.stdin.flush()
    counted = hammer(desk.house, question.id, question.digest())
    theirs, _ = other.communicate(timeout=60)
    assert counted + int(theirs) == 1
    assert [(row.principal, row.answer) for row in votes(desk)] == [("maya", "approve")]
    assert len(desk.entries("approval.voted")) == 1
    assert desk.approval(question.id).state == "open"
    assert desk.vote("tomas", question=question).state == "approved"


def hammer(house: House, approval: str, digest: str) -> int:
    """Let Maya answer a hundred times at once; return how many answers counted."""

    def once(_: int) -> bool:
        try:
            vote(house.boundary, approval, house.person("maya", "test"), "approve", digest, "again")
        except ApprovalError as fault:
            assert fault.code == "BH-APR-006"
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        return sum(pool.map(once, range(100)))


HAMMER = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from test_votes import START, House, SetClock, hammer
folder, state, approval, digest = sys.argv[1:]
house = House.open(Path(folder), state=Path(state), clock=SetClock(START))
print("ready", flush=True)
sys.stdin.readline()
counted = hammer(house, approval, digest)
house.close()
print(counted)
"""


async def test_an_answer_and_the_expiry_racing_each_other_have_one_winner(desk: Desk) -> None:
    """The approver's machine says one second to go, the sweep's says time is over."""
    for number in range(20):
        desk.start(decide(f"Question {number}?"), workflow="plain")
    await desk.work()
    questions = desk.questions()
    assert len(questions) == 20
    sweeping = House.open(desk.folder, state=desk.state, clock=SetClock(START))
    desk.clock.advance(4 * 3600 - 1)
    sweeping.clock.advance(4 * 3600)  # type: ignore[attr-defined]

    def answer(question: Question) -> str:
        try:
            return desk.vote("maya", question=question).state
        except ApprovalError as fault:
            assert fault.code == "BH-APR-002"
            return "expired"

    with ThreadPoolExecutor(4) as pool:
        swept = pool.submit(expire, sweeping.boundary)
        said = list(pool.map(answer, questions))
        swept.result()
    sweeping.close()
    assert [desk.approval(question.id).state for question in questions] == said
    assert len(desk.entries("approval.closed")) == 20
    assert len(votes(desk)) == said.count("approved")
