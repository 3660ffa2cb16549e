"""24 data-quality checks on one Parquet table: our plan, and, where asked, the field's tools beside it.

::

    python bench/data_health.py                        # 100,000 rows
    python bench/data_health.py --rows 5000000         # goal: 24 of 24, 3 s wall, 6 CPU s, 512 MiB when quiet
    python bench/data_health.py --rows 5000000 --peers # makes an environment for each of them with uv

The table is made here: orders with planted faults (9 checks must fail, 15 must hold), their customers, and
the unshifted table that the baseline is frozen from. Each tool runs in a process of its own; imports are not
counted, reading the contract is. Best of ``--best-of`` runs. Peers do what they can of the 24; ``of`` says
how many that is.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOW = "2026-11-21T06:00:00Z"
CUSTOMERS = 200_000
CLAUSES = {
    "row_count": "orders.rowCount", "order_id_not_null": "orders.order_id.required",
    "order_id_unique": "orders.order_id.unique", "customer_id_not_null": "orders.customer_id.required",
    "customer_id_fk": "orders.customer_id.reference", "email_regex": "orders.email.pattern",
    "phone_regex": "orders.phone.pattern", "sku_regex": "orders.sku.pattern",
    "country_regex": "orders.country.pattern", "postcode_regex": "orders.postcode.pattern",
    "amount_range": "orders.amount.range", "quantity_range": "orders.quantity.range",
    "discount_range": "orders.discount.range", "risk_range": "orders.risk_score.range",
    "tax_null_rate": "orders.tax.nullValues", "status_in_set": "orders.status.invalidValues",
    "currency_in_set": "orders.currency.invalidValues", "updated_ge_created": "orders.pair",
    "freshness_created": "orders.created_at.freshness", "ship_mean": "orders.shipping_cost.mean",
    "psi_amount": "orders.amount.psi", "psi_quantity": "orders.quantity.psi",
    "ks_amount": "orders.amount.ks", "ks_shipping": "orders.shipping_cost.ks",
}  # fmt: skip
"""The 24 checks, and the clause of the contract that each one is."""

COLUMNS = """
 i AS order_id, (i % 5) + 1 AS line_no, 1 + (hash(i * 7) % {customers})::BIGINT AS customer_id,
 'user' || (hash(i * 11) % 900000) || '@'
   || ['example.com', 'corp.de', 'shop.fr', 'mail.co.uk'][1 + (hash(i) % 4)::INT] AS email,
 '+' || (1 + hash(i * 3) % 98) || ' ' || lpad((hash(i * 5) % 1000000000)::VARCHAR, 9, '0') AS phone,
 ['US', 'DE', 'FR', 'GB', 'IN', 'BR'][1 + (hash(i * 13) % 6)::INT] AS country,
 lpad((hash(i * 17) % 100000)::VARCHAR, 5, '0') AS postcode,
 ['new', 'paid', 'shipped', 'returned', 'cancelled'][1 + least(4,
   (5 * power((hash(i * 19) % 100000) / 100000.0, 2))::INT)] AS status,
 CASE WHEN hash(i * 23) % 1000 < 500 THEN 'USD' WHEN hash(i * 23) % 1000 < {euro} THEN 'EUR' ELSE 'GBP' END
   AS currency,
 round(exp({mean} + 0.9 * sqrt(-2 * ln((1 + hash(i * 29) % 1000000) / 1000001.0))
   * cos(6.283185 * (hash(i * 31) % 1000000) / 1000000.0)), 2) AS amount,
 1 + (hash(i * 37) % 20)::INT AS quantity, round((hash(i * 41) % 40) / 100.0, 2) AS discount,
 round(2 + (hash(i * 43) % 1800) / 100.0, 2) AS shipping_cost, round((hash(i * 47) % 2500) / 100.0, 2)
   AS tax,
 'SKU-' || lpad((hash(i * 53) % 40000)::VARCHAR, 6, '0') AS sku,
 ['web', 'app', 'store', 'partner'][1 + (hash(i * 59) % 4)::INT] AS channel,
 round((hash(i * 61) % 1000) / 1000.0, 3) AS risk_score, hash(i * 67) % 2 = 0 AS is_gift,
 TIMESTAMP '2026-11-01' + to_seconds(((i * 86400 * 20.0) / {rows})::BIGINT) AS created_at,
 TIMESTAMP '2026-11-01' + to_seconds(((i * 86400 * 20.0) / {rows})::BIGINT + (hash(i * 71) % 86400)::BIGINT)
   AS updated_at
