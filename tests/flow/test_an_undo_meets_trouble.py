"""An undo in a world that does not hold still: systems that are away, records others touch, runs that stop,
a pace to keep, people who decide about one thing at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bridgehead.enforce.incidents import open_about
from bridgehead.kernel.clock import SetClock, unstamp
from bridgehead.kernel.errors import ConfigError
from bridgehead.store import tables as t
from bridgehead.testing import Answers, Fails, Refuses
from fixtures.houses import IDENTIFY, SETTLED, START, Desk, act
from fixtures.undoing import Undoing

MOVE = act("change_address", order_id="o1", address="2 Lane")
MOVE_AGAIN = act("change_address", order_id="o1", address="3 Alley")
MOVE_BACK = act("change_address", order_id="o1", address="2 Lane")
MOVE_OTHER = act("change_address", order_id="o2", address="9 Hill")
AWAY = Fails("none", temporary=False)
WEAK = 'landed: "facts.py:moved", strength: weak'


class Walking(SetClock):
    """Time goes on by itself: what waits for a moment that is near need not be waited for."""

    def now(self) -> datetime:
        self.advance(0.5)
        return super().now()


@pytest.fixture
def walking(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, clock=Walking(START))
    yield desk
    desk.close()


# --- the other system is away ------------------------------------------------------------------


async def test_what_provably_was_not_sent_is_begun_anew(walking: Desk) -> None:
    undoing = Undoing(walking)
    await walking.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await walking.work()
    walking.vote("olga")
    walking.system.will("change_address", *[AWAY] * 2)
    await walking.work()
    assert undoing.outcomes(undo) == ["undone"]
    assert walking.shop.orders["o1"]["address"] == "1 Road"
    back = next(row for row in walking.crossings(target="change_address") if row.undoes)
    assert back.attempt == 3  # twice in vain
    assert undoing.certificate(undo).ok


async def test_what_is_never_sent_goes_to_a_person_after_so_many_tries(walking: Desk) -> None:
    undoing = Undoing(walking)
    await walking.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await walking.work()
    walking.vote("olga")
    walking.system.will("change_address", *[AWAY] * 6)
    await walking.work()
    assert undoing.outcomes(undo) == ["person"]
    assert walking.shop.orders["o1"]["address"] == "2 Lane"
    assert undoing.items(undo)[0].why.startswith("The other system did not take it back (BH-CON-")


async def test_a_no_of_the_other_system_is_not_asked_for_twice(desk: Desk) -> None:
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    desk.system.will("change_address", Refuses("It was shipped."))
    await desk.work()
    assert undoing.outcomes(undo) == ["person"]


async def test_a_record_that_cannot_be_read_for_a_moment_is_read_again(walking: Desk) -> None:
    undoing = Undoing(walking)
    await walking.play(IDENTIFY, MOVE)
    walking.system.will("read_order", *[AWAY] * 2)
    undo = undoing.order()
    await walking.work()
    assert undoing.groups(undo) == ["automatic"]
    walking.vote("olga")
    walking.system.will("read_order", *[AWAY] * 2)
    await walking.work()
    assert undoing.outcomes(undo) == ["undone"]


async def test_facts_that_cannot_be_read_for_a_moment_refuse_nothing_for_good(walking: Desk) -> None:
    undoing = Undoing(walking)
    await walking.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await walking.work()
    walking.vote("olga")
    seen = Answers(dict(walking.shop.orders["o1"]))  # the record is seen; the read to decide is not answered
    walking.system.will("read_order", seen, AWAY, seen, AWAY)
    await walking.work()
    assert undoing.outcomes(undo) == ["undone"]
    assert walking.shop.orders["o1"]["address"] == "1 Road"


async def test_one_that_stays_away_is_for_a_person(walking: Desk) -> None:
    undoing = Undoing(walking)
    await walking.play(IDENTIFY, MOVE)
    walking.system.will("read_order", *[AWAY] * 5)
    undo = undoing.order()
    await walking.work()
    assert undoing.groups(undo) == ["unknown"]
    assert undoing.outcomes(undo) == ["unknown"]
    assert walking.shop.orders["o1"]["address"] == "2 Lane"


@pytest.mark.parametrize("answer", ["raise SystemExit(3)", "return -1", "return 'yes'"])
async def test_a_deployments_own_function_that_says_nothing_ends_no_worker(desk: Desk, answer: str) -> None:
    undoing = Undoing(
        desk.change('return bool(answer["address"] == arguments["address"])', answer, "facts.py")
    )
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await desk.work()
    assert undoing.groups(undo) == ["unknown"]
    assert undoing.row(undo).state == "ended"


# --- what cannot be told apart, and what can ---------------------------------------------------


async def test_a_way_back_to_an_earlier_value_is_told_from_how_it_came_there_first(desk: Desk) -> None:
    """The first move went to 2 Lane, the second away from it; taking that back goes to 2 Lane again. The
    answer is lost. The record was seen at 3 Alley before, so what it shows now is the way back."""
    undoing = Undoing(desk.change(WEAK, WEAK.replace("weak", "strong")))
    await desk.play(IDENTIFY, MOVE)
    desk.clock.advance(SETTLED)
    await desk.play(IDENTIFY, MOVE_AGAIN)
    desk.clock.advance(SETTLED)
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    desk.system.will("change_address", Fails(after=True))
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert undoing.outcomes(undo) == ["undone", "undone"]
    assert desk.shop.orders["o1"]["address"] == "1 Road"
    assert len([call for call in desk.system.calls if call.operation == "change_address"]) == 4


async def test_a_way_back_is_not_told_from_a_first_move_that_may_only_just_have_come(desk: Desk) -> None:
    undoing = Undoing(desk.change(WEAK, WEAK.replace("weak", "strong")))
    await desk.play(IDENTIFY, MOVE)
    await desk.play(IDENTIFY, MOVE_AGAIN)
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    desk.system.will("change_address", Fails(after=True))
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert undoing.outcomes(undo) == ["person", "skipped"]
    assert undoing.certificate(undo).counts["person"] == 1


async def test_what_others_changed_and_a_late_look_saw_counts_as_changed_not_as_never_happened(
    desk: Desk,
) -> None:
    undoing = Undoing(desk.change(WEAK, WEAK.replace("weak", "strong")))
    run = desk.start(IDENTIFY, MOVE)
    await desk.work()
    desk.shop.orders["o1"]["address"] = "5 Quay"
    desk.clock.advance(10 * SETTLED)
    await desk.work()
    assert [row.settled for row in desk.crossings(run, "change_address")] == ["gone"]
    undo = undoing.order()
    await desk.work()
    assert (undoing.groups(undo), undoing.outcomes(undo)) == (["changed"], ["skipped"])
    assert undoing.items(undo)[0].person == "olga"


async def test_a_late_look_is_not_surprised_by_a_way_back_that_is_still_unclear(desk: Desk) -> None:
    undoing = Undoing(desk.change(WEAK, WEAK.replace("weak", "strong")))
    run = desk.start(IDENTIFY, MOVE)
    await desk.work()
    desk.clock.advance(1140)
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    desk.system.will("change_address", Fails(after=True))
    await desk.work()
    desk.clock.advance(65)  # the look is due, and the way back has no answer yet
    await desk.work()
    with desk.house.store.reading() as connection:
        assert open_about(connection, run, desk.crossings(run, "change_address")[0].position) == ()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert undoing.outcomes(undo) == ["undone"]


# --- nobody waits for what will not come -------------------------------------------------------


async def test_what_a_stopped_run_was_to_take_back_is_for_a_person(desk: Desk) -> None:
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, MOVE)
    desk.start(IDENTIFY, MOVE_OTHER)
    await desk.work()
    undo = undoing.order()
    await desk.work()
    desk.vote("olga")
    desk.system.will("change_address", Fails(after=True))
    await desk.work()
    waiting = [row for row in undoing.items(undo) if row.state == "planned"]
    assert len(waiting) == 1
    with desk.house.store.writing() as connection:  # as if it had taken its process down time and again
        connection.execute(update(t.run).where(t.run.c.id == waiting[0].saga).values(status="failed"))
        connection.execute(update(t.segment).where(t.segment.c.run == waiting[0].saga).values(state="ended"))
    desk.clock.advance(700)
    await desk.work()
    assert sorted(undoing.outcomes(undo)) == ["person", "undone"]
    assert undoing.row(undo).state == "ended"
    assert undoing.certificate(undo).counts["person"] == 1


async def test_an_undo_whose_own_run_was_stopped_can_be_ordered_again(desk: Desk) -> None:
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, MOVE)
    first = undoing.order()
    with desk.house.store.writing() as connection:
        of_it = select(t.undo.c.run).where(t.undo.c.id == first).scalar_subquery()
        connection.execute(update(t.run).where(t.run.c.id == of_it).values(status="failed"))
        connection.execute(update(t.segment).where(t.segment.c.run == of_it).values(state="ended"))
    undo = await undoing.take_back()
    assert undoing.outcomes(undo) == ["undone"]


# --- a pace ------------------------------------------------------------------------------------


async def test_a_rate_spaces_the_compensations(walking: Desk) -> None:
    undoing = Undoing(walking)
    for number, order in enumerate(("o1", "o2", "o3")):
        await walking.play(IDENTIFY, act("change_address", order_id=order, address=f"{number} Lane"))
    undo = await undoing.take_back(rate="6/1m")
    assert undoing.outcomes(undo) == ["undone"] * 3
    turns = sorted(unstamp(item.slot_at) for item in undoing.items(undo))
    assert all((later - earlier).total_seconds() >= 10 for earlier, later in pairwise(turns))
    sent = {row.undoes: row.called_at for row in walking.crossings(target="change_address") if row.undoes}
    for item in undoing.items(undo):
        assert sent[f"{item.run}/{item.position}"] >= item.slot_at


@pytest.mark.parametrize("rate", ["much", "0/1m", "6", "6/", "6/soon", "-1/1m", "1/1m;"])
def test_what_is_no_rate_is_refused(desk: Desk, rate: str) -> None:
    undoing = Undoing(desk)
    with pytest.raises(ConfigError) as refused:
        undoing.order(rate=rate)
    assert refused.value.code == "BH-UND-006"


# --- one at a time -----------------------------------------------------------------------------

LETTERS = """
  print_again:
    server: printer
    tool: send_letter
    title: Send a letter that takes the letter back
    effect: final
    outward: true
    arguments:
      text: {type: string, maxLength: 2000}
    sensitive: [text]

