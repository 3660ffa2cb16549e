"""One commit: units of work in, entries with consecutive indexes out.

``Appender.commit`` is the whole write path of the ledger, in this order: lock the head, let each
unit work in its own savepoint, insert what they recorded, move the head, commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.errors import LedgerError, StoreError
from bridgehead.record import envelope
from bridgehead.record.body import DataKeys, seal
from bridgehead.record.hot import HotStatements, Row
from bridgehead.record.merkle import Tree, leaf_hash
from bridgehead.record.unit import Receipt, UnitOfWork
from bridgehead.store import Store
from bridgehead.store.faults import BUSY, UNANSWERED, in_our_words, was_taken_back
from bridgehead.store.savepoint import Savepoint
from bridgehead.store.statement import together

MAX_ENTRIES = 512
"""A batch takes no further unit once it holds this many entries."""

MAX_REMEMBERED_RUNS = 10_000
MAX_CATCH_UP = 4_096
"""Entries of others that are read to keep what is remembered; beyond, forgetting is cheaper."""
MAX_TRIES = 3
"""How often a unit is tried that another transaction stood in the way of."""


@dataclass(slots=True, eq=False)
class Unit:
    """A unit of work on its way: afterwards it has a receipt or an error.

    ``exclusive`` units see every earlier entry of their batch in the tables, and no cached key
    outlives them: erasures need both. ``again`` is true where others stood in its way (a deadlock, a row that
    stayed locked): it was undone and may be tried in the next batch.
    """

    work: UnitOfWork
    exclusive: bool = False
    receipt: Receipt | None = None
    error: BaseException | None = None
    tries: int = 0
    again: bool = False


@dataclass(slots=True)
class _Pending:
    """What a batch, or one unit of it, has recorded and not yet inserted."""

    tree: Tree
    time: str
    runs: dict[str, tuple[int, str]] = field(default_factory=dict)
    entries: list[Row] = field(default_factory=list)
    bodies: list[Row] = field(default_factory=list)
    nodes: list[Row] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)

    def adopt(self, other: _Pending) -> None:
        """Take over what a unit recorded on top of this."""
        self.tree = other.tree
        self.runs.update(other.runs)
        self.entries += other.entries
        self.bodies += other.bodies
        self.nodes += other.nodes
        self.leaves += other.leaves


class Appender:
    """Commits batches. Used by one thread at a time.

    Between batches it remembers the heads of runs and the data keys it used. INVARIANT: every
    change to either comes with an entry, so what it remembers is true as long as the head row is where it
    left it, or what others appended since has been read.
    """

    def __init__(self, store: Store, keys: DataKeys, origin: str, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._origin = origin
        self._clock = clock
        self._sql = HotStatements(store.engine.dialect)
        self._left: Tree | None = None
        self._runs: dict[str, tuple[int, str]] = {}

    def commit(self, units: Sequence[Unit]) -> tuple[int, int, Tree]:
        """Commit units together; return how many were taken, the size before and the tree after.

        A unit that raises is undone alone and keeps its error. Raises ``StoreError`` if the
        transaction as a whole failed: then no unit has happened, unless its code is BH-STO-011.
        """
        pending, start = _Pending(tree=Tree(), time=""), 0
        try:
            with self._store.writing() as connection:
                before = self._open(connection)
                start, pending.tree, pending.time = before.size, before.copy(), stamp(self._clock.now())
                taken = self._take_all(connection, units, pending)
                with together(connection):
                    self._flush(connection, pending)
                    moved = self._move_head(connection, before, pending.tree)
                _require_moved(moved, before)
        except BaseException as error:
            self._forget()
            if not isinstance(error, StoreError) or error.code != UNANSWERED:
                raise
            self._look_whether_it_landed(start, pending.leaves, error)
        self._remember(pending)
        return taken, start, pending.tree

    def _take_all(self, connection: Connection, units: Sequence[Unit], pending: _Pending) -> int:
        savepoint, taken = Savepoint(connection), 0
        while taken < len(units) and len(pending.leaves) < MAX_ENTRIES:
            self._take(connection, savepoint, units[taken], pending)
            taken += 1
        return taken

    def _look_whether_it_landed(self, start: int, leaves: list[bytes], error: StoreError) -> None:
        """Return if the batch whose COMMIT was not answered is in the log, entry for entry.

        As long as the database is still busy with it, it holds the head row, and this waits for that.
        Raises ``StoreError``: BH-STO-010 it is not there, BH-STO-011 it recorded nothing by which it could
        be told, or the database stays away.
        """
        if not leaves:
            raise error
        try:
            with self._store.writing() as connection:
                self._sql.lock_head.first(connection, 1)
                found = self._sql.leaves_between.all(connection, start, start + len(leaves))
        except StoreError:
            raise error from None
        if [leaf for (leaf,) in found] != leaves:
            raise was_taken_back(error) from error

    def _open(self, connection: Connection) -> Tree:
        head = self._sql.lock_head.first(connection, 1)
        if head is None:
            raise LedgerError(
                "BH-REC-013",
                "the ledger has lost its head row",
                means="Nothing can be appended safely, so nothing runs.",
                fix="Run: bridgehead verify, and restore the store from a backup.",
            )
        size, frontier = head
        if self._left is not None and not self._caught_up(connection, self._left, size, frontier):
            self._forget()
        return Tree(size, frontier)

    def _caught_up(self, connection: Connection, left: Tree, size: int, frontier: bytes) -> bool:
        """Read what others appended since; return whether the log still follows from what was left."""
        if not 0 <= size - left.size <= MAX_CATCH_UP:
            return False
        for kind, run, seq, leaf in (
            self._sql.entries_since.all(connection, left.size) if size > left.size else ()
        ):
            left.append(leaf)
            if run in self._runs:
                self._runs[run] = (seq, leaf.hex())
            if kind == "body.erased":
                self._keys.forget()
        return left.frontier() == frontier

    def _take(self, connection: Connection, savepoint: Savepoint, unit: Unit, pending: _Pending) -> None:
        if unit.exclusive:
            self._flush(connection, pending)
        unit.receipt, unit.error, unit.again = None, None, False  # of an attempt that was taken back
        savepoint.set()
        try:
            recorded = self._do(connection, unit, pending)
            savepoint.release()
        except BaseException as error:  # the caller's to handle, whatever it is
            unit.receipt, unit.error = None, _told(error)
            savepoint.undo(unit.error)
            unit.tries += 1
            unit.again = unit.tries < MAX_TRIES and getattr(unit.error, "code", "") == BUSY
            self._keys.forget()  # one may have been made in what was just undone
            return
        pending.adopt(recorded)
        if unit.exclusive:
            self._keys.forget()

    def _do(self, connection: Connection, unit: Unit, pending: _Pending) -> _Pending:
        work = unit.work(connection)
        recorded = _Pending(tree=pending.tree.copy(), time=pending.time)
        written = tuple([self._record(connection, draft, pending, recorded) for draft in work.drafts])
        if work.then is not None:
            work.then(connection, written)
        unit.receipt = Receipt(value=work.value, entries=written)
        return recorded

    def _record(self, connection: Connection, draft: Draft, pending: _Pending, recorded: _Pending) -> Written:
        seq, prev = self._head_of(connection, draft.run, pending, recorded)
        index, time, about = recorded.tree.size, recorded.time, None
        if draft.body is not None:
            sealed, about = seal(draft.body, self._keys.for_subject(connection, draft.subject))
            recorded.bodies.append((index, *sealed))
        data = envelope.build(draft, time=time, origin=self._origin, seq=seq + 1, prev=prev, body=about)
        leaf = leaf_hash(data)
        recorded.nodes += recorded.tree.append(leaf)
        recorded.leaves.append(leaf)
        recorded.entries.append((index, draft.kind, draft.run, seq + 1, time, leaf, data))
        recorded.runs[draft.run] = (seq + 1, leaf.hex())
        return Written(index=index, leaf=leaf.hex())

    def _head_of(
        self, connection: Connection, run: str, pending: _Pending, recorded: _Pending
    ) -> tuple[int, str]:
        found = recorded.runs.get(run) or pending.runs.get(run) or self._runs.get(run)
        if found is None:
            row = self._sql.run_head.first(connection, run)
            found = (0, "") if row is None else (int(row[0]), str(row[1]))
        return found

    def _flush(self, connection: Connection, pending: _Pending) -> None:
        heads = [(run, seq, prev) for run, (seq, prev) in pending.runs.items()]
        for statement, rows in (
            (self._sql.add_entries, pending.entries),
            (self._sql.add_bodies, pending.bodies),
            (self._sql.add_nodes, pending.nodes),
            (self._sql.set_run_heads, heads),
        ):
            if rows:
                statement.send(connection, rows)
                rows.clear()

    def _move_head(self, connection: Connection, before: Tree, after: Tree) -> Any:
        if after.size == before.size:
            return None
        return self._sql.move_head.send(connection, [(1, before.size, after.size, after.frontier())])

    def _remember(self, pending: _Pending) -> None:
        if len(self._runs) > MAX_REMEMBERED_RUNS:
            self._runs.clear()
        self._runs.update(pending.runs)
        self._left = pending.tree.copy()

    def _forget(self) -> None:
        self._left = None
        self._runs.clear()
        self._keys.forget()


def _require_moved(moved: Any, before: Tree) -> None:
    if moved is not None and moved.rowcount != 1:
        raise StoreError(
            "BH-REC-014",
            f"the head of the ledger moved away from {before.size} under a lock",
            means="Nothing was written. Something other than Bridgehead writes to this store.",
            fix="Stop it, then run: bridgehead verify",
        )


def _told(error: BaseException) -> BaseException:
    """Return a database's failure in our words, anything else as it is."""
    try:
        with in_our_words():
            raise error
    except BaseException as told:
        return told
