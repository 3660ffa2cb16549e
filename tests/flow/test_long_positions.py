"""What grows with a workflow, a file or a name fits, on both databases; what would not is refused in words.

PostgreSQL refuses a text that is longer than its column, and one too long for an index; SQLite takes both.
"""

from __future__ import annotations

import json

import pytest
from sqlalchemy import String, Text, select

from bridgehead.run import workers
from bridgehead.run.workflow import MAX_POSITION
from bridgehead.store import Store
from bridgehead.store import tables as t
from bridgehead.testing import Fails
from fixtures.houses import SETTLED, Desk, act
from fixtures.undoing import Undoing

DEEP = """
async def play(run, depth):
    await run.act("find_customer", email="ana@example.com")
    for _ in range(depth):
        run = run.branch()
    await run.decide("go-ahead", question="So deep?")
    outcome = await run.act("change_address", order_id="o1", address="2 Lane")
    return type(outcome).__name__
"""
DEEPEST = (MAX_POSITION - 1) // 2
"""Branches inside each other, of one digit each."""


def deep(desk: Desk, depth: int = DEEPEST) -> str:
    desk.workflow(DEEP)
    return desk.start(input={"depth": depth})


async def test_the_deepest_branch_is_asked_settled_looked_at_and_taken_back(desk_on: Desk) -> None:
    """Position, question, lane, probe, late look and undo: each holds the whole position."""
    desk = desk_on
    desk.change("    deadline: 10s\n  printer:", "    deadline: 10s\n    lanes: {concurrency: 1}\n  printer:")
    undoing = Undoing(desk.workflow(DEEP))
    run = desk.start(input={"depth": DEEPEST})
    await desk.work()
    desk.vote("maya")
    desk.system.will("change_address", Fails("unknown", after=True))
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    assert desk.ended(run) == "Done"  # found by its probe
    (row,) = desk.crossings(run, "change_address")
    assert len(row.position) == MAX_POSITION - 1
    desk.clock.advance(1201)
    await desk.work()
    assert [entry["note"] for entry in desk.entries("action.looked", run)] == ["confirmed"]
    undo = await undoing.take_back(run)
    assert undoing.outcomes(undo) == ["undone"]
    assert desk.shop.orders["o1"]["address"] == "1 Road"
    assert desk.verified().ok


async def test_one_nobody_knows_about_has_its_incident(desk_on: Desk) -> None:
    desk = desk_on
    desk.system.will("change_address", Fails("unknown"))
    run = deep(desk)
    await desk.work()
    desk.vote("maya")
    await desk.work()
    desk.clock.advance(SETTLED)
    await desk.work()
    position = "2." + "1." * (DEEPEST - 1) + "2"
    assert desk.row(run).waiting_for == f"person:{position}"
    assert [incident.kind for incident in desk.incidents()] == [f"unknown:{position}"]


async def test_one_branch_deeper_stops_the_run_in_words(desk_on: Desk) -> None:
    desk = desk_on
    run = deep(desk, DEEPEST + 1)
    await desk.work()
    assert desk.row(run).status == "failed"
    assert desk.result(run)["fault"]["code"] == "BH-RUN-016"
    assert "100 branches inside each other" in desk.result(run)["fault"]["words"]
    assert [row.target for row in desk.crossings(run)] == ["find_customer"]


async def test_nothing_behind_a_branch_too_deep_is_done_though_code_catches_it(desk_on: Desk) -> None:
    desk = desk_on.workflow("""
async def play(run):
    deep = run
    try:
        for _ in range(200):
            deep = deep.branch()
    except Exception:
        await run.act("send_letter", text="Dear Ana")
""")
    run = desk.start(workflow="plain", input={})
    await desk.work()
    assert desk.result(run)["fault"]["code"] == "BH-RUN-016"
    assert desk.shop.letters == []


async def test_a_long_path_is_kept(desk_on: Desk) -> None:
    desk = desk_on
    place = desk.folder.joinpath(*["a folder with a long name " * 4] * 5)
    place.mkdir(parents=True)
    (place / "letter.txt").write_text("Dear Ana")
    desk.activate()
    with desk.house.store.reading() as connection:
        manifest = connection.execute(
            select(t.release.c.manifest).where(t.release.c.active == 1)
        ).scalar_one()
        paths = connection.execute(select(t.release_file.c.path)).scalars().all()
    assert max(len(path) for path in json.loads(manifest)) > 500
    # A store in a file holds no files of releases: they are in its state folder.
    assert any(len(path) > 500 for path in paths) == desk.house.store.shared


@pytest.mark.postgresql
def test_a_long_worker_name_is_kept(postgresql_url: str) -> None:
    store, name = Store.open(postgresql_url), "worker" * 30
    try:
        workers.join(store, f"{name}.0123456789ab", name, 1)
        with store.reading() as connection:
            assert [worker.name for worker in workers.every(connection)] == [name]
    finally:
        store.close()


async def test_a_character_no_database_takes_is_answered_in_words(desk_on: Desk) -> None:
    """SQLite keeps a NUL, PostgreSQL refuses it: neither may stop a run because a model wrote one."""
    desk = desk_on
    desk.shop.customers["bo@example.com"] = "bo\x002"
    steps = [
        act("no\x00such", order_id="o1"),
        act("find_customer", email="bo@example.com"),
        act("find_customer", email="ana@example.com"),
        act("change_address", order_id="o\x001", address="2 Lane"),
        act("refund", order_id="o1", amount=20),
    ]
    ended = await desk.play(*steps, title="for \x00 Ana")
    assert [step["is"] for step in ended] == ["refused", "refused", "done", "refused", "done"]
    assert [step.get("rules") for step in ended[:2]] == [["undeclared"], ["subject.unclear"]]
    assert desk.crossings()[0].target == "no?such"
    assert desk.verified().ok


async def test_an_undo_rate_is_kept_as_it_was_written(desk_on: Desk) -> None:
    undoing = Undoing(desk_on)
    await desk_on.play(act("find_customer", email="ana@example.com"))
    rate = f"1/{'0' * 300}1h"
    assert undoing.row(undoing.order(rate=rate)).rate == rate


def test_only_what_the_code_itself_bounds_has_a_length() -> None:
    """A new column with a length is added here by whoever can say why nothing longer comes."""
    bounded = {
        (column.type.length, column.name)
        for table in t.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, String) and not isinstance(column.type, Text) and column.type.length
    }
    names = {length: {name for size, name in bounded if size == length} for length, _ in bounded}
    assert set(names) == {3, 8, 10, 12, 16, 32, 40, 60, 63, 64}
    assert names[3] == {"currency"}
    assert names[60] == {"scope"}  # run:ID or day:YYYY-MM-DD
    assert names[63] == {"name", "schedule", "source"}  # names of the charter are no longer
