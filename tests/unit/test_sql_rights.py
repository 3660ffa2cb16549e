"""Rights on tables: what people and agents see, what ``check`` finds, what ``explain`` shows."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridgehead.check import readiness
from bridgehead.declare import CharterErrors, Deployment, load
from bridgehead.doors.cli import cli
from bridgehead.enforce import policy
from bridgehead.enforce.sql import declared, grants
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.rewriter import Rewriter
from bridgehead.enforce.sql.rights import Rights
from fixtures import sales
from fixtures.houses import FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment folder with the source ``sales`` on SQLite."""
    place = tmp_path / "desk"
    shutil.copytree(FOLDER, place, ignore=shutil.ignore_patterns("__pycache__"))
    sales.add_to(place, "sqlite", sales.sqlite_file(place / "sales.sqlite"))
    return place


def _changed(folder: Path, old: str, new: str) -> Deployment:
    path = folder / "charter.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return load(folder)


def _found(deployment: Deployment, *rules: str) -> list[tuple[str, str]]:
    findings = readiness(deployment, policy.faults, declared.misfits)
    return [(f.rule, f.words) for f in findings if f.rule in (rules or ("BH-CHK-068", "BH-CHK-069"))]


def test_a_sound_charter_keeps_the_rules_silent(folder: Path) -> None:
    assert _found(load(folder)) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('rows: "region = :region"', 'rows: "region = :regoin"', "nobody it is for has"),
        ('rows: "region = :region"', 'rows: "regoin = :region"', "does not declare"),
        ('rows: "region = :region"', 'rows: "region = "', "is not one condition"),
        ('rows: "region = :region"', 'rows: "id in (select id from secrets)"', "no other table"),
        ('rows: "region = :region"', 'rows: "1 = 1; drop table customers"', "is not one condition"),
        ("since: month", "name2: month", ""),
        ("income: {bucket: 1000}", "income: last4", "is not for integer"),
        ("income: integer", "income: integre(", "not a type"),
        ("select id, amount from orders", "select id, amount from ordres", "cannot be asked"),
    ],
)
def test_what_does_not_fit_is_said_with_its_line(folder: Path, old: str, new: str, words: str) -> None:
    if not words:  # a column nobody declared is a reference that leads nowhere
        with pytest.raises(CharterErrors) as broken:
            _changed(folder, old, new)
        assert {error.code for error in broken.value.errors} >= {"BH-CHA-100"}
        return
    deployment = _changed(folder, old, new)
    findings = [f for f in readiness(deployment, policy.faults, declared.misfits) if f.rule == "BH-CHK-068"]
    assert any(words in finding.words for finding in findings), findings
    assert all(finding.where.startswith("charter.yaml:") for finding in findings)


def test_one_person_without_the_attribute_is_worth_knowing(folder: Path) -> None:
    deployment = _changed(
        folder, "hal: {name: Hal HR, groups: [hr]}", "hal: {name: Hal HR, groups: [hr, east]}"
    )
    assert _found(deployment) == [("BH-CHK-069", "`:region` is not among the attributes of hal.")]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("- to: [east]", "- to: [aest]", "BH-CHA-021"),
        ("show: [id, name, region, iban]", "show: [id, nam, region, iban]", "BH-CHA-100"),
        ("show: [id, name, region, iban]", "show: [id, name, region, email]", "BH-CHA-101"),
        ("tables: [sales.customers, sales.orders]", "tables: [sales.costumers]", "BH-CHA-102"),
        ("key: id", "key: idd", "BH-CHA-100"),
        ("show: [id, team, salary]", "show: [team, salary]", "BH-CHA-101"),
    ],
)
def test_a_name_nobody_declared_is_an_error_with_its_line(
    folder: Path, old: str, new: str, code: str
) -> None:
    with pytest.raises(CharterErrors) as broken:
        _changed(folder, old, new)
    assert code in {error.code for error in broken.value.errors}


