"""The processes of ``undo.py``: they play the bad release, order its undo, carry it, answer for people.

Each is forked from one that has imported everything, and opens the house anew: nothing but the store, the
ledger and the order system lasts from one to the next.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from chaos_work import Killer, ended, started
from sqlalchemy import select
from undo_cases import Cases

from bridgehead.assemble import House
from bridgehead.enforce.approve import question, vote
from bridgehead.kernel.principal import Principal
from bridgehead.rollout.order import Order, order
from bridgehead.store import tables as t
from bridgehead.testing import HostileErp

FOLDER = Path(__file__).with_name("undo_release")
MAKER = Principal(id="noor", kind="human", name="Noor Haddad")
A_RUN = 5
"""Effects of one run, side by side."""
AT_ONCE = 8
"""Runs that are carried on side by side."""
EVERY_REFUSED = 7
"""Of the compensations that are agreed to by themselves, people say no to each so many'th."""
Engine = Literal["embedded", "dbos"]


def opened(place: Path, store: str) -> House:
    """Open the house; ``store`` is the address of a PostgreSQL database, or empty."""
    return House.open(place / "folder", state=place / "state", store=store)


def prepared(place: Path, store: str) -> None:
    """Activate a good release, and the bad one after it."""
    os.environ["HOSTILE_ERP"] = "http://127.0.0.1:1"
    shutil.copytree(FOLDER, place / "folder", ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
    house = opened(place, store)
    house.activate(by=MAKER)
    facts = place / "folder" / "facts.py"
    facts.write_text(facts.read_text() + "\n# the bad release\n")
    (place / "bad").write_text(house.activate(by=MAKER))
    house.close()


def begun(place: Path, store: str, found: Cases, wave: int) -> None:
    """Start the runs of a wave."""
    os.environ["HOSTILE_ERP"] = "http://127.0.0.1:1"
    house = opened(place, store)
    effects = [one.as_input() for one in list(found.waves())[wave]]
    for at in range(0, len(effects), A_RUN):
        house.start("change", {"effects": effects[at : at + A_RUN]}, key=f"wave {wave} from {at}")
    house.close()


def ordered(place: Path, store: str) -> None:
    """Order the undo of the bad release."""
    os.environ["HOSTILE_ERP"] = "http://127.0.0.1:1"
    house = opened(place, store)
    by = house.person("noor", "bench")
    bad = (place / "bad").read_text()
    wanted = Order(scope="release", target=bad, by=by, reason="it was wrong", execute=True)
    (place / "undo").write_text(order(house.boundary, wanted))
    house.close()


def worker(place: Path, store: str, engine: Engine, erp: str) -> None:
    """Carry everything as far as it goes."""
    os.environ["HOSTILE_ERP"] = erp
    house = opened(place, store)
    if engine == "dbos":
        from bridgehead.run import workers

        workers.BEAT, workers.DEAD = 0.3, 2.0  # a dead worker is found out in two seconds, not in twelve
    asyncio.run(_carried(house, engine))
    house.close()


async def _carried(house: House, engine: Engine) -> None:
    async with house.at_work(concurrency=AT_ONCE, engine=engine) as working:
        await working.work(until_idle=True)


def answered(place: Path, store: str) -> None:
    """Answer every open question: yes to the plan, and to most of what is asked about by itself.

    Writes how many were answered, and the state of the undo; keeps the effects people said no to.
    """
    os.environ["HOSTILE_ERP"] = "http://127.0.0.1:1"
    house = opened(place, store)
    olga, undo = house.person("olga", "bench"), (place / "undo").read_text()
    with house.store.reading() as connection:
        state = connection.execute(select(t.undo.c.state).where(t.undo.c.id == undo)).scalar_one()
        rows = connection.execute(
            select(t.approval).where(t.approval.c.state == "open").order_by(t.approval.c.opened_at)
        ).all()
    for row in rows:
        no = row.position.isdigit() and int(row.position) % EVERY_REFUSED == 0
        with house.store.reading() as connection:
            asked = question(house.boundary, connection, row.id)
        vote(house.boundary, row.id, olga, "refuse" if no else "approve", asked.digest(), "looked at it")
    (place / "answered.json").write_text(json.dumps({"answered": len(rows), "state": state}))
    house.close()


def untouched(place: Path, store: str, references: tuple[str, ...]) -> None:
    """Write which records nobody has begun to take back: others change those while every worker is dead."""
    os.environ["HOSTILE_ERP"] = "http://127.0.0.1:1"
    house = opened(place, store)
    it, back = t.crossing.alias("it"), t.crossing.alias("back")
    begun_already = (
        select(it.c.record)
        .join(back, back.c.undoes == it.c.run + "/" + it.c.position)
        .where(back.c.undoes != "", back.c.state.not_in(("asked", "intent")))
    )
    with house.store.reading() as connection:
        taken = {str(name).rpartition("/")[2] for name in connection.execute(begun_already).scalars()}
    (place / "untouched.json").write_text(json.dumps([name for name in references if name not in taken]))
    house.close()


class Undoer(Killer):
    """Keeps workers at work on an undo, and kills them. ``between`` is called while all of them are dead."""

    def __init__(
        self, seed: int, erp: HostileErp, calls: int, kills: int, log: Path, between: Callable[[], None]
    ) -> None:
        super().__init__(seed, erp, calls, kills, log)
        self._between = between

    def carry(self, side_by_side: int, work: Callable[..., None], *arguments: Any) -> None:
        """Run ``work`` in so many processes, until they come to their end; of several sometimes all die."""
        workers = [started(work, self._log, *arguments) for _ in range(side_by_side)]
        reader = sqlite3.connect(f"file:{self._erp.file}?mode=ro", uri=True, timeout=10)
        try:
            while self.kills < self._wanted and self._moment(workers, reader):
                self._strike(workers)
                if not any(worker.is_alive() for worker in workers):
                    self._between()
                for at, dead in enumerate(workers):
                    if not dead.is_alive():
                        workers[at] = started(work, self._log, *arguments)
            for worker in workers:
                ended(worker, self._log)
        finally:
            reader.close()

    def _strike(self, workers: list[Any]) -> None:
        one = self._rng.randrange(len(workers)) if len(workers) > 1 and self._rng.random() < 0.5 else None
        for at, victim in enumerate(workers):
            if one in (None, at) and victim.is_alive():
                os.kill(victim.pid, signal.SIGKILL)
                victim.join()
                self.kills += 1
