"""Read entries back: the envelope as it was hashed, and its body while that is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Row, select

from bridgehead.kernel.canonical import decode
from bridgehead.kernel.errors import LedgerError
from bridgehead.store.tables import entry


class Book(Protocol):
    """The part of the ledger that readers need (``record.Ledger`` has it)."""

    def body(self, connection: Connection, index: int) -> Any:
        """Return the decrypted body; raises ``LedgerError`` when erased or missing."""

    def size_and_root(self) -> tuple[int, str]:
        """Return the number of entries and the root, in hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One entry as people read it. ``kept`` is false when its body was erased or cannot be opened."""

    index: int
    kind: str
    time: str
    run: str
    leaf: str
    envelope: dict[str, Any]
    body: Any = None
    kept: bool = True

    @property
    def position(self) -> str:
        """Return the place in the run's journal, or the empty string."""
        return str(self.envelope.get("position", ""))

    def part(self, name: str) -> dict[str, Any]:
        """Return an object field of the envelope; empty when it is absent."""
        found = self.envelope.get(name)
        return found if isinstance(found, dict) else {}

    def said(self, name: str, otherwise: Any = None) -> Any:
        """Return a field of the body; ``otherwise`` when the body is gone or has no such field."""
        return self.body.get(name, otherwise) if isinstance(self.body, dict) else otherwise


def entries_of(connection: Connection, book: Book, run: str, *, bodies: bool = True) -> tuple[Recorded, ...]:
    """Return every entry of a run, in the run's own order."""
    found = connection.execute(select(entry).where(entry.c.run == run).order_by(entry.c.seq)).all()
    return tuple(_recorded(connection, book, row, bodies) for row in found)


def entry_at(connection: Connection, book: Book, index: int, *, bodies: bool = True) -> Recorded | None:
    """Return one entry by its index; None when there is none."""
    row = connection.execute(select(entry).where(entry.c.idx == index)).first()
    return None if row is None else _recorded(connection, book, row, bodies)


def entries_noted(connection: Connection, book: Book, kind: str, note: str, since: str) -> list[Recorded]:
    """Return the deployment's own entries of a kind with this note, from a moment on, in their order. Only
    their bodies are read."""
    mine = (entry.c.kind == kind, entry.c.time >= since, entry.c.run == "")
    rows = connection.execute(select(entry).where(*mine).order_by(entry.c.idx))
    noted = [row for row in rows if decode(json.loads(row.envelope)).get("note") == note]
    return [_recorded(connection, book, row, True) for row in noted]


def at_position(entries: Sequence[Recorded], position: str) -> tuple[Recorded, ...]:
    """Return the entries of one crossing."""
    return tuple(item for item in entries if item.position == position)


def of_kind(entries: Sequence[Recorded], *kinds: str) -> tuple[Recorded, ...]:
    """Return the entries of these kinds, in order."""
    return tuple(item for item in entries if item.kind in kinds)


def _recorded(connection: Connection, book: Book, row: Row[Any], bodies: bool) -> Recorded:
    envelope = decode(json.loads(row.envelope))
    body, kept = _body(connection, book, row.idx, envelope) if bodies else (None, True)
    return Recorded(
        index=row.idx,
        kind=row.kind,
        time=row.time,
        run=row.run,
        leaf=row.leaf.hex(),
        envelope=envelope,
        body=body,
        kept=kept,
    )


def _body(connection: Connection, book: Book, index: int, envelope: dict[str, Any]) -> tuple[Any, bool]:
    if not envelope.get("body"):
        return None, True
    try:
        return book.body(connection, index), True
    except LedgerError:
        return None, False
