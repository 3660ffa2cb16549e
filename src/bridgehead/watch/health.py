"""What a look at a table found becomes what its readers may do: rows, entries, an incident, woken runs.

In: what is broken, by clause. Out: a unit of work; step 4 of ``perform`` reads its rows. Never: looks
at data. One incident for each table, opened with the first broken clause and closed with the last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from bridgehead.declare.model import seconds
from bridgehead.enforce import incidents
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.health import RESPONSES
from bridgehead.enforce.stop import wake
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft
from bridgehead.record import Work
from bridgehead.record.unit import UnitOfWork
from bridgehead.store import tables as t

if TYPE_CHECKING:
    from bridgehead.watch.schema_change.schema import Table

ACTOR = "service:watch"
SKEW_SECONDS = 300.0
"""How far the clocks of two machines may be apart."""
SCOPES = ("arrival.", "drift.")
"""Clauses whose ids begin so are judged apart from those of a contract's checks, at moments of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A clause that does not hold: ``response`` to every reader but those in ``readers`` (workflow ->
    response). ``words`` hold figures and names of columns, nothing personal: they are stored plain."""

    clause: str
    response: str
    words: str
    where: str = ""
    readers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a table of a source found, when, and the newest moment in its data (may be empty).

    ``whole`` is False where the table could not be looked at: then it is broken by that, and what was known
    to be broken before stays so. ``until`` is when it stops counting, where that is before ``check_every``.
    ``scope`` is the one of ``SCOPES`` it is about; empty: all other clauses. ``schema`` is the table as its
    place describes it, where that could be seen.
    """

    source: str
    table: str
    at: datetime
    broken: Sequence[Broken] = ()
    data_as_of: str = ""
    whole: bool = True
    until: datetime | None = None
    scope: str = ""
    schema: Table | None = None

    @property
    def kind(self) -> str:
        """The kind of the table's incident, and what a run waits for that it holds."""
        return f"data:{self.source}.{self.table}"


def recording(boundary: Boundary, look: Look) -> UnitOfWork:
    """Return the unit that writes a look down: the next call of every reader is decided by it."""

    def work(connection: Connection) -> Work:
        last = _last(connection, look)
        if last is not None and stamp(look.at) < last.checked_at <= ahead_of(boundary.clock.now()):
            return Work(drafts=())  # somebody looked later, and was quicker
        seen, grown = _with_its_schema(connection, boundary, look)
        _look(connection, boundary, seen)
        return Work(drafts=(*grown, *told(connection, boundary, seen, _kept_at(last, look))))

    return work


def ahead_of(now: datetime) -> str:
    """Return the time after which a look was made by a clock that was wrong: it keeps no later one out."""
    return stamp(now + timedelta(seconds=SKEW_SECONDS))


def _kept_at(last: Row[Any] | None, look: Look) -> str | None:
    """Return when every clause was evaluated last; None where never, or by a clock that was ahead: then
    nobody knows who has read since."""
    known = last.whole_at if last is not None else None
    return known if known is not None and known <= stamp(look.at) else None


def told(connection: Connection, boundary: Boundary, look: Look, kept_at: str | None) -> tuple[Draft, ...]:
    """Write down which clauses a look found broken, wake who waited where that changes anything, and return
    the entries about it. ``kept_at``: when all of them were evaluated last; those that are new held then."""
    before = _before(connection, look)
    found = _with_what_was_known(look, before)
    _write(connection, found, before, kept_at)
    marked = _marked(connection, found, before)
    if {clause: _meaning(row) for clause, row in before.items()} != {
        broken.clause: _said(broken) for broken in found.broken
    }:
        wake(connection, _waiting(connection, look.kind), stamp(look.at))
    raised = _raised(connection, boundary, found, before)
    return (*raised, *_cleared(connection, boundary, found, before, marked))


