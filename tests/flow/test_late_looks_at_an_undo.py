"""What takes an effect back is an effect like any other: it is asked about once more, later, too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bridgehead.enforce import recall
from bridgehead.explain import case_view
from bridgehead.explain.viewer import Viewer
from bridgehead.record.verify import verify_store
from bridgehead.rollout.saga import TRIES
from bridgehead.testing import Fails
from fixtures.houses import CASE, IDENTIFY, SETTLED, Desk, act
from fixtures.settling import settle
from fixtures.undoing import Undoing

MOVE = act("change_address", order_id="o1", address="2 Lane")
LATER = 1201.0
"""Seconds after which the desk's effects are looked at again: ten times 120."""


@pytest.fixture
def undoing(desk: Desk) -> Undoing:
    """An undo whose probe of an address proves something either way."""
    return Undoing(desk.change("strength: weak", "strength: strong"))


def back(desk: Desk) -> Any:
    """Return the compensation."""
    (row,) = (row for row in desk.crossings(target="change_address") if row.undoes)
    return row


def looks(desk: Desk) -> list[str]:
    return [entry["note"] for entry in desk.entries("action.looked", back(desk).run)]


def sent(desk: Desk) -> int:
    return len([call for call in desk.system.calls if call.operation == "change_address"])


async def later(desk: Desk, seconds: float = LATER) -> None:
    desk.clock.advance(seconds)
    await desk.work()


async def taken_back(undoing: Undoing, *ends: Fails) -> str:
    """Move an order and take that back; the compensation ends as said."""
    desk = undoing.desk
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    desk.system.will("change_address", *ends)
    await desk.work()
    return undo


async def handed_over(undoing: Undoing, *, landed: bool) -> str:
    """Let nobody know about the compensation, until the undo has gone on without it."""
    desk = undoing.desk
    undo = await taken_back(undoing, Fails("unknown", after=landed))
    order = desk.shop.orders.pop("o1")  # the probe is refused: only a person can tell
    await later(desk, SETTLED)
    desk.shop.orders["o1"] = order
    assert undoing.outcomes(undo) == ["person"]
    assert (back(desk).state, undoing.row(undo).state) == ("unknown", "ended")
    return undo


async def test_one_is_settled_by_a_person_under_the_rules_it_was_decided_by(desk: Desk) -> None:
    """The release that took over knows no such workflow, so those of the bad one decided."""
    assert desk.house.deployment.digest
    undoing = Undoing(desk.change("workflows:\n  case:", "workflows:\n  claim:"))
    await desk.play(IDENTIFY, MOVE, workflow="claim")
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    desk.system.will("change_address", Fails("unknown"))
    await desk.work()
    saga = undoing.items(undo)[0].saga
    assert desk.row(saga).release == undoing.good
    house, viewer = desk.house, Viewer.of(desk.house.deployment.charter, "olga")
    assert viewer is not None
    with house.store.reading() as connection:
        assert recall.decided_under(connection, saga, "1") == undoing.bad
        assert recall.decided_under(connection, saga, "2") is None
        view = case_view(connection, house.boundary_of, viewer, saga, "1")
    assert view is not None and view.rules == undoing.bad


async def test_one_that_was_made_is_confirmed_in_the_place_of_its_effect(undoing: Undoing) -> None:
    desk = undoing.desk
    await taken_back(undoing)
    assert back(desk).state == "done"
    await later(desk)
    assert looks(desk) == ["confirmed"]
    assert desk.incidents() == []
    assert desk.system.calls[-1].arguments["tenant"] == CASE


async def test_one_that_did_not_keep_is_an_incident(undoing: Undoing) -> None:
    desk = undoing.desk
    await taken_back(undoing)
    desk.shop.orders["o1"]["address"] = "2 Lane"  # it was put back by something else
    await later(desk)
    assert looks(desk) == ["gone"]
    assert [incident.kind for incident in desk.incidents()] == ["gone:1"]


