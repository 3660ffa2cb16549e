"""Great Expectations 1.x on pandas. No referential check; KL divergence stands in for PSI; no KS."""

import datetime as dt
import itertools
import logging
import os
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx  # noqa: E402
import great_expectations.expectations as expect  # noqa: E402
import pandas as pd  # noqa: E402
from common import CURRENCIES, NOW, ORDERS, PATTERNS, RANGES, STATUSES, Run, baseline  # noqa: E402

ref = baseline()
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
run = Run("great-expectations (pandas)")

started = time.perf_counter()
frame = pd.read_parquet(ORDERS)
load_s = round(time.perf_counter() - started, 2)
asset = context.data_sources.add_pandas("source").add_dataframe_asset("orders")
batch, parameters = asset.add_batch_definition_whole_dataframe("batch"), {"dataframe": frame}

cumulative = [0, *ref["amount"]["cum"], 1]
partition = {
    "bins": [-1e9, *ref["amount"]["edges"], 1e9],
    "weights": [b - a for a, b in itertools.pairwise(cumulative)],
}
expectations = {
    "row_count": expect.ExpectTableRowCountToBeBetween(min_value=4_900_000, max_value=5_100_000),
    "order_id_not_null": expect.ExpectColumnValuesToNotBeNull(column="order_id"),
    "order_id_unique": expect.ExpectColumnValuesToBeUnique(column="order_id"),
    "customer_id_not_null": expect.ExpectColumnValuesToNotBeNull(column="customer_id"),
    "tax_null_rate": expect.ExpectColumnValuesToNotBeNull(column="tax", mostly=0.99),
    "status_in_set": expect.ExpectColumnValuesToBeInSet(column="status", value_set=STATUSES),
    "currency_in_set": expect.ExpectColumnValuesToBeInSet(column="currency", value_set=CURRENCIES),
    "updated_ge_created": expect.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="updated_at", column_B="created_at", or_equal=True
    ),
    "freshness_created": expect.ExpectColumnMaxToBeBetween(
        column="created_at", min_value=dt.datetime.fromisoformat(NOW) - dt.timedelta(hours=26)
    ),
    "ship_mean": expect.ExpectColumnMeanToBeBetween(column="shipping_cost", min_value=10, max_value=12),
    "psi_amount": expect.ExpectColumnKLDivergenceToBeLessThan(
        column="amount", partition_object=partition, threshold=0.01
    ),
}
for column, pattern in PATTERNS.items():
    expectations[f"{column}_regex"] = expect.ExpectColumnValuesToMatchRegex(column=column, regex=pattern)
for column, (low, high) in RANGES.items():
    expectations[f"{column.removesuffix('_score')}_range"] = expect.ExpectColumnValuesToBeBetween(
        column=column, min_value=low, max_value=high
    )
suite = gx.ExpectationSuite(name="suite")
for name, expectation in expectations.items():
    expectation.meta = {"id": name}
    suite.add_expectation(expectation)
context.suites.add(suite)
validation = context.validation_definitions.add(
    gx.ValidationDefinition(name="validation", data=batch, suite=suite)
)
outcome = validation.run(batch_parameters=parameters, result_format="BOOLEAN_ONLY")

results: dict[str, bool | None] = {}
raised = []
for result in outcome.results:
    name, info = result.expectation_config.meta["id"], result.exception_info or {}
    failed = info.get("raised_exception") or any(
        isinstance(part, dict) and part.get("raised_exception") for part in info.values()
    )
    results[name] = None if failed else bool(result.success)
    if failed:
        raised.append(name)
run.done(results, f"raised={raised} gx={gx.__version__}", load_s)
