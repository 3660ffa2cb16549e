"""The same clause, the same data, the same verdict: Parquet, CSV, JSON, SQLite files and PostgreSQL."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bridgehead.watch.checks.baseline import Baseline, Frozen
from fixtures.batches import (
    checked,
    contract,
    csv_files,
    database,
    json_files,
    parquet,
    sqlite_file,
    states,
    words,
)

KINDS = ("parquet", "csv", "json", "sqlite", "postgresql")
START = datetime(2026, 11, 1)


@pytest.fixture(params=KINDS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, object]], object]:
    """Write tables as one kind of data and return where they are."""
    files = {"parquet": parquet, "csv": csv_files, "json": json_files, "sqlite": sqlite_file}
    if request.param in files:
        return lambda tables: files[request.param](tmp_path, tables)  # type: ignore[arg-type]
    url = request.getfixturevalue("postgresql_url")
    return lambda tables: database(url, tables)  # type: ignore[arg-type]


TYPES = {
    "id": "integer", "customer": "integer", "email": "varchar(80)", "status": "varchar(20)",
    "amount": "numeric(12,2)", "quantity": "bigint", "ratio": "double precision", "gift": "boolean",
    "day": "date", "made": "timestamp", "seen": "timestamp", "tax": "numeric(12,2)", "code": "varchar(20)",
    "region": "varchar(5)", "pos": "integer",
}  # fmt: skip


def rows(count: int = 200) -> list[dict[str, object]]:
    """Return rows that keep every clause of ORDERS."""
    return [
        {
            "id": i, "customer": 1 + i % 7, "email": f"u{i}@example.com", "status": ["new", "paid"][i % 2],
            "amount": 10 + i % 50, "quantity": (i % 10) * 5, "ratio": (i % 100) / 100, "gift": i % 3 == 0,
            "day": date(2026, 11, 1 + i % 20), "made": START + timedelta(hours=i * 2),
            "seen": START + timedelta(hours=i * 2, minutes=5), "tax": None if i < 2 else 1,
            "code": f"SKU-{i % 40:04d}", "region": "AB"[i % 2], "pos": i // 2,
        }
        for i in range(count)
    ]  # fmt: skip


CUSTOMERS = ({"id": "integer", "name": "varchar(20)"}, [{"id": i, "name": f"C{i}"} for i in range(1, 8)])

ORDERS = r"""
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true, unique: true}
      - name: customer
        logicalType: integer
        required: true
        relationships: [{to: customers.id}]
      - name: email
        logicalType: string
        logicalTypeOptions: {pattern: '^[^@\s]+@[^@\s]+\.\w+$', maxLength: 30}
      - {name: status, logicalType: string, enum: [{value: new}, {value: paid}]}
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0, exclusiveMaximum: 100}
        quality:
          - {type: custom, engine: bridgehead, implementation: {metric: mean, mustBeBetween: [30, 40]}}
          - {type: custom, engine: bridgehead, implementation: {metric: sum, mustBe: 6900}}
          - {type: custom, engine: bridgehead, implementation: {metric: max, mustBeLessThan: 60}}
          - {type: custom, engine: bridgehead, implementation: {metric: psi, mustBeLessThan: 0.2}}
          - {type: custom, engine: bridgehead, implementation: {metric: ks, mustBeLessThan: 0.3}}
      - {name: quantity, logicalType: integer, logicalTypeOptions: {multipleOf: 5, minimum: 0, maximum: 50}}
      - {name: ratio, logicalType: number, logicalTypeOptions: {multipleOf: 0.01, maximum: 1}}
      - {name: gift, logicalType: boolean, required: true}
      - name: day
        logicalType: date
        logicalTypeOptions: {minimum: '2026-11-01', maximum: '2026-11-20'}
      - {name: made, logicalType: timestamp, logicalTypeOptions: {minimum: '2026-11-01T00:00:00'}}
      - {name: seen, logicalType: timestamp}
      - name: tax
        logicalType: number
        quality: [{metric: nullValues, unit: percent, mustBeLessOrEqualTo: 1}]
      - name: code
        logicalType: string
        quality:
          - {metric: invalidValues, arguments: {pattern: 'SKU-\d{4}'}, mustBe: 0}
          - {metric: missingValues, arguments: {missingValues: ['', 'n/a', null]}, mustBe: 0}
      - {name: region, logicalType: string}
      - {name: pos, logicalType: integer}
      - {name: note, logicalType: string}
    quality:
      - {metric: rowCount, mustBeBetween: [150, 250]}
      - {metric: duplicateValues, arguments: {properties: [region, pos]}, mustBe: 0}
      - type: custom
        engine: bridgehead
        implementation: {metric: pair, left: seen, operator: '>=', right: made, mustBe: 0}
      - type: custom
        engine: bridgehead
        implementation:
          metric: rowCount
          where: {column: status, operator: '=', value: paid}
          mustBeBetween: [90, 110]
      - {type: sql, query: 'select count(*) from orders where amount < tax', mustBe: 0}
  - name: customers
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: name, logicalType: string}
slaProperties:
  - {property: freshness, element: orders.made, value: 96, unit: h}
