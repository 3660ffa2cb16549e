"""What a workflow's confidence suggests of its last week, looked up in the deployment and written down.

In: results people looked at under this release, and those of the last week nobody has; their features from
the runs' own entries. Out: a row for each workflow that names a proxy and what it rests on. Where nothing can
be estimated although there are answers enough, more is drawn. Never: an accuracy.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from bridgehead.declare.accuracy import Accuracy
from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import LedgerError
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch.accuracy.fields import field_of

if TYPE_CHECKING:
    from bridgehead.watch.accuracy.labelfree import Example, LabelFree

EVERY = timedelta(hours=1)
LATELY = timedelta(days=7)
WITHOUT = {"words": "Cannot be estimated without answers: the extra `watch` is not installed here."}
MOST = 1000
"""Results of the last week, and answers before it, that are read at most: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """What was written down: the state, what may be said, and whether it asks for a closer look."""

    at: str
    state: str
    words: str
    closer: bool


def due(connection: Connection, boundary: Boundary) -> list[str]:
    """Return the workflows whose confidence is to be looked at now."""
    before = stamp(boundary.clock.now() - EVERY)
    known = {
        row.workflow
        for row in connection.execute(
            select(t.estimate.c.workflow).where(
                t.estimate.c.release == boundary.deployment.digest, t.estimate.c.at > before
            )
        )
    }
    return [name for name in estimable(boundary) if name not in known]


def estimable(boundary: Boundary) -> list[str]:
    """Return the workflows that name a proxy and the features it rests on."""
    return [
        name
        for name, workflow in boundary.charter.workflows.items()
        if workflow.accuracy is not None and workflow.accuracy.proxy and workflow.accuracy.features
    ]


def estimating(boundary: Boundary, workflow: str) -> UnitOfWork:
    """Return the unit that writes down what confidence suggests of a workflow's last week."""
    try:
        from bridgehead.watch.accuracy.labelfree import LEAST, judged
    except ImportError:
        return lambda connection: _write(
            connection, boundary, workflow, "not estimable", WITHOUT, closer=False
        )
    declared = boundary.charter.workflows[workflow].accuracy
    assert declared is not None  # ``estimable``
    with boundary.store.reading() as connection:
        reference, batch = _examples(connection, boundary, workflow, declared)
    found = judged(reference, batch)
    closer = found.span is None and min(len(reference), len(batch)) >= LEAST

    return lambda connection: _write(connection, boundary, workflow, found.state, _said(found), closer=closer)


def estimated(connection: Connection, workflow: str, release: str) -> Estimated | None:
    """Return what was written down last of a workflow under a release."""
    row = connection.execute(
        select(t.estimate).where(t.estimate.c.workflow == workflow, t.estimate.c.release == release)
    ).first()
    if row is None:
        return None
    words = json.loads(row.said)["words"]
    return Estimated(at=row.at, state=row.state, words=words, closer=bool(row.closer))


def _examples(
    connection: Connection, boundary: Boundary, workflow: str, declared: Accuracy
) -> tuple[list[Example], list[Example]]:
    since = stamp(boundary.clock.now() - LATELY)
    rows = (
        select(t.output.c.run, t.output.c.proxy, t.audit_item.c.verdict)
        .outerjoin(t.audit_item, t.audit_item.c.run == t.output.c.run)
        .where(
            t.output.c.workflow == workflow,
            t.output.c.release == boundary.deployment.digest,
            t.output.c.proxy.is_not(None),
        )
        .order_by(t.output.c.at.desc())
        .limit(MOST)
    )
    before = rows.where(t.output.c.at < since, t.audit_item.c.verdict != "")
    lately = rows.where(t.output.c.at >= since)
    return _read(connection, boundary, declared, before), _read(connection, boundary, declared, lately)


def _read(connection: Connection, boundary: Boundary, declared: Accuracy, rows: Any) -> list[Example]:
    from bridgehead.watch.accuracy.labelfree import Example

    found = []
    for row in connection.execute(rows).all():
        features = _features(connection, boundary, declared, row.run)
        if features is not None:
            right = row.verdict == "right" if row.verdict else None
            found.append(Example(features=features, proxy=row.proxy, right=right))
    return found


def _features(
    connection: Connection, boundary: Boundary, declared: Accuracy, run: str
) -> dict[str, Any] | None:
    """Return the features of a result; None where its content was erased."""
    entries = connection.execute(
        select(t.run.c.input_entry, t.run.c.result_entry).where(t.run.c.id == run)
    ).one()
    try:
        given = boundary.ledger.body(connection, entries.input_entry)
        came = boundary.ledger.body(connection, entries.result_entry)
    except LedgerError:
        return None
    content = {"input": given.get("input"), "result": came.get("result")}
    return {path: _value(field_of(content, path)) for path in declared.features}


def _value(value: Any) -> str | float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)[:100]
    return number if math.isfinite(number) else None


def _said(found: LabelFree) -> dict[str, Any]:
    return {
        "words": found.words,
        "apart": _told(found.apart),
        "effective": _told(found.effective),
        "error": _told(found.error),
        "reference": found.reference,
        "batch": found.batch,
    }


def _write(
    connection: Connection,
    boundary: Boundary,
    workflow: str,
    state: str,
    said: dict[str, Any],
    *,
    closer: bool,
) -> Work:
    now = stamp(boundary.clock.now())
    values = {"at": now, "state": state, "said": json.dumps(said), "closer": int(closer)}
    place = {"workflow": workflow, "release": boundary.deployment.digest}
    where = (t.estimate.c.workflow == workflow, t.estimate.c.release == boundary.deployment.digest)
    if connection.execute(update(t.estimate).where(*where).values(**values)).rowcount == 0:
        connection.execute(insert(t.estimate).values(**place, **values))
    return Work()


def _told(number: float) -> float | None:
    return round(number, 4) if math.isfinite(number) else None
