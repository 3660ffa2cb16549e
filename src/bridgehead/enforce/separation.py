"""Separation of duties: who may not decide a question, whatever groups they are in, and why."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from bridgehead.kernel.errors import ApprovalError
from bridgehead.store import tables as t

Bar = Literal["asked", "subject", "release", "edit", "emergency"]


def bars(connection: Connection, row: Row[Any]) -> dict[str, Bar]:
    """Return everybody who may not decide this question, each with the reason.

    Everyone in the chain that asked; whom it is about; whoever activated the release of the run (for an undo,
    the release that is taken back); whoever has activated another one since that gave them the right to
    decide here; whoever changed what is asked; for a review, whoever is reviewed.
    """
    found: dict[str, Bar] = dict.fromkeys(json.loads(row.requester), "asked")
    if row.subject:
        found.setdefault(row.subject, "subject")
    judged = _judged(connection, row.run)
    for person in (*_activators(connection, judged), *_promoted(connection, row, judged)):
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


def _activators(connection: Connection, release: str) -> list[str]:
    labels = select(t.release.c.activators).where(t.release.c.digest == release)
    return _people(connection.execute(labels).scalar())


def _people(labels: str | None) -> list[str]:
    people = [label.partition(":") for label in (labels or "").split()]
    return [person for kind, _, person in people if kind == "human"]


def _promoted(connection: Connection, row: Row[Any], judged: str) -> Iterator[str]:
    """Yield those who made themselves judges of this question: by a release activated since its run began."""
    began = select(t.run.c.created_at).where(t.run.c.id == row.run).scalar_subquery()
    since = connection.execute(
        select(t.release.c.charter, t.release.c.activators).where(
            t.release.c.digest != judged, t.release.c.activated_at >= began
        )
    ).all()
    if not since:
        return
    own = select(t.release.c.charter).where(t.release.c.digest == judged)
    before = json.loads(connection.execute(own).scalar() or "{}")
    deciding = _deciding(row)
    for release in since:
        charter = json.loads(release.charter)
        for person in _people(release.activators):
            if (_standing(charter, person) - _standing(before, person)) & deciding:
                yield person


def _deciding(row: Row[Any]) -> set[str]:
    emergency = json.loads(row.terms).get("emergency") or {"who": []}
    asked = {group for group, _ in json.loads(row.who)}
    return asked | set(json.loads(row.wider)) | set(emergency["who"])


def _standing(charter: Mapping[str, Any], person: str) -> set[str]:
    """Return the groups a charter puts somebody into, ``@owner`` for owner and deputy."""
    groups = set(charter.get("people", {}).get(person, {}).get("groups", ()))
    owner = charter.get("owner", {})
    return groups | ({"@owner"} if person in (owner.get("person"), owner.get("deputy")) else set())


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
