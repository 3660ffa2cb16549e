"""The statements of the append path, compiled once.

SQLAlchemy Core builds and compiles a statement each time it is executed, which costs more than the
insert itself. Here the dialect compiles each of them once; rows then go straight to the driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, insert, select, text, update
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from bridgehead.store import tables as t
from bridgehead.store.statement import execute, execute_many, send_many

Row = tuple[Any, ...]


class Statement:
    """One compiled statement. Rows are tuples in the order of ``names``."""

    __slots__ = ("_named", "_order", "_text", "names")

    def __init__(self, clause: ClauseElement, dialect: Dialect, names: Sequence[str]) -> None:
        compiled = clause.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # not DDL
        self.names = tuple(names)
        self._text = str(compiled)
        self._named = not compiled.positional
        self._order = [self.names.index(name) for name in compiled.positiontup or ()]

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Execute once for each row; return how many rows it matched."""
        return execute_many(connection, self._text, [self._bound(row) for row in rows])

    def send(self, connection: Connection, rows: Sequence[Row]) -> Any:
        """Do what ``run`` does; the ``rowcount`` of what it returns is known when ``together`` ends."""
        return send_many(connection, self._text, [self._bound(row) for row in rows])

    def first(self, connection: Connection, *row: Any) -> Row | None:
        """Execute and return the first row of the result."""
        cursor = execute(connection, self._text, self._bound(row))
        found: Row | None = cursor.fetchone()
        cursor.close()
        return found

    def all(self, connection: Connection, *row: Any) -> list[Row]:
        """Execute and return every row of the result."""
        cursor = execute(connection, self._text, self._bound(row))
        found: list[Row] = cursor.fetchall()
        cursor.close()
        return found

    def _bound(self, row: Row) -> Any:
        if self._named:
            return dict(zip(self.names, row, strict=True))
        return tuple([row[at] for at in self._order])


class HotStatements:
    """What one batch needs, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        def inserts(table: Any) -> Statement:
            return Statement(insert(table), dialect, [column.name for column in table.columns])

        head, run_head = t.ledger_head, t.run_head
        self.add_entries = inserts(t.entry)
        self.add_bodies = inserts(t.body)
        self.add_nodes = inserts(t.node)
        # INVARIANT: this row lock is what makes indexes gapless when several processes append.
        locked = select(head.c.size, head.c.frontier).where(head.c.id == bindparam("only")).with_for_update()
        self.lock_head = Statement(locked, dialect, ["only"])
        moved = (
            update(head)
            .where(head.c.id == bindparam("only"), head.c.size == bindparam("was"))
            .values(size=bindparam("now"), frontier=bindparam("peaks"))
        )
        self.move_head = Statement(moved, dialect, ["only", "was", "now", "peaks"])
        one_run = select(run_head.c.seq, run_head.c.prev).where(run_head.c.run == bindparam("run"))
        self.run_head = Statement(one_run, dialect, ["run"])
        entry = t.entry.c
        since = select(entry.kind, entry.run, entry.seq, entry.leaf).where(entry.idx >= bindparam("start"))
        self.entries_since = Statement(since.order_by(entry.idx), dialect, ["start"])
        between = select(entry.leaf).where(entry.idx >= bindparam("start"), entry.idx < bindparam("end"))
        self.leaves_between = Statement(between.order_by(entry.idx), dialect, ["start", "end"])
        self.set_run_heads = Statement(
            text(
                "insert into run_head (run, seq, prev) values (:run, :seq, :prev) "
                "on conflict (run) do update set seq = excluded.seq, prev = excluded.prev"
            ),
            dialect,
            ["run", "seq", "prev"],
        )
