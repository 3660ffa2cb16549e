"""Why a query gave what it gave, told afterwards from the record: what was asked, what it was let read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner

from bridgehead.doors.cli import cli
from bridgehead.explain import story, why
from bridgehead.explain.viewer import _BY_ROLE, See
from bridgehead.explain.why import Sentence
from fixtures import sales
from fixtures.houses import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    sales.add_to(made.folder, "sqlite", sales.sqlite_file(tmp_path / "sales.sqlite"))
    yield made
    made.close()


async def asked(desk: Desk, person: str, *statements: str) -> str:
    run = desk.start(workflow="asking", input={"statements": list(statements)}, on_behalf=person)
    await desk.work()
    return run


def sentences(desk: Desk, run: str, position: str = "1") -> tuple[Sentence, ...]:
    with desk.house.store.reading() as connection:
        told = story(connection, desk.house.ledger, desk.house.deployment.charter, run)
    assert told is not None
    return why(told, position)


async def test_it_says_tables_rows_masks_and_the_lines_of_the_grants(desk: Desk) -> None:
    sql = "SELECT c.name, sum(o.amount) AS n\nFROM customers c JOIN orders o ON o.customer = c.id GROUP BY 1"
    run = await asked(desk, "ana", sql)
    said, *reads = sentences(desk, run)
    assert said.words == f"Ask sales: {' '.join(sql.split())}: permitted, done."
    assert [one.words for one in reads] == [
        "It may read customers: rows where region is the person's region; email masked (a keyed digest), "
        "income masked (rounded down to a multiple of 1000), since masked (cut to the month).",
        "It may read orders: rows where customer is less than 3.",
    ]
    lines = (desk.folder / "charter.yaml").read_text().splitlines()
    for one in reads:
        file, _, line = one.source.partition(":")
        assert file == "charter.yaml" and "to: [east]" in lines[int(line) - 1]
    (intent,) = {entry for one in reads for entry in one.entries}
    assert intent in said.entries
    assert "'eu'" not in str(reads)  # whose attribute it was is not told, only which


async def test_figures_only_is_said_and_a_long_text_is_cut(desk: Desk) -> None:
    many = " OR ".join(f"id = {number}" for number in range(90))
    sql = f"SELECT count(*) AS n, sum(salary) AS s         FROM salaries WHERE {many}"
    run = await asked(desk, "hal", sql)
    said, read = sentences(desk, run)
    assert "sum(salary) AS s FROM salaries WHERE id = 0" in said.words and "…: permitted" in said.words
    assert len(said.words) < 240
    assert read.words == "It may read salaries: all rows; only figures over groups of at least 4."


async def test_a_refused_one_says_why_and_what_nothing_was_read_of(desk: Desk) -> None:
    run = await asked(desk, "ana", "SELECT * FROM secrets")
    said, because = sentences(desk, run)
    assert said.words == "Ask sales: SELECT * FROM secrets: refused."
    assert because.words == "Because: There is no table secrets that you may read."


async def test_what_a_model_writes_into_sql_moves_no_cursor(desk: Desk) -> None:
    run = await asked(desk, "ana", "SELECT '\x1b[2J' AS x FROM customers")
    for command in (["why", run, "1"], ["show", run]):
        done = CliRunner().invoke(cli, [*command, "--in", str(desk.folder), "--state", str(desk.state)])
        assert done.exit_code == 0 and "\x1b" not in done.output, done.output
        assert "\\x1b[2J" in done.output


async def test_an_entry_of_before_is_told_without_what_it_does_not_say(desk: Desk) -> None:
    run = await asked(desk, "ana", "SELECT id FROM orders")
    with desk.house.store.reading() as connection:
        from bridgehead.explain.reads import reads
        from bridgehead.explain.recorded import at_position, entries_of

        entries = at_position(entries_of(connection, desk.house.ledger, run), "1")
    for entry in entries:
        if entry.said("entitled"):
            del entry.body["entitled"]["bounds"]
    (read,) = reads(desk.house.deployment.charter, "sales", entries)
    assert read.words == "It may read orders." and read.where.startswith("charter.yaml:")
    gone: list[Any] = []
    assert reads(desk.house.deployment.charter, "sales", gone) == ()


def test_whoever_sees_runs_may_see_what_is_told_from_bodies() -> None:
    assert "bodies" in get_args(See)
    assert all("bodies" in rights for rights in _BY_ROLE.values() if "runs" in rights)
