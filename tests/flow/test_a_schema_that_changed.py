"""A column is renamed with no notice: its readers wait, a person says what it is called now, work goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridgehead.assemble.watching import look_at
from bridgehead.explain.schema_changes import changes
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.schema_accepting import accept_change
from bridgehead.watch.schema_answering import refuse_change
from fixtures.houses import Desk
from fixtures.sales import in_sqlite
from fixtures.sick_data import CUSTOMERS, NOTE, ORDERS, TABLE, begin, play, watched


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = watched(tmp_path)
    # The fixture's contract is about text where the file says date: only the schema is looked at here.
    look_at(made.house, "sales")
    yield made
    made.close()


def sql(desk: Desk, *statements: str) -> None:
    in_sqlite(desk.folder.parent / "sales.sqlite", *statements)


def open_clauses(desk: Desk, table: str = "customers") -> dict[str, tuple[str, str]]:
    """What a look now finds of the schema, by clause: response and words."""
    desk.clock.advance(60)
    look_at(desk.house, "sales")
    from sqlalchemy import select

    from bridgehead.store import tables as t

    with desk.house.store.reading() as connection:
        rows = connection.execute(select(t.breach).where(t.breach.c.object == table)).all()
    return {row.clause: (row.response, row.words) for row in rows if row.clause.startswith("schema.")}


def known(desk: Desk) -> dict[str, object]:
    with desk.house.store.reading() as connection:
        return next(one for one in changes(connection) if one["table"] == "sales.customers")


RENAME = "alter table customers rename column income to yearly_income"


async def test_a_renamed_column_holds_its_readers_until_a_release_names_the_new_one(desk: Desk) -> None:
    assert open_clauses(desk) == {}
    sql(desk, RENAME)
    found = open_clauses(desk)
    response, words = found["schema.column_removed.income"]
    assert response == "hold"
    assert "--renamed income=yearly_income" in words
    run = begin(desk, [CUSTOMERS], [])
    await desk.work()
    assert (desk.row(run).status, desk.row(run).waiting_for) == ("waiting", TABLE)

    owner = desk.person(desk.house.boundary.directory().owner.person)
    made = accept_change(
        desk.house.boundary, "sales", "customers", {"income": "yearly_income"}, owner, "they said so"
    )
    assert (dict(made.mapping), made.awaited) == ({"income": "yearly_income"}, ("income",))
    entry = desk.bodies("finding.cleared")[-1]
    assert entry["reason"] == "they said so"
    assert entry["mapping"] == {"income": "yearly_income"}
    # The contract is read by the new name; what still names the old one is the release.
    assert set(open_clauses(desk)) == {"schema.release.income"}

    desk.change("          income: integer\n", "          yearly_income: integer\n")
    desk.change("income: {bucket: 1000}", "yearly_income: {bucket: 1000}")
    desk.change("income: {bucket: 10000}", "yearly_income: {bucket: 10000}")
    desk.change("- name: income", "- name: yearly_income", "sales.odcs.yaml")
    desk.activate()
    assert open_clauses(desk) == {}


async def test_a_change_nobody_here_reads_warns_and_one_that_adds_is_only_recorded(desk: Desk) -> None:
    sql(desk, "alter table customers add column shoe_size integer")
    assert open_clauses(desk) == {}
    assert "column added" in desk.bodies("finding.raised")[-1]["words"]
    assert known(desk)["accepted_by"] == "a look: it breaks nobody"
    sql(desk, "alter table customers drop column shoe_size")
    found = open_clauses(desk)
    assert [response for response, _ in found.values()] == ["warn"]
    assert "Nothing here reads it" in found["schema.column_removed.shoe_size"][1]
    assert known(desk)["since"]
    # Put back, there is nothing to accept any more.
    sql(desk, "alter table customers add column shoe_size integer")
    assert open_clauses(desk) == {}
    assert known(desk)["changes"] == []


async def test_readers_of_another_table_go_on(desk: Desk) -> None:
    sql(desk, RENAME)
    assert "schema.column_removed.income" in open_clauses(desk)
    assert open_clauses(desk, "orders") == {}
    assert (await play(desk, [ORDERS], [NOTE]))[0] == "done"


async def test_only_who_answers_for_the_data_accepts_and_only_what_changed(desk: Desk) -> None:
    sql(desk, RENAME)
    open_clauses(desk)
    owner, boundary = desk.person(desk.house.boundary.directory().owner.person), desk.house.boundary
    with pytest.raises(WatchError, match="BH-WAT-062"):
        accept_change(boundary, "sales", "customers", {}, desk.person("ana"), "I would like it")
    with pytest.raises(WatchError, match="BH-WAT-061"):
        accept_change(boundary, "sales", "customers", {"income": "name"}, owner, "a slip")
    with pytest.raises(WatchError, match="BH-WAT-060"):
        accept_change(boundary, "sales", "orders", {}, owner, "nothing there")
    assert known(desk)["mapping"] == {}
    assert "schema.column_removed.income" in open_clauses(desk)


def test_the_list_is_the_same_for_people_and_programs(desk: Desk) -> None:
    from click.testing import CliRunner

    from bridgehead.doors.cli import cli

    sql(desk, RENAME)
    open_clauses(desk)
    place = ["--in", str(desk.folder), "--state", str(desk.house.state)]
    told = CliRunner().invoke(cli, ["watch", "changes", *place, "--json"], standalone_mode=False)
    tables = {one["table"]: one for one in json.loads(told.output)["tables"]}
    assert [one["column"] for one in tables["sales.customers"]["changes"]] == ["income"]
    shown = CliRunner().invoke(cli, ["watch", "changes", *place], standalone_mode=False)
    assert shown.return_value == 1
    assert "accept-change sales.customers" in shown.output


def test_who_refuses_a_change_says_why_and_its_readers_wait_on(desk: Desk) -> None:
    from click.testing import CliRunner

    from bridgehead.doors.cli import cli

    sql(desk, RENAME)
    before = open_clauses(desk)
    owner, boundary = desk.person("olga"), desk.house.boundary
    with pytest.raises(WatchError, match="BH-WAT-062"):
        refuse_change(boundary, "sales", "customers", desk.person("ana"), "I do not like it")
    with pytest.raises(WatchError, match="BH-WAT-064"):
        refuse_change(boundary, "sales", "customers", owner, " ")
    with pytest.raises(WatchError, match="BH-WAT-063"):
        accept_change(boundary, "sales", "customers", {}, owner, "I saw it", seen="of something else")
    place = ["--in", str(desk.folder), "--state", str(desk.house.state)]
    asked = ["watch", "refuse-change", "sales.customers", "--as", "olga", "--reason", "A slip of theirs"]
    told = CliRunner().invoke(cli, [*asked, *place], standalone_mode=False)
    assert "What is held stays held" in told.output, told.output
    entry = desk.bodies("finding.raised")[-1]
    assert (entry["answer"], entry["reason"]) == ("refused", "A slip of theirs")
    assert open_clauses(desk) == before
    nothing = CliRunner().invoke(cli, [*asked[:2], "sales.orders", *asked[3:], *place])
    assert isinstance(nothing.exception, WatchError) and nothing.exception.code == "BH-WAT-060"


@pytest.mark.parametrize("command", ["status", "look", "batches", "arrivals", "changes"])
def test_before_the_first_release_every_command_says_so(tmp_path: Path, command: str) -> None:
    from click.testing import CliRunner

    from bridgehead.doors.cli import cli
    from bridgehead.kernel.errors import ConfigError

    CliRunner().invoke(
        cli, ["init", "help-desk", "--folder", str(tmp_path / "help-desk")], standalone_mode=False
    )
    told = CliRunner().invoke(cli, ["watch", command, "--in", str(tmp_path / "help-desk")])
    assert isinstance(told.exception, ConfigError) and told.exception.code == "BH-ASM-001"
    assert told.exit_code != 0


def accepts(desk: Desk) -> None:
    boundary, names = desk.house.boundary, {"income": "yearly_income"}
    accept_change(boundary, "sales", "customers", names, desk.person("maya"), "Their release 7.")


def refuses(desk: Desk) -> None:
    refuse_change(desk.house.boundary, "sales", "customers", desk.person("maya"), "They put it back.")


@pytest.mark.parametrize("answers", [accepts, refuses])
def test_who_is_switched_off_before_the_answer_counts_answers_no_more(
    desk: Desk, answers: Callable[[Desk], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql(desk, RENAME)
    open_clauses(desk)
    ledger = desk.house.boundary.ledger
    append, size = ledger.append, []

    def and_then(work: Any) -> Any:
        monkeypatch.undo()
        desk.change("  maya: {name: Maya Lead,", "  maya: {active: false, name: Maya Lead,")
        desk.activate()
        size.append(ledger.size_and_root()[0])
        return append(work)

    monkeypatch.setattr(ledger, "append", and_then)
    with pytest.raises(WatchError, match="BH-WAT-062"):
        answers(desk)
    assert ledger.size_and_root()[0] == size[0]
    assert known(desk)["changes"] != []
