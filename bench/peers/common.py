"""For the peers of ``bench/data_health.py``: the checks, the files, the scoring of one run."""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path

DATA = Path(os.environ.get("DQ_DATA", "dq_data"))
ORDERS = DATA / "orders.parquet"
CUSTOMERS = DATA / "customers.parquet"
NOW = "2026-11-21 06:00:00"

STATUSES = ["new", "paid", "shipped", "returned", "cancelled"]
CURRENCIES = ["USD", "EUR", "GBP"]
EMAIL = r"^[^@\s]+@[^@\s]+\.[a-z.]+$"
PHONE = r"^\+[0-9]{1,2} [0-9]{9}$"
SKU = r"^SKU-[0-9]{6}$"
COUNTRY = r"^[A-Z]{2}$"
POSTCODE = r"^[0-9]{5}$"
PATTERNS = {"email": EMAIL, "phone": PHONE, "sku": SKU, "country": COUNTRY, "postcode": POSTCODE}
RANGES = {"amount": (0, 100_000), "quantity": (1, 100), "discount": (0, 1), "risk_score": (0, 1)}

CHECKS = [
    "row_count", "order_id_not_null", "order_id_unique", "customer_id_not_null", "customer_id_fk",
    "email_regex", "phone_regex", "sku_regex", "country_regex", "postcode_regex",
    "amount_range", "quantity_range", "discount_range", "risk_range",
    "tax_null_rate",        # at most 1 %
    "status_in_set", "currency_in_set",
    "updated_ge_created",   # updated_at >= created_at in every row
    "freshness_created",    # newest created_at at most 26 h before NOW
    "ship_mean",            # mean shipping_cost between 10 and 12
    "psi_amount", "psi_quantity",  # PSI against the baseline below 0.02
    "ks_amount", "ks_shipping",    # KS distance against the baseline below 0.02
]  # fmt: skip


def baseline() -> dict:
    """The last good batch: 19 inner quantile edges per column and the cumulative share at each."""
    return json.loads((DATA / "ref.json").read_text())


class Run:
    """Start after the imports and before loading; imports are not timed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._wall = time.perf_counter()
        self._cpu = _cpu_seconds()

    def done(self, results: dict[str, bool | None], note: str = "", load_s: float | None = None) -> None:
        """Print one JSON line. ``results``: check -> True passed, False failed, None not supported."""
        wall_s = time.perf_counter() - self._wall
        must_fail = set(json.loads((DATA / "truth.json").read_text())["fail"])
        done = [check for check in CHECKS if results.get(check) is not None]
        line = json.dumps({
            "tool": self.name,
            "of": len(done),
            "wall_s": round(wall_s, 2),
            "cpu_s": round(_cpu_seconds() - self._cpu, 2),
            "load_s": load_s,
            "peak_mib": _peak_mib(),
            "wrong": [check for check in done if (not results[check]) != (check in must_fail)],
            "note": note,
        })  # fmt: skip
        print(line)


def _peak_mib() -> int:
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
