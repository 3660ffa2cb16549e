"""What no probe can settle: the right person says what became of it, once, to exactly what they saw."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bridgehead.enforce.settlement import settle_by_person
from bridgehead.kernel.errors import SettlementError
from bridgehead.record.verify import verify_store
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.settling import settle, shown

LETTER = act("send_letter", text="Dear Ana")
MOVE = act("change_address", order_id="o1", address="2 Lane")
REFUND = act("refund", order_id="o1", amount=20)
PRICE = act("price_of", item="lamp")


async def lost_letter(desk: Desk, *, happened: bool = False) -> str:
    """A letter nobody heard back about, handed over to a person."""
    desk.printer.will("send_letter", Fails("unknown", after=happened))
    run = desk.start(LETTER, PRICE, workflow="plain")
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert desk.row(run).waiting_for == "person:1"
    return run


async def lost_move(desk: Desk, *, happened: bool = False) -> str:
    """A change whose weak probe says no: it proves nothing."""
    desk.system.will("change_address", Fails("unknown"))
    run = desk.start(IDENTIFY, MOVE)
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert desk.row(run).waiting_for == "person:2"
    return run


def refused(desk: Desk, run: str, *args: Any, **more: Any) -> str:
    with pytest.raises(SettlementError) as error:
        settle(desk, run, *args, **more)
    return error.value.code


# --- three answers ----------------------------------------------------------------------------


async def test_it_happened_and_the_run_goes_on_with_the_receipt(desk: Desk) -> None:
    run = await lost_letter(desk, happened=True)
    settled = settle(desk, run, "happened", position="1", receipt={"letter": "L-17"})
    assert (settled.state, settled.woken) == ("done", True)
    await desk.work()
    assert desk.ended(run)[0] == {"is": "done", "value": {"letter": "L-17"}}
    assert desk.ended(run)[1]["is"] == "done"
    assert desk.shop.letters == ["Dear Ana"]  # nothing was sent again
    (entry,) = desk.entries("action.settled", run)
    assert (entry["actor"], entry["outcome"]) == ("human:olga", {"state": "done", "effect_state": "done"})
    (body,) = desk.bodies("action.settled", run)
    assert (body["reason"], body["answer"]) == ("I looked at the screen", "happened")
    (incident,) = desk.incidents()
    assert incident.closed_at is not None
    assert len(desk.entries("finding.cleared", run)) == 1


async def test_it_did_not_happen_and_is_sent_again_once(desk: Desk) -> None:
    run = await lost_letter(desk)
    assert settle(desk, run, "did-not", position="1").state == "intent"
    await desk.work()
    assert desk.ended(run)[0]["is"] == "done"
    assert desk.shop.letters == ["Dear Ana"]
    assert [call.operation for call in desk.printer.calls] == ["send_letter"] * 2
    assert {call.key for call in desk.printer.calls} == {shown(desk, run, "1").key}
    assert desk.incidents()[0].closed_at is not None


async def test_leaving_it_ends_it_as_failed_and_the_owner_keeps_the_incident(desk: Desk) -> None:
    run = await lost_letter(desk)
    assert settle(desk, run, "leave", position="1").state == "failed"
    await desk.work()
    assert desk.ended(run)[0] == {"is": "failed", "code": "BH-SET-011", "effect": "unknown"}
    assert desk.shop.letters == []
    (incident,) = desk.incidents()
    assert incident.closed_at is None
    (row,) = desk.crossings(run, "send_letter")
    assert (row.state, row.settled) == ("failed", "left")
    # Later they find out after all: what the run was told stands, what is true is said beside it.
    assert settle(desk, run, "happened", position="1", receipt="L-17").state == "failed"
    (row,) = desk.crossings(run, "send_letter")
    assert (row.state, row.settled) == ("failed", "happened")
    assert desk.incidents()[0].closed_at is not None
    assert refused(desk, run, "did-not", position="1") == "BH-SET-002"


async def test_in_a_run_that_has_ended_nothing_is_sent_again(desk: Desk) -> None:
    run = await lost_letter(desk)
    stop_for_good(desk, run)
    settled = settle(desk, run, "did-not", position="1")
    assert (settled.state, settled.woken) == ("failed", False)
    await desk.work()
    assert desk.shop.letters == []
    assert len(desk.printer.calls) == 1
    (row,) = desk.crossings(run, "send_letter")
    assert (row.state, row.settled) == ("failed", "did-not")


def stop_for_good(desk: Desk, run: str) -> None:
    from sqlalchemy import update

    from bridgehead.store import tables as t

    with desk.house.store.writing() as connection:
        connection.execute(update(t.run).where(t.run.c.id == run).values(status="failed", waiting_for=""))


async def test_a_call_whose_process_died_is_handed_over_the_same_way(desk: Desk) -> None:
    class Died(BaseException):
        pass

    def die() -> None:
        desk.on_step.clear()
        raise Died

    desk.on_step[9] = die
    run = desk.start(LETTER, workflow="plain")
    with pytest.raises(Died):
        await desk.work()
    desk.close()
    desk.reopen()
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert desk.crossings(run)[0].state == "unknown"
    assert settle(desk, run, "happened", position="1").state == "done"
    await desk.work()
    assert desk.ended(run)[0]["is"] == "done"
    desk.close()
    assert verify_store(desk.state / "store.db", keys=desk.state / "keys").ok


async def test_the_yes_that_was_given_still_counts_when_it_is_sent_again(desk: Desk) -> None:
    desk.change("strength: strong}\n    settle: 120s", "strength: weak}\n    settle: 120s")
    desk.system.will("refund", Fails("unknown"))
    run = desk.start(IDENTIFY, act("refund", order_id="o1", amount=150))
    await desk.work()
    asked = desk.question()
    desk.vote("maya")
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    settle(desk, run, "did-not")
    assert desk.approval(asked.id).state == "approved"
    await desk.work()
    assert desk.shop.refunds == [("o1", "150")]
    assert desk.approval(asked.id).state == "used"


# --- who ---------------------------------------------------------------------------------------


async def test_owner_or_deputy_settle_where_nobody_is_named(desk: Desk) -> None:
    run = await lost_letter(desk)
    assert refused(desk, run, "happened", "maya", position="1") == "BH-SET-005"
    assert settle(desk, run, "happened", "dan", position="1").state == "done"


async def test_a_group_settles_where_the_action_names_one(desk: Desk) -> None:
    desk.change("      text: {type: string, maxLength: 2000}", "      text: {type: string, maxLength: 2001}")
    desk.change(
        "    sensitive: [text]\n    settle", "    sensitive: [text]\n    settled_by: leads\n    settle"
    )
    run = await lost_letter(desk)
    assert refused(desk, run, "happened", "olga", position="1") == "BH-SET-005"
    assert refused(desk, run, "happened", "ivo", position="1") == "BH-SET-007"  # has gone
    assert settle(desk, run, "happened", "tomas", position="1").state == "done"


async def test_never_whoever_it_was_done_for_or_about(desk: Desk) -> None:
    desk.change(
        "    settle: 120s\n    deadline: 100ms\n\n  send_letter",
        "    settle: 120s\n    settled_by: leads\n    deadline: 100ms\n\n  send_letter",
    )
    run = await lost_move(desk)
    assert refused(desk, run, "happened", "ana_1") == "BH-SET-004"  # a lead, and the customer of the case
    assert refused(desk, run, "happened", "sam") == "BH-SET-004"  # the agent acts on sam's behalf
    assert settle(desk, run, "happened", "lee").state == "done"


async def test_when_the_owner_asked_for_it_the_deputy_settles_alone(desk: Desk) -> None:
    desk.printer.will("send_letter", Fails("unknown"))
    run = desk.start(LETTER, workflow="plain", on_behalf="olga")
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert refused(desk, run, "leave", "olga", position="1") == "BH-SET-004"
    assert settle(desk, run, "leave", "dan", position="1").state == "failed"


async def test_an_agent_cannot(desk: Desk) -> None:
    run = await lost_letter(desk)
    from bridgehead.kernel.principal import Principal

    with pytest.raises(SettlementError) as error:
        settle_by_person(
            desk.house.boundary,
            run,
            "1",
            by=Principal(id="olga", kind="agent", name="olga"),
            answer="happened",
            digest=shown(desk, run, "1").digest(),
            reason="I am sure",
        )
    assert error.value.code == "BH-SET-007"


# --- what they saw -----------------------------------------------------------------------------


async def test_the_case_shows_what_was_meant_sent_and_asked(desk: Desk) -> None:
    run = await lost_move(desk)
    found = shown(desk, run)
    assert found.title == "Send order o1 to 2 Lane"
    assert found.arguments == {"order_id": "o1", "address": "2 Lane"}
    assert found.facts["customer"] == "ana_1"
    assert (found.state, found.attempts) == ("unknown", 1)
    assert [call.words.partition(":")[0] for call in found.calls] == ["sent", "unknown"]
    (probe,) = found.probes
    assert probe.words == "read_order answered"
    assert probe.answer["address"] == "1 Road"
    assert found.why == (
        "Nobody knows whether act:change_address happened: the probe did not find it, which proves nothing.",
    )


async def test_an_answer_to_less_than_is_known_now_does_not_count(desk: Desk) -> None:
    run = await lost_move(desk)
    before = shown(desk, run).digest()
    from bridgehead.enforce.stop import wake
    from bridgehead.kernel.clock import stamp

    with desk.house.store.writing() as connection:
        wake(connection, [run], stamp(desk.clock.now()))
    await desk.work()  # woken by something else, the run has asked once more
    assert desk.row(run).waiting_for == "person:2"
    assert len(shown(desk, run).probes) == 2
    assert refused(desk, run, "happened", digest=before) == "BH-SET-003"
    assert desk.crossings(run, "change_address")[0].state == "unknown"
    assert settle(desk, run, "happened").state == "done"


async def test_a_reason_is_asked_for_and_a_receipt_stays_small(desk: Desk) -> None:
    run = await lost_letter(desk)
    assert refused(desk, run, "leave", position="1", reason="  ") == "BH-SET-006"
    assert refused(desk, run, "happened", position="1", receipt="x" * 20_000) == "BH-SET-008"
    assert refused(desk, run, "happened", position="1", receipt=object()) == "BH-SET-008"
    assert refused(desk, run, "happened", position="1", digest="0" * 64) == "BH-SET-003"
    assert desk.entries("action.settled", run) == []


async def test_it_did_not_cannot_be_said_while_it_may_still_happen(desk: Desk) -> None:
    desk.printer.will("send_letter", Fails("unknown"))
    run = desk.start(LETTER, workflow="plain")
    await desk.work()
    assert refused(desk, run, "did-not", position="1") == "BH-SET-009"
    assert settle(desk, run, "happened", position="1").state == "done"  # they hold it in their hands


async def test_reads_and_places_nobody_knows_are_not_settled(desk: Desk) -> None:
    run = await lost_move(desk)
    boundary = desk.house.boundary
    for place in ("1", "7", "2.p1-1"):
        with pytest.raises(SettlementError) as error:
            settle_by_person(
                boundary, run, place, by=desk.person("olga"), answer="leave", digest="x", reason="y"
            )
        assert error.value.code == "BH-SET-001"


# --- races -------------------------------------------------------------------------------------


async def test_of_two_people_one_is_counted(desk: Desk) -> None:
    run = await lost_letter(desk)
    digest, ends = shown(desk, run, "1").digest(), []
    gate = threading.Barrier(2)

    def say(person: str, answer: Any) -> None:
        gate.wait()
        try:
            ends.append((answer, settle(desk, run, answer, person, position="1", digest=digest).state))
        except SettlementError as error:
            ends.append((answer, error.code))

    both = [
        threading.Thread(target=say, args=("olga", "happened")),
        threading.Thread(target=say, args=("dan", "did-not")),
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    won = [end for end in ends if not end[1].startswith("BH-SET")]
    assert len(won) == 1
    assert {end[1] for end in ends if end not in won} <= {"BH-SET-002", "BH-SET-003"}
    assert len(desk.entries("action.settled", run)) == 1
    await desk.work()
    sent = len(desk.printer.calls)
    assert sent == (1 if won[0][0] == "happened" else 2)


@pytest.mark.parametrize("loss", [True, False], ids=["it landed", "it did not"])
async def test_of_a_person_and_the_probe_one_is_counted(desk: Desk, loss: bool) -> None:
    """The person answers while the probe is on its way; its answer comes second and changes nothing."""
    desk.system.will("refund", Fails("unknown", after=loss))
    run = desk.start(IDENTIFY, REFUND)
    await desk.work()
    desk.clock.advance(SETTLED)

    def person_first() -> None:
        if desk.system.calls[-1].operation == "read_order" and ".p" in last_position(desk, run):
            desk.on_step.clear()
            settle(desk, run, "leave")

    desk.on_step[9] = person_first
    await desk.work()
    assert desk.ended(run)[1] == {"is": "failed", "code": "BH-SET-011", "effect": "unknown"}
    assert len(desk.entries("action.settled", run)) == 1
    assert len([call for call in desk.system.calls if call.operation == "refund"]) == 1
    desk.close()
    assert verify_store(desk.state / "store.db", keys=desk.state / "keys").ok


def last_position(desk: Desk, run: str) -> str:
    return str(desk.entries("action.intent", run)[-1]["position"])


async def test_a_late_answer_to_a_call_that_was_settled_is_told(desk: Desk) -> None:
    """A call answers after a person had settled it: what they said stands, and an incident says so."""
    run = desk.start(IDENTIFY, REFUND)

    def settled_meanwhile() -> None:
        if desk.system.calls and desk.system.calls[-1].operation == "refund":
            desk.on_step.clear()
            mark_unknown(desk, run)
            settle(desk, run, "leave")

    desk.on_step[10] = settled_meanwhile
    await desk.work()
    assert desk.ended(run)[1] == {"is": "failed", "code": "BH-SET-011", "effect": "unknown"}
    late = [incident for incident in desk.incidents() if incident.kind == "late-answer:2"]
    assert len(late) == 1
    assert "came after it had been settled without it: it happened" in late[0].words


def mark_unknown(desk: Desk, run: str) -> None:
    from sqlalchemy import update

    from bridgehead.store import tables as t

    with desk.house.store.writing() as connection:
        connection.execute(
            update(t.crossing)
            .where(t.crossing.c.run == run, t.crossing.c.position == "2")
            .values(state="unknown")
        )