def test_an_agent_never_sees_more_than_its_tables_its_tags_and_its_human(folder: Path) -> None:
    charter = load(folder).charter
    person = charter.people["ana"]

    def columns(agent: str) -> set[str]:
        given = grants.entitled(charter, "sales", "ana", person, agent)
        return {column.name for column in given.rights.tables["customers"].columns}

    alone = columns("")
    assert columns("cleared") == alone and "iban" in alone
    assert columns("asker") == alone - {"iban"}
    clerk = grants.entitled(charter, "sales", "ana", person, "clerk")
    assert clerk.rights.tables == {} and all(not standing.seen for standing in clerk.why.values())


def test_explain_shows_what_would_run_and_why_or_why_not(folder: Path) -> None:
    asked = ["entitle", "explain", "--in", str(folder), "--as", "ana", "--agent", "asker", "--json"]
    done = CliRunner().invoke(cli, [*asked, "select id, income from customers"])
    found = json.loads(done.output)
    (table,) = found["tables"]
    assert done.exit_code == 0 and "income" in table["masked"] and table["unseen"] == ["iban"]
    assert table["rows"] == "rows where region = :region (region = 'eu')"
    assert table["where"].startswith("charter.yaml:")
    refused = CliRunner().invoke(cli, [*asked, "select * from secrets"])
    assert refused.exit_code == 1 and json.loads(refused.output)["rule"] == "sql.table"


def test_explain_lays_the_statement_out_and_no_value_forges_a_line(folder: Path) -> None:
    asked = ["entitle", "explain", "--in", str(folder), "--as", "ana", "--agent", "asker"]
    said = CliRunner().invoke(cli, [*asked, "select id, income from customers where name = 'x'"])
    lines = said.output.splitlines()
    assert "  SELECT" in lines and any(line.strip().startswith("WHERE") for line in lines)
    told = CliRunner().invoke(cli, [*asked, "--json", "select id from customers"])
    found = json.loads(told.output)
    assert "\n" not in found["sql"] and "\n" in found["shown"]
    forged = CliRunner().invoke(
        cli, [*asked, "select id from customers where name = 'x\nSELECT salary FROM secrets'"]
    )
    assert forged.exit_code == 0
    assert not any(line.strip().startswith("SELECT salary") for line in forged.output.splitlines())


@pytest.mark.parametrize(
    ("sql", "unknown"),
    [
        ("select nme, income from customers", ["nme"]),
        ("select c.iban from customers c where c.shoe_size > 3", ["iban", "shoe_size"]),
        ("select ID, Name from customers", []),
        ("with s(n) as (select count(*) from customers) select n from s", []),
        ("select count from (select count(*) from customers) t", []),
        ("select name as who, income from customers order by who", []),
    ],
)
def test_explain_names_a_column_that_is_hidden_or_never_was(
    folder: Path, sql: str, unknown: list[str]
) -> None:
    asked = ["entitle", "explain", "--in", str(folder), "--as", "ana", "--agent", "asker"]
    found = CliRunner().invoke(cli, [*asked, "--json", sql])
    said = CliRunner().invoke(cli, [*asked, sql])
    assert json.loads(found.output)["unknown"] == unknown
    assert found.exit_code == said.exit_code == bool(unknown)
    assert all(f"no column {', '.join(unknown)} that" in said.output for _ in unknown)


def test_explain_takes_sql_that_begins_with_a_comment_and_sql_from_a_file(folder: Path) -> None:
    asked = ["entitle", "explain", "--in", str(folder), "--as", "ana", "--agent", "asker"]
    text = "-- who they are\nselect name from customers"
    (folder / "asked.sql").write_text(text)
    commented = CliRunner().invoke(cli, [*asked, text])
    read = CliRunner().invoke(cli, [*asked, f"@{folder / 'asked.sql'}"])
    missing = CliRunner().invoke(cli, [*asked, "@nowhere.sql"])
    assert commented.exit_code == 0 and commented.output == read.output
    assert missing.exit_code == 2 and "nowhere.sql cannot be read" in missing.output


