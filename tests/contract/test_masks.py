"""Every mask on every type it is for, on three databases: the SQL type stays, and no value makes it fail.

What is shown is compared with a reference in Python, for the values at the edges: nothing, empty, negative,
the smallest and the largest a type holds, other alphabets, very long.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any

import duckdb
import psycopg
import pytest

from bridgehead.connect.sources.sqlite_session import hashed
from bridgehead.enforce.sql import masks
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.rights import ColumnRight, Dialect, Mask, Rights, TableRight

TEXTS = [
    None, "", " ", "a", "12345678", "123456789", "DE12 3456 7890", "Łódź-ßtraße-9", "🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊",
    "a\u0301" * 6, "שלום עולם טוב", "line\nbreak\tand 'quotes' \"too\"", "\\x41\\n", "%_" * 10, "****5678",
]  # fmt: skip
LONG = [*TEXTS, "x" * 100_000 + "1234"]
DATES = [None, date(2021, 3, 31), date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), date(1970, 1, 1)]
TIMES = [None, *(datetime(d.year, d.month, d.day, 23, 59, 59, 999999) for d in DATES if d)]
ZONED = [None, *(t.replace(tzinfo=UTC) for t in TIMES if t and 1900 < t.year < 9000)]
FLOATS = [
    None,
    0.0,
    -0.0,
    1.5,
    -1.5,
    999.999,
    -1000.0,
    1e15,
    -1e15,
    3e38,
    -3e38,
    math.inf,
    -math.inf,
    math.nan,
]
HUGE = [*FLOATS, 1e300, -1e300, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324]
MONEY = [
    None,
    *map(Decimal, ("0", "0.01", "-0.01", "999.99", "1000", "-1000", "9999999999.99", "-9999999999.99")),
]
WIDE = [*MONEY, Decimal("9" * 34 + ".9999"), Decimal("-" + "9" * 34 + ".9999")]
ENDLESS = [*WIDE, Decimal("9" * 60 + ".999999999999999999999"), Decimal("-" + "9" * 60), Decimal("NaN")]


def _whole(bits: int, signed: bool = True) -> list[int | None]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return [None, low, low + 1, high, *(n for n in (-101, -100, -1, 0, 1, 99, 100, 101) if n >= low)]


UUID = "01234567-89ab-cdef-0123-456789abcdef"
TYPES: dict[str, dict[str, Sequence[Any]]] = {
    "postgres": {
        "text": LONG, "varchar(80)": TEXTS, "char(80)": TEXTS, "smallint": _whole(16), "integer": _whole(32),
        "bigint": _whole(64), "numeric(12,2)": MONEY, "numeric(38,4)": WIDE, "numeric": ENDLESS,
        "real": FLOATS, "double precision": HUGE, "date": DATES, "timestamp": TIMES, "timestamptz": ZONED,
        "boolean": [None, True, False], "uuid": [None, UUID], "jsonb": [None, '{"a": 1}'],
        "bytea": [None, b"x"],
    },
    "duckdb": {
        "varchar": LONG, "text": TEXTS, "tinyint": _whole(8), "smallint": _whole(16), "integer": _whole(32),
        "bigint": _whole(64), "hugeint": _whole(128), "utinyint": _whole(8, False),
        "ubigint": _whole(64, False), "decimal(12,2)": MONEY, "decimal(38,4)": WIDE, "real": FLOATS,
        "double": HUGE, "date": DATES, "timestamp": TIMES, "boolean": [None, True, False],
        "uuid": [None, UUID],
    },
    "sqlite": {
        "text": LONG, "varchar(80)": TEXTS, "integer": _whole(64), "bigint": _whole(64),
        "real": [v for v in FLOATS if v is None or math.isfinite(v)],
        "decimal(12,2)": [None, 0, -0.01, 999.99, -1000],
        "date": [d and d.isoformat() for d in DATES], "timestamp": [t and t.isoformat(" ") for t in TIMES],
        "datetime": [t and t.isoformat(" ") for t in TIMES], "boolean": [None, 1, 0],
    },
}  # fmt: skip
MASKS = [
    Mask(kind="null"), Mask(kind="hash"), Mask(kind="last4"), Mask(kind="month"), Mask(kind="year"),
    Mask(kind="bucket", size=1), Mask(kind="bucket", size=7), Mask(kind="bucket", size=100),
    Mask(kind="bucket", size=1_000_000),
]  # fmt: skip
CASES = [
    (dialect, kind, mask)
    for dialect, types in TYPES.items()
    for kind in types
    for mask in MASKS
    if not masks.problem(ColumnRight(name="v", type=kind, mask=mask), dialect)  # type: ignore[arg-type]
]
Run = Callable[[str, Sequence[Any]], tuple[Any, list[Any]]]


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest) -> Iterator[dict[str, Run]]:
    """Each database with a table for each type: ``run`` returns the type of the column, and its values."""
    server = request.getfixturevalue("postgresql")
    url = server.new_database()
    lite, duck = sqlite3.connect(":memory:"), duckdb.connect(":memory:")
    lite.create_function("bh_hash", 2, hashed, deterministic=True)
    post = psycopg.connect(url.replace("+psycopg", ""), autocommit=True, cursor_factory=psycopg.RawCursor)
    post.execute("set timezone = 'UTC'")

    def on_postgres(sql: str, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        cursor = post.execute(sql, values)
        return cursor.description[0].type_code, [row[0] for row in cursor.fetchall()]

    def on_duckdb(sql: str, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        cursor = duck.execute(sql, list(values))
        return str(cursor.description[0][1]), [row[0] for row in cursor.fetchall()]

    def on_sqlite(sql: str, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        cursor = lite.execute(sql, {f"bh_{number}": value for number, value in enumerate(values, 1)})
        found = [row[0] for row in cursor]
        return {str(type(one).__name__) for one in found if one is not None}, found

    for dialect, make in (("postgres", post), ("duckdb", duck), ("sqlite", lite)):
        place = "$2" if dialect == "postgres" else "?"
        for number, (kind, values) in enumerate(TYPES[dialect].items()):
            make.execute(f"create table t{number} (n integer, v {kind})")
            first = "$1" if dialect == "postgres" else "?"
            for order, value in enumerate(values):
                make.execute(f"insert into t{number} values ({first}, {place})", [order, value])
    yield {"postgres": on_postgres, "duckdb": on_duckdb, "sqlite": on_sqlite}
    for connection in (post, lite, duck):
        connection.close()
    server.drop_database(url)


@pytest.mark.parametrize(
    ("dialect", "kind", "mask"), CASES, ids=lambda v: v.kind + str(v.size or "") if isinstance(v, Mask) else v
)
def test_a_mask_keeps_the_type_and_shows_what_it_says(
    databases: dict[str, Run], dialect: Dialect, kind: str, mask: Mask
) -> None:
    run = databases[dialect]
    table = f"t{list(TYPES[dialect]).index(kind)}"
    real_type, real = run(f"select v from {table} order by n", [])
    shown_type, shown = run(*_masked(dialect, table, kind, mask))
    if dialect == "sqlite":  # a type there belongs to a value
        assert shown_type <= real_type | ({"float"} if real_type & {"int", "float"} else set())
    else:
        assert shown_type == real_type
    assert len(shown) == len(real)
    for value, seen in zip(real, shown, strict=True):
        if value is None or mask.kind == "null":
            assert seen is None
        else:
            _compare(mask, value, seen)
    if mask.kind == "hash":
        assert len(set(shown)) == len(set(real))


def _masked(dialect: Dialect, table: str, kind: str, mask: Mask) -> tuple[str, Sequence[Any]]:
    columns = (ColumnRight(name="n", type="integer"), ColumnRight(name="v", type=kind, mask=mask))
    schema = {"postgres": "public", "duckdb": "main", "sqlite": "main"}[dialect]
    right = TableRight(name=table, schema=schema, columns=columns, rows="all")
    made = rewrite(
        f"select v from {table} order by n", Rights(dialect=dialect, tables={table: right}, secret="k")
    )
    return made.sql, made.values


def _compare(mask: Mask, value: Any, seen: Any) -> None:
    match mask.kind:
        case "hash":
            assert len(seen.strip()) == 64 and set(seen.strip()) <= set("0123456789abcdef")
        case "last4":
            bare, end = value.rstrip(" ") if len(value) == 80 else value, seen
            end = seen.rstrip(" ") if len(value) == 80 else seen
            assert end == ("****" if len(bare) <= 8 else f"****{bare[-4:]}")
        case "month" | "year":
            _compare_dates(mask.kind, value, seen)
        case "bucket":
            _compare_numbers(mask.size, value, seen)


def _compare_dates(kind: str, value: Any, seen: Any) -> None:
    if isinstance(value, str):
        assert seen == value[:4] + ("-01-01" if kind == "year" else value[4:7] + "-01") + (
            " 00:00:00" if len(value) > 10 else ""
        )
        return
    cut = {"day": 1} | ({"month": 1} if kind == "year" else {})
    if isinstance(value, datetime):
        cut |= {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
    assert seen == value.replace(**cut)  # type: ignore[arg-type]


def _compare_numbers(size: int, value: Any, seen: Any) -> None:
    """Rounded down to a multiple; at the very end of a type to the smallest number it holds."""
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        assert str(seen).lower() == str(value).lower()
    elif isinstance(value, float) and abs(value) >= 1e15:
        assert math.isfinite(seen) and abs(seen) <= abs(value) + size
    elif isinstance(value, float):
        assert seen == pytest.approx(math.floor(value / size) * size, abs=1e-6, rel=1e-7)
    else:
        whole, exact = Decimal(seen), Decimal(value)
        with localcontext(prec=120):
            down = exact - exact % size - (size if exact < 0 and exact % size else 0)
            one_above = 1 if exact == -(2**127) else 0
            assert whole == down or (down < whole <= exact + one_above and exact < 0)  # the end of its type


def test_a_digest_that_would_be_cut_off_is_a_finding() -> None:
    narrow = ColumnRight(name="v", type="varchar(20)", mask=Mask(kind="hash"))
    assert "64 characters" in masks.problem(narrow, "postgres")
    assert masks.problem(ColumnRight(name="v", type="varchar(64)", mask=Mask(kind="hash")), "postgres") == ""
    assert masks.problem(narrow, "sqlite") == ""  # its lengths bind nobody
