"""How late, missing and partial batches are found: ``python bench/arrivals.py [--seeds 0-9] [--json]``.

A year of batches of 200 feeds for each seed, from the simulator beside the repository (what is normal and
what is injected is in the docstring of ``../shared/tools/cadence_sim.py``), through the real path: every
batch is a file dropped into its feed's folder, with a manifest that says when it is complete; the folder
is read, and the feed watched, under a virtual clock that goes from one event to the next. The state of each
feed goes through JSON at every three hundredth event. Cadence, hours and rows are learned; the days off are
declared. ``--told`` declares the days on which batches are due as well.

Then real arrival times, of a public repository that is updated every night
(``../shared/data/arrivals/oil-prices``): nothing declared, 4 % of the arrivals removed, ten times; whoever
owns it accepts nothing. A pause of more than ten days counts as the source having stopped.

Delay is counted from the usual arrival. False alarms are of any kind; pages wake a person.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bridgehead.kernel.clock import SetClock
from bridgehead.watch import stored
from bridgehead.watch.arrivals import (
    EVERY_DAY,
    WEEKDAYS,
    Arrival,
    Declared,
    Feed,
    Noticed,
    Pattern,
    look,
    next_look,
    observe,
)
from bridgehead.watch.arrivals.folder import Folder, FolderState, read

ROOT = Path(__file__).resolve().parents[1]
SHARED = next((up / "shared" for up in ROOT.parents if (up / "shared" / "tools").is_dir()), ROOT / "absent")
"""Public data and tools, beside the repository or beside the folder of its worktrees."""
GOALS = {
    "recall_missing": (">=", 0.99),
    "recall_missing_monday": (">=", 1.0),
    "recall_late": (">=", 0.95),
    "recall_partial": (">=", 0.75),
    "recall_partial_large": (">=", 0.95),
    "delay_h_p95": ("<=", 6.5),
    "false_alarms_per_feed_month": ("<=", 0.15),
    "false_pages_per_feed_month": ("<=", 0.05),
}
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def simulator() -> Any:
    """Return the simulator's module; None where it is not beside the repository."""
    if not (SHARED / "tools" / "cadence_sim.py").exists():
        return None
    sys.path.insert(0, str(SHARED / "tools"))
    import cadence_sim

    return cadence_sim