def _with_its_schema(
    connection: Connection, boundary: Boundary, look: Look
) -> tuple[Look, tuple[Draft, ...]]:
    """Return a look together with what its schema breaks, and entries of what only adds and was accepted."""
    if look.schema is None:
        return look, ()
    from bridgehead.watch.schema_change.accepted import met  # the parser of SQL: only where a look was taken

    opened, grown = met(connection, boundary.charter, look.source, look.schema, stamp(look.at))
    where = boundary.where("sources", look.source, "tables", look.table)
    where = where.removeprefix(f"{boundary.deployment.folder}/")
    more = (Broken(clause=one.clause, response=one.response, words=one.words, where=where) for one in opened)
    note = f"schema:{look.source}.{look.table}"
    body = {"words": " ".join(grown), "owner": boundary.directory().owner.person}
    drafts = (Draft(kind="finding.raised", actor=ACTOR, fields={"note": note}, body=body),) if grown else ()
    return replace(look, broken=(*more, *look.broken)), drafts


def forgetting(boundary: Boundary) -> UnitOfWork:
    """Return the unit that drops what is known of tables this release does not watch, and wakes who waited.

    A run of an older release that rests on one meets a table nobody looks at.
    """
    watched = {
        (name, table)
        for name, source in boundary.charter.sources.items()
        if source.contract
        for table in source.tables
    }

    def work(connection: Connection) -> Work:
        rows = connection.execute(select(t.looked_at.c.source, t.looked_at.c.object))
        drafts: list[Draft] = []
        for name in sorted({(row.source, row.object) for row in rows} - watched):
            kind = f"data:{name[0]}.{name[1]}"
            for table in (t.breach, t.looked_at, t.feed):
                connection.execute(delete(table).where(table.c.source == name[0], table.c.object == name[1]))
            wake(connection, _waiting(connection, kind), stamp(boundary.clock.now()))
            body = {"words": "The release that is active does not watch it."}
            drafts += incidents.close_kind(connection, boundary.clock, kind, actor=ACTOR, body=body)
        return Work(drafts=tuple(drafts))

    return work


def _before(connection: Connection, look: Look) -> dict[str, Any]:
    rows = connection.execute(
        select(t.breach).where(t.breach.c.source == look.source, t.breach.c.object == look.table)
    )
    return {row.clause: row for row in rows if _scope(row.clause) == look.scope}


def _scope(clause: str) -> str:
    return next((scope for scope in SCOPES if clause.startswith(scope)), "")


def _with_what_was_known(look: Look, before: Mapping[str, Any]) -> Look:
    """Return a look that failed together with what was broken before it: nobody has seen that mended."""
    if look.whole:
        return look
    new = {broken.clause for broken in look.broken}
    kept = tuple(
        Broken(
            clause=clause,
            response=row.response,
            words=row.words,
            where=row.clause_at,
            readers=json.loads(row.readers),
        )
        for clause, row in before.items()
        if clause not in new
    )
    return replace(look, broken=(*kept, *look.broken))


def _last(connection: Connection, look: Look) -> Row[Any] | None:
    """Return the look before this one."""
    return connection.execute(
        select(t.looked_at).where(t.looked_at.c.source == look.source, t.looked_at.c.object == look.table)
    ).first()


def _meaning(row: Any) -> tuple[str, str]:
    return row.response, row.readers


def _said(broken: Broken) -> tuple[str, str]:
    return broken.response, canonical_bytes(dict(broken.readers)).decode()


def _look(connection: Connection, boundary: Boundary, look: Look) -> None:
    every = boundary.charter.sources[look.source].check_every
    until = look.at + timedelta(seconds=seconds(every))
    values = {
        "checked_at": stamp(look.at),
        "good_until": stamp(until if look.until is None else min(until, look.until)),
        **({"data_as_of": look.data_as_of, "whole_at": stamp(look.at)} if look.whole else {}),
    }
    place = (t.looked_at.c.source == look.source, t.looked_at.c.object == look.table)
    if connection.execute(update(t.looked_at).where(*place).values(**values)).rowcount == 0:
        connection.execute(insert(t.looked_at).values(source=look.source, object=look.table, **values))


