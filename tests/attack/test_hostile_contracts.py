"""Contracts and data of somebody who wants more than a check: SQL in names, files elsewhere, bombs."""

from __future__ import annotations

import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import monotonic

import duckdb
import psycopg
import pytest

from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.where import place
from bridgehead.watch.contract.faults import ContractErrors
from bridgehead.watch.contract.read import parse
from fixtures.batches import HEAD, checked, contract, csv_files, database, parquet, quoted, states, words

EVIL = [
    'a"b', "a'b", 'x"; DROP TABLE t; --', "x) FROM t; DELETE FROM t; --", "${table}", "%s", "a b", "select",
    "é\u202eb", "'||(select 1)||'", "\\", "a\nb", "*", "count(*)",
]  # fmt: skip


def named(columns: list[str], table: str = "t") -> str:
    """Return a schema whose columns have such names, each with a pattern and a set that hold quotes."""
    lines = [f"\nschema:\n  - name: {_y(table)}\n    properties:"]
    values = ", ".join(f"{{value: {_y(value)}}}" for value in ("v1", "v2", *EVIL))
    lines += [
        f"      - {{name: {_y(name)}, logicalType: string, required: true, unique: true, "
        f"logicalTypeOptions: {{pattern: {_y('^v')}, maxLength: 50}}, enum: [{values}]}}"
        for name in columns
    ]
    return "\n".join(lines) + "\n"


def _y(text: str) -> str:
    return '"' + "".join(
        {"\\": "\\\\", '"': '\\"', "\n": "\\n"}.get(letter, letter) for letter in text
    ) + '"'  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "csv", "postgresql"])
def test_names_and_values_with_sql_in_them_are_only_names_and_values(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    columns = [name for name in EVIL if kind != "csv" or "\n" not in name]
    rows = [dict.fromkeys(columns, value) for value in ("v1", "v2")]
    tables = {"t": (dict.fromkeys(columns, "varchar(60)"), rows)}
    if kind == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            told = ", ".join(f"{quoted(name)} varchar(60)" for name in columns)
            connection.execute(f"CREATE TABLE t ({told})".replace("%", "%%"), ())
            for value in ("v1", "v2"):
                connection.execute(f"INSERT INTO t VALUES ({', '.join(['%s'] * len(columns))})",
                                   [value] * len(columns))  # fmt: skip
        report = checked(contract(named(columns)), url)
    else:
        report = checked(
            contract(named(columns)), {"parquet": parquet, "csv": csv_files}[kind](tmp_path, tables)
        )
    assert [f"{one.check.id}: {one.words}" for one in report.breaches] == []
    assert len(report.verdicts) == 1 + 6 * len(columns)


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from read_csv('/etc/passwd')",
        "select count(*) from '/etc/passwd'",
        "select count(*) from read_text('/etc/passwd')",
        "copy t to '/tmp/out.csv'",
        "select 1; drop view t",
        "attach '/tmp/x.db'",
        "select count(*) from duckdb_settings()",
        "select getenv('HOME')",
        "select count(*) from other",
        "select count(*) from information_schema.tables",
        "with t as (select * from pg_catalog.pg_shadow) select count(*) from t",
        "select count(*) from t where pg_sleep(10) is null",
        "delete from t returning 1",
        "select count(*) into made from t",
        "select x from t",
        "select count(*), 1 from t",
        "select 'text'",
        "select count(*) from {elsewhere}",
    ],
)
def test_a_query_of_a_contract_reads_the_contract_s_objects_or_is_not_run(
    query: str, tmp_path: Path, postgresql_url: str
) -> None:
    schema = (
        "\nschema:\n  - name: t\n    properties: [{name: x, logicalType: integer}]\n"
        f"    quality: [{{type: sql, query: {_y(query)}, mustBe: 0}}]\n"
    )
    tables = {"t": ({"x": "integer"}, [{"x": 1}, {"x": 2}])}
    for data in (parquet(tmp_path, tables), database(postgresql_url, tables)):
        report = checked(contract(schema), data)
        assert states(report)["t.sql"] == "unevaluable", query
        assert "could not be evaluated" in words(report, "t.sql")
        assert states(report)["t.rows"] == "held", "the rest is checked all the same"


