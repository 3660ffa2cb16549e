"""Ten settle windows later every effect is asked about once more: zombies, what is gone, what is twice."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from bridgehead.kernel.errors import EngineError
from bridgehead.record.verify import verify_store
from bridgehead.run.looks import look_again
from bridgehead.store import tables as t
from bridgehead.testing import Fails, Refuses
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.settling import settle, shown

REFUND = act("refund", order_id="o1", amount=20)
MOVE = act("change_address", order_id="o1", address="2 Lane")
LATER = 1201.0
"""Seconds after which the desk's effects are looked at again: ten times 120."""
HOW_MANY = """

def how_many(arguments, answer):
    return [Decimal(each) for each in answer["refunds"]].count(Decimal(str(arguments["amount"])))
"""


async def later(desk: Desk, seconds: float = LATER) -> None:
    desk.clock.advance(seconds)
    await desk.work()


def looks(desk: Desk, run: str) -> list[str]:
    return [entry["note"] for entry in desk.entries("action.looked", run)]


def effect(desk: Desk, run: str, position: str = "2") -> Any:
    return next(row for row in desk.crossings(run) if row.position == position)


def counting(desk: Desk) -> Desk:
    """Let the probe of a refund say how many it finds."""
    return desk.change('"facts.py:refunded"', '"facts.py:how_many"').add(HOW_MANY, "facts.py")


async def test_what_is_as_recorded_is_confirmed_once_and_left_alone(desk: Desk) -> None:
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    assert desk.row(run).status == "done"
    calls = len(desk.system.calls)
    await later(desk, LATER - 10)
    assert len(desk.system.calls) == calls  # not before its time
    await later(desk, 20)
    assert [call.operation for call in desk.system.calls[calls:]] == ["read_order"]
    assert looks(desk, run) == ["confirmed"]
    assert effect(desk, run).settled == "confirmed"
    assert desk.incidents() == []
    await later(desk, 10 * LATER)
    assert len(desk.system.calls) == calls + 1
    desk.close()
    assert verify_store(desk.state / "store.db", keys=desk.state / "keys").ok


async def test_what_failed_and_happened_after_all_is_an_incident(desk: Desk) -> None:
    """The connection was said to be refused before anything went out; a relay had kept the call."""
    desk.system.will("refund", Fails("none", temporary=False))
    run = desk.start(IDENTIFY, REFUND, act("price_of", item="lamp"))
    await desk.work()
    assert desk.ended(run)[1]["is"] == "failed"
    desk.shop.orders["o1"]["refunds"] = ["20"]
    await later(desk)
    (incident,) = desk.incidents()
    assert (incident.kind, incident.run, incident.closed_at) == ("zombie:2", run, None)
    assert incident.words == (
        "act:refund is recorded as failed, and the other system shows it: it landed after all, or somebody "
        "made the same change by other means. 20.00 USD are concerned; its run made no further changes after "
        "it; its record was changed no times since by us."
    )
    assert looks(desk, run) == ["zombie"]
    assert (effect(desk, run).state, effect(desk, run).settled) == ("failed", "zombie")
    assert desk.result(run)["result"][1]["is"] == "failed"  # what the run was told stands
    settle(desk, run, "happened")
    assert effect(desk, run).settled == "happened"
    assert desk.incidents()[0].closed_at is not None


async def test_what_was_done_and_is_gone_is_an_incident(desk: Desk) -> None:
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    desk.shop.orders["o1"]["refunds"] = []
    await later(desk)
    (incident,) = desk.incidents()
    assert incident.kind == "gone:2"
    assert effect(desk, run).settled == "gone"


async def test_but_not_where_we_changed_the_record_ourselves_since(desk: Desk) -> None:
    desk.change("strength: weak", "strength: strong")
    first = desk.start(IDENTIFY, MOVE, act("change_address", order_id="o1", address="3 Lane"))
    await desk.work()
    await later(desk)
    assert desk.incidents() == []
    assert sorted(looks(desk, first)) == ["as recorded", "confirmed"]


async def test_a_weak_no_proves_nothing_here_either(desk: Desk) -> None:
    run = desk.start(IDENTIFY, MOVE)
    await desk.work()
    desk.shop.orders["o1"]["address"] = "9 Elsewhere"
    await later(desk)
    assert desk.incidents() == []
    assert looks(desk, run) == ["as recorded"]


async def test_what_is_there_twice_is_a_duplicate(desk: Desk) -> None:
    run = counting(desk).start(IDENTIFY, REFUND)
    await desk.work()
    desk.shop.orders["o1"]["refunds"] = ["20", "20", "20"]
    await later(desk)
    (incident,) = desk.incidents()
    assert incident.kind == "duplicate:2"
    assert incident.words.startswith("act:refund was meant once, and the other system shows 3 of it.")
    assert effect(desk, run).settled == "duplicate"


