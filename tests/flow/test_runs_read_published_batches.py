"""A run reads what was published when it first read the table, to its end; everything says as of when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.explain import story, why
from fixtures.fed import HEADER, ROWS, FedDesk, richer
from fixtures.sick_data import MOVE, NOTE

SUM = ("query", "select sum(income) as total from customers")
READS = '''
async def play(run, ask):
    """Ask twice, with a question to people between."""
    first = await run.query("sales", ask)
    await run.decide("go-ahead", question="Go on?")
    second = await run.query("sales", ask)
    return [first.value, second.value]
'''


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = FedDesk(tmp_path)
    yield made
    made.close()


def day(number: int) -> str:
    return f"customers_2026-03-{number:02}.csv"


async def test_before_the_first_batch_nothing_is_read_and_that_is_no_empty_answer(desk: FedDesk) -> None:
    desk.look()
    run = desk.start(workflow="plain", input={"before": [list(SUM)], "then": []}, on_behalf="ana")
    await desk.work()
    assert desk.ended(run) == [["data.unpublished"]]


async def test_a_run_reads_one_snapshot_also_after_a_wait_and_in_another_process(desk: FedDesk) -> None:
    desk.workflow(READS)
    desk.sender.sends(day(1))
    desk.look()
    run = desk.start(workflow="plain", input={"ask": SUM[1]}, on_behalf="ana")
    await desk.work()
    desk.sender.sends(day(2), richer(ROWS, 1000))
    desk.look()
    assert len(desk.snapshots()) == 2
    desk.vote("maya")
    desk.close()
    desk.reopen()
    await desk.work()
    first, second = desk.ended(run)
    assert first == second
    later = desk.start(workflow="plain", input={"ask": SUM[1]}, on_behalf="ana")
    await desk.work()
    desk.vote("maya")
    await desk.work()
    assert desk.ended(later)[0] != first
    reads = [
        body["data_as_of"]["sales.customers"]
        for body in desk.bodies("action.intent", run)
        if "entitled" in body
    ]
    assert [each["snapshot"] for each in reads] == [1, 1]
    assert desk.verified().ok


async def test_people_see_their_rows_and_columns_of_a_batch_as_of_any_table(desk: FedDesk) -> None:
    desk.workflow(READS)
    desk.sender.sends(day(1))
    desk.look()
    asks = {"ask": "select id, income, email from customers order by id"}
    run = desk.start(workflow="plain", input=asks, on_behalf="ana")
    await desk.work()
    desk.vote("maya")
    await desk.work()
    rows = desk.ended(run)[0]
    assert [row["id"] for row in rows] == list(range(1, 41, 2)), "only those of her region"
    assert {len(row["email"]) for row in rows} == {64}, "masked"


async def test_an_effect_says_as_of_when_the_data_are_that_it_rests_on(desk: FedDesk) -> None:
    desk.sender.sends(day(1))
    look = desk.look()
    run = desk.start(workflow="plain", input={"before": [list(SUM)], "then": [list(NOTE)]}, on_behalf="ana")
    await desk.work()
    assert desk.ended(run) == ["done", "done"]
    intents = desk.bodies("action.intent", run)
    assert [body["data_as_of"] for body in intents] == [
        {"sales.customers": {"at": look.data_as_of, "snapshot": 1}}
    ] * 2


async def test_why_says_as_of_when_the_data_were_of_a_query_and_of_an_effect(desk: FedDesk) -> None:
    desk.sender.sends(day(1))
    desk.look()
    run = desk.start(workflow="plain", input={"before": [list(SUM)], "then": [list(NOTE)]}, on_behalf="ana")
    await desk.work()
    with desk.house.store.reading() as connection:
        told = story(connection, desk.house.ledger, desk.house.deployment.charter, run)
    said = [sentence.words for item in told.crossings for sentence in why(told, item.position)]
    state = "sales.customers as of 2 Mar 2026, 09:00 UTC, the 1st state of it that was published."
    assert f"It reads {state}" in said
    assert f"It rests on {state}" in said


async def test_half_a_file_leaves_what_was_good_until_that_is_too_old(desk: FedDesk) -> None:
    desk.sender.sends(day(1))
    desk.look()
    desk.sender.drops(day(2), ("\n".join([HEADER, *ROWS]))[:700])
    desk.look()
    assert desk.batches()[day(2)] == "quarantined"
    assert await played(desk, [SUM], [NOTE]) == ["done", "done"], "one day old, two are allowed"
    desk.clock.advance(2 * 86_400)
    desk.look()
    assert desk.breaches() == {f"batch {day(2)}": "lastGood"}
    assert await played(desk, [SUM], [NOTE]) == ["done", ["data.lastGood"]]
    run = desk.start(workflow="plain", input={"before": [list(SUM)], "then": [list(MOVE)]}, on_behalf="ana")
    await desk.work()
    assert desk.row(run).waiting_for == desk.question().id
    desk.sender.sends(day(3), richer(ROWS))
    desk.look()
    assert (desk.batches()[day(2)], desk.breaches()) == ("replaced", {})


async def played(desk: FedDesk, before: list[tuple[str, str]], then: list[object]) -> object:
    case = {"before": [list(step) for step in before], "then": [list(step) for step in then]}  # type: ignore[call-overload]
    run = desk.start(workflow="plain", input=json.loads(json.dumps(case)), on_behalf="ana")
    await desk.work()
    return desk.ended(run)
