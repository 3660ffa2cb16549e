"""The ledger: append, prove, erase.

    ledger = Ledger.open(store, Keys.load(folder), origin="acme/refunds", clock=SystemClock())
    receipt = ledger.append(lambda connection: Work(drafts=(draft,)))   # durable when it returns
    note = ledger.checkpoint()                                          # keep a copy elsewhere

An append is a unit of work: row changes and the entries that speak of them, in one transaction
(``batch`` reads as that transaction). Entries are envelopes with erasable bodies (``envelope``,
``body``), hashed into a Merkle tree (``merkle``) whose root the log signs from time to time
(``checkpoint``). ``verify`` checks all of it and shares no code with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, literal, select
from sqlalchemy.exc import IntegrityError

from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.errors import LedgerError, StoreError
from bridgehead.record import erase, merkle
from bridgehead.record.batch import Appender
from bridgehead.record.body import DataKeys, SealedBody, unseal
from bridgehead.record.entries import envelope_in
from bridgehead.record.keys import Keys
from bridgehead.record.merkle import Tree
from bridgehead.record.unit import Receipt, UnitOfWork, Work
from bridgehead.record.writer import Writer
from bridgehead.store import Store
from bridgehead.store import tables as t
from bridgehead.store.statement import Statement

_BODY = Statement(
    select(
        t.entry.c.envelope,
        *(t.body.c.record_key, t.body.c.nonce, t.body.c.ciphertext, t.body.c.kid),
        *(t.data_key.c.subject, t.data_key.c.nonce.label("key_nonce"), t.data_key.c.wrapped),
    )
    .select_from(t.entry)
    .outerjoin(t.body, t.body.c.idx == t.entry.c.idx)
    .outerjoin(t.data_key, t.data_key.c.kid == t.body.c.kid)
    .where(t.entry.c.idx == bindparam("index"))
)
CHECKPOINT_EVERY = 1_000
"""Entries. Each boundary crossed is followed by a checkpoint, signed off the append path."""


class Ledger:
    """One deployment's log. Several processes may hold one open on the same store."""

    def __init__(self, store: Store, keys: Keys, origin: str, clock: Clock) -> None:
        self.origin = origin
        self._store = store
        self._keys = keys
        self._clock = clock
        self._data_keys = DataKeys(keys.kek, origin)
        appender = Appender(store, DataKeys(keys.kek, origin), origin, clock)
        self._writer = Writer(appender, self._grown)
        self._fence: Callable[[Connection], None] | None = None

    @classmethod
    def open(cls, store: Store, keys: Keys, *, origin: str, clock: Clock) -> Ledger:
        """Open the log of a store, or begin it.

        Raises ``LedgerError`` (BH-REC-012) if the store or the keys belong to another log.
        """
        found = _begin(store, origin)
        for what, name in (("store", found), ("keys", keys.origin)):
            if name != origin:
                raise LedgerError(
                    "BH-REC-012",
                    f"the {what} belong to the ledger {name}, not to {origin}",
                    means="A log never changes its name: signatures and checkpoints carry it.",
                    fix="Open it under its own name, or begin a new deployment folder.",
                )
        return cls(store, keys, origin, clock)

    def append(self, work: UnitOfWork) -> Receipt:
        """Commit a unit of work; it is durable when this returns. From any thread.

        Raises what the unit raised (then only this unit is undone), ``LedgerError`` if an entry
        cannot be recorded, ``StoreError`` if the database cannot commit (then nothing happened).
        """
        return self._writer.append(self._guarded(work))

    def append_all(self, works: Sequence[UnitOfWork]) -> list[Receipt]:
        """Do what ``append`` does with several units, in few commits.

        Each succeeds or fails by itself; raises what the first that failed raised.
        """
        return self._writer.append_all([self._guarded(work) for work in works])

    async def commit(self, work: UnitOfWork) -> Receipt:
        """Do what ``append`` does from an event loop; callers share commits."""
        return await self._writer.commit(self._guarded(work))

    def fenced(self, fence: Callable[[Connection], None]) -> Ledger:
        """Return this log for somebody whose right to write may end: each of their units begins with
        ``fence``, in the same transaction; what it raises undoes the unit."""
        twin = copy(self)
        twin._fence = fence
        return twin

    def unfenced(self) -> Ledger:
        """Return this log without a fence: for what is true whoever carries the work on."""
        twin = copy(self)
        twin._fence = None
        return twin

    def _guarded(self, work: UnitOfWork) -> UnitOfWork:
        fence = self._fence
        if fence is None:
            return work

        def behind(connection: Connection) -> Work:
            fence(connection)
            return work(connection)

        return behind

    def body(self, connection: Connection, index: int) -> Any:
        """Return the value an entry was recorded with, checked against its commitment.

        Raises ``LedgerError``: BH-REC-020 none there (never, erased, or missing), BH-REC-021 altered.
        """
        row = _BODY.first(connection, index=index)
        about = envelope_in(row, index).get("body")
        if about is None or row is None or row.kid is None or row.wrapped is None:
            raise LedgerError(
                "BH-REC-020",
                f"entry {index} has no body" if about is None else f"the body of entry {index} is gone",
                means="It was erased lawfully, or somebody removed it.",
                fix="Run: bridgehead verify; it tells the two apart.",
            )
        key = self._data_keys.unwrapped(row.kid, row.subject, row.key_nonce, row.wrapped)
        return unseal(SealedBody(row.record_key, row.nonce, row.ciphertext, row.kid), key, about["c"])

    def erase_subject(self, subject: str, *, by: str, basis: str, reason: str) -> Receipt:
        """Erase every body of a subject, with a ``body.erased`` entry; ``value`` counts them.

        ``by`` is the principal (``human:ines``), ``basis`` the legal basis in short
        (``gdpr-art-17``), ``reason`` words for the erasable body of that entry.
        """
        work = erase.erase_subject(subject, by=by, basis=basis, reason=reason)
        return self._writer.append(work, exclusive=True)

    def erase_body(self, index: int, *, by: str, basis: str, reason: str) -> Receipt:
        """Erase the body of one entry, with a ``body.erased`` entry."""
        work = erase.erase_body(index, by=by, basis=basis, reason=reason)
        return self._writer.append(work, exclusive=True)

    def checkpoint(self) -> str:
        """Sign what the log holds now, store the note and return it.

        Keep copies where the operator of this store cannot change them: that is what makes a
        rewritten log visible.
        """
        tree = self._tree()
        with self._store.reading() as connection:
            kept = connection.execute(
                select(t.checkpoint.c.note).where(t.checkpoint.c.size == tree.size)
            ).scalar()
        return str(kept) if kept is not None else str(self._writer.append(self._sign(tree)).value)

    @property
    def vkey(self) -> str:
        """Return the verifier key: what others check this ledger's signatures with."""
        return self._keys.vkey

    def derived(self, purpose: str) -> str:
        """Return a secret of this ledger's for another purpose, the same for as long as it has its keys."""
        return self._keys.derived(purpose)

    def sign_note(self, text: str) -> str:
        """Return a text signed with the key that signs checkpoints (C2SP signed note).

        INVARIANT: its second line is no decimal number, or it would pass for a checkpoint.
        """
        if text.split("\n")[1].isdecimal() or not text.endswith("\n"):
            raise ValueError("a text that could pass for a checkpoint, or lacks its last line feed")
        return self._keys.sign_note(text)

    def size_and_root(self) -> tuple[int, str]:
        """Return how many entries there are, and the root of the tree in hexadecimal."""
        tree = self._tree()
        return tree.size, tree.root().hex()

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of an entry in the tree of ``size`` (RFC 6962 section 2.1.1)."""
        with self._store.reading() as connection:
            return merkle.inclusion_proof(_stored_hashes(connection), index, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the log of ``new`` entries begins with that of ``old``."""
        with self._store.reading() as connection:
            return merkle.consistency_proof(_stored_hashes(connection), old, new)

    def close(self) -> None:
        """Commit what is queued, sign a checkpoint if the log grew, and stop the writer.

        Where the database is away, what is new is signed at the next close.
        """
        try:
            with suppress(LedgerError, StoreError):  # BH-REC-016: closed before
                if self._unsigned():
                    self.checkpoint()
        finally:
            self._writer.close()

    def _grown(self, before: int, tree: Tree) -> None:
        # Whoever carries the log over a boundary signs; with several processes that is one of them.
        if tree.size // CHECKPOINT_EVERY > before // CHECKPOINT_EVERY:
            self._writer.later(self._sign(tree))

    def _sign(self, tree: Tree) -> UnitOfWork:
        """Return the unit that stores a checkpoint. Signed here, before any lock is taken."""
        note = self._keys.sign_checkpoint(tree.size, tree.root())
        size, time = tree.size, stamp(self._clock.now())

        def work(connection: Connection) -> Work:
            absent = ~select(t.checkpoint.c.size).where(t.checkpoint.c.size == size).exists()
            row = select(literal(size), literal(note), literal(time)).where(absent)
            connection.execute(insert(t.checkpoint).from_select(["size", "note", "time"], row))
            return Work(value=note)

        return work

    def _tree(self) -> Tree:
        with self._store.reading() as connection:
            head = connection.execute(select(t.ledger_head.c.size, t.ledger_head.c.frontier)).one()
        return Tree(head.size, head.frontier)

    def _unsigned(self) -> bool:
        with self._store.reading() as connection:
            signed = connection.execute(select(func.max(t.checkpoint.c.size))).scalar() or 0
            size = connection.execute(select(t.ledger_head.c.size)).scalar() or 0
        return bool(size > signed)


def _begin(store: Store, origin: str) -> str:
    """Create the head row where there is none; return the name of the log that is there."""
    row = select(literal(1), literal(origin), literal(0), literal(b"")).where(
        ~select(t.ledger_head.c.id).exists()
    )
    with suppress(IntegrityError), store.writing() as connection:  # another process began it just now
        connection.execute(insert(t.ledger_head).from_select(["id", "origin", "size", "frontier"], row))
    with store.reading() as connection:
        return str(connection.execute(select(t.ledger_head.c.origin)).scalar_one())


def _stored_hashes(connection: Connection) -> merkle.ReadHashes:
    def read(level: int, start: int, count: int) -> list[bytes]:
        table, column, key = (
            (t.entry, t.entry.c.leaf, t.entry.c.idx)
            if level == 0
            else (
                t.node,
                t.node.c.hash,
                t.node.c.position,
            )
        )
        wanted = select(column).where(key >= start, key < start + count).order_by(key)
        if level:
            wanted = wanted.where(table.c.level == level)
        return list(connection.execute(wanted).scalars())

    return read