class Watched:
    """One feed under watch: its folder, its states, the clock, what was noticed."""

    def __init__(self, declared: Declared, place: Path, clock: SetClock) -> None:
        self.declared, self.clock = declared, clock
        self.folder = Folder(feed=declared.feed, path=place, complete_by="manifest")
        self.files, self.feed = FolderState(), Feed(feed=declared.feed)
        self.noticed: list[Noticed] = []
        self.events = 0

    def until(self, moment: datetime) -> None:
        """Let time pass to a moment; whenever something may be late, somebody looks."""
        while (due := next_look(self.feed, self.declared)) is not None and due < moment:
            self.clock.advance(max(0.0, (due - self.clock.now()).total_seconds()))
            self.feed, said = look(self.feed, self.declared, self.clock.now())
            self._heard(said)
        self.clock.advance((moment - self.clock.now()).total_seconds())

    def dropped(self, batch: str, rows: int) -> None:
        """Drop a batch as its sender does, have the folder read, and archive what was taken."""
        content = f"{self.declared.feed} {batch} {rows}\n".encode()
        (self.folder.path / f"{batch}.batch").write_bytes(content)
        part = {
            "name": f"{batch}.batch",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        unfinished = self.folder.path / f"{batch}.manifest.json.tmp"
        unfinished.write_text(json.dumps({"batch": batch, "rows": rows, "files": [part]}))
        unfinished.rename(self.folder.path / f"{batch}.manifest.json")
        self.files, arrivals, said = read(self.folder, self.files, self.clock.now())
        self._heard(said)
        for arrival in arrivals:
            self.feed, said = observe(self.feed, self.declared, arrival)
            self._heard(said)
        for name in (f"{batch}.batch", f"{batch}.manifest.json"):
            (self.folder.path / name).unlink()

    def _heard(self, said: tuple[Noticed, ...]) -> None:
        self.noticed += said
        self.events += 1
        if self.events % 300 == 0:
            self.feed = stored.read(Feed, json.loads(json.dumps(stored.plain(self.feed))))
            self.files = stored.read(FolderState, json.loads(json.dumps(stored.plain(self.files))))


def one_seed(seed: int, told: bool) -> dict[str, Any]:
    """Return the counts of one seed: per fault injected and found, the delays, what was false."""
    sim = simulator()
    began = time.process_time()
    first = sim.EPOCH.date()
    off = frozenset(first + day * _DAY for day in sim.HOLIDAYS)
    patterns = {
        "daily": EVERY_DAY,
        "weekday": WEEKDAYS,
        "weekly": Pattern(shape="weekdays", numbers=(0,)),
        "monthly": Pattern(shape="every", numbers=(30,), anchor=first),
    }
    board, false_pages, kinds = sim.Scoreboard(), 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for feed in sim.simulate(seed):
            place = Path(folder) / feed.name
            place.mkdir()
            declared = Declared(feed=feed.name, holidays=off, pattern=patterns[feed.kind] if told else None)
            noticed = watched(sim, feed, declared, place)
            faulty = {batch.day for batch in feed.expected if batch.fault}
            alarms = []
            for each in noticed:
                day = (each.day - first).days if each.day else -1
                if each.alarm:
                    alarms.append(sim.Alarm(day=day, time_h=(each.at - sim.EPOCH) / _HOUR, kind=each.kind))
                if day >= sim.WARM_UP_WEEKS * 7 and day not in faulty:
                    false_pages += each.page
                    kinds[each.kind] += each.alarm
            board.add(feed, alarms)
    return {
        "seed": seed,
        "figures": board.figures(),
        "false_pages": false_pages,
        "false_kinds": dict(kinds),
        "cpu_s": round(time.process_time() - began, 1),
    }


def watched(sim: Any, feed: Any, declared: Declared, place: Path) -> list[Noticed]:
    """Return what was noticed of one simulated feed in its year."""
    one = Watched(declared, place, SetClock(sim.EPOCH))
    for arrival in feed.arrivals:
        one.until(sim.to_datetime(arrival.time_h))
        one.dropped((sim.EPOCH.date() + arrival.day * _DAY).isoformat(), round(arrival.rows))
    one.until(sim.to_datetime(sim.WEEKS * 7 * sim.HOURS_PER_DAY))
    return one.noticed


def pooled(sim: Any, seeds: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the figures of all seeds, per cadence kind: recalls pooled, delays as the mean over seeds."""
    table: dict[str, dict[str, float]] = {}
    months = (sim.WEEKS - sim.WARM_UP_WEEKS) * 7 / sim.DAYS_PER_MONTH
    for kind in ("all", *sim.FEEDS_PER_KIND):
        rows = [seed["figures"][kind] for seed in seeds]
        found: dict[str, float] = {}
        for fault in ("missing", "missing_monday", "late", "partial", "partial_large"):
            injected = sum(row.get(f"n_{fault}", 0) for row in rows)
            if injected:
                hits = sum(row[f"recall_{fault}"] * row[f"n_{fault}"] for row in rows if f"n_{fault}" in row)
                found[f"recall_{fault}"] = hits / injected
        for name in ("delay_h_median", "delay_h_p95", "false_alarms_per_feed_month"):
            values = [row[name] for row in rows if row[name] == row[name]]
            found[name] = sum(values) / len(values) if values else float("nan")
        table[kind] = found
    feeds = sum(sim.FEEDS_PER_KIND.values())
    pages = sum(seed["false_pages"] for seed in seeds)
    table["all"]["false_pages_per_feed_month"] = pages / (months * feeds * len(seeds))
    return table


def real(removed: float = 0.04, times: int = 10) -> dict[str, float] | None:
    """Return recall, delay and alarms a month on the real arrival times; None where they are absent."""
    file = SHARED / "data" / "arrivals" / "oil-prices" / "arrivals.csv"
    if not file.exists():
        return None
    stretches = list(_stretches(file))
    injected = found = others = runs = 0
    delays: list[float] = []
    months = sum((each[-1] - each[0]) / _DAY for each in stretches) / 30.4 * times
    for turn in range(times):
        draw = random.Random(turn)
        for stretch in stretches:
            gone = {at.date() for at in stretch[28:-1] if draw.random() < removed}
            noticed = _watched_real(stretch, gone)
            told = {each.day: each.at for each in noticed if each.alarm and each.day is not None}
            usual = sorted((at - _midnight(at)) / _HOUR for at in stretch)[len(stretch) // 2]
            injected += len(gone)
            found += sum(day in told for day in gone)
            delays += [(told[day] - _midnight_of(day)) / _HOUR - usual for day in gone if day in told]
            others += sum(day not in gone for day in told)
            runs += 1
    ordered = sorted(delays)
    return {
        "recall": found / injected,
        "delay_h_median": ordered[len(ordered) // 2],
        "delay_h_p95": ordered[int(len(ordered) * 0.95)],
        "other_alarms_per_month": others / months,
        "removed": injected,
    }


def _stretches(file: Path) -> Iterator[list[datetime]]:
    """Yield the arrivals of each stretch in which the source was at work: the first of each UTC day."""
    first: dict[date, datetime] = {}
    with file.open(newline="") as rows:
        for row in csv.DictReader(rows):
            at = datetime.fromisoformat(row["arrived_at_utc"].replace("Z", "+00:00"))
            first.setdefault(at.date(), at)
    stretch: list[datetime] = []
    for at in sorted(first.values()):
        if stretch and (at - stretch[-1]) > 10 * _DAY:
            if len(stretch) > 60:
                yield stretch
            stretch = []
        stretch.append(at)
    if len(stretch) > 60:
        yield stretch


def _watched_real(stretch: list[datetime], gone: set[date]) -> list[Noticed]:
    declared, feed, noticed = Declared(feed="oil-prices"), Feed(feed="oil-prices"), list[Noticed]()
    for at in stretch:
        if at.date() in gone:
            continue
        arrival = Arrival(feed="oil-prices", batch=at.date().isoformat(), at=at, about=(at.date(),))
        feed, said = observe(feed, declared, arrival)
        noticed += said
    return noticed


def _midnight(at: datetime) -> datetime:
    return _midnight_of(at.date())


def _midnight_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def missed(figures: dict[str, float]) -> list[str]:
    """Return the goals that are not reached, in words."""
    return [
        f"{name} {figures[name]:.3f}, goal {sign} {goal}"
        for name, (sign, goal) in GOALS.items()
        if not (figures[name] >= goal if sign == ">=" else figures[name] <= goal)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Late, missing and partial batches, found.")
    parser.add_argument("--seeds", type=_seeds, default=_seeds("0-2"), help="such as 0-199")
    parser.add_argument("--told", action="store_true", help="declare the days on which batches are due")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sim = simulator()
    if sim is None:
        print("skipped: ../shared/tools/cadence_sim.py is not beside this repository")
        return
    results = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for one in pool.map(one_seed, given.seeds, [given.told] * len(given.seeds)):
            results.append(one)
            of_all = {name: round(value, 3) for name, value in one["figures"]["all"].items()}
            print(f"seed {one['seed']}: {one['cpu_s']} s CPU {of_all}", file=sys.stderr, flush=True)
    table, on_real = pooled(sim, results), real()
    false_kinds = sum((Counter(one["false_kinds"]) for one in results), Counter[str]())
    goals = missed(table["all"])
    if given.json:
        told = {"seeds": given.seeds, "told": given.told, "figures": table, "false": dict(false_kinds)}
        print(json.dumps(told | {"oil_prices": on_real, "missed": goals}, indent=1))
        return
    for kind, row in table.items():
        print(f"{kind:8s} " + "  ".join(f"{name} {value:.3f}" for name, value in row.items()))
    print(f"false alarms by kind: {dict(false_kinds)}")
    if on_real is not None:
        print("oil-prices " + "  ".join(f"{name} {value:.2f}" for name, value in on_real.items()))
    print("goals: " + ("; ".join(goals) if goals else "all reached"))


if __name__ == "__main__":
    main()
