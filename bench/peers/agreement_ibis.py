"""What Ibis on DuckDB says of each case of ``bench/agreement.py``: one expression for each kind of clause."""

import json
import operator
import sys
from pathlib import Path

import ibis

COMPARE = {
    "mustBe": operator.eq,
    "mustNotBe": operator.ne,
    "mustBeGreaterThan": operator.gt,
    "mustBeGreaterOrEqualTo": operator.ge,
    "mustBeLessThan": operator.lt,
    "mustBeLessOrEqualTo": operator.le,
    "mustBeBetween": lambda value, pair: pair[0] <= value <= pair[1],
    "mustNotBeBetween": lambda value, pair: not pair[0] <= value <= pair[1],
}
SIDES = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
BOUNDS = {
    "minimum": operator.lt,
    "maximum": operator.gt,
    "exclusiveMinimum": operator.le,
    "exclusiveMaximum": operator.ge,
    "minLength": operator.lt,
    "maxLength": operator.gt,
}


def wrong(case: dict, table: ibis.Table, parents: ibis.Table) -> int | None:
    """Return the number the clause is about."""
    clause, kind = case["clause"], case["kind"]
    column = table[case["column"]] if case["column"] else None
    quality = clause.get("quality", [{}])[0]
    arguments = quality.get("arguments", {})

    def count(condition: ibis.expr.types.BooleanValue) -> int:
        return int(table.filter(condition).count().execute())

    def repeated(*names: str) -> int:
        """Return how many values occur more than once."""
        there = table.filter([table[name].notnull() for name in names])
        times = there.group_by(names).aggregate(n=there.count())
        return int(times.filter(times.n > 1).count().execute())

    match kind:
        case "required" | "nullValues":
            return count(column.isnull())
        case "unique" | "duplicateValues":
            return repeated(case["column"])
        case "duplicateRows":
            return repeated(*arguments["properties"])
        case "range":
            ((bound, value),) = clause["logicalTypeOptions"].items()
            return count(BOUNDS[bound](column, value))
        case "length":
            ((bound, value),) = clause["logicalTypeOptions"].items()
            return count(BOUNDS[bound](column.length(), value))
        case "pattern":
            return count(~column.re_search(clause["logicalTypeOptions"]["pattern"]))
        case "invalidValues" if "pattern" in arguments:
            return count(~column.re_search(arguments["pattern"]))
        case "invalidValues":
            return count(column.notin(arguments["validValues"]))
        case "missingValues":
            return count(
                column.isnull()
                | column.isin([each for each in arguments["missingValues"] if each is not None])
            )
        case "rowCount":
            return int(table.count().execute())
        case "sql":
            return int(
                ibis.duckdb.connect()
                .sql(quality["query"].replace("orders", f"'{table_file}'"))
                .execute()
                .iloc[0, 0]
            )
        case "reference":
            return count(column.notnull() & column.notin(parents["id"]))
    return None


def own(case: dict, rows: ibis.Table, body: dict) -> float | None:
    """Return the number of a clause of our own engine over the rows it is about; None where there is none."""
    metric = body["metric"]
    if case["kind"] == "aggregate":
        answer = getattr(rows[case["column"]], metric)().execute()
        return None if answer is None or answer != answer else float(answer)
    if metric == "pair":
        return int(
            rows.filter(~SIDES[body["operator"]](rows[body["left"]], rows[body["right"]])).count().execute()
        )
    if metric == "dependency":
        return changes(rows, body["properties"], body["column"])
    if metric == "nullValues":
        return int(rows.filter(rows[case["column"]].isnull()).count().execute())
    return int(rows.count().execute())


def changes(table: ibis.Table, by: list[str], column: str) -> int:
    """Return how many rows are not the most frequent value of their group."""
    there = table.filter([table[name].notnull() for name in (*by, column)])
    counted = there.group_by([*by, column]).aggregate(n=there.count())
    most = counted.group_by(by).aggregate(kept=counted.n.max(), all=counted.n.sum())
    return int((most["all"].sum() - most.kept.sum()).execute() or 0)


def said(case: dict, table: ibis.Table, parents: ibis.Table) -> str:
    quality = case["clause"].get("quality", [None])[0]
    if quality and "implementation" in quality:
        body = quality["implementation"]
        where = body.get("where")
        rows = (
            table.filter(SIDES[where["operator"]](table[where["column"]], where["value"])) if where else table
        )
        number = own(case, rows, body)
        base = table if body["metric"] == "rowCount" else rows
        if number is None:
            return "undefined"
        return judged(number, quality.get("unit"), base, body)
    number = wrong(case, table, parents)
    if quality is None:
        return "broken" if number else "kept"
    return judged(number, quality.get("unit"), table, quality)


def judged(number: float, unit: str | None, base: ibis.Table, quality: dict) -> str:
    if unit == "percent":
        rows = base.count().execute()
        if not rows:
            return "undefined"
        number = 100 * number / rows
    name = next(each for each in COMPARE if each in quality)
    return "kept" if COMPARE[name](number, quality[name]) else "broken"


folder = Path(sys.argv[1])
found = {}
for case in json.loads((folder / "cases.json").read_text()):
    table_file = folder / case["name"] / "orders.parquet"
    connection = ibis.duckdb.connect()
    table = connection.read_parquet(table_file)
    parents = connection.read_parquet(folder / case["name"] / "parents.parquet")
    found[case["name"]] = said(case, table, parents)
print(json.dumps(found))
