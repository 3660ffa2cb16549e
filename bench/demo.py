"""CPU of the main job: ``python bench/demo.py [--tickets N] [--json] [--profile FILE]``.

Plays ``bridgehead demo --no-serve --json --answer-as lead`` in a process of its own and a new folder,
and prints two figures: Bridgehead's own CPU, and that of the order system's processes, which nobody
here wrote. Bridgehead is measured as installed: compiled to bytecode first.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bridgehead

GOAL = 30.0
"""Seconds of CPU that Bridgehead may take for 74 tickets."""
PLAY = """
import cProfile, json, resource, sys
from contextlib import nullcontext
told, profiled, *arguments = sys.argv[1:]
profile = cProfile.Profile() if profiled else nullcontext()
try:
    with profile:
        from bridgehead.doors.cli import main
        sys.argv = ["bridgehead", *arguments]
        main()
finally:
    if profiled:
        profile.dump_stats(profiled)
    used = {name: resource.getrusage(who) for name, who in
            (("own", resource.RUSAGE_SELF), ("children", resource.RUSAGE_CHILDREN))}
    with open(told, "w") as file:
        json.dump({name: {"user": use.ru_utime, "system": use.ru_stime, "peak_mb": use.ru_maxrss / 1024}
                   for name, use in used.items()}, file)
"""


def play(place: Path, tickets: int | None, profile: str) -> dict[str, Any]:
    """Play once; return what the demo printed and what it used."""
    told = place / "used.json"
    arguments = ["demo", "--no-serve", "--json", "--answer-as", "lead", "--state", str(place / "state")]
    if tickets:
        arguments += ["--tickets", str(tickets)]
    # A stand-in plays the agent: no model's CPU or network is in the figure.
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_BASE_URL"}
    done = subprocess.run(
        [sys.executable, "-c", PLAY, str(told), profile, *arguments],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    used = json.loads(told.read_text())
    return {
        "result": json.loads(done.stdout),
        "own_cpu_seconds": round(used["own"]["user"] + used["own"]["system"], 2),
        "own_system_seconds": round(used["own"]["system"], 2),
        "own_peak_mb": round(used["own"]["peak_mb"]),
        "order_system_cpu_seconds": round(used["children"]["user"] + used["children"]["system"], 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int, help="play only the first so many")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", default="", help="write cProfile's figures here (and distort the CPU)")
    given = parser.parse_args()
    compileall.compile_dir(Path(bridgehead.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory() as name:
        found = play(Path(name), given.tickets, given.profile)
    result = found.pop("result")
    found |= {
        name: result[name] for name in ("tickets", "matched_expected", "failed", "actions", "ledger_size")
    }
    if given.json:
        print(json.dumps(found))
        return
    print(f"{found['tickets']} tickets, {found['matched_expected']} as the benchmark expects")
    print(f"Bridgehead's own CPU   {found['own_cpu_seconds']:6.2f} s  (goal {GOAL:g} s for 74 tickets)")
    print(f"The order system's CPU {found['order_system_cpu_seconds']:6.2f} s")
    print(f"{found['actions']} actions, {found['ledger_size']} entries, peak {found['own_peak_mb']} MB")


if __name__ == "__main__":
    main()
