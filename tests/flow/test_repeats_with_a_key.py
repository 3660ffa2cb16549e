"""An effect whose answer was lost stays unclear until a call of it is answered, a probe proves something, or
a person says. Its key lets it be repeated; what keeps it from being repeated says nothing about it."""

from __future__ import annotations

from typing import Any

import pytest

from bridgehead.enforce.revoke import revoke
from bridgehead.enforce.stop import lift_stop, set_stop
from bridgehead.testing import Fails, Refuses
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.settling import settle, shown
from fixtures.undoing import Undoing

NOTE = act("post_note", text="called back")
ASKED = (
    '@id("note.ask")\n@words("Leads look at notes.")\n@ask("go-ahead")\n'
    'forbid (principal, action == BH::Action::"post_note", resource)\n'
    'unless { context.approvals.contains("go-ahead") };\n'
)
KEY = "    key_argument: reference\n"
LIFETIME = (KEY + "    settle: 120s", KEY + "    key_lifetime: 1h\n    settle: 120s")


async def lose(desk: Desk, *, votes: str = "") -> str:
    """Post a note that lands, and lose the answer."""
    desk.system.will("post_note", Fails(after=True))
    run = desk.start(IDENTIFY, NOTE)
    await desk.work()
    if votes:
        desk.vote(votes)
        await desk.work()
    assert len(desk.shop.notes) == 1
    assert note(desk, run).state == "unknown"
    return run


def priced(desk: Desk) -> None:
    """Let a price be read before a note is posted."""
    text = "    arguments:\n      text: {type: string, maxLength: 60000}\n"
    read = "{action: price_of, arguments: {item: arguments.text}}"
    desk.change(
        text,
        f"{text}    facts:\n      function: facts.py:of_notes\n      reads: {{seen: {read}}}\n"
        "      gives: {price: text}\n",
    )
    made = 'return {"price": reads["seen"]["price"]}'
    desk.add(f"\n\ndef of_notes(arguments, reads):\n    {made}\n", "facts.py")


async def later(desk: Desk, seconds: float = SETTLED) -> None:
    desk.clock.advance(seconds)
    await desk.work()


def note(desk: Desk, run: str) -> Any:
    (row,) = desk.crossings(run, "post_note")
    return row


def sent(desk: Desk) -> int:
    return sum(call.operation == "post_note" for call in desk.system.calls)


def for_a_person(desk: Desk, run: str, why: str) -> None:
    """The effect is as unclear as it was, and its owner is told why nobody else can tell."""
    assert note(desk, run).state == "unknown"
    assert desk.row(run).waiting_for == "person:2"
    (incident,) = desk.incidents()
    assert incident.words == f"Nobody knows whether act:post_note happened: {why}."
    assert desk.entries("action.refused", run) == []


# --- what keeps it from being repeated ----------------------------------------------------------


async def switch_off_the_sponsor(desk: Desk) -> None:
    desk.change("sam: {name: Sam Sponsor,", "sam: {active: false, name: Sam Sponsor,")
    desk.change("  clerk:\n    sponsor: sam", "  clerk:\n    sponsor: dan")
    desk.house.activate(by=desk.person("olga"))


async def test_somebody_was_switched_off_meanwhile(desk: Desk) -> None:
    run = await lose(desk)
    await switch_off_the_sponsor(desk)
    await later(desk)
    for_a_person(desk, run, "it may not be sent again now (identity.inactive)")
    (raised,) = desk.bodies("finding.raised", run)
    assert [reason["rule"] for reason in raised["reasons"]] == ["identity.inactive"]
    assert sent(desk) == 1


async def test_what_a_person_then_says_settles_it(desk: Desk) -> None:
    run = await lose(desk)
    await switch_off_the_sponsor(desk)
    await later(desk)
    settle(desk, run, "did-not")
    await desk.work()
    assert note(desk, run).state == "refused"  # now it is true
    assert [incident.closed_at is None for incident in desk.incidents()] == [False]
    assert sent(desk) == 1


async def test_the_yes_it_used_covers_its_repeat_however_old_it_is(desk: Desk) -> None:
    desk.add(ASKED)
    run = await lose(desk, votes="maya")
    await later(desk, 25 * 3600)  # the workers were away; a yes lasts 24 hours
    assert desk.ended(run)[-1]["is"] == "done"
    assert (sent(desk), len(desk.shop.notes)) == (2, 1)
    assert desk.questions() == []


async def test_but_not_once_somebody_wanted_it_back(desk: Desk) -> None:
    desk.add(ASKED)
    run = await lose(desk, votes="maya")
    revoke(desk.house.boundary, note(desk, run).approval, desk.person("maya"), "I was wrong")
    await later(desk)
    for_a_person(desk, run, "it may not be sent again now (approval.spent)")
    assert sent(desk) == 1


async def test_a_question_would_ask_about_something_new(desk: Desk) -> None:
    """Its own landing may be why the rules ask now."""
    priced(desk)
    desk.add(
        '@id("note.dear")\n@words("Leads look at dear notes.")\n@ask("go-ahead")\n'
        'forbid (principal, action == BH::Action::"post_note", resource)\n'
        'when { context.facts.price == "10.00" } unless { context.approvals.contains("go-ahead") };\n'
    )
    run = await lose(desk)
    desk.shop.extra["price"] = "10.00"
    await later(desk)
    for_a_person(desk, run, "it may not be sent again now (note.dear)")
    assert desk.questions() == []
    assert sent(desk) == 1