"""
FAULTS = {
    "customer_id_not_null": "customer_id = NULL WHERE order_id % 36000 = 17",
    "customer_id_fk": f"customer_id = {CUSTOMERS} + 99 WHERE order_id % 70000 = 5",
    "order_id_unique": "order_id = order_id - 1 WHERE order_id % 120000 = 1",
    "email_regex": "email = replace(email, '@', ' at ') WHERE order_id % 50000 = 3",
    "amount_range": "amount = -1 WHERE order_id % 1000000 = 9",
    "tax_null_rate": "tax = NULL WHERE hash(order_id * 101) % 100 < 3",
    "status_in_set": "status = 'PAID ' WHERE order_id % 250000 = 11",
}
SHIFTED = ("psi_amount", "ks_amount")
MUST_FAIL = {*FAULTS, *SHIFTED}

CONTRACT = r"""apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: order_id, logicalType: integer, required: true, unique: true}
      - {name: line_no, logicalType: integer}
      - name: customer_id
        logicalType: integer
        required: true
        relationships: [{to: customers.customer_id}]
      - {name: email, logicalType: string, logicalTypeOptions: {pattern: '^[^@\s]+@[^@\s]+\.[a-z.]+$'}}
      - {name: phone, logicalType: string, logicalTypeOptions: {pattern: '^\+[0-9]{1,2} [0-9]{9}$'}}
      - {name: country, logicalType: string, logicalTypeOptions: {pattern: '^[A-Z]{2}$'}}
      - {name: postcode, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]{5}$'}}
      - name: status
        logicalType: string
        quality:
          - metric: invalidValues
            arguments: {validValues: [new, paid, shipped, returned, cancelled]}
            mustBe: 0
      - name: currency
        logicalType: string
        quality: [{metric: invalidValues, arguments: {validValues: [USD, EUR, GBP]}, mustBe: 0}]
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 100000}
        quality:
          - {type: custom, engine: bridgehead, implementation: {metric: psi, mustBeLessThan: 0.02}}
          - {type: custom, engine: bridgehead, implementation: {metric: ks, mustBeLessThan: 0.02}}
      - name: quantity
        logicalType: integer
        logicalTypeOptions: {minimum: 1, maximum: 100}
        quality: [{type: custom, engine: bridgehead, implementation: {metric: psi, mustBeLessThan: 0.02}}]
      - {name: discount, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1}}
      - name: shipping_cost
        logicalType: number
        quality:
          - {type: custom, engine: bridgehead, implementation: {metric: mean, mustBeBetween: [10, 12]}}
          - {type: custom, engine: bridgehead, implementation: {metric: ks, mustBeLessThan: 0.02}}
      - name: tax
        logicalType: number
        quality: [{metric: nullValues, unit: percent, mustBeLessOrEqualTo: 1}]
      - {name: sku, logicalType: string, logicalTypeOptions: {pattern: '^SKU-[0-9]{6}$'}}
      - {name: channel, logicalType: string}
      - {name: risk_score, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1}}
      - {name: is_gift, logicalType: boolean}
      - {name: created_at, logicalType: timestamp}
      - {name: updated_at, logicalType: timestamp}
    quality:
      - {metric: rowCount, mustBeBetween: [LOW, HIGH]}
      - type: custom
        engine: bridgehead
        implementation: {metric: pair, left: updated_at, operator: '>=', right: created_at, mustBe: 0}
  - name: customers
    properties:
      - {name: customer_id, logicalType: integer}
      - {name: name, logicalType: string}
slaProperties:
  - {property: freshness, element: orders.created_at, value: 26, unit: h}
