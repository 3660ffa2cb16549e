"""The answer to a call that others have given up meanwhile is heard: adopted where nobody has settled it yet,
told as an incident where somebody has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, update

from bridgehead.enforce import incidents, rows
from bridgehead.record import Work
from bridgehead.run import segments
from bridgehead.store import tables as t
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, Desk, act

REFUND = act("refund", order_id="o1", amount=20)


@pytest.fixture
def desk(desk_on: Desk) -> Desk:
    """A desk on each store; on a shared one the run is taken over by another process in the meantime."""
    return desk_on


def while_it_is_sent(desk: Desk, run: str, does: Callable[[Connection], Any]) -> None:
    """Pause the worker behind its call: another one takes its segment over and does something."""
    done: list[int] = []

    def taken_over() -> None:
        row = next(iter(desk.crossings(run, "refund")), None)
        if row is None or row.state != "claimed" or done:
            return
        done.append(1)
        if desk.house.store.shared:
            segments.take(desk.house.store, "other.worker", run, 1)
        with desk.house.store.writing() as connection:
            does(connection)

    desk.on_step[9] = taken_over


def give_up(desk: Desk, run: str) -> Callable[[Connection], Any]:
    """The other worker asks a person: it is unknown, and the run waits for them."""

    def does(connection: Connection) -> None:
        connection.execute(update(t.crossing).where(*rows.at(run, "1")).values(state="unknown"))
        if not desk.house.store.shared:
            return
        waits = {"status": "waiting", "waiting_for": "person:1"}
        connection.execute(update(t.run).where(t.run.c.id == run).values(**waits))
        connection.execute(update(t.segment).where(t.segment.c.run == run).values(state="ended"))

    return does


async def test_it_is_told_where_it_was_settled_without_it(desk: Desk) -> None:
    run = desk.start(REFUND, workflow="plain")
    while_it_is_sent(desk, run, lambda connection: rows.reopen(connection, run, "1"))
    await desk.work()
    assert [incident.kind for incident in desk.incidents()] == ["late-answer:1"]


async def test_it_is_adopted_where_nobody_has_settled_it_yet(desk: Desk) -> None:
    run = desk.start(REFUND, workflow="plain")
    while_it_is_sent(desk, run, give_up(desk, run))
    await desk.work()
    assert desk.incidents() == []
    assert desk.ended(run)[-1] == {"is": "done", "value": {"refunded": "20"}}
    assert len(desk.shop.refunds) == 1


async def test_no_probe_closes_the_incident_of_a_late_answer(desk: Desk) -> None:
    """It may mean a duplicate. That a later call is settled by a probe does not answer it."""
    desk.system.will("refund", Fails(after=True))
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    for what in ("late-answer", "unknown"):
        words = f"{what} of a call"
        desk.house.ledger.append(
            lambda connection, what=what, words=words: Work(
                drafts=incidents.open_once(connection, desk.house.boundary, run, "2", what, words)
            )
        )
    desk.clock.advance(SETTLED)
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"
    closed = {incident.kind: incident.closed_at is not None for incident in desk.incidents()}
    assert closed == {"late-answer:2": False, "unknown:2": True}
