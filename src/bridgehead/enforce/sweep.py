"""What time does with questions: the rungs of their ladder, and in the end a refusal.

Run by the engine every few seconds, over partial indexes: what is not due costs nothing. Several
processes may sweep at once; each question is looked at again under its lock.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, update

from bridgehead.enforce import incidents
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.close import close, entry, locked, pointed
from bridgehead.enforce.tally import OWNER, needs_of
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import StoreError
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t

CLOCK = "service:clock"
AT_ONCE = 500
"""Questions one sweep takes: the rest is due a few seconds later."""
BATCH = 50
"""Questions that are committed together."""


def sweep(boundary: Boundary) -> int:
    """Do what is due by now; return how many questions it concerned. For a thread of its own."""
    return expire(boundary) + climb(boundary)


async def sweep_beside(boundary: Boundary) -> None:
    """Do the same from an event loop, which goes on meanwhile."""
    broken: list[BaseException] = []
    for find in (_over, _due):
        for batch in _batches(find(boundary)):
            ended = await asyncio.gather(*map(boundary.ledger.commit, batch), return_exceptions=True)
            broken += [error for error in ended if isinstance(error, BaseException)]
    _raise_first(broken)


def expire(boundary: Boundary) -> int:
    """Close the questions whose time is over, as refused; return how many. A review stays owed."""
    return _append(boundary, _over(boundary))


def climb(boundary: Boundary) -> int:
    """Climb the next rung of every question whose time for it has come; return how many."""
    return _append(boundary, _due(boundary))


def _append(boundary: Boundary, units: list[UnitOfWork]) -> int:
    broken: list[BaseException] = []
    for batch in _batches(units):
        try:
            boundary.ledger.append_all(batch)
        except Exception as error:
            broken.append(error)
    _raise_first(broken)
    return len(units)


def _batches(units: list[UnitOfWork]) -> Iterator[list[UnitOfWork]]:
    """Yield what is committed together: others wait for it no longer than a moment."""
    yield from (units[begin : begin + BATCH] for begin in range(0, len(units), BATCH))


def _raise_first(broken: list[BaseException]) -> None:
    """Raise what went wrong, once all were tried: a question that cannot be swept holds up no other."""
    for error in sorted(broken, key=lambda error: not isinstance(error, StoreError)):
        raise error


def _over(boundary: Boundary) -> list[UnitOfWork]:
    over = t.approval.c.due_at <= stamp(boundary.clock.now())
    return _each(boundary, (over, t.approval.c.kind != "review"), _expiry)


def _due(boundary: Boundary) -> list[UnitOfWork]:
    return _each(boundary, (t.approval.c.next_rung_at <= stamp(boundary.clock.now()),), _rung)


def _each(
    boundary: Boundary,
    due: tuple[ColumnElement[bool], ...],
    what: Callable[[Connection, Boundary, Row[Any]], Work],
) -> list[UnitOfWork]:
    with boundary.store.reading() as connection:
        found = connection.execute(
            select(t.approval.c.id).where(t.approval.c.state == "open", *due).limit(AT_ONCE)
        ).all()
    return [_one(boundary, row.id, what) for row in found]


def _one(
    boundary: Boundary, approval: str, what: Callable[[Connection, Boundary, Row[Any]], Work]
) -> Callable[[Connection], Work]:
    return lambda connection: what(connection, boundary, locked(connection, approval))


def withdrawing(boundary: Boundary, approval: str, why: str) -> UnitOfWork:
    """Return the unit that closes a question that is of no use any more, if it is open: no answer counts."""
    return lambda connection: _unanswered(connection, boundary, locked(connection, approval), why)


def _expiry(connection: Connection, boundary: Boundary, row: Row[Any]) -> Work:
    return _unanswered(connection, boundary, row, "nobody answered in time")


def _unanswered(connection: Connection, boundary: Boundary, row: Row[Any], why: str) -> Work:
    if row.state != "open":
        return Work()
    closed = close(connection, boundary, row, "expired", why, CLOCK)
    return Work(drafts=(closed,), then=pointed(row.id, "closed_entry", 0))


def _rung(connection: Connection, boundary: Boundary, row: Row[Any]) -> Work:
    now = stamp(boundary.clock.now())
    if row.state != "open" or row.next_rung_at is None or row.next_rung_at > now:
        return Work()
    ladder = json.loads(row.terms)["ladder"]
    rung = ladder[row.rung]
    later = ladder[row.rung + 1]["at"] if row.rung + 1 < len(ladder) else None
    wider = sorted({*json.loads(row.wider), *_reached(rung)})
    connection.execute(
        update(t.approval)
        .where(t.approval.c.id == row.id)
        .values(rung=row.rung + 1, next_rung_at=later, wider=canonical_bytes(wider).decode())
    )
    whom = _whom(boundary, row, rung)
    fields = {"kind": rung["do"], "rung": row.rung + 1, "who": whom}
    climbed = entry("approval.escalated", row, fields, {"do": rung["do"], "whom": whom}, CLOCK)
    if rung["do"] != "overdue":
        return Work(drafts=(climbed,))
    words = f"The review of what was permitted in an emergency is overdue since {row.due_at[:16]}Z."
    return Work(drafts=(climbed, incidents.of_question(connection, boundary, row, f"review:{row.id}", words)))


def _reached(rung: dict[str, str]) -> list[str]:
    return {"widen": [rung["to"]], "owner": [OWNER]}.get(rung["do"], [])


def _whom(boundary: Boundary, row: Row[Any], rung: dict[str, str]) -> str:
    """Return who hears of a rung, in words."""
    owner = boundary.directory().owner
    match rung["do"]:
        case "widen":
            return rung["to"]
        case "remind":
            return " and ".join(group for group, _ in needs_of(row))
    return f"{owner.person} and {owner.deputy}"
