"""How much CPU and memory it takes to verify a ledger: `python bench/verify.py [ENTRIES] [--bodies]`.

Builds a real ledger (20 entries a run) in a temporary folder, then verifies it in a process of its
own, as an auditor would, and reports that process's CPU time and peak memory. Beside it, in the same
run and so on the same machine in the same mood: hashing the same bytes as leaves, and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from yardstick import json_dumps_us, when_quiet

from bridgehead.kernel.clock import SystemClock
from bridgehead.kernel.entry import Draft
from bridgehead.record import Keys, Ledger, Work
from bridgehead.store import Store

RUN_LENGTH, RUNS_IN_A_UNIT = 20, 25
MEASURE = """
import json, resource, sys
from pathlib import Path
from bridgehead.record import verify
idle = resource.getrusage(resource.RUSAGE_SELF).ru_utime + resource.getrusage(resource.RUSAGE_SELF).ru_stime
report = verify.verify_store(Path(sys.argv[1]), vkey=Path(sys.argv[2], "ledger.vkey").read_text())
used = resource.getrusage(resource.RUSAGE_SELF)
first = report.first
print(json.dumps({"ok": report.ok, "size": report.size, "first": str(first), "runs": report.runs,
    "signed_size": report.signed_size, "bodies": report.bodies,
    "cpu_seconds": round(used.ru_utime + used.ru_stime - idle, 2), "peak_mb": round(used.ru_maxrss / 1024)}))
"""


def run_drafts(run: str, body: object) -> list[Draft]:
    """The entries of one run: start, nine actions, end."""
    action = {
        "kind": "act",
        "target": "cancel_pending_order",
        "effect": "write",
        "outward": False,
        "args": "5f" * 32,
        "key": "7a" * 32,
    }
    drafts = [Draft(kind="run.started", actor="agent:support", run=run, fields={"release": "c4" * 32})]
    for step in range(1, RUN_LENGTH // 2):
        fields = {"position": str(step), "action": action}
        done = fields | {"outcome": {"state": "done", "effect_state": "done"}}
        drafts.append(Draft(kind="action.intent", actor="agent:support", run=run, fields=fields, body=body))
        drafts.append(Draft(kind="action.outcome", actor="agent:support", run=run, fields=done))
    return [*drafts, Draft(kind="run.ended", actor="agent:support", run=run)]


def build(folder: Path, entries: int, body: object) -> float:
    """Write the ledger; return the CPU seconds it took."""
    store, keys = Store.open(folder / "store.db"), Keys.create(folder / "keys", "bench/verify")
    ledger = Ledger.open(store, keys, origin="bench/verify", clock=SystemClock())
    before = time.process_time()
    for unit in range(entries // (RUN_LENGTH * RUNS_IN_A_UNIT)):
        names = [f"run_{unit:07d}_{number:02d}" for number in range(RUNS_IN_A_UNIT)]
        drafts = tuple(draft for name in names for draft in run_drafts(name, body))
        ledger.append(lambda _, drafts=drafts: Work(drafts=drafts))
    used = time.process_time() - before
    ledger.close()
    store.close()
    return used


def hash_only(store: Path) -> float:
    """Return the CPU seconds of reading every entry and hashing it, the least anybody could do."""
    before = time.process_time()
    with closing(sqlite3.connect(store)) as connection:
        for (data,) in connection.execute("select envelope from entry"):
            hashlib.sha256(b"\x00" + data).digest()
    return time.process_time() - before


def main() -> None:
    """Build, measure, print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("entries", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--bodies", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = build(folder, given.entries, "x" * 256 if given.bodies else None)
        store = folder / "store.db"
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, store, folder / "keys"],
            check=True,
            capture_output=True,
            text=True,
        )
        with closing(sqlite3.connect(store)) as connection:
            mean = connection.execute("select avg(length(envelope)) from entry").fetchone()[0]
        result = json.loads(done.stdout)
        result["yardstick_us"] = json_dumps_us()
        result["cpu_seconds_when_quiet"] = when_quiet(result["cpu_seconds"], result["yardstick_us"])
        result["envelope_bytes"] = round(mean)
        result["hash_only_cpu_seconds"] = round(hash_only(store), 2)
        result["build_cpu_us_per_entry"] = round(built / result["size"] * 1e6, 1)
        result["bytes_on_disk_per_entry"] = round(store.stat().st_size / result["size"])
    result["children_peak_mb"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
