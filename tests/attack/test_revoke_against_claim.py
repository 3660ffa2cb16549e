"""A yes is taken back while the engine is about to use it: one of the two wins, and both are on record."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from bridgehead.assemble import House
from bridgehead.enforce.revoke import Revocation, revoke
from bridgehead.enforce.stop import lift_stop, set_stop
from fixtures.houses import Desk, act

RACES = 20


def test_twenty_races_have_one_winner_each(desk_on: Desk) -> None:
    """Every yes waits behind a stop; then the stop is lifted and each is wanted back, at once."""
    desk = desk_on
    house = desk.house
    for number in range(RACES):
        desk.shop.orders[f"r{number}"] = dict(desk.shop.orders["o1"])  # a record each
        desk.start(act("refund", order_id=f"r{number}", amount=150), workflow="plain")
    asyncio.run(desk.work())
    questions = desk.questions()
    assert len(questions) == RACES
    for question in questions:
        desk.vote("maya", question=question)
    set_stop(house.boundary, desk.person("olga"), "all at once")
    asyncio.run(desk.work())
    other = desk.another()
    try:
        won = race(desk, other, [question.id for question in questions])
    finally:
        other.close()
    judge(desk, [question.id for question in questions], won)


def race(desk: Desk, other: House, approvals: list[str]) -> list[Revocation]:
    """Let the engine carry the runs on in one thread while another takes every yes back.

    On a busy machine one of the two could be through before the other has begun. So the engine stands still
    before a claim until a yes was taken back in time, and who takes them back waits for the first payment.
    """
    claims: list[int] = []
    half, met, paid = threading.Event(), threading.Event(), threading.Event()

    def before_a_claim() -> None:
        claims.append(len(claims))
        if paid.is_set() or len(claims) == RACES // 2:
            half.set()
            assert met.wait(60)

    desk.on_step[7] = before_a_claim
    desk.on_step[10] = lambda: paid.set() if desk.shop.refunds else None

    def take_back() -> list[Revocation]:
        """From the last one on, so that the two meet in the middle."""
        maya = other.person("maya", "test")
        found = []
        assert half.wait(60)
        for each in reversed(approvals):
            found.append(revoke(other.boundary, each, maya, "no"))
            if found[-1].in_time and not met.is_set():
                met.set()
                assert paid.wait(60)
        return found

    with ThreadPoolExecutor(2) as pool:
        lift_stop(desk.house.boundary, desk.person("olga"), "go")
        working = pool.submit(lambda: asyncio.run(desk.work()))
        taken = pool.submit(take_back)
        found = taken.result(timeout=120)
        working.result(timeout=120)
    asyncio.run(desk.work())
    return found


def judge(desk: Desk, approvals: list[str], won: list[Revocation]) -> None:
    """Each race has one winner, the world agrees with it, and both sides are on record."""
    states = {each: desk.approval(each).state for each in approvals}
    for found in won:
        assert states[found.approval] == ("revoked" if found.in_time else "used")
    recorded = desk.entries("approval.revoked")
    assert [e["approval"]["answer"] == "in time" for e in recorded] == [found.in_time for found in won]
    used = [each for each in desk.crossings(target="refund") if each.state == "done"]
    assert len(used) == len(desk.shop.refunds)
    assert {each.approval for each in used}.isdisjoint({found.approval for found in won if found.in_time})
    intents = [e["approval"]["id"] for e in desk.entries("action.intent") if "approval" in e]
    assert sorted(intents) == sorted(each.approval for each in used)
    refused = [each for each in desk.crossings(target="refund") if each.state == "refused"]
    assert {each.approval for each in refused} >= {found.approval for found in won if found.in_time}
    assert {found.in_time for found in won} == {True, False}, "nobody raced"
