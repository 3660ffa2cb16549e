"""Runs as a list: filters, pages, one line of words each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from bridgehead.enforce.equals import HAPPENED, NOT_HAPPENED
from bridgehead.explain import words
from bridgehead.explain.figures import Figure
from bridgehead.store.tables import approval, crossing, run

STATUSES = ("running", "waiting", "done", "failed", "stopped")
PAGE = 50
MADE = (
    crossing.c.kind == "act",
    crossing.c.effect != "read",
    or_(
        crossing.c.settled.in_(HAPPENED),
        and_(crossing.c.state == "done", crossing.c.settled.not_in(NOT_HAPPENED)),
    ),
)
"""Conditions of a crossing that is a change which is known to have happened."""
_CHANGES = (
    select(func.count())
    .select_from(crossing)
    .where(crossing.c.run == run.c.id, *MADE)
    .correlate(run)
    .scalar_subquery()
)
LINES = select(run, _CHANGES.label("changes"))
"""Rows of runs as ``run_line`` takes them. ``run.effects`` counts attempts, as a budget does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run in a list. Times are RFC 3339 text; ``entry`` is its first ledger entry.

    ``effects`` are changes that are known to have happened.
    """

    id: str
    title: str
    workflow: str
    agent: str
    on_behalf: str
    subject: str
    status: str
    words: str
    waiting_for: str
    created_at: str
    ended_at: str
    took: str
    crossings: int
    effects: int
    release: str
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of runs, newest first. ``older`` is the cursor of the next page, or empty."""

    lines: tuple[RunLine, ...]
    counts: tuple[Figure, ...]
    status: str
    text: str
    older: str


def list_runs(
    connection: Connection, *, status: str = "", text: str = "", before: str = "", limit: int = PAGE
) -> RunPage:
    """Return a page of runs.

    ``status`` keeps one status, ``text`` keeps runs whose id, title or subject contains it,
    ``before`` is the ``older`` cursor of the page before. An unknown status finds nothing.
    """
    statement = _filtered(LINES, status, text)
    if before:
        at, _, last = before.partition("~")
        older = (run.c.created_at < at) | ((run.c.created_at == at) & (run.c.id < last))
        statement = statement.where(older)
    order = (run.c.created_at.desc(), run.c.id.desc())
    found = connection.execute(statement.order_by(*order).limit(limit + 1)).all()
    lines = tuple(run_line(row) for row in found[:limit])
    cursor = f"{lines[-1].created_at}~{lines[-1].id}" if len(found) > limit else ""
    return RunPage(lines=lines, counts=counts(connection), status=status, text=text, older=cursor)


def counts(connection: Connection) -> tuple[Figure, ...]:
    """Return how many runs there are in each status, and in all; statuses without runs are left out."""
    rows = connection.execute(select(run.c.status, func.count()).group_by(run.c.status)).all()
    by_status = {row.status: row[1] for row in rows}
    total = Figure(label="all", value=str(sum(by_status.values())), unit="runs", query="runs-by-status")
    listed = tuple(
        Figure(label=name, value=str(by_status[name]), unit="runs", query="runs-by-status")
        for name in STATUSES
        if name in by_status
    )
    return (total, *listed)


def one_line(connection: Connection, run_id: str) -> RunLine | None:
    """Return one run's line; None when there is no such run."""
    row = connection.execute(LINES.where(run.c.id == run_id)).first()
    return None if row is None else run_line(row)


def open_questions(connection: Connection, run_id: str) -> tuple[str, ...]:
    """Return the ids of the questions a run is waiting for."""
    found = connection.execute(
        select(approval.c.id)
        .where(approval.c.run == run_id, approval.c.state == "open")
        .order_by(approval.c.due_at)
    )
    return tuple(row.id for row in found)


def run_line(row: Row[Any]) -> RunLine:
    """Return a row of ``LINES`` as a line for people."""
    return RunLine(
        id=row.id,
        title=row.title or row.workflow,
        workflow=row.workflow,
        agent=row.agent,
        on_behalf=row.on_behalf,
        subject=row.subject,
        status=row.status,
        words=_words(row),
        waiting_for=row.waiting_for,
        created_at=row.created_at,
        ended_at=row.ended_at or "",
        took=words.between(row.created_at, row.ended_at or ""),
        crossings=row.crossings,
        effects=row.changes,
        release=row.release,
        entry=row.input_entry,
    )


def _words(row: Row[Any]) -> str:
    changed = f"{words.plural(row.changes, 'change')} made" if row.changes else "nothing changed"
    match row.status:
        case "running":
            return f"running, {changed} so far"
        case "waiting":
            return f"{waits_for(row.waiting_for)}, {changed} so far"
        case "done":
            return f"finished, {changed}"
        case _:
            return f"{row.status}, {changed}"


def waits_for(what: str) -> str:
    """Return in words what a parked run waits for."""
    head = what.partition(":")[0]
    return {
        "stop": "waits until the stop is lifted",
        "settle": "waits to learn whether an action happened",
        "person": "waits for a person to settle an unknown outcome",
        "data": "is held until the data it reads keep their contract",
        "lane": "waits its turn: the system takes only so many calls",
        "undone": "is held, because it is taken back",
        "undo": "waits for the next step of an undo",
        "": "waits",
    }.get(head, "waits for people")


def _filtered(statement: Select[Any], status: str, text: str) -> Select[Any]:
    if status:
        statement = statement.where(run.c.status == status)
    if text:
        clean = text.strip()
        statement = statement.where(
            or_(
                run.c.id.contains(clean, autoescape=True),
                run.c.title.contains(clean, autoescape=True),
                run.c.subject.contains(clean, autoescape=True),
            )
        )
    return statement