"""

BASELINE = Baseline(
    columns={("orders", "amount"): Frozen(edges=(20.0, 30.0, 40.0, 50.0), counts=(440, 400, 400, 400, 360))}
)

FAULTS = {
    "orders.id.required": {"id": None},
    "orders.id.unique": {"id": 7},
    "orders.customer.required": {"customer": None},
    "orders.customer.reference": {"customer": 99},
    "orders.email.pattern": {"email": "u1 at example.com"},
    "orders.email.length": {"email": "a-name-that-is-much-too-long-for-it@example.com"},
    "orders.status.enum": {"status": "PAID "},
    "orders.amount.range": {"amount": 100},
    "orders.quantity.multipleOf": {"quantity": 7},
    "orders.quantity.range": {"quantity": 55},
    "orders.ratio.multipleOf": {"ratio": 0.015},
    "orders.gift.required": {"gift": None},
    "orders.day.range": {"day": date(2026, 11, 21)},
    "orders.made.range": {"made": datetime(2026, 10, 31, 23), "seen": datetime(2026, 10, 31, 23)},
    "orders.code.invalidValues": {"code": "SKU-12"},
    "orders.code.missingValues": {"code": "n/a"},
    "orders.pair": {"made": START + timedelta(hours=3), "seen": START + timedelta(hours=2)},
    "orders.duplicateValues": {"region": "B", "pos": 0},
    "orders.sql": {"amount": 0.5, "tax": 1},
}
"""For each check the values of one row that break it."""


def test_data_that_keep_their_contract(written: Callable[[dict[str, object]], object]) -> None:
    report = checked(contract(ORDERS), written({"orders": (TYPES, rows()), "customers": CUSTOMERS}),
                     baseline=BASELINE)  # fmt: skip
    assert [f"{one.check.id}: {one.words}" for one in report.breaches] == []
    assert report.holds
    assert report.absent == {"orders": ("note",), "customers": ()}, "an optional column may be absent"


def test_every_kind_of_check_finds_its_fault(written: Callable[[dict[str, object]], object]) -> None:
    batch = rows()
    for index, values in enumerate(FAULTS.values()):
        batch[10 + index].update(values)
    report = checked(contract(ORDERS), written({"orders": (TYPES, batch), "customers": CUSTOMERS}),
                     baseline=BASELINE)  # fmt: skip
    found = {one.check.id for one in report.verdicts if one.state == "broken"}
    assert found >= set(FAULTS)
    also = {"orders.amount.sum", "orders.amount.max", "orders.code.invalidValues"}
    assert found - set(FAULTS) <= also, found - set(FAULTS)
    assert not [one for one in report.verdicts if one.state == "unevaluable"]


def test_figures_over_the_batch(written: Callable[[dict[str, object]], object]) -> None:
    """A shifted column, a stale batch, few rows, many gaps: no row is wrong by itself."""
    batch = rows(140)
    for row in batch:
        row |= {"amount": 50 + int(str(row["id"])) % 10, "status": "new"}
    for row in batch[:5]:
        row["tax"] = None
    report = checked(contract(ORDERS), written({"orders": (TYPES, batch), "customers": CUSTOMERS}),
                     baseline=BASELINE)  # fmt: skip
    broken = {one.check.id for one in report.verdicts if one.state == "broken"}
    assert broken == {
        "orders.rowCount", "orders.rowCount#2", "orders.amount.mean", "orders.amount.sum",
        "orders.amount.psi", "orders.amount.ks", "orders.tax.nullValues", "orders.made.freshness",
    }  # fmt: skip
    assert words(report, "orders.tax.nullValues") == "3.571 % (5 of 140 rows)"


def test_numbers_are_equal_not_only_verdicts(written: Callable[[dict[str, object]], object]) -> None:
    batch = rows()
    for index, values in enumerate(FAULTS.values()):
        batch[10 + index].update(values)
    report = checked(contract(ORDERS), written({"orders": (TYPES, batch), "customers": CUSTOMERS}),
                     baseline=BASELINE)  # fmt: skip
    numbers = {one.check.id: one.number for one in report.verdicts}
    assert numbers["orders.rowCount"] == 200
    assert numbers["orders.email.pattern"] == 1
    assert float(str(numbers["orders.amount.sum"])) == sum(float(str(row["amount"])) for row in batch)
    assert numbers["orders.amount.psi"] == pytest.approx(_psi([float(str(row["amount"])) for row in batch]))
    assert report.samples["orders.email.pattern"] == (("14",),), "the key of the row and nothing else"
    assert numbers["orders.made.freshness"] == 6 * 3600 + 86_400 * 20 - 398 * 3600


def test_a_null_is_neither_invalid_nor_out_of_range(written: Callable[[dict[str, object]], object]) -> None:
    schema = r"""
