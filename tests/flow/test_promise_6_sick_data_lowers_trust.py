"""Promise 6: data that break their contract change what the deployment may do before the next call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.assemble import watching
from bridgehead.assemble.watching import watch_once
from bridgehead.backup.aftermath import mark
from bridgehead.explain.data_health import tables
from bridgehead.watch.health import Broken, Look, recording
from fixtures.houses import Desk
from fixtures.sick_data import (
    CUSTOMERS,
    MOVE,
    NOTE,
    ORDERS,
    TABLE,
    begin,
    broken,
    healthy,
    look,
    play,
    watched,
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose workflow reads a database that has a contract."""
    made = watched(tmp_path)
    yield made
    made.close()


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
    healthy(desk)
    desk.clock.advance(25 * 3600)
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


async def test_a_yes_in_spite_of_one_clause_is_none_in_spite_of_another(desk: Desk) -> None:
    healthy(desk)
    look(desk, broken("toPerson"))
    run = begin(desk, [CUSTOMERS], [NOTE])
    await desk.work()
    first = desk.question()
    desk.vote("maya")
    look(desk, broken("toPerson"), broken("toPerson", "iban.pattern"))
    await desk.work()
    assert desk.shop.notes == {}
    assert desk.row(run).waiting_for == desk.question().id != first.id
    desk.vote("maya")
    look(desk, broken("toPerson", "iban.pattern"))  # one of the two was mended: no reason to ask again
    await desk.work()
    assert desk.ended(run) == ["done", "done"]


async def test_a_yes_given_while_the_data_were_in_order_is_none_in_spite_of_what_broke_since(
    desk: Desk,
) -> None:
    desk.add(
        '\n@id("ask-notes") @words("Notes are looked at.") @ask("go-ahead")\n'
        'forbid (principal, action == BH::Action::"post_note", resource)\n'
        'unless { context.approvals.contains("go-ahead") };\n'
    )
    healthy(desk)
    run = begin(desk, [CUSTOMERS], [NOTE])
    await desk.work()
    desk.vote("maya")
    look(desk, broken("toPerson"))
    await desk.work()
    assert desk.shop.notes == {}
    assert "income is missing" in str(desk.question().as_value())
    assert desk.row(run).waiting_for == desk.question().id


async def test_a_look_that_failed_leaves_what_is_known_to_be_broken(desk: Desk) -> None:
    healthy(desk)
    desk.clock.advance(60)
    look(desk, broken("hold"))
    run = begin(desk, [CUSTOMERS], [])
    await desk.work()
    away = Broken(clause="look", response="quarantine", words="It could not be looked at: it is away.")
    look(desk, away, whole=False)
    await desk.work()
    assert desk.row(run).waiting_for == TABLE
    desk.clock.advance(60)
    look(desk, broken("hold"))
    assert desk.row(run).waiting_for == TABLE
    look(desk)
    await desk.work()
    assert desk.ended(run) == ["done"]


async def test_an_older_look_that_is_written_later_changes_nothing(desk: Desk) -> None:
    healthy(desk)
    slow = Look(source="sales", table="customers", at=desk.clock.now())
    desk.clock.advance(60)
    look(desk, broken("block"))
    desk.house.ledger.append(recording(desk.house.boundary, slow))
    assert await play(desk, [CUSTOMERS], []) == [["data.block"]]


async def test_a_release_that_watches_no_more_lets_go_of_who_waited(desk: Desk) -> None:
    healthy(desk)
    look(desk, broken("hold"))
    run = begin(desk, [CUSTOMERS], [])
    await desk.work()
    desk.change("    contract: sales.odcs.yaml\n    check_every: 25h\n", "").activate()
    await watch_once(desk.house)
    await desk.work()
    assert desk.ended(run) == ["done"]
    assert [row.closed_at is not None for row in desk.incidents()] == [True]


async def test_a_hold_of_another_reader_does_not_let_a_run_sleep(desk: Desk) -> None:
    healthy(desk)
    look(desk, broken("hold"))
    mended = broken("hold", readers={"plain": "warn"})
    desk.on_step[4] = lambda: look(desk, mended) if desk.steps.count(4) == 1 else None
    assert await play(desk, [CUSTOMERS], []) == ["done"]


async def test_an_answer_that_came_after_the_data_broke_is_among_what_was_touched(desk: Desk) -> None:
    healthy(desk)
    desk.clock.advance(60)

    def slow() -> None:
        desk.clock.advance(60)
        look(desk)  # in order, while the query is on its way
        desk.clock.advance(60)

    desk.on_step[9] = lambda: slow() if desk.steps.count(9) == 1 else None
    run = begin(desk, [CUSTOMERS], [NOTE])
    await desk.work()
    desk.clock.advance(60)
    look(desk, broken("warn"))
    with desk.house.store.reading() as connection:
        worst = tables(connection, desk.house.deployment, desk.clock.now())[0]
    assert (worst.touched_runs, worst.touched_effects) == ((run,), 1)


async def test_after_a_restore_nobody_knows_until_somebody_looks(desk: Desk) -> None:
    healthy(desk)
    desk.clock.advance(1)
    desk.house.ledger.append(mark(desk.clock, "human:olga", "2026-03-02T08:00:00Z", 1, 0))
    desk.clock.advance(1)
    with desk.house.store.reading() as connection:
        found = tables(connection, desk.house.deployment, desk.clock.now())
    assert {line.standing for line in found} == {"unknown"}


async def test_what_fails_while_it_looks_ends_nobodys_work(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(watching, "look_at", fails)
    await watch_once(desk.house)
    assert await play(desk, [CUSTOMERS], [NOTE]) == ["done", ["data.lastGood"]]


@pytest.mark.postgresql
async def test_it_is_the_same_on_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    desk = watched(tmp_path, store=postgresql_url)
    healthy(desk)
    look(desk, broken("hold"))
    held = begin(desk, [CUSTOMERS], [])
    await desk.work()
    assert desk.row(held).waiting_for == TABLE
    look(desk, broken("lastGood"))
    await desk.work()
    assert desk.ended(held) == ["done"]
    assert await play(desk, [CUSTOMERS, CUSTOMERS], [NOTE]) == ["done", "done", ["data.lastGood"]]
    with desk.house.store.reading() as connection:
        worst = tables(connection, desk.house.deployment, desk.clock.now())[0]
    assert (worst.table, worst.standing, worst.held) == ("customers", "broken", 0)
    desk.close()
