"""The peers of ``bench/data_health.py``, each in an environment of its own that uv makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PEERS = {
    "pandera_polars": ["pandera[polars]"],
    "soda3": ["soda-core-duckdb==3.5.6", "setuptools<81"],
    "datacontract_cli": ["datacontract-cli[duckdb]"],
    "great_expectations_pandas": ["great_expectations", "pandas", "pyarrow"],
}
"""What each needs. Soda Core 3 is the last under a free licence."""
SCRIPTS = Path(__file__).parent / "peers"
UV = SCRIPTS.parents[1] / "scripts" / "uv"
NEWEST = datetime(2026, 11, 21, tzinfo=UTC)


def peers(folder: Path, best_of: int) -> list[dict[str, Any]]:
    """Return a line for each peer, the best of its runs; what failed says why."""
    _reference(folder)
    return [_peer(name, needs, folder, best_of) for name, needs in PEERS.items()]


def _peer(name: str, needs: list[str], folder: Path, best_of: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="bridgehead-peer-") as place:
        python = f"{place}/env/bin/python"
        subprocess.run([UV, "venv", "-q", f"{place}/env"], check=True)
        subprocess.run([UV, "pip", "install", "-q", "--python", python, *needs], check=True)
        lines = [_run(python, name, folder) for _ in range(best_of)]
    return min(lines, key=lambda line: line.get("wall_s", float("inf")))


def _run(python: str, name: str, folder: Path) -> dict[str, Any]:
    hours = int((datetime.now(UTC) - NEWEST).total_seconds() // 3600) + 20
    given = {**os.environ, "DQ_DATA": str(folder), "FRESH_HOURS": str(hours)}
    done = subprocess.run(
        [python, str(SCRIPTS / f"{name}.py")], env=given, capture_output=True, text=True, cwd=folder
    )
    if done.returncode:
        return {"tool": name, "failed": done.stderr.strip().splitlines()[-1:]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _reference(folder: Path) -> None:
    """Write our baseline as the peers read it: edges, and the cumulative share at each."""
    columns = json.loads((folder / "baseline.json").read_text())["tables"]["orders"]["columns"]
    told = {}
    for name, one in columns.items():
        total, upto, shares = sum(one["counts"]), 0, []
        for count in one["counts"][:-1]:
            upto += count
            shares.append(upto / total)
        told[name] = {"edges": one["edges"], "cum": shares}
    (folder / "ref.json").write_text(json.dumps(told))


if __name__ == "__main__":
    print(json.dumps(peers(Path(sys.argv[1]), 1), indent=1))
