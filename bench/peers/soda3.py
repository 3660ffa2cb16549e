"""Soda Core 3.5.6, the last Apache-2.0 line. Requires soda-core-duckdb==3.5.6 and "setuptools<81".

It pins DuckDB 1.0.0. PSI and KS need soda-core-scientific, which is not used here.
"""

import datetime as dt
import os

import duckdb
from common import CURRENCIES, CUSTOMERS, NOW, ORDERS, PATTERNS, RANGES, STATUSES, Run
from soda.scan import Scan

run = Run("soda-core-3.5.6")
connection = duckdb.connect()
connection.execute("set threads=2")
connection.execute(f"create view orders as select * from '{ORDERS}'")
connection.execute(f"create view customers as select * from '{CUSTOMERS}'")

sodacl = f"""checks for orders:
  - row_count between 4900000 and 5100000:
      name: row_count
  - missing_count(order_id) = 0:
      name: order_id_not_null
  - duplicate_count(order_id) = 0:
      name: order_id_unique
  - missing_count(customer_id) = 0:
      name: customer_id_not_null
  - values in (customer_id) must exist in customers (customer_id):
      name: customer_id_fk
  - missing_percent(tax) <= 1:
      name: tax_null_rate
  - invalid_count(status) = 0:
      name: status_in_set
      valid values: {STATUSES}
  - invalid_count(currency) = 0:
      name: currency_in_set
      valid values: {CURRENCIES}
  - failed rows:
      name: updated_ge_created
      fail condition: updated_at < created_at
  - freshness(created_at) < {os.environ["FRESH_HOURS"]}h:
      name: freshness_created
  - avg(shipping_cost) between 10 and 12:
      name: ship_mean
"""
for column, pattern in PATTERNS.items():
    sodacl += (
        f"  - invalid_count({column}) = 0:\n      name: {column}_regex\n      valid regex: '{pattern}'\n"
    )
for column, (low, high) in RANGES.items():
    name = column.removesuffix("_score")
    sodacl += f"  - invalid_count({column}) = 0:\n      name: {name}_range\n      valid min: {low}\n"
    sodacl += f"      valid max: {high}\n"

scan = Scan()
scan.disable_telemetry()
scan.add_duckdb_connection(connection)
scan.set_data_source_name("duckdb")
scan._data_timestamp = dt.datetime.fromisoformat(NOW + "+00:00")
scan.add_sodacl_yaml_str(sodacl)
scan.execute()
outcome = scan.get_scan_results()
results = {check["name"]: {"pass": True, "fail": False}.get(check["outcome"]) for check in outcome["checks"]}
run.done(
    results,
    f"queries={len(outcome.get('queries', []))} errors={[str(e)[:100] for e in scan.get_error_logs()][:3]}",
)