async def test_two_equal_effects_that_were_both_meant_are_no_duplicate(desk: Desk) -> None:
    counting(desk)
    one = desk.start(IDENTIFY, REFUND)
    await desk.work()
    two = desk.start(IDENTIFY, REFUND)
    await desk.work()
    desk.vote("maya")  # a second refund of the order is asked about
    await desk.work()
    assert desk.shop.refunds == [("o1", "20"), ("o1", "20")]
    await later(desk)
    assert desk.incidents() == []
    assert looks(desk, one) == looks(desk, two) == ["confirmed"]


async def test_an_answer_of_the_other_system_that_proves_nothing_happened_is_believed(desk: Desk) -> None:
    desk.system.will("refund", Refuses("the till is closed"))
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    calls = len(desk.system.calls)
    await later(desk)
    assert len(desk.system.calls) == calls
    assert looks(desk, run) == []


async def test_an_action_may_be_left_out(desk: Desk) -> None:
    desk.change("strength: strong}\n    settle: 120s", "strength: strong}\n    late: false\n    settle: 120s")
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    await later(desk)
    assert looks(desk, run) == []
    assert effect(desk, run).look_again_at is None


async def test_a_stop_holds_no_look_back(desk: Desk) -> None:
    from bridgehead.enforce.stop import set_stop

    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    set_stop(desk.house.boundary, desk.person("maya"), "smoke")
    desk.shop.orders["o1"]["refunds"] = []
    await later(desk)
    assert looks(desk, run) == ["gone"]


async def test_a_system_that_is_away_is_asked_three_times_and_then_that_is_said(desk: Desk) -> None:
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    kept = desk.shop.orders.pop("o1")
    for _ in range(5):
        await later(desk)
    assert looks(desk, run) == ["the probe could not be made"] * 3
    assert desk.incidents() == []
    desk.shop.orders["o1"] = kept
    await later(desk)
    assert len(looks(desk, run)) == 3


async def test_a_look_whose_process_dies_is_made_again(desk: Desk) -> None:
    class Died(BaseException):
        pass

    def die() -> None:
        desk.on_step.clear()
        raise Died

    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    desk.on_step[9] = die
    with pytest.raises(Died):
        await later(desk)
    desk.close()
    desk.reopen()
    await desk.work()
    assert looks(desk, run) == []  # its lease has not run out
    await later(desk, 301)
    assert looks(desk, run) == ["confirmed"]
    desk.close()
    report = verify_store(desk.state / "store.db", keys=desk.state / "keys")
    assert report.ok, report.problems
    assert report.open_actions == 0


# --- unknown effects of runs that were stopped -------------------------------------------------


BREAKS_LATER = '''"""Breaks when it is gone through again."""

import sys

PASSES = sys.__dict__.setdefault("passes_of_the_desk", [])  # outlives this module


async def play(run, steps):
    await run.act("find_customer", email="ana@example.com")
    PASSES.append(run.id)
    if PASSES.count(run.id) > 1:
        raise RuntimeError("nothing more to be done")
    await run.act("refund", order_id="o1", amount=20)
'''


async def stopped_with_an_unknown(desk: Desk, *, landed: bool) -> str:
    """A run that is stopped for good while nobody knows about its refund."""
    desk.workflow(BREAKS_LATER)
    desk.system.will("refund", Fails("unknown", after=landed))
    run = desk.start()
    await desk.work()
    await later(desk, SETTLED)
    assert desk.row(run).status == "failed"
    return run


@pytest.mark.parametrize(("landed", "state"), [(True, "done"), (False, "failed")])
async def test_an_unknown_effect_of_a_stopped_run_is_still_settled(
    desk: Desk, landed: bool, state: str
) -> None:
    run = await stopped_with_an_unknown(desk, landed=landed)
    place = next(row.position for row in desk.crossings(run, "refund"))
    assert effect(desk, run, place).state == "unknown"
    await later(desk, 6)
    assert effect(desk, run, place).state == state
    assert desk.row(run).status == "failed"  # settled beside the run; nothing of it goes on
    unknown = [incident for incident in desk.incidents() if incident.kind.startswith("unknown:")]
    assert [incident.closed_at is not None for incident in unknown] == [True]
    assert len([call for call in desk.system.calls if call.operation == "refund"]) == 1
    await later(desk)
    assert looks(desk, run) == ["confirmed"]


# --- found more than once while settling -------------------------------------------------------


