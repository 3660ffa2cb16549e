"""Are the data in order, what do those that are not hold back, and what was done with them already?

In: the rows that ``watch`` and the boundary write. Out: one line for each table with a contract, worst first.
Never: looks at data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, func, select

from bridgehead.declare import Deployment
from bridgehead.enforce.health import RESPONSES, UNKNOWN
from bridgehead.kernel.clock import stamp
from bridgehead.store import tables as t

Standing = Literal["broken", "unknown", "in order"]
_ORDER: tuple[Standing, ...] = ("broken", "unknown", "in order")
DOES = {
    "record": "nothing is held back",
    "warn": "nothing is held back",
    "raiseAudit": "nothing is held back; more results are drawn for people to look at",
    "toPerson": "what acts on it is left to a person",
    "rollBack": "what acts on it is left to a person",
    "lastGood": "reads go on; what can be taken back is left to a person, what cannot is refused",
    "quarantine": "reads go on; what can be taken back is left to a person, what cannot is refused",
    "hold": "its readers wait; what cannot be taken back is refused",
    "block": "everything that rests on it is refused",
}
WEEK = timedelta(days=7)
MOST_TITLES = 200
"""Runs whose titles are read at once; pages show fewer."""
_WORST = ("block", "hold", "quarantine", "lastGood", "rollBack", "toPerson", "raiseAudit", "warn", "record")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenClause:
    """A clause that does not hold: found ``since``, last seen to hold at ``kept_at`` (empty: never)."""

    clause: str
    words: str
    where: str
    response: str
    does: str
    exceptions: dict[str, str]
    since: str
    kept_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A needed column that had no value for ``runs`` runs since ``WEEK``: what they do goes to a person."""

    column: str
    runs: int
    last_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHealth:
    """One table with a contract.

    ``held`` counts runs that wait for it. ``touched_runs`` read it after it was last seen in order;
    ``touched_effects`` are what those runs did from then on: to be looked at again.
    """

    source: str
    table: str
    contract: str
    standing: Standing
    does: str
    clauses: tuple[BrokenClause, ...]
    checked_at: str
    good_until: str
    data_as_of: str
    held: int
    touched_runs: tuple[str, ...]
    touched_effects: int
    readers: tuple[str, ...]
    missing: tuple[Missing, ...] = ()


def tables(connection: Connection, deployment: Deployment, now: datetime) -> tuple[TableHealth, ...]:
    """Return every table with a contract, the worst first."""
    lines = [
        _table(connection, deployment, source, table, now)
        for source, declared in deployment.charter.sources.items()
        if declared.contract
        for table in declared.tables
    ]
    return tuple(sorted(lines, key=_badness))


def titles(connection: Connection, runs: Iterable[str]) -> dict[str, str]:
    """Return what runs are called, by their ids."""
    found = connection.execute(
        select(t.run.c.id, t.run.c.title).where(t.run.c.id.in_(list(runs)[:MOST_TITLES]))
    )
    return {row.id: row.title for row in found}


def _badness(line: TableHealth) -> tuple[int, int, str, str]:
    worst = min((_rank(each.response) for each in line.clauses), default=len(_WORST))
    return _ORDER.index(line.standing), worst, line.source, line.table


def _rank(response: str) -> int:
    return _WORST.index(response) if response in _WORST else 0


def _table(
    connection: Connection, deployment: Deployment, source: str, table: str, now: datetime
) -> TableHealth:
    looked = connection.execute(
        select(t.looked_at).where(t.looked_at.c.source == source, t.looked_at.c.object == table)
    ).first()
    clauses = tuple(_clauses(connection, source, table))
    known = looked is not None and looked.good_until >= stamp(now)
    standing: Standing = "broken" if clauses else "in order" if known else "unknown"
    runs = tuple(_touched(connection, source, table, clauses))
    return TableHealth(
        source=source,
        table=table,
        contract=deployment.charter.sources[source].contract,
        standing=standing,
        does=_does(clauses, known=known),
        clauses=clauses,
        checked_at=looked.checked_at if looked is not None else "",
        good_until=looked.good_until if looked is not None else "",
        data_as_of=looked.data_as_of if looked is not None else "",
        held=_held(connection, source, table),
        touched_runs=runs,
        touched_effects=_effects(connection, source, table, clauses),
        readers=tuple(_readers(connection, deployment, source, table)),
        missing=tuple(_missing(connection, source, table, stamp(now - WEEK))),
    )


