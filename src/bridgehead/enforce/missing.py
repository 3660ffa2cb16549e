"""A value that is not there: what a workflow declares to need, and an answer did not have.

In: an answer with labels, and ``needs`` of the charter. Out: rows, one for each run and column; step 4 reads
them. Never: looks at data of its own. What was missing stays so for the run: its result may be made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.outcome import Done
from bridgehead.store import statement as prepared
from bridgehead.store import tables as t

Needs = Mapping[str, Mapping[str, str]]
"""By table, as ``source.table``: its columns, and why each is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A needed column without a value in ``missing`` of the ``rows`` of an answer; 0 rows: no row came."""

    source: str
    table: str
    column: str
    missing: int
    rows: int


_OF_RUN = prepared.Statement(
    select(t.gap.c.source, t.gap.c.object, t.gap.c.field, t.gap.c.missing, t.gap.c.rows)
    .where(t.gap.c.run == bindparam("run"))
    .order_by(t.gap.c.source, t.gap.c.object, t.gap.c.field)
)
_MORE = prepared.Statement(
    update(t.gap)
    .where(
        t.gap.c.run == bindparam("of_run"),
        t.gap.c.source == bindparam("of_source"),
        t.gap.c.object == bindparam("of_object"),
        t.gap.c.field == bindparam("of_field"),
    )
    .values(missing=t.gap.c.missing + bindparam("more_missing"), rows=t.gap.c.rows + bindparam("more_rows"))
)


def needs(boundary: Boundary, crossing: Crossing) -> Needs:
    """Return what the crossing's workflow is declared to need."""
    workflow = boundary.charter.workflows.get(crossing.run.workflow)
    return workflow.needs if workflow is not None else {}


def gaps(needs: Needs, source: str, answer: Done) -> Iterator[Gap]:
    """Yield what is missing of an answer of a source. A figure made of a needed column counts as it."""
    rows = answer.value if isinstance(answer.value, list) else []
    for name, columns in needs.items():
        of, _, table = name.partition(".")
        for column in columns if of == source else ():
            made = [label for label, told in answer.labels.items() if f"{table}.{column}" in told["sources"]]
            missing = sum(any(row.get(label) is None for label in made) for row in rows)
            if made and (missing or not rows):
                yield Gap(source=source, table=table, column=column, missing=missing, rows=len(rows))


def note(connection: Connection, boundary: Boundary, crossing: Crossing, answer: Any) -> None:
    """Write down what the answer to a query lacks of what its run needs."""
    needed = needs(boundary, crossing)
    if crossing.action.kind != "query" or not needed or not isinstance(answer, Done):
        return
    source, now = crossing.action.target.partition(".")[0], stamp(boundary.clock.now())
    for gap in gaps(needed, source, answer):
        place = {"run": crossing.run.id, "source": source, "object": gap.table, "field": gap.column}
        known = {f"of_{name}": value for name, value in place.items()}
        if _MORE.run(connection, **known, more_missing=gap.missing, more_rows=gap.rows) == 0:
            connection.execute(insert(t.gap).values(**place, missing=gap.missing, rows=gap.rows, at=now))


def of_run(connection: Connection, run: str) -> Iterator[Gap]:
    """Yield what was missing of the answers a run got."""
    for row in _OF_RUN.all(connection, run=run):
        yield Gap(source=row.source, table=row.object, column=row.field, missing=row.missing, rows=row.rows)


def words(gap: Gap, why: str) -> str:
    """Return in one sentence which field is missing, and why that matters."""
    found = f"is missing in {gap.missing} of {gap.rows} rows" if gap.rows > 1 else "is missing"
    return (
        f"{gap.column} of {gap.source}.{gap.table} {found if gap.rows else 'is missing: no row came'}. {why}"
    )