def test_a_query_that_runs_and_runs_ends_in_time(tmp_path: Path, postgresql_url: str) -> None:
    joins = ", ".join(f"t a{i}" for i in range(9))
    schema = (
        "\nschema:\n  - name: t\n    properties: [{name: x, logicalType: integer}]\n"
        f"    quality: [{{type: sql, query: 'select count(*) from {joins}', mustBe: 0}}]\n"
    )
    tables = {"t": ({"x": "integer"}, [{"x": i} for i in range(60)])}
    for data in (parquet(tmp_path, tables), database(postgresql_url, tables)):
        started = monotonic()
        report = checked(contract(schema), data, seconds=1.5)
        assert monotonic() - started < 15
        assert "the time for this check was up" in words(report, "t.sql")


def test_memory_is_bounded(tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.execute(f"COPY (SELECT i AS x, repeat(i::VARCHAR, 20) AS s FROM range(300000) t(i)) TO "
                       f"'{tmp_path}/t.parquet' (FORMAT parquet)")  # fmt: skip
    schema = "\nschema:\n  - name: t\n    properties:\n      - {name: s, logicalType: string, unique: true}\n"
    report = checked(contract(schema), tmp_path, memory_mib=48)
    assert states(report)["t.s.unique"] in ("held", "unevaluable")
    assert not list(tmp_path.glob("*tmp*")), "what did not fit lay elsewhere and is gone"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "..", "t*", "[ab]", "a/../../b"])
def test_a_name_of_an_object_opens_no_file_elsewhere(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "data"
    inside.mkdir()
    (tmp_path / "outside.csv").write_text("x\n1\n")
    (inside / "other.csv").write_text("x\n1\n")
    schema = (f"\nschema:\n  - name: {_y(name)}\n    properties: [{{name: x, logicalType: integer}}]\n"
              "  - name: second\n    properties: [{name: x, logicalType: integer}]\n")  # fmt: skip
    report = checked(contract(schema), inside)
    assert {one.state for one in report.verdicts} == {"unevaluable"}


def test_links_and_patterns_in_a_folder_are_refused(tmp_path: Path) -> None:
    inside = tmp_path / "data"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text("x\n1\n")
    (inside / "t.csv").symlink_to(tmp_path / "secret.csv")
    schema = "\nschema:\n  - name: t\n    properties: [{name: x, logicalType: integer}]\n"
    assert "a link out of the folder" in words(checked(contract(schema), inside), "t.rows")
    (inside / "t.csv").unlink()
    (inside / "t").mkdir()
    (inside / "t" / "*.csv").write_text("x\n1\n")
    assert "would mean several files" in words(checked(contract(schema), inside), "t.rows")
    with pytest.raises(WatchError, match="several files"):
        checked(contract(schema), inside / "t" / "*.csv")


class _Batch(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away.csv":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x\n1\n2\n")

    def log_message(self, *_: object) -> None: ...


def test_another_machine_is_asked_only_when_somebody_says_so() -> None:
    schema = contract("\nschema:\n  - name: t\n    properties: [{name: x, logicalType: integer}]\n")
    limits, clock = Limits(), SystemClock()
    for address in (
        "https://example.com/t.csv",
        "s3://bucket/t.parquet",
        "file:///etc/passwd",
        "ftp://h/t.csv",
    ):
        with pytest.raises(WatchError) as refused:
            place(address, schema.tables, limits=limits, clock=clock)
        assert refused.value.code == "BH-WAT-017"
    for address in ("s3://bucket/t.parquet", "file:///etc/passwd"):
        with pytest.raises(WatchError, match="not fetched by"):
            place(address, schema.tables, limits=limits, clock=clock, remote=True)
    server = HTTPServer(("127.0.0.1", 0), _Batch)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        base = f"http://user:secret@127.0.0.1:{server.server_port}"
        with place(f"{base}/t.csv?token=secret".replace("user:secret@", ""), schema.tables, limits=limits,
                   clock=clock, remote=True) as found:  # fmt: skip
            assert len(found.engine.rows('SELECT * FROM "t"', 10)) == 2
            assert "secret" not in found.label
        with pytest.raises(WatchError) as refused:
            place(f"{base}/away.csv".replace("user:secret@", ""), schema.tables, limits=limits, clock=clock,
                  remote=True)  # fmt: skip
        assert refused.value.code == "BH-WAT-016"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_database_that_cannot_be_reached_keeps_its_password() -> None:
    with pytest.raises(WatchError) as refused:
        checked(contract("\nschema:\n  - name: t\n    properties: [{name: x, logicalType: integer}]\n"),
                "postgresql://me:hunter2@127.0.0.1:9/db")  # fmt: skip
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: *a\n",
        "x: " + "[" * 100 + "]" * 100,
        "name: \x00",
        "- not\n- a mapping\n",
        "",
        "a: !!python/object:os.system {}\n",
        "\ufeff%YAML 1.1\n---\na: 1\n---\nb: 2\n",
    ],
)
def test_yaml_that_is_no_contract_is_refused_with_a_line(text: str) -> None:
    with pytest.raises(ContractErrors) as broken:
        parse(text.encode(), "c.yaml")
    assert all(error.where.startswith("c.yaml:") for error in broken.value.errors)


