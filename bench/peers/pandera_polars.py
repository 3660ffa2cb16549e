"""Pandera on a polars frame, lazy=True (collects every failure). Requires pandera[polars].

Referential integrity, null rate, mean and freshness are custom checks: Pandera has none built in. No PSI, KS.
"""

import datetime as dt
import time

import pandera.polars as pa
import polars as pl
from common import CHECKS, CURRENCIES, CUSTOMERS, NOW, ORDERS, PATTERNS, RANGES, STATUSES, Run

run = Run("pandera-polars")
started = time.perf_counter()
orders = pl.read_parquet(ORDERS)
customer_ids = pl.read_parquet(CUSTOMERS)["customer_id"]
load_s = round(time.perf_counter() - started, 2)
oldest = dt.datetime.fromisoformat(NOW) - dt.timedelta(hours=26)
Check = pa.Check


def on_column(name, expression, **options):
    return Check(lambda data: data.lazyframe.select(expression(pl.col(data.key))), name=name, **options)


def on_table(name, expression):
    return Check(lambda data: data.lazyframe.select(expression), name=name)


columns = {
    "order_id": pa.Column(nullable=False, unique=True),
    "customer_id": pa.Column(
        nullable=False, checks=on_column("customer_id_fk", lambda c: c.is_in(customer_ids.implode()))
    ),
    "status": pa.Column(checks=Check.isin(STATUSES)),
    "currency": pa.Column(checks=Check.isin(CURRENCIES)),
    "tax": pa.Column(
        nullable=True,
        checks=on_column("tax_null_rate", lambda c: c.null_count() / pl.len() <= 0.01, ignore_na=False),
    ),
    "shipping_cost": pa.Column(checks=on_column("ship_mean", lambda c: c.mean().is_between(10, 12))),
    "created_at": pa.Column(checks=on_column("freshness_created", lambda c: c.max() > oldest)),
}
columns |= {name: pa.Column(checks=Check.str_matches(pattern)) for name, pattern in PATTERNS.items()}
columns |= {name: pa.Column(checks=Check.in_range(low, high)) for name, (low, high) in RANGES.items()}
schema = pa.DataFrameSchema(
    columns,
    checks=[
        on_table("updated_ge_created", pl.col("updated_at") >= pl.col("created_at")),
        on_table("row_count", pl.len().is_between(4_900_000, 5_100_000)),
    ],
)

SUFFIX = {"str_matches": "regex", "in_range": "range", "isin": "in_set"}


def check_id(column: str, reason: str, check: str) -> str:
    """The benchmark's name of a Pandera failure."""
    for name in CHECKS:
        if name in check:
            return name
    if "NULL" in reason:
        return f"{column}_not_null"
    if "DUPLICATE" in reason:
        return f"{column}_unique"
    suffix = next((s for builtin, s in SUFFIX.items() if builtin in check), f"unknown/{reason}/{check}")
    return f"{column.removesuffix('_score')}_{suffix}"


failed = set()
try:
    schema.validate(orders, lazy=True)
except pa.errors.SchemaErrors as errors:
    for error in errors.schema_errors:
        column = getattr(error.schema, "name", None) or ""
        failed.add(check_id(column, str(error.reason_code), str(error.check)))
results = {check: check not in failed for check in CHECKS if not check.startswith(("psi", "ks"))}
run.done(results, f"unmapped={sorted(failed - set(CHECKS))}", load_s)