def _write(
    connection: Connection,
    look: Look,
    before: Mapping[str, Any],
    kept_at: str | None,
) -> None:
    """Write the broken clauses. ``kept_at``: when every clause was evaluated last; the new ones held then."""
    now = {broken.clause: broken for broken in look.broken}
    place = (t.breach.c.source == look.source, t.breach.c.object == look.table)
    for clause in sorted(before.keys() - now.keys()):
        connection.execute(delete(t.breach).where(*place, t.breach.c.clause == clause))
    for clause, broken in now.items():
        response, readers = _said(broken)
        values = {"response": response, "readers": readers, "words": broken.words, "clause_at": broken.where}
        if clause in before:
            connection.execute(update(t.breach).where(*place, t.breach.c.clause == clause).values(**values))
            continue
        key = {"source": look.source, "object": look.table, "clause": clause}
        connection.execute(insert(t.breach).values(**key, since=stamp(look.at), kept_at=kept_at, **values))


def _waiting(connection: Connection, kind: str) -> list[str]:
    rows = connection.execute(
        select(t.run.c.id).where(t.run.c.status == "waiting", t.run.c.waiting_for == kind)
    )
    return [row.id for row in rows]


def _raised(
    connection: Connection, boundary: Boundary, look: Look, before: Mapping[str, Any]
) -> tuple[Draft, ...]:
    new = [broken for broken in look.broken if broken.clause not in before]
    if not new:
        return ()
    words = " ".join(broken.words for broken in new)
    if not before and not look.scope:  # whoever looks at a scope of its own opens and closes its incidents
        incidents.open_row(connection, boundary.clock, look.kind, words)
    body = {
        "words": words,
        "owner": boundary.directory().owner.person,
        "clauses": {broken.clause: broken.response for broken in new},
    }
    return (Draft(kind="finding.raised", actor=ACTOR, fields={"note": look.kind}, body=body),)


def _marked(connection: Connection, look: Look, before: Mapping[str, Any]) -> list[str]:
    """Note, for each run under way that read the table while a clause was broken that holds again, that it
    was: what the run does from now on may rest on it. Return the runs.

    From when a clause was last seen to hold: nobody knows when it broke.
    """
    gone = [before[clause] for clause in sorted(before.keys() - {each.clause for each in look.broken})]
    if not gone:
        return []
    rows = connection.execute(
        select(t.reading, t.run.c.workflow)
        .join(t.run, t.run.c.id == t.reading.c.run)
        .where(
            t.reading.c.source == look.source,
            t.reading.c.object == look.table,
            t.reading.c.last_at > min(each.kept_at or "" for each in gone),
            t.run.c.ended_at.is_(None),
        )
        .order_by(t.reading.c.run)
    ).all()
    marked = []
    for row in rows:
        marks = [mark for each in gone if row.last_at > (each.kept_at or "") for mark in _mark(each, row)]
        known = json.loads(row.broken)
        new = [mark for mark in marks if mark not in known]
        if new:
            place = (t.reading.c.run == row.run, t.reading.c.source == row.source)
            connection.execute(
                update(t.reading)
                .where(*place, t.reading.c.object == row.object)
                .values(broken=canonical_bytes([*known, *new]).decode())
            )
            marked.append(row.run)
    return marked


def _mark(breach: Any, reading: Any) -> list[dict[str, str]]:
    """Return what a broken clause leaves behind on a run that read its table: nothing where it warned."""
    response = json.loads(breach.readers).get(reading.workflow, breach.response)
    does = RESPONSES.get(response, RESPONSES["block"])
    if does["cannot be taken back"] == "go":
        return []
    left = "block" if does["reads it"] == "refuse" else "toPerson"
    return [{"clause": breach.clause, "response": left, "words": breach.words, "where": breach.clause_at}]


def _cleared(
    connection: Connection, boundary: Boundary, look: Look, before: Mapping[str, Any], marked: Sequence[str]
) -> tuple[Draft, ...]:
    gone = sorted(before.keys() - {broken.clause for broken in look.broken})
    if not gone:
        return ()
    body = {"clauses": gone, **({"read_meanwhile_by": list(marked)} if marked else {})}
    if not look.broken and not look.scope:
        return incidents.close_kind(connection, boundary.clock, look.kind, actor=ACTOR, body=body)
    return (Draft(kind="finding.cleared", actor=ACTOR, fields={"note": look.kind}, body=body),)
