"""Somebody says of a result whether it was right: a reviewer who was asked, or a system that knows later.

::

    label(boundary, run, by=person, verdict="wrong", reason="The income was monthly.")
    label_from(boundary, run, source="collections", by=person, verdict="right", known_at=moment)

Answer, ledger entry and what the alarm makes of it commit together. The first definite answer about a result
counts; a later one tells how far people agree. Nothing is overwritten. Never: shows anybody what others said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from bridgehead.declare.accuracy import Accuracy
from bridgehead.declare.model import Charter
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.errors import WatchError
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.watch.accuracy import faults
from bridgehead.watch.accuracy.hearing import hear

Verdict = Literal["right", "wrong", "unclear"]
VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "unclear")
SOURCE = "source:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What became of an answer: ``new``, or said before. ``raised``: it raised the alarm."""

    run: str
    new: bool
    raised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """An answer on its way: whose it is, who gave it in, since when it was known."""

    run: str
    who: str
    by: Principal
    verdict: Verdict
    reason: str
    known_at: datetime


def label(boundary: Boundary, run: str, *, by: Principal, verdict: Verdict, reason: str = "") -> Counted:
    """Write down what a reviewer says of a result. ``boundary`` is that of the run's release.

    Raises ``WatchError``: BH-WAT-073 nothing to look at, 074 not theirs to look at, 075 they said otherwise
    before, 076 others answered, 077 no reason for ``wrong`` or ``unclear``.
    """
    if verdict != "right" and not reason.strip():
        raise faults.without_reason(verdict)
    said = _Said(
        run=run, who=by.label(), by=by, verdict=verdict, reason=reason.strip(), known_at=boundary.clock.now()
    )

    def work(connection: Connection) -> Work:
        item = item_of(connection, run)
        if item is None:
            raise faults.nothing_there(run)
        if _said_before(connection, said):
            return Work(value=Counted(run=run, new=False))
        error = obstacle(connection, boundary, item, by.id)
        if error is not None:
            raise error
        return _written(connection, boundary, said, item)

    counted: Counted = boundary.ledger.append(work).value
    return counted


def label_from(
    boundary: Boundary,
    run: str,
    *,
    source: str,
    by: Principal,
    verdict: Verdict,
    known_at: datetime,
    reason: str = "",
) -> Counted:
    """Write down what another system says of a result, drawn or not; ``by`` brings it in.

    It counts like a person's where the result was drawn. Raises ``WatchError``: BH-WAT-073 no such result,
    075 that system said otherwise before, 082 ``by`` is neither the owner nor the deputy.
    """
    owner = boundary.directory().owner
    if by.id not in (owner.person, owner.deputy):
        raise faults.not_to_bring((owner.person, owner.deputy))
    said = _Said(
        run=run, who=f"{SOURCE}{source}", by=by, verdict=verdict, reason=reason.strip(), known_at=known_at
    )

    def work(connection: Connection) -> Work:
        known = connection.execute(select(t.output.c.run).where(t.output.c.run == run)).first()
        if known is None:
            raise faults.nothing_there(run)
        if _said_before(connection, said):
            return Work(value=Counted(run=run, new=False))
        return _written(connection, boundary, said, item_of(connection, run))

    counted: Counted = boundary.ledger.append(work).value
    return counted


def release_of(connection: Connection, run: str) -> str:
    """Return the release a result came from. Raises ``WatchError`` (BH-WAT-073)."""
    found = connection.execute(select(t.output.c.release).where(t.output.c.run == run)).scalar()
    if found is None:
        raise faults.nothing_there(run)
    return str(found)


def item_of(connection: Connection, run: str) -> Row[Any] | None:
    """Return the row of a result that was drawn."""
    return connection.execute(select(t.audit_item).where(t.audit_item.c.run == run)).first()


def obstacle(connection: Connection, boundary: Boundary, item: Row[Any], person: str) -> WatchError | None:
    """Return why this person's answer about an item would not count now, or None."""
    if item.answers >= item.wanted:
        return faults.answered(item.run)
    barred = bars(connection, item.run)
    able = [name for name in reviewers(boundary, item.workflow) if name not in barred]
    if person in able:
        return None
    why = barred.get(person, "you are not among its reviewers")
    return faults.not_yours(why, able)


