"""Orders into a system that fails, by workers that are killed: ``python bench/chaos.py [--seeds N]
[--json]``.

Each seed: 120 orders into the hostile order system of ``bridgehead.testing`` (26 of 100 calls go wrong: 8
fail before, 12 lose their reply, 6 are applied late) while workers are killed with SIGKILL at least six
times. Three rounds under the same faults: with a strong probe, without any, and plain retries as a durable
engine makes them.

The judge is the order system's own file. 0 duplicates, 0 missing, 0 unaccounted; without a probe 0
duplicates and every unknown order handed to a person. Exit code 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chaos_accounts import plain_account
from chaos_work import Killer, ended, governed, lay_out, plain, report, started
from yardstick import json_dumps_us

from bridgehead.testing import HostileErp

ROUNDS = {"probe": "with a strong probe", "nothing": "without a probe", "plain": "plain retries"}
SUMMED = (
    "kills",
    "posted_once",
    "duplicates",
    "missing",
    "handed_to_a_person",
    "refused",
    "adopted",
    "sent_again",
)


def orders_of(seed: int, effects: int) -> list[dict[str, str]]:
    """Return the orders of a seed."""
    return [
        {"reference": f"s{seed}-{n:03d}", "customer": f"Customer {n % 7}", "amount": f"{n + 1}.00"}
        for n in range(effects)
    ]


def played(seed: int, how: str, given: argparse.Namespace) -> dict[str, Any]:
    """Post the orders of a seed in one way, under its faults and kills; return what became of them."""
    orders = orders_of(seed, given.effects)
    references = [order["reference"] for order in orders]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        with HostileErp.start(place / "erp", faults=given.faults, seed=seed) as erp:
            killer = Killer(seed, erp, given.effects, given.kills, place / "stderr.log")
            if how == "plain":
                killer.carry(plain, place, erp.url, orders)
                seconds = round(time.monotonic() - began, 1)
                return dict(plain_account(erp.judge(references), killer.kills, seconds))
            lay_out(place)
            killer.carry(governed, place, erp.url, orders, how)
        ended(
            started(report, place / "stderr.log", place, erp.file, references, killer.kills),
            place / "stderr.log",
        )
        found: dict[str, Any] = json.loads((place / "account.json").read_text())
        return found | {"seconds": round(time.monotonic() - began, 1)}


def one(seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Return all rounds of a seed."""
    return {"seed": seed, **{how: played(seed, how, given) for how in given.rounds}}


def summed(seeds: Sequence[dict[str, Any]], given: argparse.Namespace) -> dict[str, Any]:
    """Add up the rounds; ``good`` says whether every promise held in every seed."""
    totals: dict[str, Any] = {}
    for how in given.rounds:
        found = [seed[how] for seed in seeds]
        totals[how] = {name: sum(each[name] for each in found) for name in SUMMED if name in found[0]}
        totals[how]["seconds_a_seed"] = round(sum(each["seconds"] for each in found) / len(found), 1)
        if how != "plain":
            totals[how]["unaccounted"] = sum(len(each["unaccounted"]) for each in found)
            totals[how]["good"] = all(each["good"] and each["kills"] >= given.kills for each in found)
    return totals


def main() -> None:
    """Play the seeds and print what became of the orders."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--effects", type=int, default=120)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--faults", default="chaos", help="a mix of the order system, or NAME=SHARE,...")
    parser.add_argument("--rounds", nargs="+", choices=ROUNDS, default=list(ROUNDS))
    parser.add_argument("--engine", choices=["embedded"], default="embedded")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seeds = []
    for seed in range(given.first, given.first + given.seeds):
        seeds.append(one(seed, given))
        if not given.json:
            print(_line(seeds[-1], given), flush=True)
    totals = summed(seeds, given)
    good = all(total.get("good", True) for total in totals.values())
    if given.json:
        asked = {name: value for name, value in vars(given).items() if name != "json"}
        print(
            json.dumps(
                {**asked, "json_dumps_us": json_dumps_us(), "good": good, "total": totals, "each": seeds}
            )
        )
    else:
        print(_table(totals, given))
    sys.exit(0 if good else 1)


def _line(seed: dict[str, Any], given: argparse.Namespace) -> str:
    parts = [f"seed {seed['seed']}"]
    for how in given.rounds:
        found = seed[how]
        words = (
            f"{ROUNDS[how]}: {found['duplicates']} twice, {found['missing']} missing, {found['kills']} kills"
        )
        parts.append(f"{words}, {found['seconds']} s")
        parts += [f"  {line}" for line in (*found.get("unaccounted", ()), *found.get("problems", ()))]
    return "\n  ".join(parts)


def _table(totals: dict[str, Any], given: argparse.Namespace) -> str:
    lines = [
        f"{given.seeds} seeds of {given.effects} orders on the {given.engine} engine, faults {given.faults}"
    ]
    names = [*SUMMED, "unaccounted", "seconds_a_seed"]
    lines.append(f"{'':<22}" + "".join(f"{ROUNDS[how]:>22}" for how in given.rounds))
    for name in names:
        cells = "".join(f"{totals[how].get(name, ''):>22}" for how in given.rounds)
        lines.append(f"{name.replace('_', ' '):<22}{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
