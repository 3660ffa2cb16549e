"""The system's own file: what was posted, what is still to be posted, and every call it got.

SQLite with ``synchronous=FULL``: what was committed survives a kill at any moment. Every call is noted before
anything comes of it. The judge reads this file and nothing else.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bridgehead.kernel.clock import Clock, SystemClock, stamp, unstamp

_TABLES = """
create table if not exists posting (
    number integer primary key autoincrement, reference text not null, customer text not null,
    amount text not null, idempotency_key text not null default '', state text not null,
    by_call integer not null, posted_at text not null, cancelled_at text);
create index if not exists posting_reference on posting (reference);
create index if not exists posting_key on posting (idempotency_key) where idempotency_key <> '';
create table if not exists change (
    id integer primary key autoincrement, posting integer not null, by_call integer not null,
    what text not null, was text not null, became text not null);
create table if not exists late (by_call integer primary key, due_at text not null);
create table if not exists call (
    id integer primary key autoincrement, operation text not null, reference text not null,
    attempt integer not null, fault text not null, idempotency_key text not null default '',
    customer text not null default '', amount text not null default '', at text not null);
create index if not exists call_reference on call (operation, reference);
create table if not exists planned (reference text not null, turn integer not null, fault text not null,
    primary key (reference, turn));
create table if not exists setting (name text primary key, value text not null);
"""


class Rejected(Exception):
    """A business no, in these words; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that wants to change something. ``attempt`` counts those for one reference, from 1."""

    id: int
    operation: str
    reference: str
    customer: str = ""
    amount: str = ""
    key: str = ""
    attempt: int = 1


class Book:
    """The file of one system. Every method is one transaction, durable when it returns."""

    def __init__(self, file: Path, *, keys: bool, clock: Clock | None = None) -> None:
        self._clock, self._keys = clock or SystemClock(), keys
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def setting(self, name: str, value: str | None = None) -> str:
        """Return a setting, having set it where a value is given; empty where it never was."""
        if value is not None:
            self._db.execute("insert or replace into setting values (?, ?)", (name, value))
        row = self._db.execute("select value from setting where name = ?", (name,)).fetchone()
        return row["value"] if row else ""

    def plan(self, reference: str, faults: Iterable[str]) -> None:
        """Let exactly these faults strike the next calls for a reference; ``none`` means none."""
        with self._one():
            (last,) = self._db.execute(
                "select coalesce(max(turn), 0) from planned where reference = ?", (reference,)
            ).fetchone()
            for turn, fault in enumerate(faults, start=last + 1):
                self._db.execute("insert into planned values (?, ?, ?)", (reference, turn, fault))

    def planned(self, reference: str) -> str:
        """Take the next planned fault of a reference; empty where none is planned."""
        row = self._db.execute(
            "select turn, fault from planned where reference = ? order by turn limit 1", (reference,)
        ).fetchone()
        if row is None:
            return ""
        self._db.execute("delete from planned where reference = ? and turn = ?", (reference, row["turn"]))
        return str(row["fault"])

    def attempts(self, operation: str, reference: str) -> int:
        """Return how many calls of this kind came for a reference."""
        sql = "select count(*) from call where operation = ? and reference = ?"
        return int(self._db.execute(sql, (operation, reference)).fetchone()[0])

    def note(self, operation: str, reference: str, fault: str, **more: str) -> Call:
        """Write down that a call came, and what will happen to it."""
        attempt = self.attempts(operation, reference) + 1
        names = ("operation", "reference", "attempt", "fault", "idempotency_key", "customer", "amount", "at")
        key, customer, amount = (more.get(name, "") for name in ("key", "customer", "amount"))
        values = (operation, reference, attempt, fault, key, customer, amount, stamp(self._clock.now()))
        places = ", ".join("?" * len(names))
        added = self._db.execute(
            f"insert into call ({', '.join(names)}) values ({places})",  # noqa: S608 (names are ours)
            values,
        )
        return _call(self._row("call", "id", added.lastrowid))

    def apply(self, call: Call, *, times: int = 1) -> dict[str, Any]:
        """Make the change of a call, and return what its caller is told. Raises ``Rejected``."""
        with self._one():
            answers = [self._make(call) for _ in range(times)]
        return answers[0]

    def apply_late(self, call: Call, seconds: float) -> None:
        """Promise durably to make the change of a call so many seconds from now."""
        due = stamp(self._clock.now() + timedelta(seconds=seconds))
        self._db.execute("insert into late values (?, ?)", (call.id, due))

    def apply_due(self) -> float | None:
        """Make the late changes that are due; return in how many seconds the next one is, or None."""
        rows = self._db.execute("select * from late order by due_at").fetchall()
        for row in rows:
            wait = (unstamp(row["due_at"]) - self._clock.now()).total_seconds()
            if wait > 0:
                return wait
            call = _call(self._row("call", "id", row["by_call"]))
            with self._one():
                self._db.execute("delete from late where by_call = ?", (call.id,))
                try:
                    self._make(call)
                except Rejected:
                    pass  # nobody is there any more to be told
        return None

    def find(self, reference: str) -> dict[str, Any]:
        """Return what is posted under a reference: ``found`` counts what stands, ``amount`` is that of the
        newest of it, or empty."""
        rows = self._db.execute("select * from posting where reference = ? order by number", (reference,))
        postings = [_posting(row) for row in rows]
        standing = [posting["amount"] for posting in postings if posting["state"] == "posted"]
        newest = standing[-1] if standing else ""
        return {"reference": reference, "found": len(standing), "amount": newest, "postings": postings}

    def listed(self, after: int = 0, limit: int = 500) -> dict[str, Any]:
        """Return postings in order of their numbers; ``next`` is the ``after`` of the rest, or None."""
        rows = self._db.execute(
            "select * from posting where number > ? order by number limit ?", (after, limit + 1)
        ).fetchall()
        more = len(rows) > limit
        postings = [_posting(row) for row in rows[:limit]]
        return {"postings": postings, "next": postings[-1]["number"] if more else None}

    def _make(self, call: Call) -> dict[str, Any]:
        match call.operation:
            case "post_order":
                return self._post(call)
            case "amend_posting":
                return self._amend(call)
            case _:
                return self._cancel(call)

    def _post(self, call: Call) -> dict[str, Any]:
        _amount(call.amount)
        if not call.reference or not call.customer:
            raise Rejected("A posting needs a reference and a customer.")
        if self._keys and call.key:
            earlier = self._db.execute(
                "select * from posting where idempotency_key = ? order by number", (call.key,)
            ).fetchone()
            if earlier is not None:
                return _repeated(earlier, call)
        number = self._db.execute(
            "insert into posting (reference, customer, amount, idempotency_key, state, by_call, posted_at)"
            " values (?, ?, ?, ?, 'posted', ?, ?)",
            (call.reference, call.customer, call.amount, call.key, call.id, stamp(self._clock.now())),
        ).lastrowid
        return _posting(self._row("posting", "number", number))

    def _cancel(self, call: Call) -> dict[str, Any]:
        row = self._standing(call)
        self._db.execute(
            "update posting set state = 'cancelled', cancelled_at = ? where number = ?",
            (stamp(self._clock.now()), row["number"]),
        )
        return self._changed(call, row, "state")

    def _amend(self, call: Call) -> dict[str, Any]:
        _amount(call.amount)
        row = self._standing(call)
        self._db.execute("update posting set amount = ? where number = ?", (call.amount, row["number"]))
        return self._changed(call, row, "amount")

    def _standing(self, call: Call) -> sqlite3.Row:
        row: sqlite3.Row | None = self._db.execute(
            "select * from posting where reference = ? and state = 'posted' order by number desc",
            (call.reference,),
        ).fetchone()
        if row is None:
            raise Rejected(f"Nothing is posted under {call.reference}.")
        return row

    def _changed(self, call: Call, before: sqlite3.Row, what: str) -> dict[str, Any]:
        """Note which call changed what of a posting, and return the posting as it is now."""
        now = self._row("posting", "number", before["number"])
        values = (now["number"], call.id, what, before[what], now[what])
        self._db.execute(
            "insert into change (posting, by_call, what, was, became) values (?, ?, ?, ?, ?)", values
        )
        return _posting(now)

    def _row(self, table: str, column: str, value: Any) -> sqlite3.Row:
        row: sqlite3.Row = self._db.execute(
            f"select * from {table} where {column} = ?",  # noqa: S608 (both are ours)
            (value,),
        ).fetchone()
        return row

    def _one(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """Everything inside or nothing of it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("commit" if error is None else "rollback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What really happened to a list of references. ``extra`` are postings nobody ordered.

    ``by_the_system`` are the second postings of calls the system itself applied twice: no caller's fault.
    """

    once: int
    twice: int
    missing: int
    extra: int
    by_the_system: int
    duplicated: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def judge(file: Path, references: Iterable[str]) -> Judgement:
    """Read a system's file beside it and count how often each reference was posted, cancelled or not."""
    db = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)
    try:
        rows = db.execute("select reference, by_call from posting").fetchall()
    finally:
        db.close()
    wanted = set(references)
    counted = Counter(reference for reference, _ in set(rows) if reference in wanted)
    duplicated = tuple(sorted(name for name, times in counted.items() if times > 1))
    absent = tuple(sorted(wanted - counted.keys()))
    return Judgement(
        once=sum(1 for times in counted.values() if times == 1),
        twice=len(duplicated),
        missing=len(absent),
        extra=sum(1 for reference, _ in rows if reference not in wanted),
        by_the_system=len(rows) - len(set(rows)),
        duplicated=duplicated,
        absent=absent,
    )


def _repeated(row: sqlite3.Row, call: Call) -> dict[str, Any]:
    """Answer a repeated key as the first time; another order under the same key is refused."""
    if (row["reference"], row["customer"], row["amount"]) != (call.reference, call.customer, call.amount):
        raise Rejected("This idempotency key was used for another order.")
    return _posting(row)


def _amount(text: str) -> None:
    try:
        good = Decimal(text).is_finite() and Decimal(text) > 0
    except InvalidOperation:
        good = False
    if not good:
        raise Rejected(f"{text!r} is not an amount above zero.")


def _posting(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "number": row["number"],
        "reference": row["reference"],
        "customer": row["customer"],
        "amount": row["amount"],
        "state": row["state"],
        "posted_at": row["posted_at"],
    }


def _call(row: sqlite3.Row) -> Call:
    return Call(
        id=row["id"],
        operation=row["operation"],
        reference=row["reference"],
        customer=row["customer"],
        amount=row["amount"],
        key=row["idempotency_key"],
        attempt=row["attempt"],
    )
