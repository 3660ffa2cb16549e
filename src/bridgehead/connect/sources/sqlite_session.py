"""SQLite in the process that asks, and the walls around a connection, which named queries share."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Generator
from pathlib import Path
from typing import Any

from bridgehead.connect.faults import LIMIT_BYTES
from bridgehead.connect.sources.session import PARTS, Failed

ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})

HEAP = 1024**3
"""Bytes SQLite may hold while it answers; sorting is done in them, never in a file."""


class Sqlite:
    """A read-only connection for each question."""

    def ready(self) -> None:
        """Do nothing: a connection is made in no time."""

    def asked(self, question: dict[str, Any]) -> Generator[tuple[list[str], list[Any]], None, None]:
        """Yield columns and rows of one statement."""
        try:
            connection = read_only(Path(question["path"]), question["seconds"], heap=HEAP)
        except sqlite3.Error as error:
            raise Failed(str(error), place=True) from error
        try:
            values = {f"bh_{number}": value for number, value in enumerate(question["values"], 1)}
            cursor = connection.execute(question["sql"], values)
            columns = [column[0] for column in cursor.description or ()]
            while True:
                rows = cursor.fetchmany(PARTS)
                yield columns, rows
                if not rows:
                    return
        except sqlite3.Error as error:
            # Faults of the module itself, such as text that is not UTF-8, carry no code.
            code = getattr(error, "sqlite_errorcode", None)
            if code == sqlite3.SQLITE_NOMEM:
                raise MemoryError from error
            busy = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            raise Failed(str(error), temporary=busy) from error
        finally:
            connection.close()


def read_only(path: Path, deadline: float, *, heap: int = 0) -> sqlite3.Connection:
    """Return a connection that can do nothing but select. ``heap`` bounds the whole process."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=deadline, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    # A file written by someone else may carry functions in views; do not trust its schema.
    connection.execute("PRAGMA trusted_schema = OFF")
    if heap:
        connection.execute(f"PRAGMA hard_heap_limit = {heap}")
        connection.execute("PRAGMA temp_store = MEMORY")
    connection.create_function("bh_hash", 2, hashed, deterministic=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LIMIT_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_authorizer(_allow)
    return connection


def hashed(secret: str, value: object) -> str | None:
    """The ``hash`` mask: a keyed digest of a text."""
    if value is None:
        return None
    return hmac.new(secret.encode(), str(value).encode("utf-8", "replace"), "sha256").hexdigest()


def _allow(action: int, first: str | None, second: str | None, *_: object) -> int:
    if action in ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
