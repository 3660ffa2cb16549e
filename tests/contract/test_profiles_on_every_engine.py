"""A table is counted alike wherever it lives: Parquet, CSV, JSON, SQLite files, PostgreSQL, plain Python."""

from __future__ import annotations

import json
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridgehead.kernel.clock import SystemClock
from bridgehead.watch.checks.engine import Engine, Limits
from bridgehead.watch.checks.where import place
from bridgehead.watch.distributions.framing import framed
from bridgehead.watch.distributions.measuring import profiled
from bridgehead.watch.distributions.written import columns_text, frame_of, frame_text, profile_of
from bridgehead.watch.profile import Column, ColumnFrame, added
from fixtures.batches import contract, csv_files, database, json_files, parquet, sqlite_file

FILES = {"parquet": parquet, "csv": csv_files, "json": json_files, "sqlite": sqlite_file}
TYPES = {
    "id": "integer", "income": "bigint", "rate": "double precision", "price": "numeric(12,2)",
    "term": "integer", "home": "varchar(40)", "remark": "varchar(80)", "gift": "boolean", "day": "date",
    "salary": "bigint",
}  # fmt: skip
SCHEMA = """
schema:
  - name: people
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - {name: income, logicalType: integer}
      - {name: rate, logicalType: number}
      - {name: price, logicalType: number}
      - {name: term, logicalType: integer}
      - {name: home, logicalType: string}
      - {name: remark, logicalType: string}
      - {name: gift, logicalType: boolean}
      - {name: day, logicalType: date}
      - {name: salary, logicalType: integer}
      - {name: gone, logicalType: string}
"""
TABLE = contract(SCHEMA).tables[0]
KEYS = {"salary": b"k" * 32, "home": b"k" * 32}
HOMES = ["rent", "own'er", 'with "parents"', "größer; -- x", "%_\\"]
Row = dict[str, Any]


def rows(seed: int, count: int = 900) -> list[Row]:
    draw = random.Random(seed)
    return [
        {
            "id": n,
            "income": None if draw.random() < 0.1 else draw.randrange(-50, 5000),
            "rate": draw.gauss(0, 1e-3) if n % 50 else 1e12,
            "price": draw.randrange(10**6) / 100,
            "term": draw.choice((12, 24, 36, None)),
            "home": draw.choice(HOMES),
            "remark": f"said {seed}-{n}",
            "gift": draw.random() < 0.3,
            "day": "2026-11-20",
            "salary": draw.randrange(1000, 9000),
        }
        for n in range(count)
    ]


@pytest.fixture(params=(*FILES, "postgresql"))
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[Row]], str]:
    """Write rows as one kind of data and return where they are."""

    def write(found: list[Row]) -> str:
        tables = {"people": (TYPES, found)}
        if request.param in FILES:
            return str(FILES[request.param](tmp_path, tables))  # type: ignore[operator]
        return str(database(request.getfixturevalue("postgresql_url"), tables))

    return write


def on(data: str, work: Callable[[Engine], Any]) -> Any:
    with place(data, [TABLE], limits=Limits(), clock=SystemClock()) as found:
        return work(found.engine)


def counted(one: ColumnFrame, values: list[Any]) -> tuple[int, list[int]]:
    """Return the missing values and the counts of a column as anybody would count them."""
    there = [value for value in values if value is not None]
    if one.numeric:
        counts = [0] * (len(one.edges) + 1)
        for value in there:
            counts[bisect_left(one.edges, float(value))] += 1
        return len(values) - len(there), counts
    words = Counter(str(value).lower() if isinstance(value, bool) else str(value) for value in there)
    tops = [words[word] for word in one.top]
    return len(values) - len(there), [*tops, len(there) - sum(tops)]


