"""How fast this machine is just now: the CPU of one ``json.dumps``, and figures scaled to a quiet machine.

Machines are shared: CPU time itself grows two to three times while other work runs beside a measurement. The
same envelope serialised by the standard library, in the same run, says by how much.
"""

from __future__ import annotations

import json
import time
from statistics import median

QUIET_US = 4.9
"""Microseconds on the machine, then quiet, on which the goals were set."""
ENVELOPE = {
    "v": 1,
    "log": "bench/yardstick",
    "seq": 7,
    "prev": "ab" * 32,
    "time": "2026-03-01T09:00:00.000000Z",
    "kind": "action.intent",
    "actor": "agent:support",
    "run": "run_001",
    "release": "c4" * 32,
    "position": "12",
    "segment": 1,
    "action": {
        "kind": "act",
        "target": "cancel_order",
        "effect": "write",
        "outward": False,
        "args": "5f" * 32,
        "key": "7a" * 32,
    },
}


def json_dumps_us() -> float:
    """Return microseconds of CPU for one ``json.dumps`` of an envelope, median of seven rounds."""
    return round(median(_round(5_000) for _ in range(7)), 1)


def when_quiet(value: float, yardstick_us: float) -> float:
    """Scale a CPU figure to the speed of the quiet machine."""
    return round(value * QUIET_US / yardstick_us, 2)


def _round(count: int) -> float:
    before = time.process_time()
    for _ in range(count):
        json.dumps(ENVELOPE, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return (time.process_time() - before) / count * 1e6


if __name__ == "__main__":
    print(f"{json_dumps_us()} us a json.dumps; {QUIET_US} on a quiet machine")
