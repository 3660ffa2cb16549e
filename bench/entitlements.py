"""SQL rewritten to what its reader may see: ``python bench/entitlements.py --fixtures DIR [--json]``.

Measured: CPU of one rewrite (p50, p95) and of a remembered one; and, against PostgreSQL's security-barrier
views as five people, how many answers are equal, different, refused or failed. Statements are generated
(``--queries``), and TPC-H's 22 of ``--fixtures`` (an unpacked sqlglot sdist) on its data: every table has a
row filter and about a fifth of the columns are masked. sqlglot's identity statements are read for crashes.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
from postgres import databases

from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.rewriter import Rewriter
from bridgehead.enforce.sql.rights import ColumnRight, Mask, Rights, TableRight

FILTERS = {
    "customer": "c_nationkey in (:nations)",
    "orders": "o_orderpriority <> :priority",
    "lineitem": "l_quantity <= :quantity",
    "part": "p_size <= :size",
    "partsupp": "ps_availqty > :available",
    "supplier": "s_nationkey in (:nations)",
    "nation": "n_nationkey in (:nations)",
    "region": "r_regionkey <> :region",
}
MASKS = {
    "c_phone": Mask(kind="last4"),
    "c_acctbal": Mask(kind="bucket", size=500),
    "s_phone": Mask(kind="hash"),
    "o_clerk": Mask(kind="null"),
    "l_shipdate": Mask(kind="month"),
    "p_retailprice": Mask(kind="bucket", size=100),
    "s_comment": Mask(kind="null"),
    "o_orderdate": Mask(kind="year"),
    "c_name": Mask(kind="hash"),
    "ps_supplycost": Mask(kind="bucket", size=10),
}
DENIED = {"c_address", "ps_comment"}
JOINS = [
    ("customer", "c_nationkey", "nation", "n_nationkey"),
    ("supplier", "s_nationkey", "nation", "n_nationkey"),
    ("nation", "n_regionkey", "region", "r_regionkey"),
    ("orders", "o_custkey", "customer", "c_custkey"),
    ("partsupp", "ps_suppkey", "supplier", "s_suppkey"),
]


def _person(nations: list[int], priority: str, *numbers: int) -> dict[str, Any]:
    named = dict(zip(("quantity", "size", "available", "region"), numbers, strict=True))
    return {"nations": nations, "priority": priority, **named}


PEOPLE = [
    _person(list(range(0, 25, 2)), "1-URGENT", 30, 30, 2000, 1),
    _person([1, 2, 3, 7, 24], "5-LOW", 45, 45, 100, 2),
    _person([], "x", 10, 10, 0, 0),
    _person(list(range(25)), "-", 100, 100, -1, 99),
    _person([6, 7, 8, 9], "3-MEDIUM", 20, 49, 5000, 4),
]
ROWS = 400
"""Rows of a table that generated questions are put to; TPC-H's own are put to all of them."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fixtures", type=Path, help="an unpacked sqlglot sdist")
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.fixtures is None:
        print("nothing measured: name an unpacked sqlglot sdist with --fixtures")
        return
    found = measure(options.fixtures, options.queries)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name}: {value}")


def measure(fixtures: Path, queries: int) -> dict[str, Any]:
    """Return the figures."""
    folder = fixtures / "tests/fixtures/optimizer/tpc-h"
    tables = _read(folder)
    people = [_rights(tables, attributes) for attributes in PEOPLE]
    text = re.sub(r"--.*", "", (folder / "tpc-h.sql").read_text())
    tpch = [part.strip() for part in text.split(";") if part.strip()]
    generated = _generated(tables, queries)
    with databases() as make:
        full = _differential(make(), tables, people, tpch, limit=None)
        small = _differential(make(), tables, people, generated, limit=ROWS)
    first, again = _timed(tpch + generated, people)
    return {
        "tpch": dict(full),
        "generated": dict(small),
        "rewrite_ms_p50": round(statistics.median(first), 3),
        "rewrite_ms_p95": round(statistics.quantiles(first, n=20)[-1], 3),
        "cached_ms_p50": round(statistics.median(again), 4),
        "identity": dict(_identity(fixtures)),
    }


def _generated(tables: dict[str, Any], queries: int) -> list[str]:
    from fixtures.sql_grammar import Grammar  # put on the path by ``postgres``

    seen = {
        name: {c: _kind(c)[0].replace("i", "n") for c in columns if c not in DENIED}
        for name, (columns, _) in tables.items()
        if name not in ("lineitem", "part")
    }
    return [Grammar(seed, seen, JOINS).query() for seed in range(queries)]


def _read(folder: Path) -> dict[str, Any]:
    tables = {}
    for path in sorted(folder.glob("*.gz")):
        with gzip.open(path, "rt") as lines:
            rows = list(csv.reader(lines, delimiter="|"))
        tables[path.name.split(".")[0]] = (rows[0], rows[1:])
    return tables


def _kind(column: str) -> str:
    if re.search(r"(key|linenumber|size|availqty|shippriority)$", column):
        return "integer"
    if re.search(r"(price|acctbal|quantity|discount|tax|supplycost)$", column):
        return "numeric(15,2)"
    return "date" if column.endswith("date") else "text"


