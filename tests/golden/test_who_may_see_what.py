"""Who may see what of the data, as somebody reads it who owns the data and writes no code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridgehead.declare import load
from bridgehead.doors.cli import cli
from bridgehead.doors.console.render import environment
from bridgehead.explain.filter_words import in_words
from bridgehead.explain.who_sees import SourceSeen, who_sees
from fixtures import sales
from fixtures.golden import check_golden
from fixtures.houses import FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment with a database that has a second wall, and another with named queries only."""
    place = tmp_path / "desk"
    shutil.copytree(FOLDER, place, ignore=shutil.ignore_patterns("__pycache__"))
    sales.add_to(place, "postgresql", place, wall="bridgehead_sales")
    return place


def test_the_text_is_as_people_read_it(folder: Path) -> None:
    done = CliRunner().invoke(cli, ["entitle", "show", "--all", "--in", str(folder)])
    assert done.exit_code == 0, done.output
    check_golden("who-may-see-what.txt", done.output)


def test_the_same_is_there_for_programs(folder: Path) -> None:
    done = CliRunner().invoke(cli, ["entitle", "show", "--all", "--json", "--in", str(folder)])
    (source,) = json.loads(done.output)["sources"]
    east = source["tables"][0]["grants"][0]
    assert east["people"] == ["Ana East"] and east["rows"] == "rows where region is the person's region"
    assert east["cells"]["email"] == {"how": "masked", "words": "a keyed digest"}
    assert {cell["how"] for cell in east["cells"].values()} == {"shown", "masked"}


def test_somebody_switched_off_is_not_named(folder: Path) -> None:
    path = folder / "charter.yaml"
    path.write_text(path.read_text().replace("{name: Uma West,", "{name: Uma West, active: false,"))
    (source,) = [one for one in _who(folder) if one.name == "sales"]
    assert source.tables[0].grants[1].people == ()


def test_who_lacks_what_the_rows_are_filtered_by_is_named_as_refused(folder: Path) -> None:
    path = folder / "charter.yaml"
    text = path.read_text().replace("{name: Hal HR, groups: [hr]}", "{name: Hal HR, groups: [hr, east]}")
    path.write_text(text)
    (source,) = [one for one in _who(folder) if one.name == "sales"]
    customers, orders, salaries = source.tables
    east = customers.grants[0]
    assert (east.people, east.refused) == (("Ana East",), ("Hal HR (no region)",))
    assert orders.grants[0].people == ("Ana East", "Hal HR")  # filtered by nothing about a person
    assert orders.grants[0].refused == () and salaries.grants[0].people == ("Hal HR",)
    said = CliRunner().invoke(cli, ["entitle", "show", "--all", "--in", str(folder)]).output
    assert "1. east: Ana East  [" in said
    assert "refused Hal HR (no region): their profiles do not say what the rows are filtered by" in said
    page, parts = (environment().get_template(name) for name in ("data.html", "parts.html"))
    given = {"sources": _who(folder), "deployment": "desk", "page": {"title": ""}, "parts": parts.module}
    shown = "".join(page.blocks["main"](page.new_context(given)))
    assert "what the rows are filtered by: Hal HR (no region)" in shown


def test_it_is_either_somebody_or_everybody(folder: Path) -> None:
    for given in ([], ["--as", "ana", "--all"]):
        assert CliRunner().invoke(cli, ["entitle", "show", *given, "--in", str(folder)]).exit_code == 2


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("all", "all rows"),
        ("region = :region", "rows where region is the person's region"),
        ("region in (:sales_regions)", "rows where region is one of the person's sales regions"),
        ("status not in ('open', 'paid')", "rows where status is none of “open”, “paid”"),
        ("customer = :subject", "rows where customer is whom the run serves"),
        ("amount >= -5 and amount < 10", "rows where amount is at least -5 and amount is less than 10"),
        ("a = 1 or b = 2 and c <> 3", "rows where a is 1 or (b is 2 and c is not 3)"),
        ("(a = 1 or b = 2) and c > 3", "rows where (a is 1 or b is 2) and c is more than 3"),
        ("closed is null or closed is not null", "rows where closed is not known or closed is known"),
        ("amount between 1 and 5 and paid = true", "rows where amount is from 1 to 5 and paid is true"),
        ("lower(region) = 'eu'", ""),
        ("a = 1 and name like 'x%'", ""),
        ("not a = 1", ""),
        ("not (a is not null)", ""),
        ("a is not true", "rows where a is not true"),
        ("a between symmetric 5 and 1", ""),
        ("a is distinct from 1", ""),
    ],
)
def test_a_filter_is_said_in_words_or_left_to_its_sql(rows: str, words: str) -> None:
    for dialect in ("postgres", "duckdb", "sqlite"):
        assert in_words(rows, dialect) == words  # type: ignore[arg-type]


def _who(folder: Path) -> tuple[SourceSeen, ...]:
    return who_sees(load(folder))
