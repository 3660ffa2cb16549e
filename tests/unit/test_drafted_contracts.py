"""``bridgehead watch draft``: what a draft proposes of data somebody made up, and that it holds of them."""

from __future__ import annotations

import csv
import json
import random
import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridgehead.doors.cli import cli
from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks.check import check
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.where import place
from bridgehead.watch.contract.model import Contract
from bridgehead.watch.contract.read import parse
from bridgehead.watch.draft.draft import from_files
from bridgehead.watch.draft.place import drafted_from
from bridgehead.watch.draft.written import contract_text
from fixtures.postgres import Server

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOWNS = [("10115", "Berlin"), ("20095", "Hamburg"), ("80331", "Muenchen"), ("50667", "Koeln")]


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, *rows])


def drop(folder: Path, days: int = 8, shop: random.Random | None = None) -> Path:
    """A folder of two tables: customers, and orders in a file a day."""
    draw = shop or random.Random(3)
    people = [(n, f"Mira Vogt{n}", f"m{n}@mail.example", *draw.choice(TOWNS)) for n in range(1, 121)]
    write(folder / "customers.csv", ("id", "name", "email", "zip", "city"), people)
    number = 0
    for day in range(days):
        rows = []
        for _ in range(50):
            number += 1
            amount = round(draw.lognormvariate(3, 0.7), 2)
            rows.append(
                (f"O-{number:06d}", draw.randint(1, 120), amount, draw.choice(["paid", "open", "sent"]))
            )
        name = f"orders_{date(2026, 11, 9) + timedelta(days=day)}.csv"
        write(folder / name, ("order_no", "customer_id", "amount", "status"), rows)
    return folder


def contract_of(path: Path) -> Contract:
    drafts = from_files(path, limits=Limits(), clock=SystemClock(), say=lambda _: None).tables
    return parse(contract_text("drop", drafts, "data", "2026-11-22").encode(), "draft.odcs.yaml")


