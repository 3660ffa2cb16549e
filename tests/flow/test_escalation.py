"""While nobody answers: the ladder, rung by rung, in working time where the charter says so."""

from __future__ import annotations

import json

import pytest

from bridgehead.enforce.approve import sweep
from bridgehead.enforce.sweep import climb, expire
from bridgehead.kernel.errors import ApprovalError
from fixtures.houses import Desk
from fixtures.questions import asked, rule

LADDER = """    escalate:
      - {after: 1h, do: remind}
      - {after: 2h, do: widen, to: risk}
      - {after: 3h, do: owner}
"""


def hour(desk: Desk, hours: float = 1.0) -> int:
    """Let time pass and the engine sweep."""
    desk.clock.advance(3600 * hours)
    return sweep(desk.house.boundary)


async def test_each_rung_is_climbed_once_and_recorded(desk: Desk) -> None:
    question = await asked(rule(desk, LADDER))
    assert sweep(desk.house.boundary) == 0
    assert [hour(desk), sweep(desk.house.boundary), hour(desk), hour(desk)] == [1, 0, 1, 1]
    climbed = desk.entries("approval.escalated")
    assert [(e["approval"]["rung"], e["approval"]["kind"], e["approval"]["who"]) for e in climbed] == [
        (1, "remind", "leads"),
        (2, "widen", "risk"),
        (3, "owner", "olga and dan"),
    ]
    assert {e["actor"] for e in climbed} == {"service:clock"}
    row = desk.approval(question.id)
    assert (row.rung, row.next_rung_at, json.loads(row.wider)) == (3, None, ["@owner", "risk"])


async def test_whom_it_is_widened_to_may_answer_from_then_on(desk: Desk) -> None:
    await asked(rule(desk, LADDER))
    hour(desk)
    with pytest.raises(ApprovalError) as early:
        desk.vote("rhea")
    assert early.value.code == "BH-APR-005"
    hour(desk)
    assert desk.vote("rhea").state == "approved"
    await desk.work()
    assert desk.shop.refunds == [("o1", "150")]


async def test_in_the_end_the_owner_may(desk: Desk) -> None:
    await asked(rule(desk, LADDER))
    for _ in range(3):
        hour(desk)
    assert desk.vote("olga").state == "approved"


async def test_but_never_whoever_asked(desk: Desk) -> None:
    """The agent acts for the deputy this time: the last rung does not let him agree."""
    question = await asked(rule(desk, LADDER), on_behalf="dan")
    for _ in range(3):
        hour(desk)
    with pytest.raises(ApprovalError) as fault:
        desk.vote("dan", question=question)
    assert fault.value.code == "BH-APR-004"


async def test_the_last_rung_is_refusal(desk: Desk) -> None:
    question = await asked(rule(desk, LADDER))
    for _ in range(4):
        hour(desk)
    assert desk.approval(question.id).state == "expired"
    await desk.work()
    assert desk.shop.refunds == []


async def test_after_an_answer_nothing_is_climbed(desk: Desk) -> None:
    await asked(rule(desk, LADDER))
    desk.vote("maya")
    assert hour(desk) == 0
    assert desk.entries("approval.escalated") == []


async def test_a_process_that_was_away_climbs_what_it_missed_and_then_refuses(desk: Desk) -> None:
    question = await asked(rule(desk, LADDER))
    desk.clock.advance(2.5 * 3600)
    assert [climb(desk.house.boundary) for _ in range(3)] == [1, 1, 0]
    desk.clock.advance(2 * 3600)
    assert (expire(desk.house.boundary), climb(desk.house.boundary)) == (1, 0)
    assert desk.approval(question.id).rung == 2


async def test_the_rungs_are_those_of_the_release_that_asked(desk: Desk) -> None:
    question = await asked(rule(desk, LADDER))
    desk.change(LADDER, "").activate()
    assert hour(desk) == 1
    assert desk.approval(question.id).rung == 1


CALENDAR = """calendars:
  office:
    timezone: Europe/Berlin
    days: [mon, tue, wed, thu, fri]
    hours: "09:00-17:00"
    holidays: [2026-03-03]

workflows:
  case:
"""


async def test_deadlines_and_rungs_run_in_working_time(desk: Desk) -> None:
    """Asked on Monday at 10:00 in Berlin; Tuesday is a holiday; a day is eight hours."""
    rule(
        desk,
        "    calendar: office\n    escalate: [{after: 7h, do: remind}, {after: 8h, do: owner}]\n",
        within="2d",
    )
    desk.change("workflows:\n  case:\n", CALENDAR)
    question = await asked(desk)
    assert question.due_at == "2026-03-05T09:00:00.000000Z"
    row = desk.approval(question.id)
    assert row.next_rung_at == "2026-03-02T16:00:00.000000Z"
    desk.clock.advance(7 * 3600)
    assert sweep(desk.house.boundary) == 1
    assert desk.approval(question.id).next_rung_at == "2026-03-04T09:00:00.000000Z"
