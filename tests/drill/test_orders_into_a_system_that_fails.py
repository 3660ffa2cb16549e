"""Forty orders into a system that fails, by workers that are killed: each stands there once, and is
explained.

The measurement is `bench/chaos.py`; here it is small. What plain retries make of the same orders under the
same faults shows that the faults are real.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "chaos.py"
pytestmark = pytest.mark.slow


def played(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCH), "--effects", "40", "--kills", "3", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nothing_is_posted_twice_lost_or_unexplained() -> None:
    found = played("--first", "7")
    total, told = found["total"], json.dumps(found["each"])
    assert found["good"], told
    probed, blind, plain = (total[name] for name in ("embedded, probe", "embedded, nothing", "plain retries"))
    assert (probed["posted_once"], probed["handed_to_a_person"]) == (40, 0), told
    assert blind["handed_to_a_person"] > 0, told
    assert plain["duplicates"] > 0, told


def test_nor_when_everything_goes_wrong() -> None:
    found = played("--first", "8", "--settled-by", "probe", "--no-plain", "--faults", "everything")
    assert found["good"], json.dumps(found["each"])