def broken(contract: Contract, path: Path) -> set[str]:
    with place(str(path), contract.tables, limits=Limits(), clock=SystemClock()) as there:
        report = check(contract, there, now=NOW)
    return {one.check.id for one in report.breaches}


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, ["watch", *map(str, arguments)], standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_folder_becomes_a_contract_that_its_data_keep_and_a_sick_batch_does_not(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    folder, out = drop(tmp_path / "drop"), tmp_path / "contracts" / "drop.odcs.yaml"
    made = run("draft", folder, "--out", out)
    assert "customers: 120 rows, 5 columns" in made.output
    assert "orders: 400 rows, 4 columns" in made.output
    checked = run("check", "--contract", out, "--data", folder)
    assert checked.return_value == 0, checked.output
    assert "Every clause holds." in checked.output

    sick = [(f"P{n}", 500 + n, n * 1000, "PAID ") for n in range(30)]
    write(folder / "orders_2026-11-20.csv", ("order_no", "customer_id", "amount", "status"), sick)
    told = json.loads(run("check", "--contract", out, "--data", folder, "--json").output)
    clauses = {one["id"] for one in told["checks"] if one["state"] == "broken"}
    assert clauses == {
        "orders.order_no.pattern",
        "orders.customer_id.reference",
        "orders.amount.range",
        "orders.status.known_values",
    }


def test_what_a_draft_says_of_each_column(tmp_path: Path) -> None:
    contract = contract_of(drop(tmp_path))
    customers, orders = contract.tables
    assert (customers.key, orders.key) == (("id",), ("order_no",))
    assert orders.physical == "orders_*.csv"
    assert orders.ours.cadence is not None
    assert orders.ours.cadence.cron == "0 12 * * *"
    amount, number = orders.column("amount"), orders.column("order_no")
    assert amount and amount.logical == "number" and amount.options.minimum == 0 and amount.required
    assert number and [getattr(one.rule, "pattern", "") for one in number.clauses] == [r"^O\-[0-9]{6}$"]
    assert [(one.rule.columns) for one in customers.clauses if hasattr(one.rule, "columns")] == [
        ("zip", "city")
    ]


def test_nobody_is_named_in_a_draft(tmp_path: Path) -> None:
    folder = drop(tmp_path)
    with (folder / "customers.csv").open("a", newline="") as more:
        more.write("121,nobody in particular 7,not an address,10115,Berlin\r\n")
    text = contract_text(
        "drop", from_files(folder, limits=Limits(), clock=SystemClock(), say=lambda _: None).tables, "x", "y"
    )
    assert "Mira" not in text and "Vogt" not in text and "nobody" not in text and "not an address" not in text
    assert "`aaaaaa aa aaaaaaaaaa 9` (1x)" in text


def test_values_that_speak_against_a_clause_stand_beside_it_and_inside_the_tolerance(tmp_path: Path) -> None:
    rows = [(n, "N/A" if n % 50 == 0 else 20 + n % 30, "paid" if n % 97 else "PAID ") for n in range(1, 501)]
    write(tmp_path / "t.csv", ("id", "age", "state"), rows)
    made = drafted_from(
        str(tmp_path / "t.csv"), name=None, only=(), limits=Limits(), clock=SystemClock(), say=lambda _: None
    )
    assert "98.00% of 500 rows; 10 against, such as `N/A` (10x)" in made.text
    assert "declare it once the others are mended" in made.text
    assert "`PAID ` (5x)" in made.text
    assert broken(parse(made.text.encode(), "t"), tmp_path / "t.csv") == set()


def test_towns_decided_by_their_zip_are_checked_in_a_later_batch(tmp_path: Path) -> None:
    draw = random.Random(5)
    # So many places that no closed set would find what is planted.
    places = [(f"{10000 + 7 * n}", f"Town{chr(97 + n % 26)}{chr(97 + n // 26)}") for n in range(300)]
    rows = [(n, *draw.choice(places)) for n in range(3000)]
    write(tmp_path / "a.csv", ("id", "zip", "city"), rows)
    contract = contract_of(tmp_path / "a.csv")
    planted = [(n, zip_, "Townaa" if n % 40 == 0 else city) for n, zip_, city in rows]
    write(tmp_path / "a.csv", ("id", "zip", "city"), planted)
    assert broken(contract, tmp_path / "a.csv") == {"a.zip_decides_city"}


@pytest.mark.parametrize("suffix", ["sqlite", "jsonl", "parquet"])
def test_other_formats_are_drafted_as_they_are_checked(tmp_path: Path, suffix: str) -> None:
    rows = [{"id": n, "amount": n * 1.5, "day": "2026-11-01", "code": f"{n % 7:03d}"} for n in range(200)]
    path = tmp_path / f"t.{suffix}"
    if suffix == "jsonl":
        path.write_text("\n".join(json.dumps({**row, "tags": ["a"]}) for row in rows))
    elif suffix == "sqlite":
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, amount REAL, day TEXT, code TEXT)")
        connection.executemany("INSERT INTO t VALUES (:id, :amount, :day, :code)", rows)
        connection.commit()
        connection.close()
    else:
        import duckdb

        shown = "i AS id, i * 1.5 AS amount, DATE '2026-11-01' AS day, lpad((i % 7)::VARCHAR, 3, '0') AS code"
        duckdb.sql(f"COPY (SELECT {shown} FROM range(200) r(i)) TO '{path}'")
    contract = contract_of(path)
    kinds = {one.name: one.logical for one in contract.tables[0].columns}
    assert kinds.items() >= {"id": "integer", "amount": "number", "day": "date", "code": "string"}.items()
    assert broken(contract, path) == set()


def test_tables_of_a_database_are_drafted_there(postgresql: Server) -> None:
    import psycopg

    url = postgresql.new_database()
    address = "postgresql://" + url.partition("://")[2]
    with psycopg.connect(address) as there:
        there.execute("CREATE TABLE town (town_id int PRIMARY KEY, name text NOT NULL)")
        there.execute("CREATE TABLE visit (id bigint, town_id int, at timestamptz, kind text)")
        there.execute("INSERT INTO town SELECT n, 'Town' || n FROM generate_series(1, 40) n")
        there.execute(
            "INSERT INTO visit SELECT n, 1 + n % 40, '2026-11-01'::timestamptz + n * interval '1 h', "
            "CASE n % 2 WHEN 0 THEN 'in' ELSE 'out' END FROM generate_series(1, 300) n"
        )
    made = drafted_from(
        address, name="towns", only=(), limits=Limits(), clock=SystemClock(), say=lambda _: None
    )
    assert "bridgeheadSegment" not in made.text, "rows of a table are no batches"
    contract = parse(made.text.encode(), "towns")
    visit = contract.table("visit")
    assert visit and {one.name: one.logical for one in visit.columns} == {
        "id": "integer", "town_id": "integer", "at": "timestamp", "kind": "string",
    }  # fmt: skip
    town = visit.column("town_id")
    assert town and [one.to for one in town.references] == ["town"]


