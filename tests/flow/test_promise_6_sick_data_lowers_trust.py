"""Promise 6: data that break their contract change what the deployment may do before the next call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.watch.health import Broken, Look, recording
from fixtures import sales
from fixtures.houses import Desk, Step, act

CODE = '''
async def play(run, before, then):
    """Read, then act; a step that cannot go on ends the run's list."""
    told = [await _take(run, step) for step in before]
    return told + [await _take(run, step) for step in then]


async def _take(run, step):
    if step[0] == "query":
        outcome = await run.query("sales", step[1])
    elif step[0] == "ask":
        outcome = await run.ask(step[1], **step[2])
    else:
        outcome = await run.act(step[1], **step[2])
    if type(outcome).__name__ == "Refused":
        return [reason.rule for reason in outcome.decision.reasons]
    return type(outcome).__name__.lower()
'''
CUSTOMERS = ("query", "select count(*) as n from customers")
ORDERS = ("query", "select count(*) as n from orders")
NOTE: Step = act("post_note", text="late")  # cannot be taken back
MOVE: Step = act("change_address", order_id="o1", address="2 Road")  # can be
TABLE = "data:sales.customers"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose workflow reads a database that has a contract."""
    made = Desk(tmp_path)
    sales.add_to(made.folder, "sqlite", sales.sqlite_file(tmp_path / "sales.sqlite"))
    (made.folder / "sales.odcs.yaml").write_text("# read by whoever looks\n")
    made.change("    row_limit: 50\n", "    row_limit: 50\n    contract: sales.odcs.yaml\n")
    tables = "    tables: [sales.customers, sales.orders]\n"
    made.change("    actions: [find_customer,", f"{tables}    actions: [find_customer,")
    made.change("\nworkflows:\n", "\nsick_data: go-ahead\n\nworkflows:\n")
    made.workflow(CODE)
    yield made
    made.close()


def look(desk: Desk, *broken: Broken, table: str = "customers", **more: Any) -> None:
    """Write down what a look at a table found."""
    found = Look(source="sales", table=table, at=desk.clock.now(), broken=broken, **more)
    desk.house.ledger.append(recording(desk.house.boundary, found))


def broken(response: str, clause: str = "income.required", **more: Any) -> Broken:
    return Broken(clause=clause, response=response, words="income is missing in 12 % of rows.", **more)


def begin(desk: Desk, before: Any, then: Any, workflow: str = "plain") -> str:
    case = {"before": [list(step) for step in before], "then": [list(step) for step in then]}
    return desk.start(workflow=workflow, input=case, on_behalf="ana")


async def play(desk: Desk, before: Any, then: Any, workflow: str = "plain") -> Any:
    run = begin(desk, before, then, workflow)
    await desk.work()
    row = desk.row(run)
    return desk.ended(run) if row.status == "done" else (row.status, row.waiting_for)


def healthy(desk: Desk) -> None:
    look(desk)
    look(desk, table="orders")


async def test_while_every_clause_holds_nothing_is_held_back(desk: Desk) -> None:
    healthy(desk)
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", "done"]
    assert desk.incidents() == []


@pytest.mark.parametrize(
    ("response", "reading", "reversible", "final"),
    [
        ("record", "done", "done", "done"),
        ("warn", "done", "done", "done"),
        ("raiseAudit", "done", "done", "done"),
        ("toPerson", "done", "asks", "asks"),
        ("rollBack", "done", "asks", "asks"),
        ("lastGood", "done", "asks", "refused"),
        ("quarantine", "done", "asks", "refused"),
        ("hold", "held", "held", "refused"),
        ("block", "refused", "refused", "refused"),
        ("a word of a later version", "refused", "refused", "refused"),
    ],
)
async def test_a_broken_clause_does_what_its_response_says(
    desk: Desk, response: str, reading: str, reversible: str, final: str
) -> None:
    healthy(desk)
    for step, expected in ((CUSTOMERS, reading), (MOVE, reversible), (NOTE, final)):
        desk.on_step[8] = lambda: look(desk, broken(response))  # while the first query is on its way
        run = begin(desk, [CUSTOMERS], [step])
        await desk.work()
        desk.on_step.clear()
        row = desk.row(run)
        if expected == "held":
            assert (row.status, row.waiting_for) == ("waiting", TABLE)
        elif expected == "asks":
            assert row.waiting_for == desk.question().id
            assert "income is missing" in str(desk.question().as_value())
            desk.vote("maya", "refuse")
        elif expected == "refused":
            assert desk.ended(run)[-1] == [f"data.{response}"]
        else:
            assert desk.ended(run)[-1] == "done"
        look(desk)  # mended
        await desk.work()
        assert desk.row(run).status == "done"
    assert [row.closed_at is not None for row in desk.incidents()] == [True] * 3
    assert desk.verified().ok


async def test_a_person_who_knows_of_it_may_let_it_happen_and_a_yes_counts_for_what_was_said(
    desk: Desk,
) -> None:
    healthy(desk)
    look(desk, broken("toPerson"))
    run = begin(desk, [CUSTOMERS], [NOTE])
    await desk.work()
    desk.vote("maya")
    await desk.work()
    assert desk.ended(run) == ["done", "done"]
    assert list(desk.shop.notes.values()) == ["late"]


async def test_what_rests_on_another_table_goes_on(desk: Desk) -> None:
    healthy(desk)
    look(desk, broken("block"))
    assert await play(desk, [ORDERS], [NOTE]) == ["done", "done"]


async def test_a_reader_may_have_a_response_of_its_own(desk: Desk) -> None:
    healthy(desk)
    look(desk, broken("warn", readers={"plain": "block"}))
    assert await play(desk, [CUSTOMERS], [], workflow="plain") == [["data.block"]]
    look(desk, broken("block", readers={"plain": "warn"}))
    assert await play(desk, [CUSTOMERS], [NOTE], workflow="plain") == ["done", "done"]


async def test_what_a_workflow_is_declared_to_rest_on_counts_without_a_query(desk: Desk) -> None:
    desk.change("  plain:\n", "  plain:\n    rests_on: [sales.customers]\n")
    healthy(desk)
    look(desk, broken("lastGood"))
    assert await play(desk, [], [NOTE]) == [["data.lastGood"]]


async def test_nobody_looked_yet_counts_as_broken(desk: Desk) -> None:
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", ["data.lastGood"]]


async def test_a_look_that_is_too_old_counts_as_broken(desk: Desk) -> None:
    desk.change("contract: sales.odcs.yaml\n", "contract: sales.odcs.yaml\n    check_every: 1h\n")
    healthy(desk)
    desk.clock.advance(3600)
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", "done"]
    desk.clock.advance(1)
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", ["data.lastGood"]]


async def test_without_anybody_to_ask_it_is_refused(desk: Desk) -> None:
    desk.change("\nsick_data: go-ahead\n", "\n")
    healthy(desk)
    look(desk, broken("toPerson"))
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", ["data.toPerson"]]


async def test_data_that_break_between_the_decision_and_the_claim_stop_the_effect(desk: Desk) -> None:
    healthy(desk)
    desk.on_step[7] = lambda: desk.steps.count(7) == 2 and look(desk, broken("toPerson"))
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", ["data.changed", "data.toPerson"]]
    assert desk.shop.notes == {}


async def test_a_run_held_by_two_clauses_goes_on_when_the_last_is_mended(desk: Desk) -> None:
    healthy(desk)
    look(desk, broken("hold"), broken("hold", "iban.pattern"))
    run = begin(desk, [CUSTOMERS], [])
    await desk.work()
    look(desk, broken("hold"))
    await desk.work()
    assert desk.row(run).waiting_for == TABLE
    look(desk, broken("warn"))  # its response was changed in the contract
    await desk.work()
    assert desk.ended(run) == ["done"]


async def test_a_table_has_one_incident_and_every_change_of_it_is_in_the_log(desk: Desk) -> None:
    healthy(desk)
    look(desk, broken("warn"))
    look(desk, broken("warn"), broken("warn", "iban.pattern"))
    look(desk, broken("warn"), broken("warn", "iban.pattern"))  # nothing new
    look(desk, broken("warn", "iban.pattern"))
    look(desk)
    kinds = [(entry["kind"], entry.get("note")) for entry in desk.entries() if "finding" in entry["kind"]]
    assert kinds == [("finding.raised", TABLE)] * 2 + [("finding.cleared", TABLE)] * 2
    assert [(row.kind, row.closed_at is not None) for row in desk.incidents()] == [(TABLE, True)]
    clauses = [body["clauses"] for body in desk.bodies("finding.raised")]
    assert clauses == [{"income.required": "warn"}, {"iban.pattern": "warn"}]
