"""A source that gives no answer keeps no other one waiting: a mount may be away for hours."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgehead.assemble.looking import Looks
from bridgehead.assemble.watching import look_once, watch_once
from bridgehead.explain.data_health import TableHealth, tables
from bridgehead.kernel.clock import stamp
from fixtures import sales
from fixtures.houses import Desk
from fixtures.late_batches import contract
from fixtures.sick_data import watched

ARCHIVE = """sources:
  archive:
    driver: sqlite
    path: PATH
    region: local
    row_limit: 50
    contract: archive.odcs.yaml
    check_every: 25h
    tables:
      orders:
        columns: {id: integer, customer: integer, status: text, amount: integer, note: text}
        grants:
          - {to: [east], rows: all, show: [id]}
  sales:
"""
EVERY_ROW = {"cadence": {"cron": "0 5 * * *", "element": "id"}}


class TwoSources:
    """A desk with two sources; the file of the first one can be put where nobody answers."""

    def __init__(self, path: Path) -> None:
        self.desk: Desk = watched(path)
        self.file = sales.sqlite_file(path / "archive.sqlite")
        self.desk.change("sources:\n  sales:\n", ARCHIVE.replace("PATH", str(self.file)))
        (self.desk.folder / "archive.odcs.yaml").write_text(contract(orders=EVERY_ROW))

    def goes_away(self) -> None:
        self.file.rename(self.file.with_suffix(".kept"))
        os.mkfifo(self.file)  # to open it is to wait for somebody who writes

    def comes_back(self) -> None:
        os.close(os.open(self.file, os.O_WRONLY))
        self.file.unlink()
        self.file.with_suffix(".kept").rename(self.file)

    def health(self, source: str) -> TableHealth:
        with self.desk.house.store.reading() as connection:
            found = tables(connection, self.desk.house.deployment, self.desk.clock.now())
        return next(line for line in found if (line.source, line.table) == (source, "orders"))

    def at_it(self) -> int:
        return sum(thread.name == "watch archive" for thread in threading.enumerate())


@pytest.fixture
def two(tmp_path: Path) -> Iterator[TwoSources]:
    made = TwoSources(tmp_path)
    yield made
    made.desk.close()


async def test_a_source_that_gives_no_answer_holds_its_own_readers_and_no_other_look(two: TwoSources) -> None:
    looks = Looks(two.desk.house, look_once, longest=4.0)
    await watch_once(two.desk.house)
    assert {two.health(name).standing for name in ("archive", "sales")} == {"in order"}
    two.goes_away()
    two.desk.clock.advance(13 * 3600)
    await asyncio.wait_for(watch_once(two.desk.house, looks), 30)
    assert two.health("sales").checked_at == stamp(two.desk.clock.now())
    assert two.health("sales").standing == "in order"
    (clause,) = (each for each in two.health("archive").clauses if each.clause == "look")
    assert "could not be looked at within 4 s" in clause.words
    assert clause.response == "quarantine"
    assert two.at_it() == 1
    two.desk.clock.advance(13 * 3600)
    await asyncio.wait_for(watch_once(two.desk.house, looks), 30)
    assert two.at_it() == 1, "nobody waits for it twice"
    two.comes_back()
    while two.at_it():
        await asyncio.sleep(0)
    two.desk.clock.advance(3600)
    await watch_once(two.desk.house, looks)
    assert "look" not in {each.clause for each in two.health("archive").clauses}
    looks.leave()


ENDS = """
import asyncio, sys, threading
from pathlib import Path
from bridgehead.assemble import House
from bridgehead.assemble.watching import keep_watch
def hangs():
    return any(thread.name == "watch archive" for thread in threading.enumerate())
async def watch(house):
    watching = asyncio.create_task(keep_watch(house))
    while not hangs():
        await asyncio.sleep(0.01)
    watching.cancel()
house = House.open(Path(sys.argv[1]), state=Path(sys.argv[2]))
asyncio.run(watch(house))
house.close()
print("ended while it hangs" if hangs() else "nothing hung")
"""


def test_a_look_that_hangs_does_not_keep_the_process_from_ending(two: TwoSources) -> None:
    assert two.desk.house.deployment
    two.goes_away()
    ended = subprocess.run(
        [sys.executable, "-c", ENDS, str(two.desk.folder), str(two.desk.house.state)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.stdout, ended.returncode) == ("ended while it hangs\n", 0), ended.stderr