def _rights(tables: dict[str, Any], attributes: dict[str, Any]) -> Rights:
    seen = {
        name: TableRight(
            name=name,
            schema="public",
            columns=tuple(
                ColumnRight(name=c, type=_kind(c), mask=MASKS.get(c)) for c in columns if c not in DENIED
            ),
            rows=FILTERS[name],
            hidden=frozenset(DENIED & set(columns)),
        )
        for name, (columns, _) in tables.items()
    }
    return Rights(dialect="postgres", tables=seen, attributes=attributes, secret="k", version="1")


def _shown(column: str) -> str:
    """Return the oracle's own expression for a masked column."""
    mask = MASKS.get(column)
    match mask.kind if mask else "":
        case "last4":
            end = f"'****' || right({column}, 4)"
            return f"case when length({column}) <= 8 then '****' else {end} end as {column}"
        case "bucket" if mask:
            return f"(floor({column} / {mask.size}) * {mask.size})::numeric(15,2) as {column}"
        case "hash":
            inner = f"encode(sha256(convert_to('k' || {column}, 'UTF8')), 'hex')"
            return f"encode(sha256(convert_to('k' || {inner}, 'UTF8')), 'hex') as {column}"
        case "null":
            return f"null::{_kind(column)} as {column}"
        case "month" | "year" as unit:
            return f"date_trunc('{unit}', {column})::date as {column}"
    return column


def _fill(root: Any, tables: dict[str, Any], limit: int | None) -> None:
    for name, (columns, rows) in tables.items():
        root.execute(f"create table {name} ({', '.join(f'{c} {_kind(c)}' for c in columns)})")
        with root.cursor().copy(f"copy {name} from stdin") as copy:
            for row in rows[:limit]:
                copy.write_row([value or None for value in row])
    for number, attributes in enumerate(PEOPLE):
        root.execute(f"create schema v{number}")
        for name, (columns, _) in tables.items():
            listed = ", ".join(_shown(c) for c in columns if c not in DENIED)
            body = f"select {listed} from public.{name} where {_bound(FILTERS[name], attributes)}"
            root.execute(f"create view v{number}.{name} with (security_barrier) as {body}")
    root.execute("analyze")


def _bound(condition: str, attributes: dict[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        found = attributes[match[1]]
        listed = found if isinstance(found, list) else [found]
        return ", ".join(f"'{v}'" if isinstance(v, str) else str(v) for v in listed) or "null"

    return re.sub(r":(\w+)", value, condition)


def _differential(
    url: str, tables: dict[str, Any], people: list[Rights], queries: list[str], limit: int | None
) -> Counter[str]:
    address = url.replace("postgresql+psycopg://", "postgresql://")
    told: Counter[str] = Counter()
    raw = psycopg.RawCursor
    with (
        psycopg.connect(address, autocommit=True) as oracle,
        psycopg.connect(address, autocommit=True, cursor_factory=raw) as service,
    ):
        _fill(oracle, tables, limit)
        for connection in (oracle, service):
            connection.execute("set jit = off")
            connection.execute("set statement_timeout = '20s'")
        for number, rights in enumerate(people):
            oracle.execute(f"set search_path = v{number}")
            for sql in queries:
                told[_compared(oracle, service, sql, rights)] += 1
    return told


def _compared(oracle: Any, service: Any, sql: str, rights: Rights) -> str:
    expected = _rows(oracle, sql, None)
    try:
        made = rewrite(sql, rights)
    except SqlRefused:
        return "over-denied" if expected is not None else "refused, and the views fail"
    found = _rows(service, made.sql, made.values)
    if found == expected:
        return "equal" if found is not None else "both fail"
    if expected is None:
        return "only the views fail"  # such as a type that PostgreSQL calls by another name
    return "DIFFERENT" if found is not None else "only the rewrite fails"


def _rows(connection: Any, sql: str, values: Any) -> Any:
    try:
        return Counter(map(repr, connection.execute(sql, values).fetchall()))
    except psycopg.Error:
        return None


def _timed(queries: list[str], people: list[Rights]) -> tuple[list[float], list[float]]:
    """Return milliseconds of CPU of each rewrite, the first time and remembered."""
    first, again = [], []
    rewriter = Rewriter(size=4096)
    for rights in people[:2]:
        for sql in queries:
            for times in (first, again):
                begun = time.process_time()
                try:
                    rewriter.rewrite(sql, rights)
                except SqlRefused:
                    break
                times.append((time.process_time() - begun) * 1000)
    return first, again


def _identity(fixtures: Path) -> Counter[str]:
    table = TableRight(name="x", schema="main", columns=(ColumnRight(name="a", type="int"),), rows="a > 1")
    told: Counter[str] = Counter()
    for dialect in ("postgres", "duckdb", "sqlite"):
        rights = Rights(dialect=dialect, tables={"x": table})  # type: ignore[arg-type]
        for sql in (fixtures / "tests/fixtures/identity.sql").read_text().splitlines():
            try:
                rewrite(sql, rights)
                told["rewritten"] += 1
            except SqlRefused as refused:
                told["CRASHED" if refused.rule == "sql.fault" else "refused"] += 1
    return told


if __name__ == "__main__":
    main()
