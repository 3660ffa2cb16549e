"""The savepoint of one unit of work inside a longer transaction.

It goes straight to the driver: for each unit, two statements would cost SQLAlchemy more than the inserts.
"""

from __future__ import annotations

from sqlalchemy import Connection

from bridgehead.store.statement import as_sqlalchemy


class Savepoint:
    """Set, then release or undo, again and again.

    On PostgreSQL a release goes along with the savepoint after it, which saves a way there and back for each
    unit; the last one is released by the commit.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._execute = connection.connection.cursor().execute
        self._together = connection.dialect.name == "postgresql"
        self._open = False

    def set(self) -> None:
        """Begin a unit."""
        self._run("RELEASE SAVEPOINT unit; SAVEPOINT unit" if self._open else "SAVEPOINT unit")
        self._open = False

    def release(self) -> None:
        """Keep what the unit did."""
        self._open = self._together
        if not self._together:
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
