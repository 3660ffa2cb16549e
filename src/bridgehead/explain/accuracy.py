"""How often is a workflow right? Said only as far as people have looked, and with what it rests on.

In: what was drawn, what people said, the alarm's path. Out: one standing for each workflow with a promise.
Never: an accuracy without answers as if it were known; the confidence of the workflow stands apart, with its
state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select

from bridgehead.declare import Deployment
from bridgehead.declare.accuracy import Accuracy
from bridgehead.explain.words import plural
from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t
from bridgehead.watch.accuracy.estimating import Estimated, estimated
from bridgehead.watch.accuracy.hearing import advice, alarm_of, open_path, percent
from bridgehead.watch.accuracy.interval import Interval, Label, interval

WINDOW = timedelta(weeks=4)
FEW = 30
"""Audited results below which nothing is known of a group."""
NEWEST = 20_000
"""Results whose confidence is read for the interval, at most; all of them are counted."""
Standing = Literal["below", "kept", "not proved", "not known"]
_ORDER: tuple[Standing, ...] = ("below", "not known", "not proved", "kept")
SAID: dict[Standing, str] = {
    "below": "proved to be right too seldom",
    "kept": "right as often as promised",
    "not proved": "neither is proved",
    "not known": "not known",
}
BLIND = (
    "what has changed since the last answer: only answers show that the same case is now decided wrongly",
    "mistakes that the workflow and its reviewers share",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What people made of the results of a time. ``waiting`` are drawn and not overdue yet; ``words`` say
    what may be said of it."""

    since: str
    results: int
    drawn: int
    answered: int
    waiting: int
    interval: Interval
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyLine:
    """One workflow that promises an accuracy, under the active release.

    ``changed_at`` is since when it is estimated to be below its floor, ``touched_runs`` came to a result
    since then, and did ``touched_effects``. ``agreed`` of ``twice`` results that two people looked at were
    judged alike. ``evidence`` of ``needed`` has gathered against the floor. ``confidence`` is what the
    workflow's own confidence suggests: no accuracy, and never shown as one.
    """

    workflow: str
    floor: float
    floor_words: str
    reviewers: str
    standing: Standing
    standing_words: str
    lately: Looked
    release: Looked
    overdue: int
    alarm_since: str
    alarm_words: str
    advice: str
    changed_at: str
    evidence: float
    needed: float
    touched_runs: tuple[str, ...]
    touched_effects: int
    twice: int
    agreed: int
    cannot_see: tuple[str, ...]
    confidence: Estimated | None


def accuracy(connection: Connection, deployment: Deployment, now: datetime) -> tuple[AccuracyLine, ...]:
    """Return every workflow that promises an accuracy, the worst first."""
    lines = [
        _line(connection, deployment, name, workflow.accuracy, now)
        for name, workflow in deployment.charter.workflows.items()
        if workflow.accuracy is not None
    ]
    return tuple(sorted(lines, key=lambda line: (_ORDER.index(line.standing), line.workflow)))


def _line(
    connection: Connection, deployment: Deployment, workflow: str, declared: Accuracy, now: datetime
) -> AccuracyLine:
    items, of = _items(connection, deployment, workflow), _of_release(deployment, workflow)
    proxies = _proxies(connection, of)
    looked = partial(_looked, connection, of, items, proxies, now)
    lately = looked(stamp(now - WINDOW), "in the last 4 weeks")
    since = looked("", "since this release began")
    path = open_path(connection, workflow, deployment.digest)
    alarm = alarm_of(path) if path is not None else None
    raised = path is not None and path.raised_at is not None
    standing: Standing = "below" if raised else _standing(declared.floor, lately.interval)
    touched = _touched(connection, of, path.changed_at) if path is not None and raised else ()
    twice, agreed = _agreement(connection, items)
    return AccuracyLine(
        workflow=workflow,
        floor=declared.floor,
        floor_words=percent(declared.floor),
        reviewers=declared.reviewers,
        standing=standing,
        standing_words=SAID[standing],
        lately=lately,
        release=since,
        overdue=sum(item.answers < item.wanted and item.due_at < stamp(now) for item in items),
        alarm_since=path.raised_at or "" if path is not None else "",
        alarm_words=path.words if path is not None else "",
        advice=advice(connection, declared, workflow, deployment.digest) if raised else "",
        changed_at=path.changed_at or "" if path is not None else "",
        evidence=alarm.evidence if alarm is not None else 1.0,
        needed=1 / declared.alpha,
        touched_runs=touched,
        touched_effects=_effects(connection, of, path.changed_at) if path is not None and touched else 0,
        twice=twice,
        agreed=agreed,
        cannot_see=(*BLIND, *_small(items)),
        confidence=estimated(connection, workflow, deployment.digest),
    )


