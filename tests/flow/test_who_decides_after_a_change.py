"""Who may decide after something has changed: the question, its release, a review, the terminal."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bridgehead.doors.cli import answering
from bridgehead.enforce import delegate
from bridgehead.enforce.approve import question as read_question
from bridgehead.enforce.approve import sweep, vote
from bridgehead.enforce.edit import propose
from bridgehead.enforce.emergency import break_glass
from bridgehead.enforce.revoke import revoke
from bridgehead.explain.effects import list_effects
from bridgehead.kernel.errors import ApprovalError, BridgeheadError
from bridgehead.testing import Fails
from fixtures.houses import IDENTIFY, SETTLED, Desk, act
from fixtures.questions import LARGE, editable, emergency


def change(desk: Desk, person: str, **values: Any) -> Any:
    q = desk.question()
    return propose(desk.house.boundary, q.id, desk.person(person), values, q.digest(), "because")


async def test_who_changed_it_first_does_not_decide_after_somebody_else_changed_something_too(
    desk: Desk,
) -> None:
    desk.change(
        "    sensitive: [order_id, amount]\n",
        "    sensitive: [order_id, amount]\n    editable: [amount, order_id]\n",
    )
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    change(desk, "maya", amount=480)
    await desk.work()
    change(desk, "tomas", order_id="o3")
    await desk.work()
    assert desk.question().arguments["amount"] == 480  # still maya's number
    with pytest.raises(ApprovalError) as no:
        desk.vote("maya")
    assert no.value.code == "BH-APR-021"


async def test_a_change_made_in_somebodys_place_is_not_decided_by_them(desk: Desk) -> None:
    editable(desk)
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    delegate.give(
        desk.house.boundary,
        desk.person("maya"),
        "rhea",
        ["large-refund"],
        until=desk.clock.now() + timedelta(days=1),
    )
    change(desk, "rhea", amount=480)  # rhea has no right of her own: it is maya's
    await desk.work()
    with pytest.raises(ApprovalError) as no:
        desk.vote("maya")
    assert no.value.code == "BH-APR-021"


async def test_a_review_is_owed_until_it_is_made(desk: Desk) -> None:
    emergency(desk)
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    q = desk.question()
    done = break_glass(desk.house.boundary, q.id, desk.person("rhea"), q.digest(), "fire")
    await desk.work()
    with desk.house.store.reading() as connection:
        review = read_question(desk.house.boundary, connection, done.review)
    vote(desk.house.boundary, review.id, desk.person("maya"), "approve", review.digest(), "ok")
    revoke(desk.house.boundary, review.id, desk.person("maya"), "changed my mind")
    desk.clock.advance(3 * 86400)
    sweep(desk.house.boundary)
    row = desk.approval(review.id)
    assert row.state == "open", "the review is owed again"


async def test_whoever_writes_the_new_release_does_not_make_themselves_a_judge_of_open_questions(
    desk: Desk,
) -> None:
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    desk.change("roles: [owner]}\n  sam", "roles: [owner], groups: [leads]}\n  sam")
    desk.house.activate(by=desk.person("dan"))
    with pytest.raises(ApprovalError):
        desk.vote("dan")


async def test_an_argument_cannot_draw_over_the_terminal(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.add(
        '@id("note.ask")\n@words("Leads look at notes.")\n@ask("go-ahead")\n'
        'forbid (principal, action == BH::Action::"post_note", resource)\n'
        'unless { context.approvals.contains("go-ahead") };\n'
    )
    desk.start(
        IDENTIFY,
        act("post_note", text="pay 9000\x1b[1A\x1b[2Kharmless\n  effect         read; It changes nothing."),
    )
    await desk.work()
    answering._show(desk.question())
    shown = capsys.readouterr().err
    assert "\x1b" not in shown, repr(shown)
    assert "\n  effect         read" not in shown, repr(shown)


async def test_the_terminal_shows_everything_the_digest_binds_to(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    q = desk.question()
    answering._show(q)
    shown = capsys.readouterr().err
    for name, value in q.as_value().items():
        if name not in STAND_FOR_IT:
            assert [text for text in leaves(value) if text not in shown] == [], name
    assert "it leaves the company" in shown and "stand-in" not in shown


STAND_FOR_IT = {"id", "run", "position", "release", "deployment", "target", "rules", "action_digest"} | {
    "bound",
    "opened_at",
}
"""Names and digests of what is shown, and when that was."""


def leaves(value: Any) -> list[str]:
    """Return every text in a value as people read it: a moment to the second, of a no nothing."""
    match value:
        case dict():
            return [text for each in value.values() for text in leaves(each)]
        case list():
            return [text for each in value for text in leaves(each)]
        case bool():
            return []
    return [re.sub(r"(T\d\d:\d\d:\d\d)\.\d+Z$", r"\1", str(value))]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, 1e308])
async def test_an_odd_number_is_refused_in_words(desk: Desk, value: object) -> None:
    editable(desk)
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    q = desk.question()
    with pytest.raises(ApprovalError):
        propose(desk.house.boundary, q.id, desk.person("maya"), {"amount": value}, q.digest(), "x")


async def test_a_deadline_nobody_would_live_to_see_is_found_by_the_check(desk: Desk) -> None:
    """9,600 working hours, one minute a week, would end in the year 13,000."""
    desk.change(
        "    who: leads\n    within: 4h\n    valid_for: 2h\n",
        "    who: leads\n    within: 9600h\n    valid_for: 2h\n    calendar: short\n",
    )
    short = 'short: {timezone: Europe/Berlin, days: [mon], hours: "09:00-09:01"}'
    desk.change("workflows:\n  case:", f"calendars:\n  {short}\n\nworkflows:\n  case:")
    with pytest.raises(BridgeheadError) as fault:
        desk.activate()
    assert "BH-CHA-065" in str(fault.value) and "on the calendar `short`" in str(fault.value)


async def test_the_list_of_effects_begins_with_what_a_person_must_settle(desk: Desk) -> None:
    desk.start(IDENTIFY, LARGE)
    await desk.work()
    desk.clock.advance(5)
    desk.printer.will("send_letter", Fails("unknown"))
    desk.start(act("send_letter", text="Dear Ana"), workflow="plain")
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    with desk.house.store.reading() as connection:
        found = list_effects(connection, desk.house.boundary_of, limit=1)
    assert [line.state for line in found.lines] == ["unknown"]
