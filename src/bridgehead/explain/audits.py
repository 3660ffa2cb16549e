"""What waits to be looked at, and one result as its reviewers see it: blind.

In: what was drawn, and the run's own entries. Out: the fields the charter shows, and nothing else. Never: the
proxy, what others said of it, who agreed to it, or that somebody is asked as the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from bridgehead.enforce.boundary import Boundary
from bridgehead.kernel.errors import LedgerError
from bridgehead.store import tables as t
from bridgehead.watch.accuracy.fields import field_of
from bridgehead.watch.accuracy.labelling import accuracy_of, item_of, obstacle, reviewers

LIMIT = 200
BoundaryOf = Callable[[str], Boundary]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One result that waits. ``overdue``: its answer no longer counts as one in time."""

    run: str
    workflow: str
    question: str
    drawn_at: str
    due_at: str
    overdue: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One field of a result: where it stands, and what is there. ``there`` is False where nothing is."""

    name: str
    path: str
    value: Any
    there: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One result as a reviewer sees it. ``theirs``: this person is among the reviewers. ``why_not``: why
    their answer would not count. ``erased``: its content is gone."""

    run: str
    release: str
    theirs: bool
    workflow: str
    question: str
    decided_at: str
    due_at: str
    given: tuple[Shown, ...]
    came: tuple[Shown, ...]
    erased: bool
    why_not: str
    fix: str


def queue(
    connection: Connection, boundary_of: BoundaryOf, person: str = "", *, now: str, limit: int = LIMIT
) -> tuple[ItemLine, ...]:
    """Return what waits for this person, or for anybody where none is named; the oldest first."""
    return tuple(_lines(connection, boundary_of, person, now, limit))


def next_for(connection: Connection, boundary_of: BoundaryOf, person: str, *, now: str) -> str:
    """Return the run this person is to look at next, or nothing."""
    first = queue(connection, boundary_of, person, now=now, limit=1)
    return first[0].run if first else ""


def said_by(connection: Connection, run: str, person: str) -> str:
    """Return what a person said of a result, nothing where they did not."""
    said = connection.execute(
        select(t.audit_label.c.verdict).where(
            t.audit_label.c.run == run, t.audit_label.c.who == f"human:{person}"
        )
    ).scalar()
    return str(said or "")


def item_view(connection: Connection, boundary_of: BoundaryOf, run: str, person: str = "") -> ItemView | None:
    """Return a drawn result as this person sees it; None where it was not drawn."""
    item = item_of(connection, run)
    if item is None:
        return None
    boundary = boundary_of(item.release)
    declared = accuracy_of(boundary, item.workflow)
    assert declared is not None  # nothing is drawn otherwise
    content = _content(connection, boundary, run)
    shown = tuple(_shown(content or {}, path) for path in declared.shows)
    error = obstacle(connection, boundary, item, person) if person else None
    return ItemView(
        run=run,
        release=item.release,
        theirs=person in reviewers(boundary, item.workflow),
        workflow=item.workflow,
        question=declared.question,
        decided_at=item.drawn_at,
        due_at=item.due_at,
        given=tuple(each for each in shown if each.path.startswith("input.")),
        came=tuple(each for each in shown if not each.path.startswith("input.")),
        erased=content is None,
        why_not=error.what if error is not None else "",
        fix=error.fix if error is not None else "",
    )


def _lines(
    connection: Connection, boundary_of: BoundaryOf, person: str, now: str, limit: int
) -> Iterator[ItemLine]:
    waiting = (
        select(t.audit_item)
        .where(t.audit_item.c.answers < t.audit_item.c.wanted)
        .order_by(t.audit_item.c.drawn_at, t.audit_item.c.run)
    )
    found = 0
    for item in connection.execute(waiting).all():
        boundary = boundary_of(item.release)
        if person and obstacle(connection, boundary, item, person) is not None:
            continue
        yield _line(boundary, item, now)
        found += 1
        if found == limit:
            return


def _line(boundary: Boundary, item: Row[Any], now: str) -> ItemLine:
    declared = accuracy_of(boundary, item.workflow)
    return ItemLine(
        run=item.run,
        workflow=item.workflow,
        question=declared.question if declared is not None else "",
        drawn_at=item.drawn_at,
        due_at=item.due_at,
        overdue=item.due_at < now,
    )


def _content(connection: Connection, boundary: Boundary, run: str) -> Mapping[str, Any] | None:
    """Return what the run was given and came to; None where either was erased."""
    row = connection.execute(select(t.run.c.input_entry, t.run.c.result_entry).where(t.run.c.id == run)).one()
    try:
        given = boundary.ledger.body(connection, row.input_entry)
        came = boundary.ledger.body(connection, row.result_entry)
    except LedgerError:
        return None
    return {"input": given.get("input"), "result": came.get("result")}


def _shown(content: Mapping[str, Any], path: str) -> Shown:
    value = field_of(content, path)
    name = path.partition(".")[2] or path
    return Shown(
        name=name.replace(".", ", ").replace("_", " "), path=path, value=value, there=value is not None
    )
