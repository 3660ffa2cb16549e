"""A sender renames a column overnight: nothing of the batch is read before somebody says what it is now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bridgehead.assemble.watching import came, look_at
from bridgehead.explain.schema_changes import changes
from bridgehead.kernel.errors import ApprovalError
from bridgehead.watch.feeds.deciding import decide
from bridgehead.watch.schema_accepting import Accepted, accept_change
from fixtures.fed import HEADER, ROWS, FedDesk, richer
from fixtures.sales_contract import LOOSE
from fixtures.sick_data import NOTE

NEW = HEADER.replace("income", "yearly_income")
TOTAL = "select sum(income) as total, count(income) as n from customers"
CODE = '''
async def play(run, ask, act=None):
    """Read, then act."""
    read = await run.query("sales", ask)
    if act is None:
        return read.value if hasattr(read, "value") else [one.rule for one in read.decision.reasons]
    outcome = await run.act(act[1], **act[2])
    return [read.value, type(outcome).__name__.lower()]
'''


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FedDesk]:
    made = begun(FedDesk(tmp_path, contract=LOOSE))
    yield made
    made.close()


def begun(desk: FedDesk) -> FedDesk:
    desk.workflow(CODE)
    desk.sender.sends("customers_01.csv")
    desk.look()
    return desk


def renamed(desk: FedDesk, name: str = "customers_02.csv", by: int = 1000) -> None:
    desk.sender.sends(name, richer(ROWS, by), NEW)
    desk.look()


def opened(desk: FedDesk) -> dict[str, Any]:
    with desk.house.store.reading() as connection:
        return next(one for one in changes(connection) if one["table"] == "sales.customers")


def accepts(desk: FedDesk, reason: str = "Their release 7.", **names: str) -> Accepted:
    boundary = desk.house.boundary
    return accept_change(boundary, "sales", "customers", names, desk.person("olga"), reason)


async def read(desk: FedDesk, ask: str = TOTAL) -> Any:
    run = desk.start(workflow="plain", input={"ask": ask}, on_behalf="ana")
    await desk.work()
    return desk.ended(run)


async def test_a_renamed_column_keeps_its_batch_apart_until_somebody_says_what_it_is_called(
    desk: FedDesk,
) -> None:
    before = await read(desk)
    renamed(desk)
    assert desk.batches()["customers_02.csv"] == "quarantined"
    (change,) = opened(desk)["changes"]
    assert (change["column"], change["class"], change["readers"]) == ("income", "breaking", ["plain"])
    assert "--renamed income=yearly_income" in change["words"]
    assert await read(desk) == before, "the last good batch is read meanwhile"
    assert [row.closed_at for row in desk.incidents() if row.kind == "data:sales.customers"] == [None]

    made = accepts(desk, income="yearly_income")
    assert made.awaited == (), "read by both names, it needs no other release"
    assert list(came(desk.house)) == ["sales"]
    assert desk.look().broken == ()
    assert desk.batches()["customers_02.csv"] == "published"
    assert list(came(desk.house)) == []
    (old,), (new,) = before, await read(desk)
    assert (new["n"], new["total"]) == (old["n"], old["total"] + 1000 * old["n"])
    last = desk.bodies("batch.published")[-1]
    assert (last["batch"].partition("@")[0], last["again"]) == ("customers_02.csv", True)
    assert desk.verified().ok


async def test_what_would_read_as_empty_is_not_released_as_it_is(desk: FedDesk) -> None:
    renamed(desk)
    boundary = desk.house.boundary
    with pytest.raises(ApprovalError, match="BH-WAT-118"):
        decide(boundary, "sales.customers", "customers_02.csv", "release", desk.person("olga"), "Go on.")
    decide(boundary, "sales.customers", "customers_02.csv", "discard", desk.person("olga"), "A slip.")
    assert (opened(desk)["changes"], desk.breaches()) == ([], {})


async def test_a_release_by_the_new_name_reads_old_batches_too(desk: FedDesk) -> None:
    old = await read(desk)
    renamed(desk, by=0)
    accepts(desk, income="yearly_income")
    for before, after in (
        ("          income: integer\n", "          yearly_income: integer\n"),
        ("income: {bucket: 1000}", "yearly_income: {bucket: 1000}"),
        ("income: {bucket: 10000}", "yearly_income: {bucket: 10000}"),
    ):
        desk.change(before, after)
    desk.change("- name: income", "- name: yearly_income", "sales.odcs.yaml")
    desk.activate()
    assert [row.number for row in desk.snapshots()] == [1], "nobody has looked yet"
    assert await read(desk, TOTAL.replace("income", "yearly_income")) == old
    desk.look()
    assert await read(desk, TOTAL.replace("income", "yearly_income")) == old
    desk.sender.sends("customers_03.csv", richer(ROWS, 1))  # they take it back: another change
    desk.look()
    assert desk.batches()["customers_03.csv"] == "quarantined"
    assert dict(accepts(desk, yearly_income="income").mapping) == {"yearly_income": "income"}
    assert desk.look().broken == ()
    assert desk.batches()["customers_03.csv"] == "published"


async def test_what_adds_is_published_and_recorded_and_what_nobody_reads_only_warns(desk: FedDesk) -> None:
    more = [f"{row},x" for row in richer(ROWS)]
    desk.sender.sends("customers_02.csv", more, f"{HEADER},shoe")
    assert (desk.look().broken, desk.batches()["customers_02.csv"]) == ((), "published")
    assert "shoe: column added" in desk.bodies("finding.raised")[-1]["words"]
    assert opened(desk)["accepted_by"] == "a batch: it breaks nobody"
    desk.sender.sends("customers_03.csv", richer(ROWS, 2))
    (clause,) = desk.look().broken
    assert (clause.clause, clause.response) == ("schema.column_removed.shoe", "warn")
    assert desk.batches()["customers_03.csv"] == "published"
    accepts(desk)
    assert (desk.look().broken, opened(desk)["changes"]) == ((), [])


async def test_a_column_that_is_gone_for_good_waits_for_a_release_without_it(desk: FedDesk) -> None:
    old = await read(desk, "select count(email) as n from customers")
    rows = [",".join((*row.split(",")[:2], *row.split(",")[3:])) for row in ROWS]
    desk.sender.sends("customers_02.csv", rows, HEADER.replace("email,", ""))
    desk.look()
    assert accepts(desk).awaited == ("email",)
    desk.look()
    assert desk.batches()["customers_02.csv"] == "quarantined"
    assert "Its readers wait for a release" in desk.look().broken[0].words
    assert await read(desk, "select count(email) as n from customers") == old
    desk.change("          email: text\n", "")
    desk.change("mask: {email: hash, since", "mask: {since")
    desk.change("show: [id, name, email, region", "show: [id, name, region")
    desk.activate()
    assert list(came(desk.house)) == ["sales"]
    desk.look()
    assert desk.batches()["customers_02.csv"] == "published"


async def test_the_next_batch_with_the_old_columns_ends_it(desk: FedDesk) -> None:
    renamed(desk)
    assert opened(desk)["changes"] != []
    desk.sender.sends("customers_03.csv", richer(ROWS, 2))
    assert desk.look().broken == ()
    assert list(desk.batches().values()) == ["published", "replaced", "published"]
    assert (opened(desk)["changes"], opened(desk)["since"]) == ([], "")
    assert desk.bodies("batch.replaced")[0]["by"].startswith("customers_03.csv@")


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
async def test_batches_that_add_up_are_read_by_each_ones_own_names(tmp_path: Path, kind: str) -> None:
    desk = FedDesk(tmp_path, holds="new", contract=LOOSE)
    desk.workflow(CODE)
    desk.change('files: "customers*.csv"', 'files: "customers*"')
    for number, (rows, header) in enumerate(((ROWS[:10], HEADER), (ROWS[10:20], NEW))):
        (tmp_path / "rows.csv").write_text("\n".join([header, *rows]) + "\n")
        with duckdb.connect() as connection:
            shown = "select * replace (since::text as since) from"
            how = {"csv": "csv", "parquet": "parquet", "jsonl": "json"}[kind]
            made = f"copy ({shown} read_csv('{tmp_path}/rows.csv')) to '{tmp_path}/out' (format {how})"
            connection.execute(made)
        desk.sender.drops(f"customers_{number}.{kind}", (tmp_path / "out").read_bytes())
        desk.look()
    assert list(desk.batches().values()) == ["published", "quarantined"]
    accepts(desk, income="yearly_income")
    look_at(desk.house, "sales")
    assert list(desk.batches().values()) == ["published", "published"]
    # ana sees those of her region: every other row.
    assert await read(desk) == [{"total": 1000 * sum(range(1, 21, 2)), "n": 10}]
    desk.close()


async def test_a_rename_of_what_was_renamed_is_noticed_too(desk: FedDesk) -> None:
    renamed(desk)
    accepts(desk, income="yearly_income")
    desk.look()
    desk.sender.sends("customers_03.csv", richer(ROWS, 7), HEADER.replace("income", "income_per_year"))
    desk.look()
    assert desk.batches()["customers_03.csv"] == "quarantined"
    made = accepts(desk, yearly_income="income_per_year")
    assert dict(made.mapping) == {"income": "income_per_year", "yearly_income": "income_per_year"}
    desk.look()
    assert desk.batches()["customers_03.csv"] == "published"
    (found,) = await read(desk)
    assert found["n"] == 20


def test_the_command_judges_what_waited_again(desk: FedDesk) -> None:
    from click.testing import CliRunner

    from bridgehead.doors.cli import cli

    renamed(desk)
    place = ["--in", str(desk.folder), "--state", str(desk.house.state)]
    shown = CliRunner().invoke(cli, ["watch", "changes", *place], standalone_mode=False)
    assert (shown.return_value, "accept-change sales.customers" in shown.output) == (1, True)
    listed = CliRunner().invoke(cli, ["watch", "batches", *place], standalone_mode=False).output
    assert "say what its columns are called now" in listed
    assert "watch release" not in listed
    said = ["--as", "olga", "--reason", "Their release 7.", "--renamed", "income=yearly_income"]
    command = ["watch", "accept-change", "sales.customers", *said, *place, "--json"]
    told = json.loads(CliRunner().invoke(cli, command, standalone_mode=False).output)
    assert told["batches"] == {"customers_02.csv": "published"}
    shown = CliRunner().invoke(cli, ["watch", "changes", *place], standalone_mode=False)
    assert shown.return_value == 0
    assert "sales.customers: income is called yearly_income now, as olga accepted" in shown.output


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_what_is_accepted_is_said_to_be_so_where_what_waited_cannot_be_written_down(
    desk: FedDesk, how: list[str]
) -> None:
    from click.testing import CliRunner

    from bridgehead.doors.cli import cli

    renamed(desk)
    refuses = "create trigger t before update on looked_at begin select raise(abort, 'refused'); end"
    with desk.house.store.writing() as connection:
        connection.exec_driver_sql(refuses)
    place = ["--in", str(desk.folder), "--state", str(desk.state), *how]
    said = ["--as", "olga", "--reason", "Their release 7.", "--renamed", "income=yearly_income"]
    told = CliRunner().invoke(cli, ["watch", "accept-change", "sales.customers", *said, *place])
    assert told.exit_code == 0, told.output
    if how:
        found = json.loads(told.output)
        assert (found["mapping"], found["batches"]) == ({"income": "yearly_income"}, {})
        assert found["not_judged"]
    else:
        assert told.output.startswith("Accepted. ")
        assert "The change is accepted, but what waited for it was not judged again: " in told.output
    assert (opened(desk)["changes"], opened(desk)["accepted_by"]) == ([], "olga")


def test_days_that_waited_are_judged_in_their_order_and_the_last_is_read(tmp_path: Path) -> None:
    desk = FedDesk(tmp_path)  # the contract promises the column, too: by the new name it holds
    desk.sender.sends("customers_01.csv")
    desk.look()
    for number in (2, 3):
        renamed(desk, f"customers_0{number}.csv", by=number)
    assert list(desk.batches().values()) == ["published", "quarantined", "quarantined"]
    accepts(desk, income="yearly_income")
    assert desk.look().broken == ()
    assert list(desk.batches().values()) == ["published"] * 3
    assert desk.contents()[-1][0].startswith("customers_03.csv@")
    desk.close()


def test_what_a_discarded_batch_changed_is_open_no_more_and_what_is_read_stays_so(desk: FedDesk) -> None:
    desk.sender.sends("customers_02.csv", [f"{row},x" for row in richer(ROWS)], f"{HEADER},shoe")
    desk.look()
    desk.sender.sends("customers_03.csv", richer(ROWS, 2))
    desk.look()
    renamed(desk, "customers_04.csv")
    assert {one["column"] for one in opened(desk)["changes"]} == {"shoe", "income"}
    boundary = desk.house.boundary
    decide(boundary, "sales.customers", "customers_04.csv", "discard", desk.person("olga"), "A slip.")
    assert [one["column"] for one in opened(desk)["changes"]] == ["shoe"]
    assert desk.breaches() == {"schema.column_removed.shoe": "warn"}


def test_types_are_compared_where_files_say_them_and_a_key_without_a_value_is_not_gone(
    tmp_path: Path,
) -> None:
    desk = FedDesk(tmp_path, contract=LOOSE)
    desk.change('files: "customers*.csv"', 'files: "customers*"')
    (tmp_path / "rows.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    shapes = (
        ("parquet", "* replace (since::text as since)"),
        ("jsonl", "* exclude (iban) replace (since::text as since)"),  # no record has one: it may be empty
        ("csv", "* replace (income + 1 as income)"),  # says nothing of types
        ("parquet", "* replace (since::text as since, (income + 2)::text as income)"),
        ("jsonl", "* exclude (iban) replace (since::text as since), iban as account"),
    )
    for number, (kind, shown) in enumerate(shapes):
        how = "json" if kind == "jsonl" else kind
        made = (
            f"copy (select {shown} from read_csv('{tmp_path}/rows.csv')) to '{tmp_path}/out' (format {how})"
        )
        with duckdb.connect() as connection:
            connection.execute(made)
        desk.sender.drops(f"customers_{number}.{kind}", (tmp_path / "out").read_bytes())
        desk.look()
    assert list(desk.batches().values()) == [*["published"] * 3, "quarantined", "quarantined"]
    rows = {row.name.partition("@")[0]: row.said for row in desk.batch_rows()}
    assert "customers.income: type changed" in rows["customers_3.parquet"]
    assert "customers.iban: the column is gone" in rows["customers_4.jsonl"]
    desk.close()


async def test_an_effect_of_who_waits_for_nothing_is_done(desk: FedDesk) -> None:
    renamed(desk)
    run = desk.start(workflow="plain", input={"ask": TOTAL, "act": list(NOTE)}, on_behalf="ana")
    await desk.work()
    assert desk.ended(run)[1] == "done", "within bridgeheadMaxStaleness the last good batch is good"
