"""Something its owner must look at: the one place where incidents are opened and closed.

In: a connection inside a unit of work. Out: rows, and the entries that speak of them. Never: decides.
An incident about one effect is of kind ``WHAT:POSITION``, is opened once, and is closed in the transaction
that settles the effect. The words of an incident hold nothing personal: they are stored plain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, or_, select, update

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.clock import Clock, stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.ids import new_id
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t

ENGINE = "service:engine"
WHATS = ("unknown", "duplicate", "zombie", "gone", "late-answer")


def open_row(connection: Connection, clock: Clock, kind: str, words: str, *, run: str = "") -> None:
    """Insert the row of an incident. Whoever does so records an entry about it in the same transaction."""
    connection.execute(
        insert(t.incident).values(
            id=new_id("inc", clock),
            run=run,
            kind=kind,
            words=recordable(words),
            opened_at=stamp(clock.now()),
        )
    )


def of_question(connection: Connection, boundary: Boundary, row: Row[Any], kind: str, words: str) -> Draft:
    """Open an incident about a question and return the entry that records it."""
    open_row(connection, boundary.clock, kind, words, run=row.run)
    fields = {"note": kind, "position": row.position}
    return _raised(boundary, row.run, words, fields, actor="service:approvals", subject=row.subject)


def of_run(boundary: Boundary, run: str, kind: str, words: str) -> UnitOfWork:
    """Return the unit of work that tells the owner why a run was stopped, or what was found in its queue."""

    def work(connection: Connection) -> Work:
        open_row(connection, boundary.clock, kind, words, run=run)
        return Work(drafts=(_raised(boundary, run, words, {"note": kind}, actor=ENGINE),))

    return work


def of_worker(clock: Clock, kind: str, words: str) -> UnitOfWork:
    """Return the unit of work that tells the owner, once, of a worker that is not well. It needs no release:
    that may be what this worker cannot get."""

    def work(connection: Connection) -> Work:
        charter = connection.execute(select(t.release.c.charter).where(t.release.c.active == 1)).scalar()
        owner = json.loads(charter)["owner"]["person"] if charter else ""
        return Work(drafts=open_kind_once(connection, clock, kind, words, owner=owner, actor=ENGINE))

    return work


def worker_is_well(clock: Clock, kind: str) -> UnitOfWork:
    """Return the unit of work that closes what is open about a worker."""
    return lambda connection: Work(drafts=close_kind(connection, clock, kind, actor=ENGINE))


def open_kind_once(
    connection: Connection, clock: Clock, kind: str, words: str, *, owner: str, actor: str
) -> tuple[Draft, ...]:
    """Open an incident that is about no run and return its entry; nothing where one of its kind is open."""
    if connection.execute(_open_of(kind)).first() is not None:
        return ()
    open_row(connection, clock, kind, words)
    body = {"words": words, "owner": owner}
    return (Draft(kind="finding.raised", actor=actor, fields={"note": kind}, body=body),)


def close_kind(
    connection: Connection, clock: Clock, kind: str, *, actor: str, body: Any = None
) -> tuple[Draft, ...]:
    """Close what is open of a kind; return the entry that says so, if anything was."""
    found = [row.id for row in connection.execute(_open_of(kind)).all()]
    if not found:
        return ()
    connection.execute(
        update(t.incident).where(t.incident.c.id.in_(found)).values(closed_at=stamp(clock.now()))
    )
    fields = {"note": kind, "refs": found}
    return (Draft(kind="finding.cleared", actor=actor, fields=fields, body=body),)


def reword(connection: Connection, kind: str, new: str, words: str) -> None:
    """Call what is open of a kind by another one, with other words: more is known of the same trouble.
    Whoever does so records an entry about it in the same transaction."""
    connection.execute(
        update(t.incident)
        .where(t.incident.c.kind == kind, t.incident.c.closed_at.is_(None))
        .values(kind=new, words=recordable(words))
    )


def open_kinds(connection: Connection, prefix: str) -> dict[str, str]:
    """Return the words of what is open, by the part of its kind that follows ``prefix``."""
    like = t.incident.c.kind.startswith(prefix, autoescape=True)
    rows = connection.execute(
        select(t.incident.c.kind, t.incident.c.words).where(like, t.incident.c.closed_at.is_(None))
    )
    return {row.kind.removeprefix(prefix): row.words for row in rows}


def _open_of(kind: str) -> Select[Any]:
    return select(t.incident.c.id).where(t.incident.c.kind == kind, t.incident.c.closed_at.is_(None))


def open_once(
    connection: Connection,
    boundary: Boundary,
    run: str,
    position: str,
    what: str,
    words: str,
    *,
    subject: str = "",
    actor: str = "service:settle",
    more: Mapping[str, Any] | None = None,
) -> tuple[Draft, ...]:
    """Open an incident about an effect and return its entry; nothing where it is open already.

    ``more`` is recorded beside the words, in the erasable body.
    """
    kind = f"{what}:{position}"
    known = connection.execute(
        select(t.incident.c.id).where(
            t.incident.c.run == run, t.incident.c.kind == kind, t.incident.c.closed_at.is_(None)
        )
    ).first()
    if known is not None:
        return ()
    open_row(connection, boundary.clock, kind, words, run=run)
    raised = _raised(boundary, run, words, {"position": position}, actor=actor, subject=subject)
    return (replace(raised, body={**raised.body, **(more or {})}),)


def close(
    connection: Connection,
    boundary: Boundary,
    run: str,
    position: str,
    *,
    actor: str,
    subject: str = "",
    whats: Sequence[str] = WHATS,
) -> tuple[Draft, ...]:
    """Close what is open about an effect, all of it or ``whats`` alone; return the entry that says so."""
    about = _about(run, position, whats)
    found = connection.execute(select(t.incident.c.id).where(*about)).all()
    if not found:
        return ()
    connection.execute(update(t.incident).where(*about).values(closed_at=stamp(boundary.clock.now())))
    cleared = Draft(
        kind="finding.cleared",
        actor=actor,
        run=run,
        fields={"position": position, "refs": [row.id for row in found]},
        subject=subject,
    )
    return (cleared,)


def open_about(connection: Connection, run: str, position: str) -> tuple[str, ...]:
    """Return the words of the incidents that are open about an effect, oldest first."""
    rows = connection.execute(
        select(t.incident.c.words).where(*_about(run, position)).order_by(t.incident.c.opened_at)
    )
    return tuple(row.words for row in rows)


def _raised(
    boundary: Boundary, run: str, words: str, fields: dict[str, Any], *, actor: str, subject: str = ""
) -> Draft:
    """Return the entry about an incident: what it is, and who answers for it."""
    body = {"words": words, "owner": boundary.directory().owner.person}
    return Draft(kind="finding.raised", actor=actor, run=run, fields=fields, body=body, subject=subject)


def _about(run: str, position: str, whats: Sequence[str] = WHATS) -> tuple[Any, ...]:
    kinds = [t.incident.c.kind == f"{what}:{position}" for what in whats]
    return t.incident.c.run == run, or_(*kinds), t.incident.c.closed_at.is_(None)