schema:
  - name: t
    properties:
      - {name: k, logicalType: integer}
      - name: s
        logicalType: string
        logicalTypeOptions: {pattern: '^x$', minLength: 1}
        enum: [{value: x}]
      - {name: n, logicalType: integer, logicalTypeOptions: {minimum: 1}, unique: true}
    quality:
      - type: custom
        engine: bridgehead
        implementation: {metric: pair, left: k, operator: '=', right: n, mustBe: 0}
"""
    tables = {"t": ({"k": "integer", "s": "varchar(5)", "n": "integer"}, [{"k": 1}, {"k": 2}, {"k": 3}])}
    report = checked(contract(schema), written(tables))  # type: ignore[arg-type]
    assert set(states(report).values()) == {"held"}
    noted = next(one for one in report.verdicts if one.check.id == "t.s.pattern")
    assert noted.note == "a null is not invalid; it has clauses of its own"


def test_an_empty_batch_is_a_breach_until_the_contract_allows_it(
    written: Callable[[dict[str, object]], object],
) -> None:
    schema = """
schema:
  - name: t
    properties:
      - {name: k, logicalType: integer, quality: [{metric: nullValues, unit: percent, mustBe: 0}]}
"""
    empty = written({"t": ({"k": "integer"}, [])})
    report = checked(contract(schema), empty)
    assert states(report) == {"t.rows": "broken", "t.k.type": "held", "t.k.nullValues": "unevaluable"}
    allowed = schema + "    customProperties: [{property: bridgeheadEmptyBatch, value: allowed}]\n"
    assert set(states(checked(contract(allowed), empty)).values()) == {"held"}


def test_what_a_pattern_means_is_the_same_everywhere(
    written: Callable[[dict[str, object]], object],
) -> None:
    """RE2 and PostgreSQL read these in different ways unless they are written out."""
    texts = ["a.b", "a\nb", "٣", "3", "[:alpha:]", "a-b", "wörd", "x y", "a\\b", "^", "b]", "ab", "A_9", "é"]
    patterns = [
        r"^a.b$", r"^\d$", r"^[[:alph]+$", r"^[\w-]+$", r"^\S+$", r"^[^\s]*\\", r"\ba", r"^[\]b]+$",
        r"^(?:a|b){2}$", r"^.$", r"^(?<first>a)b$", r"^a+?b", r"[\s\S]", r"^\w+$", r"^[^a-z]$", r"\u0061",
        r"\x61\.", r"^\^$", r"{",
    ]  # fmt: skip
    clauses = "\n".join(
        f"          - {{id: p{i}, metric: invalidValues, arguments: {{pattern: {_yaml(p)}}}, mustBe: 0}}"
        for i, p in enumerate(patterns)
    )
    schema = (
        f"\nschema:\n  - name: t\n    properties:\n      - {{name: k, logicalType: integer}}\n"
        f"      - name: s\n        logicalType: string\n        quality:\n{clauses}\n"
    )
    batch = [{"k": i, "s": text} for i, text in enumerate(texts)]
    report = checked(contract(schema), written({"t": ({"k": "integer", "s": "varchar(40)"}, batch)}))
    counted = {one.check.id: one.number for one in report.verdicts}
    assert counted == {"t.rows": 14, "t.k.type": 0, "t.s.type": 0} | {
        f"t.s.p{i}": sum(not _ecma(pattern, text) for text in texts) for i, pattern in enumerate(patterns)
    }


def _psi(values: list[float]) -> float:
    """Return the index against BASELINE, counted by hand."""
    frozen = BASELINE.columns["orders", "amount"]
    bounds = [-math.inf, *frozen.edges, math.inf]
    now = [sum(low < value <= high for value in values) + 0.5 for low, high in pairwise(bounds)]
    then = [count + 0.5 for count in frozen.counts]
    shares = [(a / sum(now), b / sum(then)) for a, b in zip(now, then, strict=True)]
    return sum((p - q) * math.log(p / q) for p, q in shares)


def _yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _ecma(pattern: str, text: str) -> bool:
    """Return what ECMA-262 says, by Python's ``re`` with its ASCII classes and its dot kept off line ends."""
    import re

    said = pattern.replace("(?<first>", "(?P<first>").replace("[[", r"[\[")
    return re.search(said, text, re.ASCII) is not None