async def test_a_record_that_cannot_be_read_now_is_read_again_for_a_while(desk: Desk) -> None:
    priced(desk)
    run = await lose(desk)
    desk.system.will("price_of", *[Fails("none")] * 3)
    await later(desk)
    assert (desk.row(run).waiting_for, desk.incidents()) == ("settle:2", [])
    await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"
    assert (sent(desk), len(desk.shop.notes)) == (2, 1)


# --- a stop, a crash: it is not sent after its key was forgotten ---------------------------------


async def test_a_stop_leaves_it_unclear_and_its_key_grows_old(desk: Desk) -> None:
    run = await lose(desk.change(*LIFETIME))
    set_stop(desk.house.boundary, desk.person("olga"), "let us look")
    await later(desk)
    assert note(desk, run).state == "unknown"
    desk.clock.advance(2 * 86400)
    lift_stop(desk.house.boundary, desk.person("olga"), "all well")
    await desk.work()
    for_a_person(desk, run, "the other side has forgotten its key after 1h")
    assert sent(desk) == 1


async def test_a_stop_that_is_lifted_in_time_costs_nothing(desk: Desk) -> None:
    run = await lose(desk.change(*LIFETIME))
    set_stop(desk.house.boundary, desk.person("olga"), "let us look")
    await later(desk)
    lift_stop(desk.house.boundary, desk.person("olga"), "all well")
    await desk.work()
    assert desk.ended(run)[-1]["is"] == "done"
    assert (sent(desk), len(desk.shop.notes)) == (2, 1)


async def test_its_key_is_looked_at_again_as_it_is_claimed(desk: Desk) -> None:
    """Half an hour passes between the decision to repeat it and the claim."""
    run = await lose(desk.change(*LIFETIME))
    desk.clock.advance(3000)
    desk.on_step[7] = lambda: (desk.on_step.clear(), desk.clock.advance(1800))
    await desk.work()
    for_a_person(desk, run, "the other side has forgotten its key after 1h")
    assert sent(desk) == 1


@pytest.mark.parametrize("step", [2, 7, 8, 9])
async def test_a_process_that_dies_on_the_way_to_its_repeat_leaves_it_unclear(desk: Desk, step: int) -> None:
    class Died(BaseException):
        pass

    def die() -> None:
        desk.on_step.clear()
        raise Died

    run = await lose(desk.change(*LIFETIME))
    desk.clock.advance(SETTLED)
    desk.on_step[step] = die
    with pytest.raises(Died):
        await desk.work()
    assert note(desk, run).state in ("unknown", "claimed")
    desk.close()
    desk.reopen()
    await later(desk, 2 * 86400)
    for_a_person(desk, run, "the other side has forgotten its key after 1h")
    assert len(desk.shop.notes) == 1


# --- what the answer to a repeat says ------------------------------------------------------------


@pytest.mark.parametrize("answer", [Refuses("that is noted"), Fails("none")], ids=["a no", "never sent"])
async def test_a_no_to_the_repeat_says_nothing_about_the_first_call(desk: Desk, answer: Any) -> None:
    run = await lose(desk)
    desk.system.will("post_note", *[answer] * 3)
    await later(desk)
    assert (note(desk, run).state, desk.row(run).waiting_for) == ("unknown", "settle:2")
    if isinstance(answer, Refuses):
        await later(desk)
        await later(desk)
    await later(desk)
    assert desk.ended(run)[-1]["is"] == "done"


async def test_it_is_not_repeated_for_ever(desk: Desk) -> None:
    run = await lose(desk)
    desk.system.will("post_note", *[Fails()] * 20)
    for _ in range(12):
        await later(desk)
    for_a_person(desk, run, "it was sent 11 times with its key")
    settle(desk, run, "happened", receipt="noted")
    await desk.work()
    assert desk.ended(run)[-1] == {"is": "done", "value": "noted"}


async def test_the_record_says_that_it_was_sent_again(desk: Desk) -> None:
    run = await lose(desk)
    await later(desk)
    of_it = [e for e in desk.entries(run=run) if e.get("action", {}).get("target") == "post_note"]
    assert [(e["kind"], e.get("note", "")) for e in of_it] == [
        ("action.intent", ""),
        ("action.outcome", ""),
        ("action.claimed", "sent again with the same key"),
        ("action.outcome", ""),
    ]
    assert (note(desk, run).attempt, desk.row(run).effects) == (2, 1)
    assert [told.words for told in shown(desk, run).calls][::2] == ["sent", "sent again"]


# --- an undo of its run --------------------------------------------------------------------------


async def test_an_undo_lists_it_as_what_it_is(desk: Desk) -> None:
    undoing = Undoing(desk)
    run = await lose(desk)
    undo = undoing.order()
    for _ in range(4):
        await later(desk)
    assert desk.questions() == []  # nothing can be taken back, so nobody is asked
    assert (note(desk, run).state, desk.row(run).status) == ("unknown", "stopped")
    assert (undoing.row(undo).state, undoing.outcomes(undo)) == ("ended", ["unknown"])
    said = undoing.certificate(undo)
    assert (said.ok, said.effects) == (True, 1)
    assert {what: count for what, count in said.counts.items() if count} == {"unknown": 1}
    assert len([call for call in desk.system.calls if call.operation == "post_note"]) == 1
