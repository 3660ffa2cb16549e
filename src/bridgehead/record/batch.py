"""One commit: units of work in, entries with consecutive indexes out.

``Appender.commit`` is the whole write path of the ledger, in this order: lock the head, let each
unit work in its own savepoint, insert what they recorded, move the head, commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
from bridgehead.store.faults import in_our_words

MAX_ENTRIES = 512
"""A batch takes no further unit once it holds this many entries."""

MAX_REMEMBERED_RUNS = 10_000


@dataclass(slots=True, eq=False)
class Unit:
    """A unit of work on its way: afterwards it has a receipt or an error.

    ``exclusive`` units see every earlier entry of their batch in the tables, and no cached key
    outlives them: erasures need both.
    """

    work: UnitOfWork
    exclusive: bool = False
    receipt: Receipt | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Pending:
    """What a batch, or one unit of it, has recorded and not yet inserted."""

    tree: Tree
    time: str
    runs: dict[str, tuple[int, str]] = field(default_factory=dict)
    entries: list[Row] = field(default_factory=list)
    bodies: list[Row] = field(default_factory=list)
    nodes: list[Row] = field(default_factory=list)

    def adopt(self, other: _Pending) -> None:
        """Take over what a unit recorded on top of this."""
        self.tree = other.tree
        self.runs.update(other.runs)
        self.entries += other.entries
        self.bodies += other.bodies
        self.nodes += other.nodes


class Savepoint:
    """The savepoint of the unit at work. Goes straight to the driver: two statements for each unit
    would cost SQLAlchemy more than the inserts."""

    def __init__(self, connection: Connection) -> None:
        self._execute = connection.connection.cursor().execute

    def set(self) -> None:
        """Begin a unit."""
        self._execute("SAVEPOINT unit")

    def release(self) -> None:
        """Keep what the unit did."""
        self._execute("RELEASE SAVEPOINT unit")

    def undo(self, error: BaseException) -> None:
        """Take back what the unit did.

        Where the database has taken back more than that already (a full disk ends the whole
        transaction), raise the error that caused it: then the batch fails as a whole.
        """
        try:
            self._execute("ROLLBACK TO SAVEPOINT unit")
            self._execute("RELEASE SAVEPOINT unit")
        except Exception:
            raise error from None


class Appender:
    """Commits batches. Used by one thread at a time.

    Between batches it remembers the heads of runs and the data keys it used. INVARIANT: every
    change to either comes with an entry, so what it remembers is true exactly as long as the head
    row is where it left it.
    """

    def __init__(self, store: Store, keys: DataKeys, origin: str, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._origin = origin
        self._clock = clock
        self._sql = HotStatements(store.engine.dialect)
        self._left_at: tuple[int, bytes] | None = None
        self._runs: dict[str, tuple[int, str]] = {}

    def commit(self, units: Sequence[Unit]) -> tuple[int, int, Tree]:
        """Commit units together; return how many were taken, the size before and the tree after.

        A unit that raises is undone alone and keeps its error. Raises ``StoreError`` if the
        transaction as a whole failed: then no unit has happened.
        """
        try:
            with self._store.writing() as connection:
                savepoint = Savepoint(connection)
                before = self._open(connection)
                pending = _Pending(tree=before.copy(), time=stamp(self._clock.now()))
                taken = 0
                while taken < len(units) and pending.tree.size - before.size < MAX_ENTRIES:
                    self._take(connection, savepoint, units[taken], pending)
                    taken += 1
                self._flush(connection, pending)
                self._move_head(connection, before, pending.tree)
        except BaseException:
            self._forget()
            raise
        self._remember(pending)
        return taken, before.size, pending.tree

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
        if self._left_at != (size, frontier):
            self._forget()
        return Tree(size, frontier)

    def _take(self, connection: Connection, savepoint: Savepoint, unit: Unit, pending: _Pending) -> None:
        if unit.exclusive:
            self._flush(connection, pending)
        savepoint.set()
        try:
            recorded = self._do(connection, unit, pending)
            savepoint.release()
        except BaseException as error:  # the caller's to handle, whatever it is
            unit.receipt, unit.error = None, _told(error)
            savepoint.undo(unit.error)
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
                statement.run(connection, rows)
                rows.clear()

    def _move_head(self, connection: Connection, before: Tree, after: Tree) -> None:
        if after.size == before.size:
            return
        moved = self._sql.move_head.run(connection, [(1, before.size, after.size, after.frontier())])
        if moved != 1:
            raise StoreError(
                "BH-REC-014",
                f"the head of the ledger moved away from {before.size} under a lock",
                means="Nothing was written. Something other than Bridgehead writes to this store.",
                fix="Stop it, then run: bridgehead verify",
            )

    def _remember(self, pending: _Pending) -> None:
        if len(self._runs) > MAX_REMEMBERED_RUNS:
            self._runs.clear()
        self._runs.update(pending.runs)
        self._left_at = (pending.tree.size, pending.tree.frontier())

    def _forget(self) -> None:
        self._left_at = None
        self._runs.clear()
        self._keys.forget()


def _told(error: BaseException) -> BaseException:
    """Return a database's failure in our words, anything else as it is."""
    try:
        with in_our_words():
            raise error
    except BaseException as told:
        return told
