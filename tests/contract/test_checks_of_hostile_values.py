"""Values that no rule means (NaN, infinity, the year 20000): every clause gets a verdict, none raises."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.batches import checked, contract, database, json_files, parquet, sqlite_file, states, words

SCHEMA = """
schema:
  - name: t
    properties:
      - name: x
        logicalType: number
        logicalTypeOptions: {minimum: 0, multipleOf: 0.5}
        quality:
          - {type: custom, engine: bridgehead, implementation: {metric: sum, mustBeLessThan: 9}}
          - {type: custom, engine: bridgehead, implementation: {metric: mean, mustBeLessThan: 9}}
          - {type: custom, engine: bridgehead, implementation: {metric: min, mustBeLessThan: 9}}
          - {type: custom, engine: bridgehead, implementation: {metric: max, mustBeLessThan: 9}}
      - {name: made, logicalType: timestamp}
      - {name: day, logicalType: date}
    quality: [{type: sql, query: 'select max(x) from t', mustBeLessThan: 9}]
slaProperties:
  - {property: freshness, element: t.made, value: 96, unit: h}
  - {property: freshness, element: t.day, value: 96, unit: h}
"""
NUMBERS = ["'NaN'", "'inf'", "'-inf'", "1e308", "-1e308", "5e-324", "1", "NULL"]
MOMENTS = ["'infinity'", "'-infinity'", "'20000-01-01'", "'0044-03-15 (BC)'", "'0001-01-01'", "'2026-11-21'",
           "'9999-12-31'", "NULL"]  # fmt: skip
row = st.tuples(st.sampled_from(NUMBERS), st.sampled_from(MOMENTS), st.sampled_from(MOMENTS))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(row, min_size=1, max_size=3))
def test_no_value_of_a_file_makes_a_check_fail(tmp_path: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    with duckdb.connect() as connection:
        told = " UNION ALL ".join(f"SELECT {x}::DOUBLE AS x, {m}::TIMESTAMP AS made, {d}::DATE AS day"
                                  for x, m, d in rows)  # fmt: skip
        connection.execute(f"COPY ({told}) TO '{tmp_path / 't.parquet'}' (FORMAT parquet)")
    found = states(checked(contract(SCHEMA), tmp_path))
    assert found["t.rows"] == "held"
    if "'NaN'" in [x for x, _, _ in rows]:
        assert {found["t.x.sum"], found["t.x.max"], found["t.sql"]} == {"unevaluable"}


def test_no_value_of_a_database_makes_a_check_fail(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE t (x numeric, made timestamp, day date)")
        connection.execute("INSERT INTO t VALUES ('NaN', 'infinity', '20000-01-01'), (10::numeric ^ 5000, "
                           "'-infinity', NULL)")  # fmt: skip
    found = states(checked(contract(SCHEMA), postgresql_url))
    breaches = ("t.x.sum", "t.x.max", "t.x.mean", "t.sql", "t.made.freshness", "t.day.freshness")
    assert {name: found[name] for name in breaches} == dict.fromkeys(breaches, "unevaluable")
    assert found["t.rows"] == "held"


def test_a_number_too_large_for_python_s_text_is_unevaluable(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE t (x numeric, made timestamp, day date)")
        connection.execute("INSERT INTO t VALUES (10::numeric ^ 5000, '2026-11-21', '2026-11-21')")
    found = states(checked(contract(SCHEMA), postgresql_url))
    assert (found["t.x.max"], found["t.sql"], found["t.made.freshness"]) == (
        "unevaluable",
        "unevaluable",
        "held",
    )


def test_names_that_differ_in_case_alone_are_one_view(tmp_path: Path) -> None:
    schema = (
        "\nschema:\n  - name: customers\n    physicalName: Customers\n"
        "    properties: [{name: id, logicalType: integer}]\n"
        "    quality: [{type: sql, query: 'select count(*) from Customers', mustBe: 2}]\n"
    )
    data = parquet(tmp_path, {"customers": ({"id": "integer"}, [{"id": 1}, {"id": 2}])})
    assert set(states(checked(contract(schema), data)).values()) == {"held"}


def test_a_name_that_means_two_objects_is_not_guessed(tmp_path: Path) -> None:
    query = "quality: [{type: sql, query: 'select count(*) from a', mustBe: 1}]"
    schema = (
        f"\nschema:\n  - {{name: a, properties: [{{name: id, logicalType: integer}}], {query}}}\n"
        "  - {name: b, physicalName: A, properties: [{name: id, logicalType: integer}]}\n"
    )
    data = sqlite_file(
        tmp_path, {"a": ({"id": "integer"}, [{"id": 1}]), "b": ({"id": "integer"}, [{"id": 1}])}
    )
    found = states(checked(contract(schema), data))
    assert (found["a.sql"], found["a.rows"], found["b.rows"]) == ("unevaluable", "held", "held")


TEXTS = """
schema:
  - name: t
    properties: [{name: s, logicalType: string, required: true, unique: true}]
"""


@pytest.mark.parametrize("kind", ["parquet", "json", "sqlite", "postgresql"])
def test_an_empty_text_is_no_null(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """CSV of others cannot tell one from the other, and is read as null."""
    for texts, nulls in ((["", r"\N", 'a"b', "c\nd", "e,f"], 0), (["", None, "x"], 1), ([None], 1)):
        tables = {"t": ({"s": "varchar(9)"}, [{"s": text} for text in texts])}
        folder = tmp_path / str(len(texts))
        folder.mkdir()
        if kind == "postgresql":
            url = request.getfixturevalue("postgresql_url")
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                connection.execute("DROP TABLE IF EXISTS t")
            data: object = database(url, tables)
        else:
            data = {"parquet": parquet, "json": json_files, "sqlite": sqlite_file}[kind](folder, tables)
        report = checked(contract(TEXTS), data)
        assert report.numbers.rows["t"] == len(texts)
        assert words(report, "t.s.required") == f"{nulls} null"


def test_why_there_is_no_answer_quotes_nothing_of_a_row(tmp_path: Path, postgresql_url: str) -> None:
    schema = (
        "\nschema:\n  - name: t\n    properties: [{name: s, logicalType: string}]\n"
        "    quality: [{type: sql, query: 'select max(cast(s as integer)) from t', mustBe: 0}]\n"
    )
    tables = {"t": ({"s": "varchar(20)"}, [{"s": "Jane Doe"}])}
    for data, code in ((parquet(tmp_path, tables), "DuckDB: ConversionException"),
                       (database(postgresql_url, tables), "PostgreSQL: 22P02")):  # fmt: skip
        said = words(checked(contract(schema), data), "t.sql")
        assert "Jane" not in said and code in said


def test_why_a_file_cannot_be_read_quotes_nothing_of_a_row(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (s text)")
    connection.execute("INSERT INTO t VALUES (CAST(x'4a616e6520446f65ff' AS TEXT))")
    connection.commit()
    connection.close()
    said = words(checked(contract(TEXTS), path), "t.rows")
    assert "Jane" not in said and "OperationalError" in said
    (tmp_path / "t.csv").write_text("Jane Doe,Jane Doe\n")
    assert "Jane" not in words(checked(contract(TEXTS), tmp_path / "t.csv"), "t.rows").replace("jane", "Jane")
