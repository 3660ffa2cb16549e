"""Batches through the whole product: ``python bench/arrivals_house.py [--seed 0] [--kinds weekly,monthly]``.

What ``bench/arrivals.py`` measures with the watch over arrivals alone, here a deployment does: files of the
same simulator are dropped into the folder of a charter's ``feed``, taken in, checked against their contract,
published or kept apart; misses are what the feed's row says, at the moments at which the house asks to look,
under a virtual clock. The cadence is learned; days off are not declared, since a contract names a country and
the simulator's days off are no country's. Rows are scaled down to about 200 a batch.

Beside it the pure path, on the same arrivals: every batch that the house misses it must miss, and no other.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1] / "tests")
sys.path.insert(1, str(Path(__file__).parent))

from arrivals import simulator  # noqa: E402

from bridgehead.assemble.watching import look_for_batches, take_in  # noqa: E402
from bridgehead.kernel.clock import SetClock  # noqa: E402
from bridgehead.watch import kept  # noqa: E402
from bridgehead.watch.arrivals import Arrival, Declared, Feed, look, next_look, observe  # noqa: E402
from fixtures.fed import ROWS, FedDesk  # noqa: E402

_DAY = timedelta(days=1)
LEVEL = 200
LEARNED = "- {property: bridgeheadCadence, value: {learned: true}}"


class Told(dict[date, datetime]):
    """When each missed day was first said to be missed."""

    def heard(self, feed: Feed, now: datetime) -> None:
        """Note what is missed now and was not before."""
        for miss in feed.missed:
            self.setdefault(miss.day, now)


def house(sim: Any, feed: Any, path: Path) -> tuple[Told, dict[str, int]]:
    """Return what the product said of a feed's year, and what became of its batches."""
    desk = FedDesk(path)
    file = desk.folder / "sales.odcs.yaml"
    begins = "    customProperties:\n"
    file.write_text(file.read_text().replace(begins, f"{begins}      {LEARNED}\n", 1))
    desk.clock = SetClock(sim.EPOCH)
    told, made = Told(), desk.house

    def at(then: datetime) -> None:
        desk.clock.advance(max(0.0, (then - desk.clock.now()).total_seconds()))
        take_in(made, "sales")
        look_for_batches(made, "sales", ["customers"])
        with made.store.reading() as connection:
            told.heard(kept.state(connection, "sales", "customers"), desk.clock.now())

    for number, (moment, day, rows) in enumerate(_scaled(sim, feed)):
        for due in iter(lambda moment=moment: _asked(made, moment), None):
            at(due)
        body = [f"{1000 * number + n},{ROWS[n % 40].split(',', 1)[1]}" for n in range(rows)]
        desk.sender.sends(f"customers_{day}.csv", body)
        at(moment)
    states: dict[str, int] = {}
    for row in desk.batch_rows():
        states[row.state] = states.get(row.state, 0) + 1
    desk.close()
    return told, states


def _asked(made: Any, before: datetime) -> datetime | None:
    with made.store.reading() as connection:
        found = kept.next_at(connection, "sales", "customers")
    return found if found is not None and found < before else None


def pure(sim: Any, feed: Any) -> Told:
    """Return what the watch over arrivals alone says of the same year."""
    declared, state, told = Declared(feed="sales.customers"), Feed(feed="sales.customers"), Told()
    for moment, day, rows in _scaled(sim, feed):
        while (due := next_look(state, declared)) is not None and due < moment:
            state, _ = look(state, declared, due)
            told.heard(state, due)
        name = f"customers_{day}.csv"
        state, _ = observe(
            state, declared, Arrival(feed=state.feed, batch=name, at=moment, rows=rows, about=(day,))
        )
        told.heard(state, moment)
    return told


def _scaled(sim: Any, feed: Any) -> Iterator[tuple[datetime, date, int]]:
    first = feed.arrivals[0].rows
    for arrival in feed.arrivals:
        day = sim.EPOCH.date() + arrival.day * _DAY
        yield sim.to_datetime(arrival.time_h), day, max(1, round(arrival.rows * LEVEL / first))


def main() -> None:
    parser = argparse.ArgumentParser(description="Batches through the whole product.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="weekly,monthly")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sim = simulator()
    if sim is None:
        print("skipped: ../shared/tools/cadence_sim.py is not beside this repository")
        return
    feeds = list(sim.simulate(given.seed))
    lines = []
    for kind in given.kinds.split(","):
        feed, began = next(each for each in feeds if each.kind == kind), time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            told, states = house(sim, feed, Path(folder))
        alone, start = pure(sim, feed), sim.EPOCH.date()
        gone = [start + each.day * _DAY for each in feed.expected if str(each.fault).startswith("missing")]
        lines.append(
            {
                "kind": kind,
                "batches": states,
                "missing": len(gone),
                "found": sum(day in told for day in gone),
                "as the pure path": told == alone,
                "cpu_s": round(time.process_time() - began, 1),
            }
        )
        print(json.dumps(lines[-1]) if given.json else lines[-1], flush=True)
    sys.exit(0 if all(line["as the pure path"] for line in lines) else 1)


if __name__ == "__main__":
    main()
