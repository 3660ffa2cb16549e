"""Orders into a system that fails, by workers that are killed: ``python bench/chaos.py [--seeds N]
[--json]``.

Each seed: 120 orders into the hostile order system of ``bridgehead.testing`` (26 of 100 calls go wrong: 8
fail before, 12 lose their reply, 6 are applied late) while workers are killed with SIGKILL at least six
times. The rounds are under the same faults: on each engine with a strong probe and without any, and plain
retries as a durable engine makes them. The embedded engine is one process on SQLite, dbos two workers on a
PostgreSQL that is started here.

The judge is the order system's own file. 0 duplicates, 0 missing, 0 unaccounted; without a probe 0
duplicates and every unknown order handed to a person. Exit code 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from chaos_accounts import plain_account
from chaos_work import Killer, begun, ended, governed, lay_out, plain, report, started
from postgres import databases
from yardstick import json_dumps_us

from bridgehead.testing import HostileErp

ENGINES = {"embedded": ["embedded"], "dbos": ["dbos"], "both": ["embedded", "dbos"]}
SETTLED_BY = ("probe", "key", "weak probe", "nothing")
PLAIN = "plain retries"
SUMMED = (
    "kills",
    "posted_once",
    "duplicates",
    "missing",
    "handed_to_a_person",
    "refused",
    "adopted",
    "sent_again",
    "by_the_system",
)


def orders_of(seed: int, effects: int) -> list[dict[str, str]]:
    """Return the orders of a seed."""
    return [
        {"reference": f"s{seed}-{n:03d}", "customer": f"Customer {n % 7}", "amount": f"{n + 1}.00"}
        for n in range(effects)
    ]


def played(seed: int, how: str, store: str, given: argparse.Namespace) -> dict[str, Any]:
    """Post the orders of a seed in one way, under its faults and kills; return what became of them."""
    orders = orders_of(seed, given.effects)
    references = [order["reference"] for order in orders]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        place, log = Path(name), Path(name, "stderr.log")
        with HostileErp.start(place / "erp", faults=given.faults, seed=seed, keys=how == "key") as erp:
            killer = Killer(seed, erp, given.effects, given.kills, log)
            if how == PLAIN:
                killer.carry(1, plain, place, erp.url, orders)
                seconds = round(time.monotonic() - began, 1)
                return dict(plain_account(erp.judge(references), killer.kills, seconds))
            lay_out(place)
            ended(started(begun, log, place, store, orders, how), log)
            killer.carry(2 if store else 1, governed, place, store, erp.url)
        ended(started(report, log, place, store, erp.file, references, killer.kills), log)
        found: dict[str, Any] = json.loads((place / "account.json").read_text())
        return found | {"seconds": round(time.monotonic() - began, 1)}


def one(seed: int, database: Callable[[], str], given: argparse.Namespace) -> dict[str, Any]:
    """Return all rounds of a seed by name: engine and how an unclear answer is settled, or plain retries."""
    found: dict[str, Any] = {"seed": seed}
    for engine in ENGINES[given.engine]:
        for how in given.settled_by:
            found[f"{engine}, {how}"] = played(seed, how, database() if engine == "dbos" else "", given)
    if not given.no_plain:
        found[PLAIN] = played(seed, PLAIN, "", given)
    return found


def summed(seeds: Sequence[dict[str, Any]], given: argparse.Namespace) -> dict[str, Any]:
    """Add up the rounds; ``good`` says whether every promise held in every seed."""
    totals: dict[str, Any] = {}
    for how in [name for name in seeds[0] if name != "seed"]:
        found = [seed[how] for seed in seeds]
        totals[how] = {name: sum(each[name] for each in found) for name in SUMMED if name in found[0]}
        totals[how]["seconds_a_seed"] = round(sum(each["seconds"] for each in found) / len(found), 1)
        if how != PLAIN:
            totals[how]["unaccounted"] = sum(len(each["unaccounted"]) for each in found)
            totals[how]["good"] = all(each["good"] and each["kills"] >= given.kills for each in found)
    return totals


def main() -> None:
    """Play the seeds and print what became of the orders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--effects", type=int, default=120)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--faults", default="chaos", help="a mix of the order system, or NAME=SHARE,...")
    parser.add_argument("--settled-by", nargs="+", choices=SETTLED_BY, default=["probe", "nothing"])
    parser.add_argument("--engine", choices=ENGINES, default="embedded")
    parser.add_argument("--no-plain", action="store_true", help="without plain retries beside it")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seeds = []
    with databases() if given.engine != "embedded" else nullcontext(str) as database:
        for seed in range(given.first, given.first + given.seeds):
            seeds.append(one(seed, database, given))
            print(_line(seeds[-1]), flush=True, file=sys.stderr if given.json else sys.stdout)
    totals = summed(seeds, given)
    good = all(total.get("good", True) for total in totals.values())
    if given.json:
        asked = {name: value for name, value in vars(given).items() if name != "json"}
        figures = {"json_dumps_us": json_dumps_us(), "good": good, "total": totals, "each": seeds}
        print(json.dumps(asked | figures))
    else:
        print(_table(totals, given))
    sys.exit(0 if good else 1)


def _line(seed: dict[str, Any]) -> str:
    parts = [f"seed {seed['seed']}"]
    for how, found in seed.items():
        if how == "seed":
            continue
        words = f"{found['duplicates']} twice, {found['missing']} missing, {found['kills']} kills"
        parts.append(f"{how}: {words}, {found['seconds']} s")
        parts += [f"  {line}" for line in (*found.get("unaccounted", ()), *found.get("problems", ()))]
    return "\n  ".join(parts)


def _table(totals: dict[str, Any], given: argparse.Namespace) -> str:
    lines = [f"{given.seeds} seeds of {given.effects} orders, faults: {given.faults}"]
    lines.append(f"{'':<20}" + "".join(f"{how:>20}" for how in totals))
    for name in (*SUMMED, "unaccounted", "seconds_a_seed"):
        cells = "".join(f"{total.get(name, ''):>20}" for total in totals.values())
        lines.append(f"{name.replace('_', ' '):<20}{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