async def test_a_duplicate_found_while_settling_is_for_a_person(desk: Desk) -> None:
    desk.system.will("refund", Fails("unknown", after=True))
    run = counting(desk).start(IDENTIFY, REFUND)
    await desk.work()
    desk.shop.orders["o1"]["refunds"] = ["20", "20"]
    await later(desk, SETTLED)
    assert desk.row(run).waiting_for == "person:2"
    (incident,) = desk.incidents()
    assert incident.kind == "duplicate:2"
    assert incident.words.startswith("act:refund was meant once, and the probe found it 2 times")
    assert shown(desk, run).settled == "duplicate"
    settle(desk, run, "happened", receipt="the first")
    await desk.work()
    assert desk.ended(run)[1] == {"is": "done", "value": "the first"}
    assert desk.incidents()[0].closed_at is not None


async def test_one_that_cannot_be_told_from_another_is_for_a_person(desk: Desk) -> None:
    """The probe says yes, and an equal refund that was done before is why it would anyway."""
    first = desk.start(IDENTIFY, REFUND)
    await desk.work()
    assert desk.row(first).status == "done"
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    desk.vote("maya")
    desk.system.will("refund", Fails("unknown"))
    await desk.work()
    await later(desk, SETTLED)
    assert desk.row(run).waiting_for == "person:2"
    assert desk.incidents()[0].words.endswith("the probe cannot tell it from equal effects on record.")
    assert desk.shop.refunds == [("o1", "20")]


async def test_a_count_tells_them_apart(desk: Desk) -> None:
    counting(desk)
    desk.start(IDENTIFY, REFUND)
    await desk.work()
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    desk.vote("maya")
    desk.system.will("refund", Fails("unknown"))
    await desk.work()
    await later(desk, SETTLED)
    assert desk.ended(run)[1]["is"] == "done"
    assert desk.shop.refunds == [("o1", "20"), ("o1", "20")]


async def test_a_probe_that_answers_neither_is_for_a_person(desk: Desk) -> None:
    desk.add('\n\ndef refunded(arguments, answer):\n    return "perhaps"\n', "facts.py")
    desk.system.will("refund", Fails("unknown"))
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    await later(desk, SETTLED)
    assert desk.row(run).waiting_for == "person:2"
    assert desk.incidents()[0].words.endswith("the probe answered str, not yes, no or how many.")


def test_the_sweep_finds_what_is_due_by_its_index(desk: Desk) -> None:
    from bridgehead.enforce import late
    from bridgehead.kernel.clock import stamp

    store = desk.house.store
    assert late.due(store, stamp(desk.clock.now()), 1) == []
    with store.reading() as connection:
        plan = connection.exec_driver_sql(
            "explain query plan select * from crossing"
            " where look_again_at is not null and look_again_at <= 'x'"
        ).all()
    assert "crossing_look_again" in str(plan)
    with store.writing() as connection:
        connection.execute(update(t.crossing).values(look_again_at=None))


async def test_an_effect_that_people_edited_counts_as_what_was_sent(desk: Desk) -> None:
    """Equal by what was sent, not by what was asked for: a count of two is nobody's duplicate."""
    from bridgehead.enforce import equals, recall

    counting(desk)
    one = desk.start(IDENTIFY, REFUND)
    await desk.work()
    two = desk.start(IDENTIFY, act("refund", order_id="o1", amount=30))
    await desk.work()
    desk.vote("maya")
    await desk.work()
    sent = effect(desk, one)
    with desk.house.store.writing() as connection:  # as if a person had made 20 of the 30
        connection.execute(
            update(t.crossing)
            .where(t.crossing.c.run == two, t.crossing.c.position == "2")
            .values(edit_entry=sent.intent_entry, intent_entry=sent.intent_entry)
        )
    boundary = desk.house.boundary
    with desk.house.store.reading() as connection:
        run = recall.run_row(connection, one)
        body = recall.content(connection, boundary, sent)
        assert run is not None and body is not None
        crossing = recall.crossing_of(sent, recall.state_outside(run, boundary, 1), body)
        rule = crossing.rule(boundary)
        assert rule is not None
        before = equals.known(connection, boundary, crossing, rule)
        assert equals.others(connection, boundary, crossing, rule, before).done == 1


async def test_a_look_that_cannot_be_begun_is_put_off_and_said(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    due = effect(desk, run).look_again_at
    desk.clock.advance(LATER)

    def unreadable(digest: str) -> Any:
        raise EngineError("BH-RUN-012", f"release {digest[:12]} cannot be read")

    assert await look_again(desk.house.store, desk.clock, unreadable) == 1
    assert f"{run}/2 is put off" in caplog.text
    assert effect(desk, run).look_again_at > due
    desk.clock.advance(301)
    await look_again(desk.house.store, desk.clock, desk.house.boundary_of)
    assert effect(desk, run).settled == "confirmed"