def test_a_dependency_counts_alike_in_files_and_in_postgresql(tmp_path: Path, postgresql: Server) -> None:
    import psycopg

    draw = random.Random(11)
    rows = [(n, draw.choice(["a", "b", "c", ""]), draw.choice(["x", "y", "z", ""])) for n in range(300)]
    groups = {key: [value for _, one, value in rows if one == key and value] for key in "abc"}
    other = sum(len(values) - max(map(values.count, values)) for values in groups.values())
    write(tmp_path / "t.csv", ("id", "key", "value"), rows)
    address = "postgresql://" + postgresql.new_database().partition("://")[2]
    with psycopg.connect(address) as there:
        there.execute("CREATE TABLE t (id int, key text, value text)")
        with there.cursor() as cursor:
            cursor.executemany("INSERT INTO t VALUES (%s, nullif(%s, ''), nullif(%s, ''))", rows)
    clause = f"{{metric: dependency, properties: [key], column: value, mustBe: {other}}}"
    columns = "".join(f"      - {{name: {name}, logicalType: string}}\n" for name in ("key", "value"))
    contract = parse(
        f"apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\n"
        f"schema:\n  - name: t\n"
        f"    properties:\n{columns}    quality:\n"
        f"      - {{type: custom, engine: bridgehead, implementation: {clause}}}\n".encode(),
        "t.yaml",
    )
    for data in (str(tmp_path / "t.csv"), address):
        with place(data, contract.tables, limits=Limits(), clock=SystemClock()) as there_too:
            report = check(contract, there_too, now=NOW)
        assert [one.number for one in report.verdicts if "dependency" in one.check.id] == [other]
        assert report.holds


@pytest.mark.parametrize(
    "clause",
    ["{metric: dependency, mustBe: 0}", "{metric: dependency, properties: [a], column: a, mustBe: 0}",
     "{metric: dependency, properties: [b], column: a, mustBe: 0}",
     "{metric: dependency, properties: a, column: a, mustBe: 0}"],
)  # fmt: skip
def test_a_dependency_that_says_nothing_is_refused_with_its_line(clause: str) -> None:
    text = (
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\n"
        "schema:\n  - name: t\n    properties:\n      - {name: a, logicalType: string}\n    quality:\n"
        f"      - {{type: custom, engine: bridgehead, implementation: {clause}}}\n"
    )
    with pytest.raises(WatchError, match=r"BH-WAT-01[02].*") as refused:
        parse(text.encode(), "t.yaml")
    assert refused.value.where == "t.yaml:11"


def test_a_clause_the_sample_missed_is_dropped_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgehead.watch.draft.reading.MOST_ROWS", 100)
    rows = [(n, "" if n == 777 else f"x{n % 9}y") for n in range(2000)]
    write(tmp_path / "t.csv", ("id", "code"), rows)
    made = drafted_from(
        str(tmp_path / "t.csv"), name=None, only=(), limits=Limits(), clock=SystemClock(), say=lambda _: None
    )
    assert "2,000 rows, of which 100 drawn evenly were looked at" in made.text
    assert "`required: true` was dropped, it does not hold of all rows" in made.text


def test_the_range_of_a_column_with_an_outlier_is_a_share_of_its_rows(tmp_path: Path) -> None:
    rows = [(n, 10 + n % 7 / 10) for n in range(1200)]
    write(tmp_path / "t.csv", ("id", "amount"), [*rows, (1200, 99999)])
    contract = contract_of(tmp_path / "t.csv")
    write(tmp_path / "t.csv", ("id", "amount"), [*rows, *((n, 99999) for n in range(1200, 1300))])
    assert broken(contract, tmp_path / "t.csv") == {"t.amount.too_large"}


def test_a_share_leaves_room_for_what_chance_does_to_one_batch_of_many(tmp_path: Path) -> None:
    draw = random.Random(5)
    for day in range(14):
        rows = [(n, "" if draw.random() < 0.04 else draw.randint(1, 90_000)) for n in range(175)]
        write(tmp_path / f"rebates_{date(2026, 11, 2) + timedelta(days=day)}.csv", ("id", "rebate"), rows)
    contract = contract_of(tmp_path)
    for day in range(40):  # batches of the same kind, none of which it has seen
        (later := tmp_path / f"later{day}").mkdir()
        rows = [(n, "" if draw.random() < 0.04 else draw.randint(1, 90_000)) for n in range(175)]
        write(later / "rebates_2026-12-01.csv", ("id", "rebate"), rows)
        assert broken(contract, later) == set()
    sick = [(n, "" if draw.random() < 0.2 else draw.randint(1, 90_000)) for n in range(175)]
    write(later / "rebates_2026-12-01.csv", ("id", "rebate"), sick)
    assert broken(contract, later) == {"rebates.rebate.null_rate"}


