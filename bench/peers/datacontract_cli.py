"""datacontract-cli as a library on an ODCS 3.1 contract and a local Parquet server (DuckDB through Ibis).

Requires "datacontract-cli[duckdb]". Freshness uses the real clock: FRESH_HOURS is such that the newest
created_at counts as fresh (the table ends on 2026-11-21 00:00). ODCS has no PSI and no KS.
"""

import logging
import os
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import yaml  # noqa: E402
from common import CHECKS, CURRENCIES, DATA, PATTERNS, RANGES, STATUSES, Run  # noqa: E402
from datacontract.data_contract import DataContract  # noqa: E402

run = Run("datacontract-cli")
LOGICAL = {
    "order_id": "integer", "line_no": "integer", "customer_id": "integer", "email": "string",
    "phone": "string", "country": "string", "postcode": "string", "status": "string", "currency": "string",
    "amount": "number", "quantity": "integer", "discount": "number", "shipping_cost": "number",
    "tax": "number", "sku": "string", "channel": "string", "risk_score": "number", "is_gift": "boolean",
    "created_at": "timestamp", "updated_at": "timestamp",
}  # fmt: skip


def library(metric: str, **rest) -> dict:
    return {"type": "library", "metric": metric, **rest}


def sql(query: str, **rest) -> dict:
    return {"type": "sql", "query": query, **rest}


clauses: dict[str, dict] = {
    "order_id": {"required": True, "unique": True},
    "customer_id": {
        "required": True,
        "relationships": [{"type": "foreignKey", "to": "customers.customer_id"}],
    },
    "tax": {"quality": [library("nullValues", unit="percent", mustBeLessOrEqualTo=1)]},
    "status": {"quality": [library("invalidValues", arguments={"validValues": STATUSES}, mustBe=0)]},
    "currency": {"quality": [library("invalidValues", arguments={"validValues": CURRENCIES}, mustBe=0)]},
    "shipping_cost": {"quality": [sql("select avg(shipping_cost) from orders", mustBeBetween=[10, 12])]},
}
for column, pattern in PATTERNS.items():
    clauses[column] = {"logicalTypeOptions": {"pattern": pattern}}
for column, (low, high) in RANGES.items():
    clauses[column] = {"logicalTypeOptions": {"minimum": low, "maximum": high}}

contract = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "orders", "name": "orders", "version": "1.0.0",
    "status": "active",
    "servers": [
        {"server": "local", "type": "local", "path": f"{DATA}/{{model}}.parquet", "format": "parquet"}
    ],
    "schema": [
        {
            "name": "orders",
            "physicalType": "table",
            "properties": [{"name": n, "logicalType": t, **clauses.get(n, {})} for n, t in LOGICAL.items()],
            "quality": [
                library("rowCount", mustBeBetween=[4_900_000, 5_100_000]),
                sql("select count(*) from orders where updated_at < created_at", mustBe=0),
            ],
        },
        {
            "name": "customers",
            "physicalType": "table",
            "properties": [
                {"name": "customer_id", "logicalType": "integer"},
                {"name": "name", "logicalType": "string"},
            ],
        },
    ],
    "slaProperties": [
        {"property": "freshness", "element": "orders.created_at",
         "value": int(os.environ.get("FRESH_HOURS", "26")), "unit": "h"}
    ],
}  # fmt: skip
path = DATA / "orders.odcs.yaml"
path.write_text(yaml.safe_dump(contract, sort_keys=False))
report = DataContract(data_contract_file=str(path)).test()

results: dict[str, bool | None] = {}
other = []
for check in report.checks:
    kind, column = str(check.type), check.field
    passed = {"passed": True, "failed": False}.get(str(getattr(check.result, "value", check.result)))
    name = {
        "field_required": f"{column}_not_null",
        "field_unique": f"{column}_unique",
        "field_relationships": "customer_id_fk",
        "field_regex": f"{column}_regex",
        "field_minimum": f"{column}_range",
        "field_maximum": f"{column}_range",
        "field_null_values": "tax_null_rate",
        "field_invalid_values": f"{column}_in_set",
        "row_count": "row_count",
        "servicelevel_freshness": "freshness_created",
    }.get(kind)
    if "sql" in kind:
        name = "ship_mean" if column else "updated_ge_created"
    if name == "risk_score_range":
        name = "risk_range"
    if name not in CHECKS:
        other.append((kind, column, str(check.result), (check.reason or "")[:60]))
    else:
        results[name] = passed if results.get(name, True) in (True, None) else False
run.done(results, f"checks={len(report.checks)} other={[o for o in other if 'pass' not in o[2]][:3]}")