def test_show_says_who_is_refused_for_want_of_an_attribute(folder: Path) -> None:
    _changed(folder, "groups: [east], attributes: {region: eu, regions: [eu]}}", "groups: [east]}")
    seen = CliRunner().invoke(cli, ["entitle", "show", "--in", str(folder), "--as", "ana", "--json"])
    tables = {table["table"]: table for table in json.loads(seen.output)["tables"]}
    assert not tables["customers"]["seen"]
    assert "filtered by region, which the profile does not say" in tables["customers"]["why"]


def test_a_remembered_rewrite_belongs_to_its_rights(folder: Path) -> None:
    charter, rewriter = load(folder).charter, Rewriter()
    made = [
        rewriter.rewrite(
            "select * from customers",
            grants.entitled(charter, "sales", name, charter.people[name], "asker", secret="s").rights,
        )
        for name in ("ana", "uma", "ana")
    ]
    assert made[0] is made[2] and made[0].values != made[1].values


@pytest.mark.parametrize(
    "sql",
    [
        "select team, avg(salary) from salaries group by team having avg(case when id = 9 then 1 end) > 0",
        "select team, avg(salary) from salaries where 1 / (salary - 9000) = 0 group by team",
        "select team, avg(salary) from salaries group by team order by salary",
        "select team, avg(salary) from salaries group by team having salary > 5",
        "select sum(s.salary) from salaries s join (values (1), (1), (2)) w(id) on w.id = s.id",
        "select sum(s.salary) from salaries s left join salaries t on t.id = s.id",
        "select (select avg(salary) from salaries where id <= o.n) from (values (5), (6)) o(n)",
        "select avg(salary) from salaries where id <= 5 union select avg(salary) from salaries where id <= 6",
        "select avg(salary) from salaries x(team, id, salary)",
        "select min(salary), max(salary) from salaries",
        "select team, salary from salaries group by team, salary having count(*) > 0 and max(salary) > 1",
        "select round(avg(salary), (select max(salary) from salaries)) from salaries",
        "with s as (select * from salaries) select * from s",
    ],
)
def test_nobody_is_read_out_of_a_group(folder: Path, sql: str) -> None:
    charter = load(folder).charter
    rights = grants.entitled(charter, "sales", "hal", charter.people["hal"], "asker").rights
    with pytest.raises(SqlRefused) as refused:
        rewrite(sql, rights)
    assert refused.value.rule in ("sql.groups", "sql.part")


@pytest.mark.parametrize(
    "sql",
    [
        "select length(printf('%1200000000d', 1))",
        "select length(format('{:>1500000000}', 'a'))",
        "select lpad('x', 1500000000, 'y')",
        "select rpad('x', 1500000000, 'y')",
        "select repeat('x', 1500000000)",
        "select len(range(300000000))",
        "select len(generate_series(1, 300000000))",
        "select count(*) from unnest(generate_series(1, 300000000))",
        "select x from (select 1) o, lateral (select range(300000000) as x) l",
    ],
)
def test_nothing_that_fills_memory_at_a_word_is_asked_of_duckdb(sql: str) -> None:
    with pytest.raises(SqlRefused) as refused:
        rewrite(sql, Rights(dialect="duckdb", tables={}))
    assert refused.value.rule in ("sql.part", "sql.function")


def test_a_series_in_from_is_asked_of_duckdb() -> None:
    assert rewrite("select count(*) from generate_series(1, 5) g(n)", Rights(dialect="duckdb", tables={})).sql
    assert rewrite("select n from range(5) g(n)", Rights(dialect="duckdb", tables={})).sql


def test_a_hashed_value_never_carries_its_key(folder: Path) -> None:
    charter = load(folder).charter
    given = grants.entitled(charter, "sales", "ana", charter.people["ana"], "asker", secret="the-key")
    made = rewrite("select email from customers", given.rights)
    assert "the-key" not in made.sql and "the-key" in made.values
    assert sqlite3.complete_statement(made.sql + ";")
