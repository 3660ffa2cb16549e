"""What broke before and is in order again: from when to when, what was held back, what went out meanwhile.

In: closed incidents and the crossings of their time. Out: one line for each stretch in which something of one
table (or one workflow's results) was broken, the newest first. Never: what is broken now, which
``data_health`` and ``accuracy`` tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from bridgehead.store import tables as t

KINDS = ("data:", "arrivals:", "accuracy:")
MOST_INCIDENTS = 200
"""How far back is looked; a page shows fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Something that was broken from ``since``, when it was found, until it was in order again.

    ``about`` is a table, a workflow, or what several tables hang on. ``began`` is since when it is thought to
    have been so: of results that were right too seldom, the estimated change. ``refused_runs`` wanted to act
    after it was found and were refused for it; ``effects`` went out from ``began`` on.
    """

    about: str
    began: str
    since: str
    until: str
    words: tuple[str, ...]
    refused_runs: tuple[str, ...]
    effects: int


def past(connection: Connection) -> tuple[Past, ...]:
    """Return what broke before, the newest first."""
    rows = connection.execute(
        select(t.incident)
        .where(t.incident.c.closed_at.is_not(None), _is_about_data())
        .order_by(t.incident.c.opened_at.desc(), t.incident.c.id)
        .limit(MOST_INCIDENTS)
    ).all()
    stretches = [_told(connection, one) for one in _together(list(reversed(rows)))]
    return tuple(sorted(stretches, key=lambda one: (one.since, one.about), reverse=True))


def _is_about_data() -> ColumnElement[bool]:
    kind = t.incident.c.kind
    return kind.startswith(KINDS[0]) | kind.startswith(KINDS[1]) | kind.startswith(KINDS[2])


def _together(rows: Sequence[Row[Any]]) -> Iterator[list[Row[Any]]]:
    """Yield incidents about one thing that overlap: a batch that did not come makes its table too old."""
    open_: dict[str, list[Row[Any]]] = {}
    for row in rows:
        name = _about(row.kind)
        before = open_.get(name, [])
        if before and row.opened_at <= max(one.closed_at for one in before):
            before.append(row)
            continue
        if before:
            yield before
        open_[name] = [row]
    yield from open_.values()


def _about(kind: str) -> str:
    """Return the table or workflow of an incident; of ``accuracy:decide:9a3f``, the workflow."""
    head, _, name = kind.partition(":")
    return name.partition(":")[0] if head == "accuracy" else name


def _told(connection: Connection, rows: Sequence[Row[Any]]) -> Past:
    about = _about(rows[0].kind)
    since, until = min(one.opened_at for one in rows), max(one.closed_at for one in rows)
    is_workflow = rows[0].kind.startswith("accuracy:")
    began = _changed_at(connection, rows[0].kind) if is_workflow else since
    mine = t.crossing.c.run.in_(_runs_of(about, is_workflow=is_workflow))
    return Past(
        about=about,
        began=began or since,
        since=since,
        until=until,
        words=tuple(dict.fromkeys(_what(row.words) if is_workflow else row.words for row in rows)),
        refused_runs=tuple(_refused(connection, mine, since, until)),
        effects=_effects(connection, mine, began or since, until),
    )


def _runs_of(about: str, *, is_workflow: bool) -> Any:
    if is_workflow:
        return select(t.run.c.id).where(t.run.c.workflow == about)
    source, _, table = about.partition(".")
    return select(t.reading.c.run).where(t.reading.c.source == source, t.reading.c.object == table)


def _what(words: str) -> str:
    """Return the first sentence about an alarm; those after it say what to do while it stands."""
    first, dot, _ = words.partition(". ")
    return first + dot.strip()


def _changed_at(connection: Connection, kind: str) -> str:
    """Return since when the results that raised an alarm are thought to be what they are."""
    _, workflow, release = [*kind.split(":"), ""][:3]
    found: str | None = connection.execute(
        select(func.max(t.alarm_path.c.changed_at)).where(
            t.alarm_path.c.workflow == workflow,
            t.alarm_path.c.release.startswith(release, autoescape=True),
            t.alarm_path.c.raised_at != "",
        )
    ).scalar()
    return found or ""


def _refused(connection: Connection, mine: ColumnElement[bool], since: str, until: str) -> Iterator[str]:
    rules = t.crossing.c.decision
    rows = connection.execute(
        select(t.crossing.c.run)
        .where(
            mine,
            t.crossing.c.state == "refused",
            rules.contains('"data.') | rules.contains('"accuracy.'),
            t.crossing.c.started_at >= since,
            t.crossing.c.started_at < until,
        )
        .order_by(t.crossing.c.started_at, t.crossing.c.run)
    )
    yield from dict.fromkeys(row.run for row in rows)


def _effects(connection: Connection, mine: ColumnElement[bool], since: str, until: str) -> int:
    number: int = connection.execute(
        select(func.count())
        .select_from(t.crossing)
        .where(
            mine,
            t.crossing.c.effect != "read",
            t.crossing.c.state.in_(("done", "claimed", "unknown")),
            t.crossing.c.called_at >= since,
            t.crossing.c.called_at < until,
        )
    ).scalar_one()
    return number
