"""Separation of duties: who may not decide a question, whatever groups they are in, and why."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from bridgehead.kernel.errors import ApprovalError
from bridgehead.store import tables as t

Bar = Literal["asked", "subject", "release", "edit", "emergency"]


def bars(connection: Connection, row: Row[Any]) -> dict[str, Bar]:
    """Return everybody who may not decide this question, each with the reason.

    Everyone in the chain that asked; whom it is about; whoever made the run's release, or the
    one that is taken back, the active one; whoever changed what is asked; for a review, whoever is reviewed.
    """
    found: dict[str, Bar] = dict.fromkeys(json.loads(row.requester), "asked")
    if row.subject:
        found.setdefault(row.subject, "subject")
    for person in _activators(connection, row.run):
        found.setdefault(person, "release")
    for person, why in json.loads(row.barred).items():
        found.setdefault(person, why)
    return found


def refusal(why: Bar, able: Collection[str]) -> ApprovalError:
    """Return the error for somebody who may not decide; ``able`` are those who may."""
    fix = f"These people can: {', '.join(sorted(able)) or 'nobody; tell the owner'}."
    match why:
        case "asked" | "subject":
            return ApprovalError(
                "BH-APR-004", "nobody approves their own request, or one about themselves", fix=fix
            )
        case "release":
            return ApprovalError(
                "BH-APR-020",
                "whoever activated the release does not decide what is asked under it",
                means="Who writes the rules and who decides under them are different people.",
                fix=fix,
            )
        case "edit":
            return ApprovalError(
                "BH-APR-021", "whoever changed the action does not decide about the change", fix=fix
            )
        case "emergency":
            return ApprovalError(
                "BH-APR-022", "nobody reviews what they permitted in an emergency themselves", fix=fix
            )


def _activators(connection: Connection, run: str) -> list[str]:
    released = t.release.c.digest == _judged(connection, run)
    labels = connection.execute(select(t.release.c.activators).where(released)).scalar()
    people = [label.partition(":") for label in (labels or "").split()]
    return [person for kind, _, person in people if kind == "human"]


def _judged(connection: Connection, run: str) -> str:
    """Return the release whose makers do not decide: the run's own, or for an undo the one taken back."""
    row = connection.execute(select(t.run.c.release, t.run.c.kind).where(t.run.c.id == run)).one()
    if row.kind != "undo":
        return str(row.release)
    saga = select(t.undo_item.c.undo).where(t.undo_item.c.saga == run)
    taken = connection.execute(
        select(t.undo.c.scope, t.undo.c.target).where((t.undo.c.run == run) | t.undo.c.id.in_(saga))
    ).first()
    if taken is None or taken.scope == "release":
        return str(taken.target if taken else row.release)
    return str(connection.execute(select(t.run.c.release).where(t.run.c.id == taken.target)).scalar_one())