"""


def make(folder: Path, rows: int) -> None:
    """Write the batch, its customers, the contract and the baseline."""
    import duckdb

    db = duckdb.connect(config={"threads": "2"})
    accepted = folder / "accepted"
    accepted.mkdir()
    made = f"SELECT i AS customer_id, 'C' || i AS name FROM range(1, {CUSTOMERS} + 1) t(i)"
    for where in (folder, accepted):
        db.execute(f"COPY ({made}) TO '{where}/customers.parquet' (FORMAT parquet)")
    for where, mean, euro in ((accepted, 3.5, 800), (folder, 3.65, 830)):
        columns = COLUMNS.format(customers=CUSTOMERS, rows=rows, mean=mean, euro=euro)
        db.execute(f"CREATE OR REPLACE TABLE orders AS SELECT {columns} FROM range({rows}) t(i)")
        if where == folder:
            for fault in FAULTS.values():
                db.execute(f"UPDATE orders SET {fault}")
        db.execute(
            f"COPY orders TO '{where}/orders.parquet' "
            "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 200000)"
        )
    db.close()
    low, high = str(round(rows * 0.98)), str(round(rows * 1.02))
    (folder / "orders.odcs.yaml").write_text(CONTRACT.replace("LOW", low).replace("HIGH", high))
    _own("baseline", folder, "--data", str(accepted), "--out", str(folder / "baseline.json"))
    (folder / "truth.json").write_text(json.dumps({"fail": sorted(MUST_FAIL), "rows": rows}))


def _own(command: str, folder: Path, *arguments: str) -> None:
    """Run one of our commands in a process of its own."""
    subprocess.run(
        [sys.executable, "-c", "from bridgehead.doors.cli import main; main()", "watch", command,
         "--contract", str(folder / "orders.odcs.yaml"), *arguments],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def ours(folder: Path, samples: bool, memory: int) -> dict[str, Any]:
    """Check the batch in this process and say what it took."""
    import duckdb  # noqa: F401 -- not counted, for peers neither
    import jsonschema  # noqa: F401

    from bridgehead.kernel.clock import SystemClock, unstamp
    from bridgehead.watch.checks import baseline as baselines
    from bridgehead.watch.checks.check import check
    from bridgehead.watch.checks.engine import Limits
    from bridgehead.watch.checks.where import place
    from bridgehead.watch.contract.read import read

    wall, cpu = time.perf_counter(), _cpu()
    contract = read(folder / "orders.odcs.yaml")
    frozen = baselines.read(folder / "baseline.json")
    with place(str(folder), contract.tables, limits=Limits(memory_mib=memory), clock=SystemClock()) as data:
        report = check(contract, data, now=unstamp(NOW), baseline=frozen, samples=samples)
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu() - cpu}
    found = {verdict.check.id: verdict.state for verdict in report.verdicts}
    results = {name: {"held": True, "broken": False}.get(found[clause]) for name, clause in CLAUSES.items()}
    return _line("bridgehead" + (" with samples" if samples else ""), results, taken)


def _line(tool: str, results: dict[str, bool | None], taken: dict[str, float]) -> dict[str, Any]:
    done = [name for name in CLAUSES if results.get(name) is not None]
    return {
        "tool": tool,
        "of": len(done),
        "wrong": [name for name in done if (not results[name]) != (name in MUST_FAIL)],
        **{name: round(value, 2) for name, value in taken.items()},
        "peak_mib": _peak_mib(),
    }


def _peak_mib() -> int:
    """Return this process's own peak: ``ru_maxrss`` would hold that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measured(folder: Path, samples: bool, memory: int) -> dict[str, Any]:
    """Run ``ours`` in a process of its own, so that its memory is its own."""
    arguments = ["--child", str(folder), "--memory", str(memory), *(["--samples"] if samples else [])]
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def best(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fastest run."""
    return min(lines, key=lambda line: line["wall_s"])


def main() -> None:
    """Make the data, measure, print a line for each tool."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--best-of", type=int, default=2)
    parser.add_argument("--memory", type=int, default=512)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--samples", action="store_true")
    parser.add_argument("--child", type=Path)
    given = parser.parse_args()
    if given.peers and given.rows != 5_000_000:
        parser.error("the peers' own row counts are for 5,000,000 rows")
    if given.child:
        print(json.dumps(ours(given.child, given.samples, given.memory)))
        return
    sys.path.insert(0, str(HERE))
    from yardstick import json_dumps_us, when_quiet

    with tempfile.TemporaryDirectory(prefix="bridgehead-bench-") as name:
        folder = Path(name)
        make(folder, given.rows)
        before = json_dumps_us()
        lines = [best([measured(folder, False, given.memory) for _ in range(given.best_of)]),
                 measured(folder, True, given.memory)]  # fmt: skip
        yardstick = (before + json_dumps_us()) / 2
        if given.peers:
            from data_health_peers import peers

            lines += peers(folder, given.best_of)
    for line in lines:
        print(json.dumps(line))
    load = os.getloadavg()[0]
    quiet = when_quiet(lines[0]["cpu_s"], yardstick)
    print(f"{given.rows:,} rows; yardstick {yardstick:.1f} us (4.9 when quiet), load {load:.1f}")
    print(f"our CPU when quiet about {quiet} s")


if __name__ == "__main__":
    main()
