"""What goes into one transaction together, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bridgehead.kernel.entry import Draft, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a unit of work wants recorded after its row changes succeeded.

    ``value`` is handed back in the receipt. ``then`` runs in the same savepoint once the entries
    have their indexes, to store those in rows. The entries themselves are inserted when the batch
    ends, so neither function can read them back.
    """

    drafts: tuple[Draft, ...] = ()
    value: Any = None
    then: Callable[[Connection, tuple[Written, ...]], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof of commit: it exists only once everything in the unit is durable."""

    value: Any
    entries: tuple[Written, ...]


UnitOfWork = Callable[[Connection], Work]
"""Does its row changes on the writer's connection and returns what to record. Runs on the writer's
thread inside a savepoint: no network, no waiting. Raising undoes this unit and no other. It is called once
more where the database took back what it did (a lost connection, a deadlock): whatever it changes outside the
database must bear that."""


def joined(units: Sequence[UnitOfWork]) -> UnitOfWork:
    """Return one unit that does several, one after the other: they stand or fall together."""
    return lambda connection: as_one([unit(connection) for unit in units])


def as_one(works: Sequence[Work]) -> Work:
    """Return several works as one; its value is theirs, in order."""

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        begin = 0
        for each in works:
            end = begin + len(each.drafts)
            if each.then is not None:
                each.then(connection, written[begin:end])
            begin = end

    drafts = tuple(draft for each in works for draft in each.drafts)
    return Work(drafts=drafts, value=tuple(each.value for each in works), then=then)
