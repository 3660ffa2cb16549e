"""Several processes settle the same effects at once, on both databases: each is settled once, and what the
other said changes nothing.

Each house stands for a process: it has a ledger, a writer and connections of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bridgehead.assemble import House
from bridgehead.enforce import unclear
from bridgehead.enforce.settlement import Answer, settle_by_person
from bridgehead.kernel.errors import SettlementError
from bridgehead.run import segments
from bridgehead.run.looks import look_again
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.waiting import meanwhile

RACES = 8
LATER = 1201.0


@pytest.fixture
def other(desk_on: Desk) -> Iterator[House]:
    """Another process on the store of the desk."""
    assert desk_on.house
    house = desk_on.another()
    yield house
    house.close()


def answer(house: House, run: str, said: Answer, by: str, position: str = "1", digest: str = "") -> str:
    """Answer as a person would through a process; return the state it gave, or the code of the refusal."""
    boundary = house.boundary
    if not digest:
        digest = shown(house, run, position)
    try:
        return settle_by_person(
            boundary,
            run,
            position,
            by=house.person(by, "test"),
            answer=said,
            digest=digest,
            reason="I looked",
        ).state
    except SettlementError as error:
        return error.code


def answer_until_it_counts(house: House, run: str, said: Answer) -> str:
    """Answer until it is to what stands there: a probe may have answered something since it was shown."""

    def once() -> str:
        found = answer(house, run, said, "dan", "2")
        return "" if found == "BH-SET-003" else found

    return str(meanwhile(once, says=f"the answer about {run} counts"))


def shown(house: House, run: str, position: str) -> str:
    with house.store.reading() as connection:
        found = unclear.case(connection, house.boundary, run, position)
    assert found is not None
    return found.digest()


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """Do each in a thread of its own, begun at the same moment; return what they return."""
    gate = threading.Barrier(len(work))

    def one(do: Callable[[], Any]) -> Any:
        gate.wait(60)
        return do()

    with ThreadPoolExecutor(len(work)) as pool:
        return [each.result(timeout=120) for each in [pool.submit(one, do) for do in work]]


def settled(desk: Desk, run: str) -> dict[str, Any]:
    """Return the one entry that settled an effect of a run."""
    (entry,) = desk.entries("action.settled", run)
    return entry


def orders(desk: Desk) -> list[str]:
    """Give the shop a number of orders, a record each; return their names."""
    names = [f"r{number}" for number in range(RACES)]
    for name in names:
        desk.shop.orders[name] = desk.shop.orders["o1"] | {"refunds": []}
    return names


# --- two people, two processes -------------------------------------------------------------------


def test_of_two_people_in_two_processes_one_is_counted_each_time(desk_on: Desk, other: House) -> None:
    desk = desk_on
    desk.printer.will("send_letter", *[Fails("unknown")] * RACES)
    runs = [desk.start(act("send_letter", text=f"Dear {n}"), workflow="plain") for n in range(RACES)]
    asyncio.run(desk.work())
    desk.clock.advance(SETTLED)
    asyncio.run(desk.work())
    assert {desk.row(run).waiting_for for run in runs} == {"person:1"}
    digests = {run: shown(other, run, "1") for run in runs}

    def olga() -> list[str]:
        return [answer(desk.house, run, "happened", "olga", digest=digests[run]) for run in runs]

    def dan() -> list[str]:
        """From the last one on, so that the two meet in the middle."""
        said = [answer(other, run, "did-not", "dan", digest=digests[run]) for run in reversed(runs)]
        return said[::-1]

    yes, no = at_once(olga, dan)
    asyncio.run(desk.work())
    for number, run in enumerate(runs):
        both = {yes[number], no[number]}
        assert both & {"done", "intent"} and both & {"BH-SET-002", "BH-SET-003"}, both
        assert settled(desk, run)["outcome"]["state"] == (both & {"done", "intent"}).pop()
        assert desk.ended(run)[0]["is"] == "done"
    assert len(desk.printer.calls) == RACES + no.count("intent")
    assert len(desk.shop.letters) == no.count("intent")
    assert all(incident.closed_at for incident in desk.incidents())
    assert desk.verified().ok


# --- a person and the probe ----------------------------------------------------------------------


def test_of_a_person_and_the_probe_one_is_counted_each_time(desk_on: Desk, other: House) -> None:
    """Every other refund landed; the engine asks the shop while a person leaves each of them at that."""
    desk, names = desk_on, orders(desk_on)
    desk.system.will("refund", *[Fails("unknown", after=n % 2 == 0) for n in range(RACES)])
    runs = [desk.start(IDENTIFY, act("refund", order_id=name, amount=20)) for name in names]
    asyncio.run(desk.work())
    desk.clock.advance(SETTLED)
    begun = threading.Event()
    desk.on_step[9] = begun.set

    def person() -> list[str]:
        assert begun.wait(60)
        return [answer_until_it_counts(other, run, "leave") for run in reversed(runs)][::-1]

    said = at_once(person, lambda: asyncio.run(desk.work()))[0]
    asyncio.run(desk.work())
    calls = [call.arguments["order_id"] for call in desk.system.calls if call.operation == "refund"]
    landed = set(calls[:RACES:2])  # the calls came in an order of their own
    for name, run, counted in zip(names, runs, said, strict=True):
        if counted == "failed":
            assert settled(desk, run)["actor"] == "human:dan"
            assert desk.ended(run)[-1]["code"] == "BH-SET-011"
        else:
            assert counted == "BH-SET-002"
            assert settled(desk, run)["actor"] == "agent:clerk"
            assert desk.ended(run)[-1]["is"] == "done"
        again = counted != "failed" and name not in landed
        assert calls.count(name) == 1 + again
        assert len(desk.shop.orders[name]["refunds"]) == (name in landed) + again
    assert desk.verified().ok


# --- a person and the late look ------------------------------------------------------------------


async def left(desk: Desk, *names: str) -> list[str]:
    """Refunds nobody knew about, which a person left at that; the shop shows each of them."""
    desk.system.will("refund", *[Fails("unknown", after=True)] * len(names))
    runs = [desk.start(IDENTIFY, act("refund", order_id=name, amount=20)) for name in names]
    await desk.work()
    assert [answer(desk.house, run, "leave", "olga", "2") for run in runs] == ["failed"] * len(runs)
    await desk.work()
    desk.clock.advance(LATER)
    return runs


def learnt(desk: Desk, run: str) -> str:
    return str(next(row.settled for row in desk.crossings(run) if row.position == "2"))


async def test_what_a_person_says_while_it_is_looked_at_stands(desk_on: Desk, other: House) -> None:
    desk = desk_on
    (run,) = await left(desk, "o1")

    def meanwhile() -> None:
        desk.on_step.clear()
        said.append(answer(other, run, "happened", "dan", "2"))

    said: list[str] = []
    desk.on_step[9] = meanwhile  # the probe has answered, and nothing of the look is recorded yet
    await desk.work()
    assert said == ["failed"]
    assert learnt(desk, run) == "happened"
    assert [incident.closed_at is not None for incident in desk.incidents()] == [True]
    assert desk.entries("action.looked", run) == []
    desk.clock.advance(301)
    await desk.work()  # the look is made again, by what is known now
    assert learnt(desk, run) == "happened"
    assert [entry["note"] for entry in desk.entries("action.looked", run)] == ["as recorded"]
    assert len(desk.incidents()) == 1
    assert desk.verified().ok


def test_people_and_late_looks_at_once(desk_on: Desk, other: House) -> None:
    """Whoever comes first: what a person said to what they saw is never written over."""
    desk, names = desk_on, orders(desk_on)
    runs = asyncio.run(left(desk, *names))

    def person() -> list[str]:
        return [answer_until_it_counts(other, run, "happened") for run in reversed(runs)]

    assert set(at_once(person, lambda: asyncio.run(desk.work()))[0]) == {"failed"}
    for _ in range(2):
        desk.clock.advance(301)
        asyncio.run(desk.work())
    for run in runs:
        assert learnt(desk, run) == "happened"
        assert len(desk.entries("action.looked", run)) == 1
    assert all(incident.closed_at for incident in desk.incidents())
    assert desk.verified().ok


def test_two_processes_look_at_each_effect_once(desk_on: Desk, other: House) -> None:
    desk, names = desk_on, orders(desk_on)
    runs = [desk.start(IDENTIFY, act("refund", order_id=name, amount=20)) for name in names]
    asyncio.run(desk.work())
    desk.clock.advance(LATER)
    calls = len(desk.system.calls)

    def sweep(house: House) -> int:
        return asyncio.run(look_again(house.store, desk.clock, house.boundary_of))

    at_once(lambda: sweep(desk.house), lambda: sweep(other))
    assert len(desk.system.calls) == calls + RACES
    assert [len(desk.entries("action.looked", run)) for run in runs] == [1] * RACES
    assert {learnt(desk, run) for run in runs} == {"confirmed"}
    assert desk.verified().ok


# --- an answer that comes late --------------------------------------------------------------------


async def test_an_answer_that_comes_after_a_person_settled_it_is_told(desk_on: Desk, other: House) -> None:
    """On one machine the call hung; on many, its process had lost the run to another one meanwhile."""
    desk = desk_on
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=20))
    house = desk.house

    def meanwhile() -> None:
        if desk.system.calls and desk.system.calls[-1].operation == "refund":
            desk.on_step.clear()
            if house.store.shared:
                assert segments.take(other.store, "another", run, 1) is not None
            mark_unknown(other, run)
            said.append(answer(other, run, "leave", "dan", "2"))

    said: list[str] = []
    desk.on_step[10] = meanwhile
    await desk.work()
    assert said == ["failed"]
    assert learnt(desk, run) == "left"
    (late,) = [incident for incident in desk.incidents() if incident.kind == "late-answer:2"]
    assert "came after it had been settled without it: it happened" in late.words
    assert late.closed_at is None
    assert len(desk.entries("action.outcome", run)) == 2  # of the customer and of the order
    assert desk.shop.refunds == [("o1", "20")]
    assert desk.verified().ok


def mark_unknown(house: House, run: str) -> None:
    """Do what the process does that found the call without its answer and handed it to a person."""
    from sqlalchemy import update

    from bridgehead.store import tables as t

    with house.store.writing() as connection:
        at = (t.crossing.c.run == run, t.crossing.c.position == "2")
        connection.execute(update(t.crossing).where(*at).values(state="unknown"))