"""


def letters_that_can_be_taken_back(desk: Desk) -> Desk:
    """A note is taken back by a letter, which is final and leaves the company."""
    text = (desk.folder / "charter.yaml").read_text()
    start = text.index("  post_note:")
    declared = text[start : text.index("\n\n", start)]
    changed = declared.replace("effect: final", "effect: write").rstrip() + "\n    undo: print_again\n"
    changed += "    undo_arguments: {text: arguments.text}"
    (desk.folder / "charter.yaml").write_text(text.replace(declared, LETTERS.strip("\n") + "\n\n" + changed))
    return desk


async def test_what_takes_an_effect_back_for_good_is_agreed_to_one_by_one(desk: Desk) -> None:
    undoing = Undoing(letters_that_can_be_taken_back(desk))
    await desk.play(IDENTIFY, act("post_note", text="one"), act("post_note", text="two"), MOVE)
    undo = undoing.order()
    await desk.work()
    assert undoing.groups(undo) == ["automatic", "approval", "approval"]
    desk.vote("olga")  # to the plan
    await desk.work()
    assert undoing.outcomes(undo) == ["undone", "pending", "pending"]
    assert desk.shop.letters == []
    asked = desk.question()
    assert asked.run in {item.saga for item in undoing.items(undo)}
    desk.vote("dan", "refuse")
    await desk.work()
    assert undoing.outcomes(undo) == ["undone", "refused", "pending"]
    desk.vote("olga")
    await desk.work()
    assert undoing.outcomes(undo) == ["undone", "refused", "undone"]
    assert desk.shop.letters == ["one"]
    said = undoing.certificate(undo)
    assert said.ok and (said.counts["undone"], said.counts["refused"]) == (2, 1)
