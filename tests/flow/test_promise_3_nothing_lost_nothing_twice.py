"""Promise 3. Whenever a process dies, no acknowledged entry is lost and no effect is repeated.

Here a process dies at each border between two steps of ``perform``, and another one carries on;
``tests/flow/test_settlement.py`` kills real processes.
"""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.record.verify import verify_store
from fixtures.houses import IDENTIFY, SETTLED, Desk, act, ask, decide

EFFECTS = {
    "probed": act("refund", order_id="o1", amount=20),
    "keyed": act("post_note", text="a"),
    "neither": act("send_letter", text="Dear Ana"),
    "weak": act("change_address", order_id="o1", address="2 Lane"),
}
STEPS = [4, 7, 8, 9, 10, 0]


class Died(BaseException):
    """The process is gone. Nothing catches it."""


async def die_at(desk: Desk, step: int, *, time: int, after: int) -> None:
    """Let the process die the ``time``-th time that ``step`` begins, once ``after`` crossings have ended."""
    left = [time]

    def die() -> None:
        ended = [row for row in desk.crossings() if row.state == "done"]
        left[0] -= len(ended) >= after
        if left[0] == 0:
            desk.on_step.clear()
            raise Died

    desk.on_step[step] = die
    with pytest.raises(Died):
        await desk.work()
    desk.close()


async def carry_on(desk: Desk) -> None:
    """Another process comes up, later and later still."""
    desk.reopen()
    for _ in range(3):
        await desk.work()
        desk.clock.advance(SETTLED)


def happened(desk: Desk) -> int:
    shop = desk.shop
    moved = sum(order["address"] != "1 Road" for order in shop.orders.values())
    return len(shop.refunds) + len(shop.notes) + len(shop.letters) + moved


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("settlement", EFFECTS)
async def test_an_effect_happens_once_or_a_person_is_told(
    desk: Desk, settlement: str, step: int, time: int
) -> None:
    """The first time it is the effect, or the read made to decide it; the second time what comes next."""
    effect = EFFECTS[settlement]
    run = desk.start(IDENTIFY, effect, act("price_of", item="lamp"))
    await die_at(desk, step, time=time, after=1)
    desk.reopen()
    before = [entry["kind"] for entry in desk.entries()]
    calls = len(
        [call for call in (*desk.system.applied, *desk.printer.applied) if call.operation == effect[1]]
    )
    await carry_on(desk)
    assert [entry["kind"] for entry in desk.entries()][: len(before)] == before
    row = desk.row(run)
    if row.waiting_for.startswith("person:"):
        assert settlement in ("neither", "weak"), "only what cannot be settled is left to a person"
        assert len(desk.incidents()) == 1
        assert happened(desk) == calls <= 1  # not repeated; whether it happened is for them to find out
    else:
        assert [outcome["is"] for outcome in desk.ended(run)] == ["done"] * 3
        assert happened(desk) == 1
    assert len(desk.entries("run.started")) == 1
    desk.close()
    report = verify_store(desk.state / "store.db", keys=desk.state / "keys")
    assert report.ok, report.problems


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("action", ["read", "model", "people"])
async def test_what_changes_nothing_is_simply_done_again(desk: Desk, action: str, step: int) -> None:
    what: Any = {"read": act("price_of", item="lamp"), "model": ask(), "people": decide("Go on?")}[action]
    run = desk.start(act("post_note", text="a"), what, workflow="plain")
    if action == "people":
        await desk.work()
        desk.vote("maya")
    await die_at(desk, step, time=1, after=1)
    await carry_on(desk)
    assert [outcome["is"] for outcome in desk.ended(run)] == ["done", "done"]
    assert len(desk.shop.notes) == 1
    assert desk.questions() == []  # the yes that was given still counts
    assert len(desk.entries("approval.opened")) == (1 if action == "people" else 0)