def _items(connection: Connection, deployment: Deployment, workflow: str) -> Sequence[Any]:
    return connection.execute(
        select(t.audit_item, t.output.c.proxy, t.output.c.segment)
        .join(t.output, t.output.c.run == t.audit_item.c.run)
        .where(t.audit_item.c.workflow == workflow, t.audit_item.c.release == deployment.digest)
    ).all()


def _of_release(deployment: Deployment, workflow: str) -> tuple[Any, ...]:
    return t.output.c.workflow == workflow, t.output.c.release == deployment.digest


def _proxies(connection: Connection, of: tuple[Any, ...]) -> Sequence[Any]:
    return connection.execute(
        select(t.output.c.run, t.output.c.at, t.output.c.proxy)
        .where(*of, t.output.c.proxy.is_not(None))
        .order_by(t.output.c.at.desc())
        .limit(NEWEST)
    ).all()


def _looked(
    connection: Connection,
    of: tuple[Any, ...],
    every: Sequence[Any],
    proxies: Sequence[Any],
    now: datetime,
    since: str,
    when: str,
) -> Looked:
    """Return what is known of the results made since then; an answer counts for when its result was made."""
    items = [item for item in every if item.drawn_at >= since]
    results = _count(connection, select(t.output.c.run).where(*of, t.output.c.at >= since))
    answered = [item for item in items if item.verdict]
    waiting = [item for item in items if not item.verdict and not item.answers and item.due_at >= stamp(now)]
    known = {item.run for item in answered}
    found = interval(
        [Label(right=i.verdict == "right", proxy=i.proxy, probability=i.probability) for i in answered],
        [row.proxy for row in proxies if row.at >= since and row.run not in known],
        drawn=len(items) - len(waiting),
        population=0,  # it speaks of the workflow, not of these results: having seen all proves no more
    )
    return Looked(
        since=since,
        results=results,
        drawn=len(items),
        answered=len(answered),
        waiting=len(waiting),
        interval=found,
        words=said(found, when),
    )


def said(found: Interval, when: str) -> str:
    """Return what may be said of an accuracy: an estimate with what it rests on, or that it is not known."""
    if found.estimate is None or found.low is None or found.high is None:
        return f"Not known {when}. {found.why}"
    low, high = round(100 * found.low), round(100 * found.high)
    return (
        f"Estimated {round(100 * found.estimate)} % ({low}-{high}), from {found.labels} audited "
        f"{'result' if found.labels == 1 else 'results'} {when}; assumes random audit."
    )


def _standing(floor: float, found: Interval) -> Standing:
    if found.low is None or found.high is None:
        return "not known"
    return "kept" if found.low >= floor else "not proved"


def _touched(connection: Connection, of: tuple[Any, ...], since: str) -> tuple[str, ...]:
    rows = select(t.output.c.run).where(*of, t.output.c.at >= since).order_by(t.output.c.at, t.output.c.run)
    return tuple(row.run for row in connection.execute(rows))


def _effects(connection: Connection, of: tuple[Any, ...], since: str) -> int:
    runs = select(t.output.c.run).where(*of, t.output.c.at >= since)
    done = select(t.crossing.c.run).where(
        t.crossing.c.run.in_(runs),
        t.crossing.c.effect != "read",
        t.crossing.c.state.in_(("done", "claimed", "unknown")),
    )
    return _count(connection, done)


def _count(connection: Connection, rows: Select[Any]) -> int:
    return int(connection.execute(select(func.count()).select_from(rows.subquery())).scalar_one())


def _agreement(connection: Connection, items: Sequence[Any]) -> tuple[int, int]:
    """Return how many results two people gave a definite answer about, and how many of those were alike."""
    both = {item.run for item in items if item.wanted > 1}
    if not both:
        return 0, 0
    said_of: dict[str, list[str]] = {}
    rows = connection.execute(
        select(t.audit_label.c.run, t.audit_label.c.verdict).where(
            t.audit_label.c.who.startswith("human:"), t.audit_label.c.verdict != "unclear"
        )
    )
    for row in rows:
        if row.run in both:
            said_of.setdefault(row.run, []).append(row.verdict)
    pairs = [verdicts for verdicts in said_of.values() if len(verdicts) > 1]
    return len(pairs), sum(len(set(verdicts)) == 1 for verdicts in pairs)


def _small(items: Sequence[Any]) -> tuple[str, ...]:
    """Return in words which groups too few people have looked at."""
    count: dict[str, int] = {}
    for item in items:
        if item.segment:
            count[item.segment] = count.get(item.segment, 0) + bool(item.verdict)
    small = sorted(segment for segment, number in count.items() if number < FEW)
    if not small:
        return ()
    named = ", ".join(small[:8]) + (f" and {len(small) - 8} more" if len(small) > 8 else "")
    return (f"how it does in {plural(len(small), 'group')} with fewer than {FEW} audited results: {named}",)
