"""What the list of undos says of one that waits for people, and of a release whose changes failed."""

from __future__ import annotations

from bridgehead.explain.undos import ReleaseLine, UndoLine, releases, undos
from bridgehead.testing import Refuses
from fixtures.houses import IDENTIFY, Desk, act
from fixtures.undoing import Undoing

MOVE = act("change_address", order_id="o1", address="2 Lane")
LEADS_LOOK_AT_UNDOS = """
@id("address.undo")
@words("Leads look at an address that is set back.")
@ask("go-ahead")
forbid (principal, action == BH::Action::"change_address", resource)
when { context has undoing && context.undoing }
unless { context.approvals.contains("go-ahead") };
"""


def listed(desk: Desk) -> UndoLine:
    """Return the one undo there is, as the list says it."""
    with desk.house.store.reading() as connection:
        (line,) = undos(connection)
    return line


def release(desk: Desk, digest: str) -> ReleaseLine:
    """Return a release, as the list says it."""
    with desk.house.store.reading() as connection:
        return next(line for line in releases(connection) if line.digest == digest)


async def test_an_undo_says_that_it_waits_while_a_policy_asks(desk: Desk) -> None:
    desk.add(LEADS_LOOK_AT_UNDOS)
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, MOVE)
    undo = undoing.order()
    await desk.work()
    assert undoing.groups(undo) == ["automatic"]
    assert listed(desk).words == "waits until somebody agrees to the plan"
    desk.vote("olga")
    await desk.work()
    said = listed(desk)
    assert (said.state, said.undone, said.pending) == ("running", 0, 1)
    assert said.words == "waits for people: 1 question about what takes effects back"
    desk.vote("maya")
    await desk.work()
    assert (listed(desk).words, undoing.outcomes(undo)) == ("ended", ["undone"])


async def test_a_release_counts_what_happened_and_no_attempt(desk: Desk) -> None:
    undoing = Undoing(desk)
    await desk.play(IDENTIFY, MOVE)
    assert (release(desk, undoing.bad).runs, release(desk, undoing.bad).effects) == (1, 1)
    desk.system.will("change_address", Refuses("It was shipped."))
    run = desk.start(IDENTIFY, act("change_address", order_id="o1", address="3 Alley"))
    await desk.work()
    assert desk.row(run).effects == 1  # tried
    assert (release(desk, undoing.bad).runs, release(desk, undoing.bad).effects) == (2, 1)
    assert release(desk, undoing.good).effects == 0
