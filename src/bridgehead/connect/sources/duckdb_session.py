"""DuckDB in the process that asks: a database of its own for each question.

Second wall: it can open no file but those of the question, no network and no extension, and its settings are
locked before the statement runs. What DuckDB does not count as its memory, the process counts.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import duckdb

from bridgehead.connect.sources.session import PARTS, Failed
from bridgehead.watch.feeds.relation import SETTINGS, scan

_CLOSED = {"enable_external_access": "false", "lock_configuration": "true"}


class Duckdb:
    """An empty database that waits for a question; making one takes longer than most answers."""

    def __init__(self) -> None:
        self._next: Any = None

    def ready(self) -> None:
        """Make the database of the next question."""
        if self._next is None:
            self._next = duckdb.connect(":memory:", config=dict(SETTINGS))

    def asked(self, question: dict[str, Any]) -> Generator[tuple[list[str], list[Any]], None, None]:
        """Yield columns and rows of one statement, or nothing where ``sql`` is empty."""
        connection = self._opened(question)
        try:
            if not question["sql"]:
                return
            cursor = connection.execute(question["sql"], question["values"])
            columns = [column[0] for column in cursor.description or ()]
            while True:
                rows = cursor.fetchmany(PARTS)
                yield columns, rows
                if not rows:
                    return
        except duckdb.OutOfMemoryException as error:
            raise MemoryError from error
        except duckdb.Error as error:
            raise Failed(str(error)) from error
        finally:
            connection.close()

    def _opened(self, question: dict[str, Any]) -> Any:
        try:
            if question["path"]:
                return duckdb.connect(question["path"], read_only=True, config={**SETTINGS, **_CLOSED})
            self.ready()
            connection, self._next = self._next, None
            files = ", ".join("'" + file.replace("'", "''") + "'" for file in question["files"])
            connection.execute(f"SET allowed_paths = [{files}]")
            connection.execute("SET enable_external_access = false")
            for view in question["views"]:
                connection.execute(view)
            for fed in question["fed"]:
                self._feed(connection, fed)
            connection.execute("SET lock_configuration = true")
        except duckdb.OutOfMemoryException as error:
            raise MemoryError from error
        except (OSError, duckdb.Error) as error:
            raise Failed(str(error), place=True) from error
        return connection

    def _feed(self, connection: Any, fed: dict[str, Any]) -> None:
        """Show a table that comes in batches."""
        read = scan(connection, [Path(file) for file in fed["files"]], fed["columns"])
        connection.execute(fed["view"] + read)