def _does(clauses: tuple[BrokenClause, ...], *, known: bool) -> str:
    responses = [each.response for each in clauses] + ([] if known else [UNKNOWN])
    return DOES[_WORST[min(map(_rank, responses))]] if responses else ""


def _clauses(connection: Connection, source: str, table: str) -> Iterable[BrokenClause]:
    rows = connection.execute(
        select(t.breach)
        .where(t.breach.c.source == source, t.breach.c.object == table)
        .order_by(t.breach.c.since, t.breach.c.clause)
    )
    # A column that is gone explains the clauses about it, which broke at the same moment.
    for row in sorted(rows, key=lambda row: (row.since, not row.clause.startswith("schema."))):
        yield BrokenClause(
            clause=row.clause,
            words=row.words,
            where=row.clause_at,
            response=row.response,
            does=DOES[row.response if row.response in RESPONSES else "block"],
            exceptions=json.loads(row.readers),
            since=row.since,
            kept_at=row.kept_at or "",
        )


def _missing(connection: Connection, source: str, table: str, since: str) -> Iterable[Missing]:
    rows = connection.execute(
        select(t.gap.c.field, func.count().label("runs"), func.max(t.gap.c.at).label("last_at"))
        .where(t.gap.c.source == source, t.gap.c.object == table, t.gap.c.at > since)
        .group_by(t.gap.c.field)
        .order_by(t.gap.c.field)
    )
    for row in rows:
        yield Missing(column=row.field, runs=row.runs, last_at=row.last_at)


def _from(clauses: tuple[BrokenClause, ...]) -> str:
    """Return the last moment at which every clause was seen to hold; empty where there is none."""
    return min((each.kept_at for each in clauses), default="")


def _touched(
    connection: Connection, source: str, table: str, clauses: tuple[BrokenClause, ...]
) -> Iterable[str]:
    if not clauses:
        return
    found = _read_since(source, table, _from(clauses)).order_by(t.reading.c.last_at, t.reading.c.run)
    for row in connection.execute(found):
        yield row.run


def _read_since(source: str, table: str, at: str) -> Select[Any]:
    return select(t.reading.c.run).where(
        t.reading.c.source == source, t.reading.c.object == table, t.reading.c.last_at > at
    )


def _effects(connection: Connection, source: str, table: str, clauses: tuple[BrokenClause, ...]) -> int:
    if not clauses:
        return 0
    number: int = connection.execute(
        select(func.count())
        .select_from(t.crossing)
        .where(
            t.crossing.c.run.in_(_read_since(source, table, _from(clauses))),
            t.crossing.c.effect != "read",
            t.crossing.c.state.in_(("done", "claimed", "unknown")),
            t.crossing.c.called_at > _from(clauses),
        )
    ).scalar_one()
    return number


def _held(connection: Connection, source: str, table: str) -> int:
    number: int = connection.execute(
        select(func.count())
        .select_from(t.run)
        .where(t.run.c.status == "waiting", t.run.c.waiting_for == f"data:{source}.{table}")
    ).scalar_one()
    return number


def _readers(connection: Connection, deployment: Deployment, source: str, table: str) -> Iterable[str]:
    """Yield the workflows that were seen to read it, or are declared to rest on it."""
    rows: Iterable[Row[Any]] = connection.execute(
        select(t.run.c.workflow)
        .join(t.reading, t.reading.c.run == t.run.c.id)
        .where(t.reading.c.source == source, t.reading.c.object == table)
        .distinct()
    )
    seen = {row.workflow for row in rows}
    for name, workflow in deployment.charter.workflows.items():
        if f"{source}.{table}" in workflow.rests_on:
            seen.add(name)
    yield from sorted(seen)