async def test_one_that_failed_and_landed_after_all_is_an_incident(
    undoing: Undoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgehead.rollout.saga.PAUSE", timedelta(minutes=1, seconds=30))
    desk = undoing.desk
    undo = await taken_back(undoing, *[Fails("none", temporary=False)] * TRIES)
    for _ in range(TRIES - 1):
        await later(desk, 3600)  # begun anew after a pause, and each time in vain
    assert undoing.outcomes(undo) == ["person"]
    desk.shop.orders["o1"]["address"] = "1 Road"
    await later(desk)
    assert looks(desk) == ["zombie"]
    assert [incident.kind for incident in desk.incidents()] == ["zombie:1"]


@pytest.mark.parametrize(("landed", "state"), [(True, "done"), (False, "failed")])
async def test_one_nobody_knew_about_is_settled_after_the_undo_went_on(
    undoing: Undoing, landed: bool, state: str
) -> None:
    desk = undoing.desk
    undo = await handed_over(undoing, landed=landed)
    await later(desk)
    assert back(desk).state == state
    assert undoing.outcomes(undo) == ["person"]  # as it is certified
    assert [incident.closed_at is not None for incident in desk.incidents()] == [True]
    assert sent(desk) == 2  # nothing was sent again
    (entry,) = desk.entries("action.settled", back(desk).run)
    assert entry["action"]["key"] == back(desk).effect_key
    await later(desk)
    assert looks(desk) == ["confirmed"]
    desk.close()
    report = verify_store(desk.state / "store.db", keys=desk.state / "keys")
    assert report.ok, report.problems


async def test_a_person_who_says_that_it_did_not_happen_sends_nothing(undoing: Undoing) -> None:
    desk = undoing.desk
    await handed_over(undoing, landed=False)
    row = back(desk)
    assert settle(desk, row.run, "did-not", position=row.position).state == "failed"
    await desk.work()
    assert sent(desk) == 2
    assert desk.incidents()[0].closed_at is not None


async def test_while_the_undo_waits_for_it_a_no_lets_it_send_again(undoing: Undoing) -> None:
    desk = undoing.desk
    undo = await taken_back(undoing, Fails("unknown"))
    row = back(desk)
    assert row.state == "unknown"
    desk.clock.advance(SETTLED)
    assert settle(desk, row.run, "did-not", by="dan", position=row.position).state == "intent"
    await desk.work()
    assert undoing.outcomes(undo) == ["undone"]
    assert desk.shop.orders["o1"]["address"] == "1 Road"


async def test_what_was_taken_back_is_no_equal_a_count_could_rest_on(desk: Desk) -> None:
    """A refund was made, taken back in the shop, and made again: nobody heard of the second one. A count of
    one could be either of them."""
    from sqlalchemy import update

    from bridgehead.enforce import equals, recall
    from bridgehead.store import tables as t

    one = desk.start(IDENTIFY, act("refund", order_id="o1", amount=20))
    await desk.work()
    two = desk.start(IDENTIFY, act("refund", order_id="o1", amount=20))
    await desk.work()
    desk.vote("maya")  # a second refund of the order is asked about
    await desk.work()
    boundary = desk.house.boundary
    with desk.house.store.writing() as connection:
        connection.execute(
            update(t.crossing)
            .where(t.crossing.c.run == two, t.crossing.c.position == "1")
            .values(undoes=f"{one}/2")
        )
    row = next(row for row in desk.crossings(two) if row.position == "2")
    with desk.house.store.reading() as connection:
        run, body = recall.run_row(connection, two), recall.content(connection, boundary, row)
        assert run is not None and body is not None
        crossing = recall.crossing_of(row, recall.state_outside(run, boundary, 1), body)
        rule = crossing.rule(boundary)
        assert rule is not None
        before = equals.known(connection, boundary, crossing, rule)
        found = equals.others(connection, boundary, crossing, rule, before)
    assert (found.done, found.unclear) == (0, 1)
