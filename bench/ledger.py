"""What an entry costs: `python bench/ledger.py`. Prints one JSON object.

Group commit against the obvious way (one row for each transaction, same table, same database
settings), both in one run on the same machine: the ratio is the figure, the rest is mood.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from yardstick import json_dumps_us, when_quiet

from bridgehead.kernel.clock import SystemClock, stamp
from bridgehead.kernel.entry import Draft
from bridgehead.record import Keys, Ledger, Work, envelope
from bridgehead.record.batch import Appender, Unit
from bridgehead.record.body import DataKeys
from bridgehead.record.hot import HotStatements
from bridgehead.record.merkle import leaf_hash
from bridgehead.store import Store

ORIGIN = "bench/ledger"
ACTION = {
    "kind": "act",
    "target": "cancel_order",
    "effect": "write",
    "outward": False,
    "args": "5f" * 32,
    "key": "7a" * 32,
}
FIELDS = {"release": "c4" * 32, "position": "12", "segment": 1, "action": ACTION}


class Cost(NamedTuple):
    """What a number of entries took."""

    entries_per_second: float
    cpu_us_per_entry: float


def draft(run: int, *, body: bool = False) -> Draft:
    """One entry, with or without 1.2 kB of body."""
    content = {"arguments": "x" * 1200} if body else None
    subject = f"person-{run}"
    return Draft(
        kind="action.intent",
        actor="agent:support",
        run=f"run_{run:03}",
        fields=FIELDS,
        body=content,
        subject=subject,
    )


def measured(entries: int, work: Callable[[], None]) -> Cost:
    """Run ``work`` and return its cost, CPU of every thread included."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(round(entries / wall), round(cpu / entries * 1e6, 1))


@contextmanager
def fresh() -> Iterator[tuple[Store, Keys]]:
    """A new store with keys, gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        store = Store.open(Path(name) / "store.db")
        yield store, Keys.create(Path(name) / "keys", ORIGIN)
        store.close()


def one_row_per_transaction(count: int) -> Cost:
    """The same rows into the same table, each in a transaction of its own, nothing else."""
    data = envelope.build(
        draft(1), time=stamp(SystemClock().now()), origin=ORIGIN, seq=1, prev="ab" * 32, body=None
    )
    with fresh() as (store, _):
        insert = HotStatements(store.engine.dialect).add_entries

        def work() -> None:
            for index in range(count):
                with store.writing() as connection:
                    insert.run(
                        connection, [(index, "action.intent", "run_001", 1, "t" * 27, leaf_hash(data), data)]
                    )

        return measured(count, work)


def callers(number: int, each: int, *, body: bool = False) -> Cost:
    """So many callers of one event loop, each waiting for its entry before it sends the next."""
    with fresh() as (store, keys):
        ledger = Ledger.open(store, keys, origin=ORIGIN, clock=SystemClock())

        async def caller(run: int) -> None:
            for _ in range(each):
                await ledger.commit(lambda _: Work(drafts=(draft(run, body=body),)))

        async def everyone() -> None:
            await asyncio.gather(*(caller(run) for run in range(number)))

        cost = measured(number * each, lambda: asyncio.run(everyone()))
        ledger.close()
        return cost


def batches(size: int, count: int, *, body: bool = False, one_unit: bool = False) -> Cost:
    """The write path alone: batches of units, without callers and threads."""
    with fresh() as (store, keys):
        Ledger.open(store, keys, origin=ORIGIN, clock=SystemClock()).close()
        appender = Appender(store, DataKeys(keys.kek, ORIGIN), ORIGIN, SystemClock())
        drafts = [draft(run, body=body) for run in range(size)]
        works = [Work(drafts=tuple(drafts))] if one_unit else [Work(drafts=(one,)) for one in drafts]

        def commit(times: int) -> None:
            for _ in range(times):
                appender.commit([Unit(lambda _, work=work: work) for work in works])

        commit(2)  # keys are made, statements are prepared
        return measured(size * count, lambda: commit(count))


def main() -> None:
    """Measure, print."""
    # In turns, and the middle of each: other work on this machine then disturbs both alike.
    rounds = [(one_row_per_transaction(250), callers(32, 60)) for _ in range(5)]
    raw, group = (sorted(costs)[2] for costs in zip(*rounds, strict=True))
    speed, batch = json_dumps_us(), batches(32, 100)
    result = {
        "yardstick: json.dumps of one envelope, us": speed,
        "one row per transaction": raw._asdict(),
        "group commit, 32 callers": group._asdict(),
        "times as many entries per second": round(group.entries_per_second / raw.entries_per_second, 1),
        "one caller": callers(1, 300)._asdict(),
        "32 callers, 1.2 kB bodies": callers(32, 60, body=True)._asdict(),
        "write path, 32 units a batch": batch._asdict(),
        "  its CPU on a quiet machine, us": when_quiet(batch.cpu_us_per_entry, speed),
        "write path, 128 units a batch": batches(128, 30)._asdict(),
        "write path, 1 unit of 32 entries": batches(32, 100, one_unit=True)._asdict(),
        "write path, 32 units a batch, 1.2 kB bodies": batches(32, 60, body=True)._asdict(),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
