"""A bad release is taken back by workers that are killed: ``python bench/undo.py [--effects N] [--kills K]
[--store sqlite|postgresql|dbos] [--json]``.

A release with N effects in the hostile order system of ``bridgehead.testing``, a process of its own over
HTTP, in which 26 of 100 calls go wrong and 2 of 100 questions are not answered. Others change 5 of 100
records before the undo is ordered and up to 10 of 100 between the death of a worker and the start of the
next; one in eight effects is final, every eighth or so is agreed to by itself and some of those are refused.
Then the release is taken back while workers are killed with SIGKILL.

The judge is the order system's own file: 0 missing, 0 double, 0 overwritten later changes, and a certificate
that verifies offline and whose numbers are those of the file. Exit code 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import chaos_work
from chaos_work import ended, started
from postgres import databases
from undo_account import written
from undo_cases import Cases, cases, changed_by_others, stand_there
from undo_work import Undoer, answered, begun, opened, ordered, prepared, untouched, worker
from yardstick import json_dumps_us

from bridgehead.testing import HostileErp

STORES = {"sqlite": "embedded", "postgresql": "embedded", "dbos": "dbos"}
CALLS_AN_EFFECT = 1.5
"""Calls in which the kills are spread: the order system gets two or three for each effect of the release."""
MOST_ROUNDS = 60
"""Rounds of work and answers after which an undo that does not end has failed."""
FAULTS = "fails-before=8%,loses-reply=12%,applies-late=6%,reads-fail=2%"
"""What goes wrong with calls, and with questions."""
A_ROUND = 3600.0
"""Seconds after which a worker that is not killed hangs."""


class Undoing:
    """One release, taken back under fire."""

    def __init__(self, place: Path, erp: HostileErp, store: str, given: argparse.Namespace) -> None:
        self.place, self.erp, self.store, self.given = place, erp, store, given
        self.log = place / "stderr.log"
        self.found: Cases = cases(given.effects, given.seed)
        self.left = list(self.found.meanwhile)
        self.rng = random.Random(given.seed)
        calls = round(CALLS_AN_EFFECT * given.effects)
        self.undoer = Undoer(given.seed, erp, calls, given.kills, self.log, self.others)

    def play(self) -> dict[str, Any]:
        """Let the release do harm, take it back, and return what became of it."""
        began = time.monotonic()
        self.release()
        harmed = time.monotonic()
        ordered_at = self.calls()
        self.child(ordered)
        self.take_back()
        took = time.monotonic() - harmed
        house = opened(self.place, self.store)
        written(self.place, house, self.erp.file, self.found, ordered_at, self.undoer.kills)
        house.close()
        told: dict[str, Any] = json.loads((self.place / "account.json").read_text())
        return told | {"seconds_release": round(harmed - began, 1), "seconds_undo": round(took, 1)}

    def release(self) -> None:
        """Play the release under faults, without kills, and let others change some of it."""
        stand_there(self.erp, self.found)
        self.erp.set_faults(self.given.faults)
        self.child(prepared)
        for wave in range(2):
            self.child(begun, self.found, wave)
            self.work()
        for reference in self.found.before:
            changed_by_others(self.erp, self.found, reference)

    def take_back(self) -> None:
        """Carry the undo to its end: work under kills, then people answer, and again."""
        for _ in range(MOST_ROUNDS):
            self.undoer.carry(2 if self.engine == "dbos" else 1, worker, *self.at_work())
            self.others()
            self.child(answered)
            told = json.loads((self.place / "answered.json").read_text())
            if told["state"] in ("ended", "refused"):
                return
        raise RuntimeError(f"it did not end: {told}")

    def others(self) -> None:
        """Let others change some records that nobody has begun to take back, while no worker lives."""
        if not self.left:
            return
        some = self.rng.sample(self.left, min(len(self.left), max(len(self.found.meanwhile) // 4, 1)))
        self.child(untouched, tuple(some))
        for reference in json.loads((self.place / "untouched.json").read_text()):
            changed_by_others(self.erp, self.found, reference)
        self.left = [reference for reference in self.left if reference not in some]

    @property
    def engine(self) -> str:
        """The engine that carries it."""
        return STORES[self.given.store]

    def at_work(self) -> tuple[Any, ...]:
        """Return what a worker is told."""
        return self.place, self.store, self.engine, self.erp.url

    def work(self) -> None:
        """Carry everything as far as it goes, without kills."""
        ended(started(worker, self.log, *self.at_work()), self.log)

    def child(self, work: Callable[..., None], *arguments: Any) -> None:
        """Do something in a process of its own."""
        ended(started(work, self.log, self.place, self.store, *arguments), self.log)

    def calls(self) -> int:
        """Return the number of the order system's last call."""
        db = sqlite3.connect(f"file:{self.erp.file}?mode=ro", uri=True, timeout=10)
        (last,) = db.execute("select coalesce(max(id), 0) from call").fetchone()
        db.close()
        return int(last)


def main() -> None:
    """Play it and print what became of every effect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--effects", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--faults", default=FAULTS)
    parser.add_argument("--keep", default="", help="a folder to keep everything in")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    chaos_work.A_LIFE = A_ROUND
    with databases() if given.store != "sqlite" else nullcontext(str) as database:
        kept = nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory()
        with kept as name, HostileErp.start(Path(name) / "erp", seed=given.seed) as erp:
            found = Undoing(Path(name), erp, database(), given).play()
    asked = {name: value for name, value in vars(given).items() if name not in ("json", "keep")}
    figures = asked | {"json_dumps_us": json_dumps_us()} | found
    print(json.dumps(figures) if given.json else told(figures))
    sys.exit(0 if found["good"] else 1)


def told(figures: dict[str, Any]) -> str:
    """Return the figures as lines."""
    lines = [
        f"{figures['effects']} effects, {figures['kills']} kills, {figures['store']}: {figures['faults']}"
    ]
    lines += [
        f"{len(figures[name]):>6}  {name} {' '.join(figures[name])}".rstrip()
        for name in ("missing", "double", "overwritten")
    ]
    lines += [f"{number:>6}  {name}" for name, number in figures["certificate"].items()]
    lines.append(f"{figures['changed_by_others']:>6}  records changed by others")
    lines.append(f"money: {figures['money']}")
    lines.append(
        f"{figures['seconds_release']} s for the release, {figures['seconds_undo']} s to take it back"
    )
    return "\n".join([*lines, *figures["problems"], "good" if figures["good"] else "NOT GOOD"])


if __name__ == "__main__":
    main()
