"""Cells that are wrong, found from the dirty table alone: ``python bench/cell_errors.py [--json]``.

On the public pairs beside the repository (``../shared/data/cell_errors``): no label is used, and nothing but
the dirty table is looked at. A cell counts as an error where dirty and clean differ as text.

Then by column: a contract is drafted from clean.csv, the accepted data, and dirty.csv is checked against
it as the next batch. A column is dirty when more than 0.5 % of its cells are; it is flagged
when any clause about it is broken.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from bridgehead.kernel.clock import SystemClock
from bridgehead.watch.checks.check import check
from bridgehead.watch.checks.engine import Limits
from bridgehead.watch.checks.ir import DependencyCount
from bridgehead.watch.checks.where import place
from bridgehead.watch.contract.read import parse
from bridgehead.watch.draft.draft import from_files
from bridgehead.watch.draft.sample import sample
from bridgehead.watch.draft.suspects import suspects
from bridgehead.watch.draft.written import contract_text

ROOT = Path(__file__).resolve().parents[1]
SHARED = next((up / "shared" for up in ROOT.parents if (up / "shared" / "data").is_dir()), ROOT / "absent")
DATA = SHARED / "data" / "cell_errors"
GOALS = {"hospital": 0.60, "flights": 0.65, "beers": 0.55}
PRECISION = {"hospital": 0.90}


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    return rows[0], rows[1:]


def cells(folder: Path) -> dict[str, Any]:
    """Return precision, recall and F1 of the cells that are suspect in a dirty table."""
    header, dirty = table(folder / "dirty.csv")
    _, clean = table(folder / "clean.csv")
    began = time.monotonic()
    found = suspects(sample("dirty", header, [[one or None for one in row] for row in dirty]))
    seconds = time.monotonic() - began
    said = {(int(row), n) for n, name in enumerate(header) for row in found.cells[name].nonzero()[0]}
    true = {
        (i, j)
        for i, (a, b) in enumerate(zip(dirty, clean, strict=True))
        for j, (x, y) in enumerate(zip(a, b, strict=True))
        if x != y
    }
    hit = len(said & true)
    precision, recall = hit / max(1, len(said)), hit / max(1, len(true))
    columns = {
        name: [len([c for c in true if c[1] == n]), len([c for c in said if c[1] == n]),
               len([c for c in said & true if c[1] == n])]
        for n, name in enumerate(header)
    }  # fmt: skip
    return {
        "errors": len(true), "suspect": len(said), "precision": round(precision, 3),
        "recall": round(recall, 3), "f1": round(2 * precision * recall / max(1e-9, precision + recall), 3),
        "seconds": round(seconds, 2), "columns": columns,
    }  # fmt: skip


def columns(folder: Path, scratch: Path) -> dict[str, Any]:
    """Draft a contract from clean.csv, check dirty.csv; return which columns that flags, and which are."""
    header, clean = table(folder / "clean.csv")
    _, dirty = table(folder / "dirty.csv")
    names = [f"data{n}.csv" for n in range(2)]
    for name, rows in zip(names, (clean, dirty), strict=True):
        with (scratch / name).open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([header, *rows])  # the two headers are not always spelt the same
    clock, limits = SystemClock(), Limits()
    drafts = from_files(scratch / names[0], limits=limits, clock=clock, say=lambda _: None).tables
    contract = parse(contract_text("accepted", drafts, "clean.csv", "today").encode(), "accepted.odcs.yaml")
    broken = []
    for name in names:
        with place(str(scratch / name), contract.tables, limits=limits, clock=clock) as there:
            broken.append(check(contract, there, now=clock.now()).breaches)
    flagged = {name for verdict in broken[1] for name in _about(verdict.check)}
    wrong = {
        name: sum(a[n] != b[n] for a, b in zip(clean, dirty, strict=True)) / len(clean)
        for n, name in enumerate(header)
    }
    truly = {name for name, share in wrong.items() if share > 0.005}
    return {
        "dirty": len(truly), "clean": len(header) - len(truly), "found": len(flagged & truly),
        "false": sorted(flagged - truly), "missed": sorted(truly - flagged),
        "broken_on_its_own_data": [verdict.check.id for verdict in broken[0]],
    }  # fmt: skip


def _about(check: Any) -> tuple[str, ...]:
    """Return the columns a broken clause says are wrong: of a dependency the one that is decided."""
    metric = check.metric
    return (metric.column,) if isinstance(metric, DependencyCount) else check.columns


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if not DATA.is_dir():
        print("The tables are not beside the repository; nothing was measured.")
        return 0
    found = {name: cells(DATA / name) for name in GOALS}
    with tempfile.TemporaryDirectory() as scratch:
        by_column = {name: columns(DATA / name, Path(scratch)) for name in GOALS}
    total = {key: sum(one[key] for one in by_column.values()) for key in ("dirty", "clean", "found")}
    total |= {"false": sum(len(one["false"]) for one in by_column.values())}
    if asked.json:
        print(json.dumps({"cells": found, "columns": by_column, "all_columns": total}, indent=1))
        return 0
    print("columns", total)
    for name, told in by_column.items():
        print("  ", name, told)
    for name, one in found.items():
        print(name, {key: value for key, value in one.items() if key != "columns"})
        for column, counts in one["columns"].items():
            print(f"   {column:20} errors {counts[0]:5} suspect {counts[1]:5} right {counts[2]:5}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