def test_what_cannot_be_drafted_is_said(tmp_path: Path) -> None:
    with pytest.raises(WatchError, match="BH-WAT-090"):
        run("draft", tmp_path)
    with pytest.raises(WatchError, match="BH-WAT-016"):
        run("draft", tmp_path / "absent.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(WatchError, match="BH-WAT-091"):
        run("draft", tmp_path / "empty.csv")
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "out.yaml").write_text("mine")
    with pytest.raises(Exception, match="--replace"):
        run("draft", tmp_path / "t.csv", "--out", tmp_path / "out.yaml")
    assert (tmp_path / "out.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "written", "words"),
    [
        (
            "ragged.csv",
            b"id,a\n1,x\n2\n",
            "line 3 has fewer fields than its header, which has 2",
        ),
        ("more.csv", b"id,a\n1,x,7\n", "line 2 has more fields than its header, which has 2"),
        ("open.csv", b'id,a\n1,"x\n2,y\n', "line 2 opens a quote that nothing closes"),
        ("body.csv", b"id,a\n1,K\xf6ln\n", "line 2 is not UTF-8 text: write it as UTF-8"),
        ("head.csv", b"id,\xf6\n1,x\n", "head.csv is not UTF-8 text: write it as UTF-8"),
        (
            "twice.csv",
            b"id,a,a\n1,2,3\n",
            "the header of twice.csv names one column twice, in columns 2 and 3",
        ),
        ("bare.csv", b"id,\n1,2\n", "the header of bare.csv has no name for column 2"),
        ("none.sqlite", b"not a database, however it is named", "as SQLite"),
    ],
)
def test_a_file_that_breaks_off_is_told_by_its_line_and_never_by_its_words(
    tmp_path: Path, name: str, written: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(written)
    with pytest.raises(WatchError) as refused:
        run("draft", tmp_path / name)
    assert words in str(refused.value)
    assert refused.value.fix and "K" + chr(246) not in str(refused.value)
    write(tmp_path / "good.csv", ("id", "kind"), [(n, "ab"[n % 2]) for n in range(40)])
    made = run("draft", tmp_path, "--out", tmp_path / "c" / "all.yaml")
    assert made.return_value == 1
    assert "left out, it cannot be read" in made.output and words in made.output
    text = (tmp_path / "c" / "all.yaml").read_text()
    assert words in text and [one.name for one in parse(text.encode(), "t").tables] == ["good"]


def test_of_many_files_the_one_that_breaks_off_is_named_and_told_once_not_for_each_clause(
    tmp_path: Path,
) -> None:
    (tmp_path / "drop").mkdir()
    for day in ("01", "02"):
        rows = [(n, f"k{n % 3}") for n in range(40)]
        write(tmp_path / "drop" / f"t_2026-11-{day}.csv", ("id", "kind"), rows)
    out = tmp_path / "t.yaml"
    assert run("draft", tmp_path / "drop", "--out", out).return_value == 0
    (tmp_path / "drop" / "t_2026-11-03.csv").write_text("id,kind\n1,k1\n2\n")
    made = run("check", "--contract", out, "--data", tmp_path / "drop")
    assert made.return_value == 1
    assert made.output.count("line 3 of t_2026-11-03.csv has fewer fields") == 1
    contract = parse(out.read_bytes(), "t")
    with place(str(tmp_path / "drop"), contract.tables, limits=Limits(), clock=SystemClock()) as there:
        stored = [one.plain for one in check(contract, there, now=NOW).breaches]
    assert len(stored) > 2 and "line 3 of" in stored[0]
    assert set(stored[1:]) == {"nothing of it could be read"}
    assert "all " in made.output and " could not be evaluated, which counts as broken" in made.output


def test_a_column_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    rows = [(n, "" if n % 9 == 0 else n) for n in range(90)]
    write(tmp_path / "t.csv", ("id", "income"), rows)
    contract = contract_of(tmp_path / "t.csv")
    write(tmp_path / "t.csv", ("id", "income_eur"), rows)
    with place(str(tmp_path / "t.csv"), contract.tables, limits=Limits(), clock=SystemClock()) as there:
        report = check(contract, there, now=NOW)
    (breach,) = report.breaches
    assert breach.plain.startswith("there is no column `income`, so it reads as null: 100 % (90 of 90 rows)")


def test_a_folder_with_a_database_in_it_is_drafted_and_checked_whole(tmp_path: Path) -> None:
    folder = drop(tmp_path, days=3)
    connection = sqlite3.connect(folder / "bank.sqlite")
    connection.executescript(
        "CREATE TABLE loans (id INTEGER, rate REAL); CREATE TABLE customers (id INTEGER)"
    )
    connection.executemany("INSERT INTO loans VALUES (?, ?)", [(n, n / 7) for n in range(60)])
    connection.commit()
    connection.close()
    made = run("draft", folder, "--out", tmp_path / "c" / "all.yaml")
    assert "loans: 60 rows, 2 columns" in made.output
    assert "customers: left out, it cannot be read: customers.csv has that name, too" in made.output
    checked = run("check", "--contract", tmp_path / "c" / "all.yaml", "--data", folder)
    assert checked.return_value == 0, checked.output


def test_days_of_birth_are_not_asked_about_as_if_they_still_came(tmp_path: Path) -> None:
    rows = [(n, f"19{50 + n % 40}-0{1 + n % 9}-11") for n in range(200)]
    write(tmp_path / "t.csv", ("id", "born"), rows)
    tables = from_files(tmp_path / "t.csv", limits=Limits(), clock=SystemClock(), say=lambda _: None).tables
    assert tables[0].column("born").logical == "date" and tables[0].notes == []


def test_data_without_a_row_are_drafted_as_columns_and_a_question(tmp_path: Path) -> None:
    (tmp_path / "later.csv").write_text("id,amount\n")
    made = drafted_from(
        str(tmp_path / "later.csv"), name=None, only=(), limits=Limits(), clock=SystemClock(),
        say=lambda _: None,
    )  # fmt: skip
    assert "question: it had no row" in made.text
    contract = parse(made.text.encode(), "t")
    assert [one.logical for one in contract.tables[0].columns] == ["string", "string"]
    assert broken(contract, tmp_path / "later.csv") == set()


@pytest.mark.parametrize(
    ("values", "question"),
    [
        (["1.234,50", "7,00", "-12,30"], "numbers with a decimal comma"),
        (["22.11.2026", "03.04.2026"], "days written dd.MM.yyyy: declare `logicalType: date`"),
        (["11/22/2026", "03/04/2026"], "days written MM/dd/yyyy"),
        (["11/10/2026", "03/04/2026"], "days, but `dd/MM/yyyy` or `MM/dd/yyyy`?"),
        (["2026-11-22", "22.11.2026", "11/22/2026"], "days are written in 3 ways"),
        (["32.11.2026", "03.04.2026"], ""),
        (["1,5 pcs", "a, b"], ""),
    ],
)
def test_numbers_and_days_written_in_other_ways_are_asked_about(
    tmp_path: Path, values: list[str], question: str
) -> None:
    write(tmp_path / "t.csv", ("id", "v"), [(n, values[n % len(values)]) for n in range(60)])
    tables = from_files(tmp_path / "t.csv", limits=Limits(), clock=SystemClock(), say=lambda _: None).tables
    notes = tables[0].column("v").notes
    assert [one[: len(question)] for one in notes] == ([question] if question else [])


def test_hostile_names_and_values_stay_text(tmp_path: Path) -> None:
    header = ("id", 'a"b: [', "c # d: - ", "*&!%@`")
    rows = [(n, "x: y # z", "{{}}\n- a", "\"'\\") for n in range(60)]
    write(tmp_path / "we ird (1).csv", header, rows)
    contract = contract_of(tmp_path / "we ird (1).csv")
    assert [one.name for one in contract.tables[0].columns][1] == 'a"b: ['
    assert broken(contract, tmp_path / "we ird (1).csv") == set()


CELLS = st.one_of(
    st.none(),
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(str),
    st.sampled_from(
        ["paid", "open", "PAID ", "N/A", "2026-11-01", "2026-11-01T06:00:00Z", "true", "007", "1e5"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=12),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**6),
    pools=st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=4),
)
def test_every_clause_of_a_draft_holds_of_its_own_data(
    tmp_path_factory: pytest.TempPathFactory, seed: int, pools: list[list[str | None]]
) -> None:
    draw = random.Random(seed)
    path = tmp_path_factory.mktemp("drafts") / "t.csv"
    rows = [[draw.choice(pool) for pool in pools] for _ in range(120)]
    write(
        path,
        [f"c{n}" for n in range(len(pools))],
        [["" if one is None else one for one in row] for row in rows],
    )
    made = drafted_from(
        str(path), name=None, only=(), limits=Limits(), clock=SystemClock(), say=lambda _: None
    )
    assert broken(parse(made.text.encode(), "t"), path) == set()
