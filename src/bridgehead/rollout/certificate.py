"""The certificate of an undo: every effect with what became of it, counted, and signed by the ledger's key.

A C2SP signed note (https://c2sp.org/signed-note) of plain lines, so that anybody can read it, and check it
offline with ``bridgehead verify --certificate FILE`` or with ``record/verify.py`` alone. It balances: the
counts add up to the population, the money taken back and remaining to the money moved.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from bridgehead.enforce import equals
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.money import shown
from bridgehead.kernel.undoing import OUTCOMES, balance, outcome
from bridgehead.record import Work
from bridgehead.rollout.plan import DID_NOT, NOBODY_KNOWS
from bridgehead.store import tables as t

HAPPENED = "It was found out since the plan that it happened. Nothing has taken it back."
FORMAT = "bridgehead undo certificate 1"


def counts(rows: Sequence[Row[Any]], state: str) -> dict[str, int]:
    """Return how many items came to what; they add up to the population."""
    found = Counter(_of(row, state) for row in rows)
    return {name: found[name] for name in OUTCOMES}


def money(rows: Sequence[Row[Any]], state: str) -> dict[str, dict[str, Decimal]]:
    """Return by currency what was moved (taken back and remaining together), and what is unclear."""
    return balance((_of(row, state), row.amount, row.currency) for row in rows)


def issue(boundary: Boundary, undo: Row[Any], *, final: bool) -> Any:
    """Return the work that writes and signs the certificate; ``value`` is its text.

    ``final`` ends the undo; an interim certificate counts what is still to come as pending.
    """
    size, root = boundary.ledger.size_and_root()

    def work(connection: Connection) -> Work:
        if final:
            _learn(connection, undo.id)
        rows = connection.execute(
            select(t.undo_item).where(t.undo_item.c.undo == undo.id).order_by(t.undo_item.c.number)
        ).all()
        now = stamp(boundary.clock.now())
        lines = [*_head(connection, boundary, undo, now, final=final), *_counted(rows, undo.state)]
        lines += [f"ledger: {size} {root}", *(_line(row, undo.state) for row in rows)]
        note = boundary.ledger.sign_note("\n".join(lines) + "\n")
        digest = hashlib.sha256(note.encode()).hexdigest()
        found = counts(rows, undo.state)
        about = {"id": undo.id, "scope": undo.scope, "target": undo.target, "plan": undo.plan_digest}
        about |= {"certificate": digest, "effects": len(rows), "undone": found["undone"]}
        draft = Draft(
            kind="undo.certified",
            actor="service:undo",
            run=undo.run,
            fields={"undo": about | {"state": "final" if final else "interim"}},
            body={"certificate": note},
        )
        if final:
            values = {"ended_at": now, **({"state": "ended"} if undo.state == "running" else {})}
            connection.execute(update(t.undo).where(t.undo.c.id == undo.id).values(**values))
        return Work(drafts=(draft,), value=note, then=_point(undo.id))

    return work


def _learn(connection: Connection, undo: str) -> None:
    """Bring what was not known when the plan was made to what is known now: it is counted as that."""
    at = (t.crossing.c.run == t.undo_item.c.run) & (t.crossing.c.position == t.undo_item.c.position)
    rows = connection.execute(
        select(t.undo_item.c.number, t.undo_item.c.why, t.crossing.c.state, t.crossing.c.settled)
        .join(t.crossing, at)
        .where(
            t.undo_item.c.undo == undo,
            t.undo_item.c.state == "planned",
            or_(*(t.undo_item.c.why.startswith(why) for why in (NOBODY_KNOWS, DID_NOT))),
        )
    ).all()
    for row in rows:
        if equals.unclear(row.state, row.settled):
            continue
        happened = equals.happened(row.state, row.settled)
        state, why = ("person", HAPPENED) if happened else ("nothing", DID_NOT)
        mine = (t.undo_item.c.undo == undo, t.undo_item.c.number == row.number)
        connection.execute(update(t.undo_item).where(*mine).values(state=state, why=why))


def certified(boundary: Boundary, undo: str) -> str:
    """Return the certificate of an undo: the final one, or one made now that counts what is still to come."""
    with boundary.store.reading() as connection:
        row = connection.execute(select(t.undo).where(t.undo.c.id == undo)).one()
        if row.ended_at and row.certificate_entry is not None:
            return read(boundary, connection, row)
    return str(boundary.ledger.append(issue(boundary, row, final=False)).value)


def read(boundary: Boundary, connection: Connection, undo: Row[Any]) -> str:
    """Return the certificate that was issued last; empty where there is none."""
    if undo.certificate_entry is None:
        return ""
    return str(boundary.ledger.body(connection, undo.certificate_entry)["certificate"])


def issued(boundary: Boundary, connection: Connection, undo: str) -> str:
    """Return the certificate issued last for an undo, interim or final; empty where there is none."""
    row = connection.execute(select(t.undo).where(t.undo.c.id == undo)).first()
    return "" if row is None else read(boundary, connection, row)


def _head(
    connection: Connection, boundary: Boundary, undo: Row[Any], now: str, *, final: bool
) -> Iterator[str]:
    agreed = connection.execute(
        select(t.vote.c.principal)
        .join(t.approval, t.approval.c.id == t.vote.c.approval)
        .where(t.approval.c.run == undo.run, t.approval.c.position == "agree", t.vote.c.answer == "approve")
        .order_by(t.vote.c.principal)
    ).scalars()
    sights = {}
    if undo.plan_entry is not None:
        sights = boundary.ledger.body(connection, undo.plan_entry)["sights"]
    yield FORMAT
    yield f"deployment: {boundary.ledger.origin}"
    yield f"undo: {undo.id}"
    yield f"of: {undo.scope} {undo.target}"
    yield f"ordered-by: {undo.ordered_by}"
    yield f"agreed-by: {' '.join(agreed) or '-'}"
    yield f"plan: {undo.plan_digest}"
    yield f"issued: {now} {'final' if final else 'interim'}"
    yield f"seen: {' '.join(f'{name}={number}' for name, number in sorted(sights.items())) or '-'}"


def _counted(rows: Sequence[Row[Any]], state: str) -> Iterator[str]:
    yield f"effects: {len(rows)}"
    for name, number in counts(rows, state).items():
        yield f"{name}: {number}"
    for currency, of in sorted(money(rows, state).items()):
        yield f"money: {currency} " + " ".join(f"{name}={shown(amount)}" for name, amount in of.items())


def _line(row: Row[Any], state: str) -> str:
    what = _of(row, state)
    settled = what in ("undone", "nothing")
    parts = (
        str(row.number),
        what,
        f"{row.run}/{row.position}",
        row.target,
        shown(Decimal(row.amount)) if row.amount else "",
        row.currency,
        "" if settled else row.person,
        "" if settled else row.due_at,
    )
    return "item: " + " ".join(part or "-" for part in parts)


def _of(row: Row[Any], state: str) -> str:
    return outcome(row.group, row.state, state)


def _point(undo: str) -> Any:
    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        connection.execute(
            update(t.undo).where(t.undo.c.id == undo).values(certificate_entry=written[0].index)
        )

    return then
