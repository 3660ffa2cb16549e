"""Fifty SIGKILLs during the demo: nothing lost, nothing twice, and every ticket ends where it should.

The demo runs as a real process. What is killed when follows its progress in the store and in the order
system's own files, never a clock: as soon as the ledger grew by so many entries, while a change of an order
is on its way, as soon as the order system applied one, after a vote, while a play is laid out or graded.
The order system keeps a log of the calls it got, in files nobody here writes: that is the judge.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridgehead.record import verify
from fixtures.retail import FOLDER, module

KILLS = 50
ENTRIES_A_TICKET = 43
"""Of the ledger, about; it spreads the kills over a play."""
LOOK = 0.01
"""Seconds between two looks at how far the demo has come."""
LAYING_OUT = (".keys", "keys", "store.db", "releases", "orders-boot", "worker.lock")
"""Files of a play, in the order in which they come."""
A_LIFE = 300.0
"""Seconds after which a demo that neither ends nor gets any further is hanging."""

tickets, grade = module("tickets"), module("grade")
pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a play has come, as its files say."""

    entries: int = 0
    votes: int = 0
    on_the_way: int = 0
    applied: int = 0
    files: frozenset[str] = frozenset()


@dataclass(slots=True)
class Play:
    """One play of the demo and everything that was acknowledged in it before a kill."""

    folder: Path
    state: Path
    count: int | None
    killed: Counter[str] = field(default_factory=Counter)
    leaves: dict[int, bytes] = field(default_factory=dict)
    done: dict[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict)
    votes: set[tuple[Any, ...]] = field(default_factory=set)
    reader: sqlite3.Connection | None = None

    @property
    def place(self) -> Path:
        return self.state / "play"

    @property
    def store(self) -> Path:
        return self.place / "store.db"

    @property
    def orders(self) -> Path:
        return self.place / "orders"

    @property
    def played(self) -> list[Any]:
        return list(tickets.tickets()[: self.count])

    def start(self) -> subprocess.Popen[str]:
        command = [str(Path(sys.executable).with_name("bridgehead")), "demo", "--no-serve", "--json"]
        command += ["--answer-as", "lead", "--folder", str(self.folder), "--state", str(self.state)]
        if self.count is not None:
            command += ["--tickets", str(self.count)]
        env = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        # Compiled once and kept: fifty starts would otherwise compile Bridgehead fifty times.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        log = self.state / "stderr.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as stderr:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=env)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the store beside whoever is writing it; nothing before it is laid out."""
        try:
            if self.reader is None:
                self.reader = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=5)
            return self.reader.execute(query).fetchall()
        except sqlite3.OperationalError:
            # Not there yet, or nobody has recovered it yet: such a reader would stay blind, so begin anew.
            self.look_away()
            return []

    def look_away(self) -> None:
        """Close the reader."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def seen(self) -> Seen:
        found = self.rows(
            "select (select size from ledger_head), (select count(*) from vote),"
            " (select count(*) from crossing where state = 'claimed' and effect <> 'read')"
        )
        entries, votes, on_the_way = found[0] if found else (0, 0, 0)
        names = frozenset(path.name for path in _listed(self.place))
        applied = self.orders.stat().st_mtime_ns if "orders" in names else 0
        return Seen(entries or 0, votes or 0, on_the_way or 0, applied, names)

    def note_what_is_acknowledged(self) -> None:
        """Keep what a reader of the store could rely on at this moment.

        Read from a copy of its files, so that the next process recovers the store itself alone, as after a
        real crash.
        """
        self.look_away()
        if not self.store.exists():
            return
        with tempfile.TemporaryDirectory() as copies:
            for name in ("store.db", "store.db-wal"):
                if (self.place / name).exists():
                    shutil.copy(self.place / name, copies)
            with closing(sqlite3.connect(Path(copies) / "store.db")) as copy:
                if not copy.execute("select 1 from sqlite_master where name = 'vote'").fetchall():
                    return  # killed while its tables were made: in one transaction
                self._note(copy)

    def _note(self, copy: sqlite3.Connection) -> None:
        self.leaves.update(copy.execute("select idx, leaf from entry order by idx desc limit 1").fetchall())
        for run, position, *kept in copy.execute(
            "select run, position, action_digest, effect_key, outcome_entry, state from crossing"
            " where state in ('done', 'failed', 'refused')"
        ):
            self.done[run, position] = tuple(kept)
        self.votes.update(copy.execute("select approval, principal, answer, digest, at from vote").fetchall())


class Moment:
    """When to kill: ``came`` is asked again and again with how far the demo has come."""

    def __init__(self, rng: random.Random, play: Play, kills_left: int) -> None:
        size = play.seen().entries
        kinds = ["ledger", "way", "applied", "vote"]
        self.kind = rng.choices(kinds, [50, 25, 20, 5])[0] if size > 100 else "ledger"
        left = max(ENTRIES_A_TICKET * len(play.played) - size, 20)
        self._wait = rng.randint(1, max(2 * left // max(kills_left, 1), 4))
        self._few = rng.randint(0, 3)
        self._first: Seen | None = None
        self._since = -1

    def came(self, seen: Seen) -> bool:
        first = self._first = self._first or seen
        grown = seen.entries - first.entries
        match self.kind:
            case "ledger":
                return grown >= self._wait
            case "vote":
                return seen.votes > first.votes or grown >= 2 * self._wait
        if grown < self._wait // 2 or not seen.on_the_way:
            return grown >= 4 * self._wait
        if self.kind == "way":
            return True
        # A change was on its way when we looked: wait until the order system has written again.
        if self._since != seen.applied:
            self._since, self._few = seen.applied, self._few - 1
        return self._few < 0


class LaidOut:
    """Killed while a play begins or ends: as soon as a file is there."""

    def __init__(self, name: str) -> None:
        self.kind = f"files: {name}"
        self._name = name

    def came(self, seen: Seen) -> bool:
        # Some files live for less than a look: where the ledger has grown, the file came and went.
        return any(name.startswith(self._name) for name in seen.files) or seen.entries > ENTRIES_A_TICKET


class Grading:
    """Killed while the end state of a play is compared with the expected one."""

    kind = "grading"

    def came(self, seen: Seen) -> bool:
        return any(name.startswith("expected-") for name in seen.files)


def test_fifty_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    seed = random.getrandbits(32)
    rng = random.Random(seed)
    folder = tmp_path / "retail-support"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".bridgehead", "__pycache__"))
    plays = [Play(folder, tmp_path / "first", None)]
    kills = 0
    while kills < KILLS:
        moment = _next(rng, plays[-1], kills)
        if _lived(plays[-1], moment):
            plays[-1].killed[moment.kind] += 1
            kills += 1
        else:  # it came to its end first
            plays.append(Play(folder, tmp_path / f"more-{len(plays)}", 8))
    told = f"seed {seed}, killed at {[dict(play.killed) for play in plays]}"
    print(told)
    assert plays[0].killed.total() > KILLS // 2, told
    for play in plays:
        _judge(play, json.loads(_to_the_end(play)), told)


def _next(rng: random.Random, play: Play, kills: int) -> Any:
    """Return when to kill next: first while the play is laid out, last while it is graded."""
    if kills < len(LAYING_OUT):
        return LaidOut(LAYING_OUT[kills])
    if kills == KILLS - 1:
        return Grading()
    return Moment(rng, play, KILLS - kills)


def _lived(play: Play, moment: Any) -> bool:
    """Run the demo until its moment comes, and kill it; return False where it ended before."""
    process = play.start()
    try:
        if not _until(process, play, moment):
            return False
        process.send_signal(signal.SIGKILL)
        process.wait()
    finally:
        process.kill()
        process.communicate()
    play.note_what_is_acknowledged()
    return True


def _until(process: subprocess.Popen[str], play: Play, moment: Any) -> bool:
    for _ in range(int(A_LIFE / LOOK)):
        if moment.came(play.seen()):
            return True
        try:
            code = process.wait(timeout=LOOK)
        except subprocess.TimeoutExpired:
            continue
        assert code == 0, (play.state / "stderr.log").read_text()
        return False
    raise AssertionError(f"the demo hangs; {play.seen()} {moment.kind}")


def _to_the_end(play: Play) -> str:
    play.look_away()
    process = play.start()
    out, _ = process.communicate(timeout=A_LIFE)
    assert process.returncode == 0, (play.state / "stderr.log").read_text()
    return out


def _judge(play: Play, result: dict[str, Any], told: str) -> None:
    number = len(play.played)
    lost = _calls_nobody_heard_of(play)
    assert result["differing"] == {}, told
    assert (result["tickets"], result["matched_expected"], result["failed"]) == (number, number, 0), told
    # Handing over to a person can be neither asked about nor repeated: such a run tells a person and waits.
    assert result["waiting"] == len(lost) == len(_waiting_for_a_person(play)), told
    assert result["hijacked"]["done"] == 0, told
    report = verify.verify_store(
        play.store, vkey=(play.place / "keys" / "ledger.vkey").read_text(), keys=play.place / "keys"
    )
    assert report.ok and report.size == result["ledger_size"], (report.problems, told)
    _nothing_acknowledged_is_lost(play, told)
    for ticket in play.played:
        _nothing_twice(play, ticket, told)
        _nothing_unrecorded(play, ticket.id, told)
    play.look_away()


def _nothing_acknowledged_is_lost(play: Play, told: str) -> None:
    assert play.leaves or not play.killed, told
    for index, leaf in play.leaves.items():
        assert play.rows(f"select leaf from entry where idx = {index}") == [(leaf,)], told
    now = {
        (run, position): tuple(kept)
        for run, position, *kept in play.rows(
            "select run, position, action_digest, effect_key, outcome_entry, state from crossing"
        )
    }
    assert {place: now.get(place) for place in play.done} == play.done, told
    assert play.votes <= set(play.rows("select approval, principal, answer, digest, at from vote")), told


def _nothing_twice(play: Play, ticket: Any, told: str) -> None:
    """Each published change was applied exactly once; handing over happened at most once.

    One kind was not sent at all: a change to what was so already. Its probe cannot tell, and need not: that
    the shop is as it should be is judged apart.
    """
    published = Counter(
        _call(call.tool, call.arguments) for call in ticket.calls if call.tool in grade.WRITES
    )
    applied = Counter(
        _call(call["name"], call["arguments"])
        for call, answer in _log(play, ticket.id)
        if call["name"] in grade.WRITES and not answer["error"]
    )
    refused = {
        _call(call["name"], call["arguments"]) for call, answer in _log(play, ticket.id) if answer["error"]
    }
    due = Counter({call: n for call, n in published.items() if call not in refused})
    assert applied <= due, (ticket.id, told)
    unsent = Counter(json.loads(call)[0] for call in (due - applied).elements())
    assert unsent <= _adopted(play, ticket.id), (ticket.id, told)
    handed = sum(1 for call, _ in _log(play, ticket.id) if call["name"] == "transfer_to_human_agents")
    assert handed <= 1, (ticket.id, told)


def _nothing_unrecorded(play: Play, ticket: str, told: str) -> None:
    """The journal tells of every call the order system got, and claims no change it did not get."""
    journal: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    for target, state, effect, attempt in play.rows(
        "select c.target, c.state, c.effect, c.attempt from crossing c join run r on r.id = c.run"
        f" where c.kind = 'act' and r.title = 'Ticket {ticket}'"
    ):
        journal[target] += attempt
        changed[target] += effect != "read" and state == "done"
    log = _log(play, ticket)
    assert Counter(call["name"] for call, _ in log) <= journal, (ticket, told)
    applied = Counter(
        call["name"] for call, answer in log if call["name"] in grade.WRITES and not answer["error"]
    )
    claimed = Counter({name: n for name, n in changed.items() if name in grade.WRITES})
    assert applied <= claimed and claimed - applied <= _adopted(play, ticket), (ticket, told)


def _adopted(play: Play, ticket: str) -> Counter[str]:
    """Return the changes whose answer was lost and which a probe found to be so, by name."""
    return Counter(
        target
        for (target,) in play.rows(
            "select c.target from crossing c join run r on r.id = c.run"
            " join entry e on e.idx = c.outcome_entry"
            f" where r.title = 'Ticket {ticket}' and c.state = 'done' and e.kind = 'action.settled'"
        )
    )


def _calls_nobody_heard_of(play: Play) -> list[tuple[Any, ...]]:
    return play.rows("select run from crossing where state in ('unknown', 'claimed') and effect <> 'read'")


def _waiting_for_a_person(play: Play) -> list[tuple[Any, ...]]:
    return play.rows(
        "select r.id from run r join incident i on i.run = r.id where r.status = 'waiting'"
        " and r.waiting_for like 'person:%' and i.kind like 'unknown:%'"
    )


def _log(play: Play, ticket: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the calls a ticket's shop got, with how the order system answered each."""
    name = hashlib.sha256(f"tau2/retail/{ticket}".encode()).hexdigest()
    calls = json.loads((play.orders / f"{name}.json").read_text())["calls"]
    laid_out, *rest = [(call["tau2_tool_call"], call["tau2_tool_message"]) for call in calls]
    assert laid_out[0]["arguments"] == {"expression": "0"}  # made by grade.seed, before anything was played
    return rest


def _call(tool: str, arguments: Any) -> str:
    return json.dumps([tool, dict(arguments)], sort_keys=True)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
