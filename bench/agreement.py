"""Our verdict beside two others on the same contracts: ``python bench/agreement.py [--json]``.

Random tables with gaps, repeats and wrong values, and for each a contract of one clause (beside its columns):
required, unique, ranges, lengths, patterns, the five metrics of the library with every operator and unit,
references, SQL, and the clauses only our engine knows (means, sums, comparisons of columns, dependencies,
rows that a condition names), which only Ibis judges with us. Each is judged by us, by ``datacontract-cli`` on
the same file, and by a few lines of Ibis
(``bench/peers/agreement_*.py``; each in an environment of its own that uv makes). Where one of them cannot
evaluate a clause it is not compared, and counted. What differs is printed.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import subprocess
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml

from bridgehead.kernel.clock import SystemClock
from bridgehead.watch.checks.check import check
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.where import place
from bridgehead.watch.contract.read import read

PEERS = {
    "datacontract_cli": ["datacontract-cli[csv,duckdb,parquet]==1.2.8", "pyarrow"],
    "ibis": ["ibis-framework[duckdb]==12.0.0", "duckdb<1.5"],
}
SCRIPTS = Path(__file__).parent / "peers"
UV = SCRIPTS.parents[1] / "scripts" / "uv"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
HEAD = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "c",
    "name": "c",
    "version": "1.0.0",
    "status": "active",
}
COLUMNS = {"id": "integer", "ref": "integer", "status": "string", "code": "string", "amount": "number"}
SQL_TYPES = {"id": "BIGINT", "ref": "BIGINT", "status": "VARCHAR", "code": "VARCHAR", "amount": "DOUBLE"}
STATUSES = ["open", "paid", "void"]
NOT_EMPTY = "the batch is not empty"
OPERATORS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan",
    "mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Verdicts of three tools on the same contracts.")
    parser.add_argument("--contracts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="bridgehead-agreement-") as name:
        folder = Path(name)
        cases = [
            _written(folder, number, random.Random(f"{given.seed}/{number}"))
            for number in range(given.contracts)
        ]
        (folder / "cases.json").write_text(json.dumps(cases))
        ours = {case["name"]: _ours(folder, case) for case in cases}
        told = {"ours": dict(Counter(ours.values()))}
        for peer, needs in PEERS.items():
            told[peer] = _compared(cases, ours, _theirs(folder, peer, needs))
    print(json.dumps(told, indent=1) if given.json else "\n".join(f"{k}: {v}" for k, v in told.items()))


def _compared(cases: list[dict[str, Any]], ours: dict[str, str], theirs: dict[str, str]) -> dict[str, Any]:
    """Return how often both evaluated a clause and said the same, and every clause on which they did not."""
    both = [case for case in cases if {ours[case["name"]], theirs[case["name"]]} <= {"kept", "broken"}]
    differ = [case for case in both if ours[case["name"]] != theirs[case["name"]]]
    return {
        "compared": len(both),
        "equal": len(both) - len(differ),
        "not_evaluated": dict(Counter(theirs[case["name"]] for case in cases if case not in both)),
        "differ": [
            {"clause": case["clause"], "ours": ours[case["name"]], "theirs": theirs[case["name"]]}
            for case in differ
        ],
    }


def _written(folder: Path, number: int, draw: random.Random) -> dict[str, Any]:
    """Write a table and a contract of one clause; return what the others need to know of it."""
    name = f"case{number}"
    (folder / name).mkdir()
    kind, column, clause = _clause(draw)
    _table(folder / name, draw)
    properties = {each: {"name": each, "logicalType": logical} for each, logical in COLUMNS.items()}
    table: dict[str, Any] = {
        "name": "orders",
        "logicalType": "object",
        "properties": list(properties.values()),
    }
    if column:
        properties[column].update(clause)
    else:
        table.update(clause)
    parents = {
        "name": "parents",
        "logicalType": "object",
        "properties": [{"name": "id", "logicalType": "integer"}],
    }
    server = {
        "server": "local",
        "type": "local",
        "path": f"{folder / name}/{{model}}.parquet",
        "format": "parquet",
    }
    contract = {**HEAD, "servers": [server], "schema": [table, parents]}
    (folder / name / "c.odcs.yaml").write_text(yaml.safe_dump(contract, sort_keys=False))
    return {"name": name, "kind": kind, "column": column, "clause": clause}


def _table(folder: Path, draw: random.Random) -> None:
    rows = draw.choice([0, 1, 7, 50, 400])
    faults = draw.choice([0.0, 0.0, 0.02, 0.3])

    def maybe(good: Any, *bad: Any) -> Any:
        return draw.choice(bad) if draw.random() < faults else good

    data = [
        [
            maybe(number, 1, None),
            maybe(draw.randint(1, 20), 99, None),
            maybe(draw.choice(STATUSES), "lost", "", "Open", None),
            maybe(f"A-{number:04d}", "a-0001", f"A-{number:05d}", "", None),
            maybe(round(draw.uniform(0, 100), 2), -1.0, 1000.0, None),
        ]
        for number in range(rows)
    ]
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in SQL_TYPES.items())
        connection.execute(f"CREATE TABLE orders ({columns})")
        if data:
            connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", data)
        connection.execute("CREATE TABLE parents AS SELECT range AS id FROM range(1, 21)")
        for name in ("orders", "parents"):
            connection.execute(f"COPY {name} TO '{folder}/{name}.parquet' (FORMAT parquet)")


def _clause(draw: random.Random) -> tuple[str, str, dict[str, Any]]:
    column = draw.choice(list(COLUMNS))
    text, number = draw.choice(["status", "code"]), draw.choice(["id", "ref", "amount"])
    pattern = draw.choice([r"^A-\d{4}$", "^[a-z]+$", "-00"])
    valid = draw.sample([*STATUSES, "lost", "Open"], draw.randint(1, 4))
    match draw.choice(KINDS):
        case "required" | "unique" as kind:
            return kind, column, {kind: True}
        case "range":
            bound = draw.choice(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])
            value = draw.choice([0, 1, 20, 99])
            return "range", number, {"logicalTypeOptions": {bound: value}}
        case "length":
            bound = draw.choice(["minLength", "maxLength"])
            return "length", text, {"logicalTypeOptions": {bound: draw.choice([1, 4, 6])}}
        case "pattern":
            return "pattern", text, {"logicalTypeOptions": {"pattern": pattern}}
        case "invalidValues":
            arguments = {"pattern": pattern} if draw.random() < 0.4 else {"validValues": valid}
            return "invalidValues", text, _library("invalidValues", draw, True, arguments)
        case "missingValues":
            return (
                "missingValues",
                text,
                _library("missingValues", draw, True, {"missingValues": [None, "", "lost"]}),
            )
        case "nullValues":
            return "nullValues", column, _library("nullValues", draw, True)
        case "duplicateValues":
            return "duplicateValues", column, _library("duplicateValues", draw, False)
        case "duplicateRows":
            keys = draw.sample(list(COLUMNS), 2)
            return "duplicateRows", "", _library("duplicateValues", draw, False, {"properties": keys})
        case "rowCount":
            return "rowCount", "", _library("rowCount", draw, False)
        case "sql":
            query = f"SELECT count(*) FROM orders WHERE {number} > 20"
            return "sql", "", {"quality": [{"type": "sql", "query": query, **_threshold(draw)}]}
        case "aggregate":
            metric = draw.choice(["mean", "sum", "min", "max"])
            return "aggregate", number, _own(metric, draw, where=_where(draw))
        case "pair":
            sides = dict(zip(("left", "right"), draw.sample(["id", "ref", "amount"], 2), strict=True))
            return (
                "pair",
                "",
                _own("pair", draw, operator=draw.choice(COMPARISONS), where=_where(draw), **sides),
            )
        case "dependency":
            by = draw.choice([["status"], ["ref"], ["status", "ref"]])
            return "dependency", "", _own("dependency", draw, properties=by, column="code")
        case "rowsWhere":
            return "rowsWhere", "", _own("rowCount", draw, where=_condition(draw))
        case "nullsWhere":
            return "nullsWhere", column, _own("nullValues", draw, where=_condition(draw))
        case _:
            return "reference", "ref", {"relationships": [{"type": "foreignKey", "to": "parents.id"}]}


KINDS = (
    "required", "unique", "range", "length", "pattern", "invalidValues", "missingValues", "nullValues",
    "duplicateValues", "duplicateRows", "rowCount", "sql", "reference",
    "aggregate", "pair", "dependency", "rowsWhere", "nullsWhere",
)  # fmt: skip
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


def _own(metric: str, draw: random.Random, **arguments: Any) -> dict[str, Any]:
    told = {key: value for key, value in arguments.items() if value is not None}
    clause: dict[str, Any] = {"type": "custom", "engine": "bridgehead"}
    counts = metric in ("pair", "dependency", "rowCount", "nullValues")
    if counts and draw.random() < 0.4:
        clause["unit"] = "percent"
    return {"quality": [clause | {"implementation": {"metric": metric, **told, **_threshold(draw)}}]}


def _where(draw: random.Random) -> dict[str, Any] | None:
    return _condition(draw) if draw.random() < 0.4 else None


def _condition(draw: random.Random) -> dict[str, Any]:
    if draw.random() < 0.5:
        return {"column": "status", "operator": draw.choice(["=", "!="]), "value": draw.choice(STATUSES)}
    return {"column": "ref", "operator": draw.choice(COMPARISONS), "value": draw.choice([1, 10, 20, 99])}


def _library(
    metric: str, draw: random.Random, percent: bool, arguments: dict[str, Any] | None = None
) -> dict[str, Any]:
    clause: dict[str, Any] = {"type": "library", "metric": metric, **_threshold(draw)}
    if arguments:
        clause["arguments"] = arguments
    if percent and draw.random() < 0.4:
        clause["unit"] = "percent"
    return {"quality": [clause]}


def _threshold(draw: random.Random) -> dict[str, Any]:
    operator = draw.choice(OPERATORS)
    if operator.endswith("Between"):
        return {operator: sorted(draw.sample([0, 1, 2, 5, 10, 50, 400], 2))}
    return {operator: draw.choice([0, 0, 1, 2, 5, 10, 50, 400])}


def _ours(folder: Path, case: dict[str, Any]) -> str:
    """Return ``kept`` or ``broken``, without what we add: types, and that a batch is not empty."""
    contract = read(folder / case["name"] / "c.odcs.yaml")
    with place(str(folder / case["name"]), contract.tables, limits=Limits(), clock=SystemClock()) as found:
        report = check(contract, found, now=NOW, samples=False)
    asked = [
        each
        for each in report.verdicts
        if not each.check.id.endswith(".type") and not each.check.source.clause.startswith(NOT_EMPTY)
    ]
    states = {each.state for each in asked}
    if not asked:
        return "nothing checked"
    if any(each.state not in ("held", "broken") for each in asked):
        return ", ".join(sorted(states))
    return "broken" if any(each.is_breach for each in asked) else "kept"


def _theirs(folder: Path, peer: str, needs: list[str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="bridgehead-peer-") as name:
        python = f"{name}/env/bin/python"
        subprocess.run([UV, "venv", "-q", f"{name}/env"], check=True)
        subprocess.run([UV, "pip", "install", "-q", "--python", python, *needs], check=True)
        done = subprocess.run(
            [python, str(SCRIPTS / f"agreement_{peer}.py"), str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
    found: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