def test_huge_contracts_end_in_a_sentence() -> None:
    started = monotonic()
    with pytest.raises(ContractErrors, match="at most"):
        parse((HEAD + "x: " + "y" * (1 << 20)).encode(), "c.yaml")
    wide = "schema:\n- name: t\n  properties:\n" + "  - {name: 5, logicalType: strin}\n" * 2_000
    with pytest.raises(ContractErrors) as broken:
        parse((HEAD + wide).encode(), "c.yaml")
    assert len(broken.value.errors) <= 60
    assert monotonic() - started < 60


def test_files_that_lie_about_what_they_are(tmp_path: Path) -> None:
    schema = contract(
        "\nschema:\n  - name: t\n    properties: [{name: x, logicalType: integer, required: true}]\n"
    )
    cases = {
        "t.parquet": b"PAR1 not really PAR1",
        "t.csv": b"x\n1\n2,3,4\n",
        "t.json": b'{"x": 1}{"x": ',
        "t.sqlite": b"SQLite format 3\x00" + b"junk" * 100,
    }
    for name, content in cases.items():
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / name).write_bytes(content)
        report = checked(schema, folder)
        assert report.breaches, name
        assert not report.holds
    for content, says in ((b"", "not even a header"), (b"x,x\n1,2\n", "twice"), (b"\xff\xfe\x00", "UTF-8"),
                          (b"x,\n1,2\n", "has no name for column 2")):  # fmt: skip
        path = tmp_path / "t.csv"
        path.write_bytes(content)
        assert says in words(checked(schema, path), "t.rows")


def test_types_in_text_are_read_value_by_value(tmp_path: Path) -> None:
    """DuckDB would make 2 of ``1.5``, and drop the offset of a moment."""
    (tmp_path / "t.csv").write_text(
        "i,n,d,m,b\n1.5,1e3,2026-02-30,2026-01-05T10:00:00+02:00,maybe\n"
        "7,abc,2026-02-28,yesterday,true\n,,,,\n"
    )
    schema = contract(
        "\nschema:\n  - name: t\n    properties:\n      - {name: i, logicalType: integer}\n"
        "      - {name: n, logicalType: number}\n      - {name: d, logicalType: date}\n"
        "      - {name: m, logicalType: timestamp, logicalTypeOptions: {maximum: '2026-01-05T08:00:00Z'}}\n"
        "      - {name: b, logicalType: boolean}\n"
    )
    report = checked(schema, tmp_path)
    assert {one.check.id: one.number for one in report.verdicts if one.check.id.endswith(".type")} == {
        "t.i.type": 1, "t.n.type": 1, "t.d.type": 1, "t.m.type": 1, "t.b.type": 1,
    }  # fmt: skip
    assert states(report)["t.m.range"] == "held", "10:00 at +02:00 is 08:00 in UTC"


def test_types_in_a_footer_are_compared_and_hide_nothing(tmp_path: Path) -> None:
    tables = {"t": ({"x": "varchar(9)", "y": "bigint"}, [{"x": "1", "y": 1}])}
    schema = contract(
        "\nschema:\n  - name: t\n    properties:\n      - {name: y, logicalType: integer, required: true}\n"
        "      - {name: x, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}\n"
    )
    report = checked(schema, parquet(tmp_path, tables))
    assert words(report, "t.x.type") == "the column is VARCHAR, which is not integer"
    assert states(report) == {
        "t.rows": "held", "t.y.type": "held", "t.y.required": "held", "t.x.type": "broken",
        "t.x.required": "held", "t.x.range": "unevaluable",
    }  # fmt: skip


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE t (x integer); INSERT INTO t VALUES (1), (1);")
    connection.close()
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    unique = "{name: x, logicalType: integer, unique: true}"
    checked(contract(f"\nschema:\n  - name: t\n    properties: [{unique}]\n"),
            path)  # fmt: skip
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir())) == before