def test_a_table_is_counted_alike_wherever_it_lives(written: Callable[[list[Row]], str]) -> None:
    first = rows(1)
    data = written(first)
    frame = on(data, lambda engine: framed(TABLE, engine, KEYS))
    profile = on(data, lambda engine: profiled(frame, TABLE, engine, KEYS))
    assert profile.rows == 900 and frame_of(frame_text(frame)) == frame
    assert profile_of(frame.digest, 900, columns_text(profile)) == profile
    for one in frame.columns:
        found: Column = profile.column(one.name)
        values = [row.get(one.name) for row in first]
        if not one.keyed:
            assert (found.nulls, list(found.counts)) == counted(one, values), one.name
        assert found.unseen == 0 and sum(found.counts) == found.present
    assert [one.name for one in frame.columns if one.numeric] == ["income", "rate", "price", "salary"]
    assert frame.column("term").top == ("12", "24", "36") or len(frame.column("term").top) == 3
    assert "gone" not in {one.name for one in frame.columns}
    for name in ("id", "day", "remark"):
        assert not (frame.column(name).edges or frame.column(name).known), name
    income = profile.column("income")
    assert income.least == min(row["income"] for row in first if row["income"] is not None)
    assert income.mean == pytest.approx(
        sum(row["income"] for row in first if row["income"] is not None) / income.present
    )


def test_no_value_of_a_person_is_kept(written: Callable[[list[Row]], str]) -> None:
    first = rows(2)
    data = written(first)
    frame = on(data, lambda engine: framed(TABLE, engine, KEYS))
    profile = on(data, lambda engine: profiled(frame, TABLE, engine, KEYS))
    salary, home = frame.column("salary"), frame.column("home")
    assert salary.keyed and 10 <= len(salary.edges) <= 19
    assert all(edge == float(f"{edge:.2g}") for edge in salary.edges)
    assert profile.column("salary").least is None and profile.column("salary").most is None
    assert len(home.top) == 5 and not any(word in frame_text(frame) for word in ("rent", "parents"))
    assert sorted(profile.column("home").counts[:5]) == sorted(Counter(r["home"] for r in first).values())
    assert json.loads(frame_text(frame))["columns"]


def test_parts_add_up_to_the_whole(tmp_path: Path) -> None:
    both = [*rows(3), *rows(4)]
    (tmp_path / "whole").mkdir()
    whole = str(csv_files(tmp_path / "whole", {"people": (TYPES, both)}))
    frame = on(whole, lambda engine: framed(TABLE, engine, KEYS))
    parts = []
    for number, part in enumerate((both[:900], both[900:])):
        (tmp_path / str(number)).mkdir()
        data = str(csv_files(tmp_path / str(number), {"people": (TYPES, part)}))
        parts.append(on(data, lambda engine: profiled(frame, TABLE, engine, KEYS)))
    together, alone = added(parts), on(whole, lambda engine: profiled(frame, TABLE, engine, KEYS))
    for one in frame.columns:
        a, b = together.column(one.name), alone.column(one.name)
        assert (a.rows, a.nulls, a.counts, a.unseen, a.least, a.most, a.distinct) == (
            b.rows, b.nulls, b.counts, b.unseen, b.least, b.most, b.distinct,
        ), one.name  # fmt: skip


def test_text_among_numbers_and_a_column_that_is_gone_are_no_values_of_the_baseline(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    data = str(csv_files(folder, {"people": (TYPES, rows(5))}))
    frame = on(data, lambda engine: framed(TABLE, engine, KEYS))
    (tmp_path / "people.csv").write_text("id,income,home\n1,12,rent\n2,many,rent\n3,,castle\n4,NaN,rent\n")
    found = on(str(tmp_path), lambda engine: profiled(frame, TABLE, engine, KEYS))
    income, home, gone = (found.column(name) for name in ("income", "home", "rate"))
    assert (income.nulls, income.unseen, sum(income.counts)) == (1, 2, 1)
    assert (home.unseen, sum(home.counts)) == (1, 4)
    assert (gone.nulls, sum(gone.counts)) == (4, 0)
