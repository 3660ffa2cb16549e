"""The frozen histograms that PSI and KS are measured against: a JSON file, written once and kept in git.

::

    {"bridgehead": "baseline", "version": 1,
     "contract": {"id": "orders", "version": "1.0.0", "digest": "..."},
     "taken": "2026-11-01T06:00:00.000000Z",
     "tables": {"orders": {"rows": 5000000, "columns": {"amount": {"edges": [9.8], "counts": [12, 30]}}}}}

``counts[i]`` are values up to and including ``edges[i]``; the last count is of values above the last edge.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bridgehead.kernel.errors import WatchError

BINS = 20
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The histogram of one column."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Frozen histograms by table and column, and where they are from."""

    columns: Mapping[tuple[str, str], Frozen] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    contract: Mapping[str, str] = field(default_factory=dict)
    taken: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the baseline as the file holds it."""
        tables: dict[str, Any] = {
            name: {"rows": rows, "columns": {}} for name, rows in sorted(self.rows.items())
        }
        for (table, column), frozen in sorted(self.columns.items()):
            tables[table]["columns"][column] = {"edges": list(frozen.edges), "counts": list(frozen.counts)}
        return {
            "bridgehead": "baseline",
            "version": 1,
            "contract": dict(self.contract),
            "taken": self.taken,
            "tables": tables,
        }


def read(path: Path) -> Baseline:
    """Return the baseline in a file. Raises ``WatchError`` BH-WAT-015."""
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        return _baseline(json.loads(raw))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise WatchError(
            "BH-WAT-015",
            f"the baseline {path} cannot be read: {why}",
            means="Without it no drift can be measured; nothing was checked.",
            fix="Take one from data you accept: `bridgehead watch baseline`.",
            where=str(path),
        ) from error


def _baseline(value: Any) -> Baseline:
    if value.get("bridgehead") != "baseline" or value.get("version") != 1:
        raise ValueError("it is no baseline of version 1")
    columns, rows = {}, {}
    for table, told in value["tables"].items():
        rows[str(table)] = int(told["rows"])
        for column, one in told["columns"].items():
            columns[str(table), str(column)] = _frozen(one, f"{table}.{column}")
    contract = {str(key): str(word) for key, word in value.get("contract", {}).items()}
    return Baseline(columns=columns, rows=rows, contract=contract, taken=str(value.get("taken", "")))


def _frozen(one: Mapping[str, Any], label: str) -> Frozen:
    edges = tuple(float(edge) for edge in one["edges"])
    counts = tuple(int(count) for count in one["counts"])
    rising = all(a < b for a, b in pairwise(edges))
    if not edges or not rising or not all(math.isfinite(edge) for edge in edges):
        raise ValueError(f"the edges of {label} do not rise")
    if len(counts) != len(edges) + 1 or min(counts) < 0 or not sum(counts):
        raise ValueError(f"{label} needs one count more than it has edges, and at least one value")
    return Frozen(edges=edges, counts=counts)
