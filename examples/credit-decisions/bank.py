"""The bank's core system: applications, decisions, letters. One SQLite file, one business day.

What it is asked to send is sent: it refuses a second decision on one application and an application it does
not know, and nothing else. `bank_server.py` is its door for programs; the rest is for who plays the bank.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

TABLES = """
create table if not exists applications (
  number integer primary key, received text not null, amount integer not null, price integer not null,
  term integer not null, seniority integer not null, home text not null, job text not null,
  expenses integer not null, records text not null
);
create table if not exists decisions (
  application integer primary key, decision text not null, risk integer not null, reasons text not null,
  decided text not null
);
create table if not exists by_hand (application integer primary key, why text not null, since text not null);
create table if not exists outcomes (
  application integer primary key, bad integer not null, known text not null
);
create table if not exists business_day (day text not null);
"""
OF_THE_BANK = ("amount", "price", "term", "seniority", "home", "job", "expenses", "records")


class Bank:
    """The bank's file. Its business day is set by whoever plays the bank."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._open() as connection:
            connection.executescript(TABLES)
            connection.execute("pragma journal_mode = wal")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.file, timeout=30)) as connection, connection:
            yield connection

    def begin_day(self, day: str) -> None:
        """Set the business day."""
        with self._open() as connection:
            connection.execute("delete from business_day")
            connection.execute("insert into business_day values (?)", (day,))

    def receive(self, day: str, applications: Iterable[Mapping[str, Any]]) -> None:
        """Book applications; what the bank itself knows of them."""
        rows = [(one["number"], day, *(one[name] for name in OF_THE_BANK)) for one in applications]
        with self._open() as connection:
            connection.executemany(f"insert into applications values ({', '.join('?' * 10)})", rows)

    def open_applications(self) -> list[dict[str, Any]]:
        """Return what is neither decided nor handed to a person, oldest first."""
        return self._rows(
            "select * from applications where number not in (select application from decisions) "
            "and number not in (select application from by_hand) order by received, number"
        )

    def hand_over(self, number: int, why: str) -> None:
        """Let a person of the bank decide on an application, outside of what is shown here."""
        with self._open() as connection:
            connection.execute(
                "insert or ignore into by_hand select ?, ?, day from business_day", (number, why)
            )

    def learn(self, known: Iterable[tuple[int, bool]], day: str) -> None:
        """Book how loans ended."""
        with self._open() as connection:
            rows = [(number, bad, day) for number, bad in known]
            connection.executemany("insert or ignore into outcomes values (?, ?, ?)", rows)

    def decisions(self) -> list[dict[str, Any]]:
        """Return every letter that was sent, in order."""
        return self._rows("select * from decisions order by decided, application")

    def decision(self, number: int) -> dict[str, Any]:
        """Return what was sent on an application; nothing where nothing was."""
        found = self._rows("select * from decisions where application = ?", number)
        return found[0] if found else {}

    def by_hand(self) -> list[dict[str, Any]]:
        """Return what a person of the bank decides, and why."""
        return self._rows("select * from by_hand order by since, application")

    def decide(self, number: int, decision: str, risk: int, reasons: list[str]) -> dict[str, Any]:
        """Send the letter. Raises ``ValueError`` where nothing was sent."""
        with self._open() as connection:
            known = connection.execute("select 1 from applications where number = ?", (number,)).fetchone()
            if known is None:
                raise ValueError(f"there is no application {number}")
            row = (number, decision, risk, json.dumps(reasons))
            try:
                connection.execute("insert into decisions select ?, ?, ?, ?, day from business_day", row)
            except sqlite3.IntegrityError as error:
                raise ValueError(f"application {number} is decided already") from error
        return self.decision(number)

    def _rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with self._open() as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]