def reviewers(boundary: Boundary, workflow: str) -> list[str]:
    """Return who looks at results of a workflow: members of its group who are active today."""
    declared = accuracy_of(boundary, workflow)
    people = boundary.directory().people
    if declared is None:
        return []
    return [name for name, who in people.items() if who.active and declared.reviewers in who.groups]


def reviewed_by(charter: Charter, person: str) -> list[str]:
    """Return the workflows of a charter whose results a person looks at."""
    who = charter.people.get(person)
    groups = who.groups if who is not None and who.active else ()
    return [
        name
        for name, workflow in charter.workflows.items()
        if workflow.accuracy is not None and workflow.accuracy.reviewers in groups
    ]


def accuracy_of(boundary: Boundary, workflow: str) -> Accuracy | None:
    """Return what a release promises of a workflow's accuracy."""
    declared = boundary.charter.workflows.get(workflow)
    return None if declared is None else declared.accuracy


def bars(connection: Connection, run: str) -> dict[str, str]:
    """Return everybody who does not look at a result of this run, and why: nobody judges their own work."""
    row = connection.execute(select(t.run.c.on_behalf, t.run.c.subject).where(t.run.c.id == run)).one()
    found = dict.fromkeys(_decided(connection, run), "you decided about this case")
    found |= dict.fromkeys(_answered(connection, run), "you have answered already")
    if row.subject:
        found[row.subject] = "it is about you"
    return found | {row.on_behalf: "it was done on your behalf"}


def _decided(connection: Connection, run: str) -> Iterator[str]:
    rows = connection.execute(
        select(t.vote.c.principal, t.vote.c.on_behalf_of)
        .join(t.approval, t.approval.c.id == t.vote.c.approval)
        .where(t.approval.c.run == run)
    )
    for row in rows:
        yield from (person for person in (row.principal, row.on_behalf_of) if person)


def _answered(connection: Connection, run: str) -> Iterator[str]:
    rows = connection.execute(select(t.audit_label.c.who).where(t.audit_label.c.run == run))
    for row in rows:
        kind, _, person = row.who.partition(":")
        if kind == "human":
            yield person


def _said_before(connection: Connection, said: _Said) -> bool:
    """Say whether this was said before. Raises BH-WAT-075 where something else was."""
    before = connection.execute(
        select(t.audit_label.c.verdict).where(
            t.audit_label.c.run == said.run, t.audit_label.c.who == said.who
        )
    ).scalar()
    if before is not None and before != said.verdict:
        raise faults.said_otherwise(said.run, said.who.partition(":")[2], str(before))
    return before is not None


def _written(connection: Connection, boundary: Boundary, said: _Said, item: Row[Any] | None) -> Work:
    now = stamp(boundary.clock.now())
    place = {"run": said.run, "who": said.who}
    connection.execute(
        insert(t.audit_label).values(**place, verdict=said.verdict, at=now, known_at=stamp(said.known_at))
    )
    heard = _counted(connection, boundary, said, item, now) if item is not None else ()
    subject = connection.execute(select(t.run.c.subject).where(t.run.c.id == said.run)).scalar_one()
    body = {"verdict": said.verdict, "reason": said.reason, "who": said.who, "known_at": said.known_at}
    labelled = Draft(kind="audit.labelled", actor=said.by.label(), run=said.run, body=body, subject=subject)

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        connection.execute(
            update(t.audit_label)
            .where(t.audit_label.c.run == said.run, t.audit_label.c.who == said.who)
            .values(entry=written[0].index)
        )

    counted = Counted(run=said.run, new=True, raised=bool(heard))
    return Work(drafts=(labelled, *heard), value=counted, then=then)


def _counted(
    connection: Connection, boundary: Boundary, said: _Said, item: Row[Any], now: str
) -> tuple[Draft, ...]:
    """Count an answer about an item that was drawn; return what the alarm says, where it is raised by it."""
    values: dict[str, Any] = {"answers": item.answers + 1}
    definite = said.verdict != "unclear" and not item.verdict
    if definite:
        values |= {"verdict": said.verdict, "verdict_at": now}
    connection.execute(update(t.audit_item).where(t.audit_item.c.run == item.run).values(**values))
    if not definite or not item.core:
        return ()
    return hear(connection, boundary, item, wrong=said.verdict == "wrong")
