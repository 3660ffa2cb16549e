"""A release is taken back by workers that are killed: nothing is left out, taken back twice, or written over.

The measurement is `bench/undo.py`; here it is small. The judge is the order system's own file, and the
certificate is checked without the house.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "undo.py"


def taken_back(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCH), "--effects", "50", "--kills", "4", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "store",
    [
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("dbos", marks=pytest.mark.postgresql),
    ],
)
def test_nothing_is_missing_double_or_written_over(store: str) -> None:
    found = taken_back("--store", store, "--seed", "3")
    told = json.dumps(found)
    assert (found["missing"], found["double"], found["overwritten"], found["problems"]) == ([], [], [], []), (
        told
    )
    assert found["kills"] >= 4, told
    assert found["certificate"]["undone"] >= 25 and found["certificate"]["pending"] == 0, told
    assert found["certificate"]["skipped"] > 0 and found["certificate"]["impossible"] > 0, told
