"""A run has come to its result: it is written down, and drawn to be looked at, or not.

Called in the transaction that ends the run, so that no result escapes the draw. Whether it is drawn follows
from a keyed hash of the run's id alone, at a rate that what came before it made: nobody who does not hold the
key can tell, and a replay draws the same. Never: looks at what the result says before drawing its random
core, or lets an odd value of a deployment's own stop a run.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from bridgehead.declare.accuracy import Accuracy
from bridgehead.declare.model import Workflow, seconds
from bridgehead.enforce.boundary import Boundary, RunState
from bridgehead.kernel.canonical import recordable
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.entry import Draft
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t
from bridgehead.watch.accuracy.audit import Budget, Drawn, draw, rate, twice
from bridgehead.watch.accuracy.fields import field_of, probability_of

ACTOR = "service:watch"
PURPOSE = "audit"
WEEK = timedelta(days=7)
LOOKED_BACK = 500
"""How many results before this one say how many come in a week, and what is rare or large among them."""
MORE, LESS = 2.0, 0.75
"""Weights of what is worth a second look, about a fifth of results, and of the rest: the budget is kept."""
DOUBTFUL = 0.75
RARE = 0.05
LARGE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What is kept of a result beside its entry: nothing personal."""

    segment: str = ""
    amount: float | None = None
    proxy: float | None = None
    business_key: str = ""


def at_end(boundary: Boundary, run: RunState, case: Mapping[str, Any], result: Any) -> UnitOfWork | None:
    """Return the unit that writes a result down and draws it, or None where nobody promised an accuracy."""
    workflow = boundary.charter.workflows.get(run.workflow)
    if run.kind != "case" or workflow is None or workflow.accuracy is None:
        return None
    declared = workflow.accuracy
    seen = _seen(boundary, declared, {"input": case, "result": result})

    def work(connection: Connection) -> Work:
        now = boundary.clock.now()
        before = _before(connection, run.workflow)
        raised = is_raised(connection, run, workflow)
        a_week = weekly([unstamp(row.at) for row in before], now)
        share = rate(budget_of(declared), a_week, raised=raised)
        found = draw(_key(boundary), run.id, share, weight=_weight(seen, before))
        _write_result(connection, run, now, seen)
        if found.as_what == "not drawn":
            return Work()
        second = twice(_key(boundary), run.id)
        _write_item(connection, run, now, declared, found, second)
        body = {
            "drawn": found.as_what,
            "probability": found.probability,
            "share": share,
            "a_week": a_week,
            "raised": raised,
            "people": 2 if second else 1,
        }
        drawn = Draft(kind="audit.drawn", actor=ACTOR, run=run.id, body=body, subject=run.subject)
        return Work(drafts=(drawn,))

    return work


def budget_of(declared: Accuracy) -> Budget:
    """Return a charter's budget as the draw wants it."""
    audit = declared.audit
    return Budget(share=audit.share, least=audit.at_least, most=audit.at_most)


def weekly(at: Sequence[datetime], now: datetime) -> float:
    """Return about how many results come in a week, the one at ``now`` included. ``at``: those before it, the
    newest first, at most ``LOOKED_BACK``.

    Less than a day says little about a week: what came so far counts as a day's.
    """
    recent = [each for each in at if each > now - WEEK]
    whole = len(recent) < LOOKED_BACK and bool(at) and at[-1] <= now - WEEK
    since = WEEK if whole else now - min(recent, default=now)
    return (len(recent) + 1) * (WEEK / min(WEEK, max(since, timedelta(days=1))))


def business_key(boundary: Boundary, value: object) -> str:
    """Return how the number of a case is kept: hashed under a key, so that it names nobody."""
    text = recordable(str(value)).strip()
    return hmac.digest(_key(boundary), b"case\x00" + text.encode(), hashlib.sha256).hex() if text else ""


def is_raised(connection: Connection, run: RunState, workflow: Workflow) -> bool:
    """Say whether something asks for a closer look: a clause with ``raiseAudit`` is broken on a table the run
    has read, or its workflow rests on; or its confidence does not speak for what it decides now."""
    closer = select(t.estimate.c.closer).where(
        t.estimate.c.workflow == run.workflow, t.estimate.c.release == run.release
    )
    if connection.execute(closer).scalar():
        return True
    read = select(t.reading.c.source, t.reading.c.object).where(t.reading.c.run == run.id)
    names = {f"{row.source}.{row.object}" for row in connection.execute(read)} | set(workflow.rests_on)
    broken = connection.execute(
        select(t.breach.c.source, t.breach.c.object, t.breach.c.response, t.breach.c.readers)
    )
    return any(
        f"{row.source}.{row.object}" in names
        and json.loads(row.readers).get(run.workflow, row.response) == "raiseAudit"
        for row in broken
    )


def _key(boundary: Boundary) -> bytes:
    return boundary.ledger.derived(PURPOSE).encode()


def _seen(boundary: Boundary, declared: Accuracy, run: Mapping[str, Any]) -> Result:
    segment, key = field_of(run, declared.segment), field_of(run, declared.key)
    return Result(
        segment=recordable(str(segment))[:200] if segment is not None else "",
        amount=_number(field_of(run, declared.amount)),
        proxy=probability_of(field_of(run, declared.proxy)),
        business_key=business_key(boundary, key) if key is not None else "",
    )


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, (str, int, float)) else float(str(value))
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _before(connection: Connection, workflow: str) -> list[Any]:
    rows = connection.execute(
        select(t.output.c.at, t.output.c.segment, t.output.c.amount)
        .where(t.output.c.workflow == workflow)
        .order_by(t.output.c.at.desc())
        .limit(LOOKED_BACK)
    )
    return list(rows)


def _weight(seen: Result, before: list[Any]) -> float:
    """Return how much more than others it is worth a look, beside the random core: the workflow doubts it
    itself, its group is small, or it is among the largest."""
    if seen.proxy is not None and seen.proxy < DOUBTFUL:
        return MORE
    if seen.segment and sum(row.segment == seen.segment for row in before) < RARE * len(before):
        return MORE
    amounts = [row.amount for row in before if row.amount is not None]
    larger = sum(each >= seen.amount for each in amounts) if seen.amount is not None else len(amounts)
    return MORE if larger < LARGE * len(amounts) else LESS


def _write_result(connection: Connection, run: RunState, now: datetime, seen: Result) -> None:
    connection.execute(
        insert(t.output).values(
            run=run.id,
            workflow=run.workflow,
            release=run.release,
            at=stamp(now),
            segment=seen.segment,
            amount=seen.amount,
            proxy=seen.proxy,
            business_key=seen.business_key,
        )
    )


def _write_item(
    connection: Connection, run: RunState, now: datetime, declared: Accuracy, found: Drawn, second: bool
) -> None:
    within = timedelta(seconds=seconds(declared.audit.within))
    connection.execute(
        insert(t.audit_item).values(
            run=run.id,
            workflow=run.workflow,
            release=run.release,
            drawn_at=stamp(now),
            due_at=stamp(now + within),
            core=int(found.as_what == "core"),
            probability=found.probability,
            wanted=2 if second else 1,
        )
    )
