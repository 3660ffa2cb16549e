"""Incidents about one effect: opened once, closed in the transaction that settles it.

In: a connection inside a unit of work. Out: rows, and the entries that speak of them. Never: decides.
The kind of such an incident is ``WHAT:POSITION``; its words hold nothing personal, they are stored plain.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.ids import new_id
from bridgehead.store import tables as t

WHATS = ("unknown", "duplicate", "zombie", "gone", "late-answer")


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
) -> tuple[Draft, ...]:
    """Open an incident about an effect and return its entry; nothing where it is open already."""
    kind = f"{what}:{position}"
    known = connection.execute(
        select(t.incident.c.id).where(
            t.incident.c.run == run, t.incident.c.kind == kind, t.incident.c.closed_at.is_(None)
        )
    ).first()
    if known is not None:
        return ()
    connection.execute(
        insert(t.incident).values(
            id=new_id("inc", boundary.clock),
            run=run,
            kind=kind,
            words=words,
            opened_at=stamp(boundary.clock.now()),
        )
    )
    raised = Draft(
        kind="finding.raised",
        actor=actor,
        run=run,
        fields={"position": position},
        body={"words": words, "owner": boundary.directory().owner.person},
        subject=subject,
    )
    return (raised,)


def close(
    connection: Connection, boundary: Boundary, run: str, position: str, *, actor: str, subject: str = ""
) -> tuple[Draft, ...]:
    """Close what is open about an effect, and return the entry that says so."""
    about = _about(run, position)
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


def _about(run: str, position: str) -> tuple[Any, ...]:
    kinds = [t.incident.c.kind == f"{what}:{position}" for what in WHATS]
    return t.incident.c.run == run, or_(*kinds), t.incident.c.closed_at.is_(None)
