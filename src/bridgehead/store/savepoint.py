"""The savepoint of one unit of work inside a longer transaction.

It goes straight to the driver: for each unit, two statements would cost SQLAlchemy more than the inserts.
"""

from __future__ import annotations

from sqlalchemy import Connection

from bridgehead.store.statement import as_sqlalchemy

HURRY = "SET LOCAL lock_timeout = '2s'; "
"""How long a unit of work waits for a row, while everybody else waits for the ledger's head behind it."""


class Savepoint:
    """Set, then release or undo, again and again.

    On PostgreSQL a release goes along with the savepoint after it, which saves a way there and back for each
    unit; the last one is released by the commit. From the first one on the transaction waits for rows of
    others only shortly: everybody else waits behind it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._execute = connection.connection.cursor().execute
        self._together = connection.dialect.name == "postgresql"
        self._before = HURRY if self._together else ""

    def set(self) -> None:
        """Begin a unit."""
        self._run(f"{self._before}SAVEPOINT unit")
        self._before = ""

    def release(self) -> None:
        """Keep what the unit did."""
        if self._together:
            self._before = "RELEASE SAVEPOINT unit; "
        else:
            self._run("RELEASE SAVEPOINT unit")

    def undo(self, error: BaseException) -> None:
        """Take back what the unit did.

        Where the database has taken back more than that already (a full disk, a lost connection), raise the
        error that caused it: then the whole transaction has failed.
        """
        try:
            self._execute("ROLLBACK TO SAVEPOINT unit")
            self.release()
        except Exception:
            raise error from None

    def _run(self, text: str) -> None:
        try:
            self._execute(text)
        except Exception as error:
            raise as_sqlalchemy(self._connection, text, error) from error
