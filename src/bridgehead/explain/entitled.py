"""What somebody's SQL becomes, and why: tables, rows, columns, masks, each with the line that says so.

In: a deployment, a person, an agent, a statement. Out: values. Nothing is asked of any database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot.errors import SqlglotError

from bridgehead.declare import Deployment
from bridgehead.declare.model import Charter
from bridgehead.enforce.sql import grants, unknown
from bridgehead.enforce.sql.grants import Entitled
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.rewritten import Rewritten
from bridgehead.enforce.sql.rights import ALL_ROWS, Dialect, TableRight
from bridgehead.enforce.sql.substitute import attributes_of
from bridgehead.explain.mask_words import mask_words
from bridgehead.kernel.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSeen:
    """What somebody sees of a table: ``columns`` as they are, ``masked`` ones with their mask in words.

    ``unseen`` are declared columns that are not there for them. ``where`` is the line of the grant.
    """

    table: str
    seen: bool
    why: str
    where: str
    rows: str = ""
    columns: tuple[str, ...] = ()
    masked: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    at_least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What would run for somebody, or ``rule`` and ``words`` of the refusal.

    ``unknown`` are columns it names that none of its tables has for them: the database would not answer it.
    ``shown`` is ``sql`` over several lines, to be read; what runs is ``sql``.
    """

    person: str
    agent: str
    source: str
    asked: str
    sql: str = ""
    shown: str = ""
    values: tuple[str, ...] = ()
    fenced: bool = False
    tables: tuple[TableSeen, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    rule: str = ""
    words: str = ""


def explain(
    d: Deployment, person: str, source: str, sql: str, *, agent: str = "", subject: str = ""
) -> Explained:
    """Return what ``sql`` becomes for a person, through an agent where one is named.

    Raises ``ConfigError`` (BH-EXP-010) where the charter does not know one of them.
    """
    given = _given(d.charter, person, source, agent, subject)
    try:
        made = rewrite(sql, given.rights)
    except SqlRefused as refused:
        every = tuple(_seen(d, source, name, given) for name in given.why)
        return Explained(
            person=person,
            agent=agent,
            source=source,
            asked=sql,
            tables=every,
            rule=refused.rule,
            words=refused.words,
        )
    return Explained(
        person=person,
        agent=agent,
        source=source,
        asked=sql,
        sql=made.sql,
        shown=_over_lines(made.sql, given.rights.dialect),
        values=_values(made),
        fenced=made.fenced,
        tables=tuple(_seen(d, source, right.label, given) for right in made.tables),
        labels={label.column: tuple(sorted(label.sources)) for label in made.labels},
        unknown=unknown.columns(sql, made.tables, given.rights.dialect),
    )


def _over_lines(sql: str, dialect: str) -> str:
    """Return the same statement over several lines; as it is where a value in it has line ends of its own, or
    the parser would make another statement of it.
    """
    if "\n" in sql:
        return sql
    try:
        read = sqlglot.parse_one(sql, dialect=dialect)
        shown = read.sql(dialect=dialect, pretty=True)
        return shown if sqlglot.parse_one(shown, dialect=dialect) == read else sql
    except SqlglotError:
        return sql


def visible(d: Deployment, person: str, source: str, *, agent: str = "") -> tuple[TableSeen, ...]:
    """Return what somebody sees of every table of a source."""
    given = _given(d.charter, person, source, agent, "")
    return tuple(_seen(d, source, name, given) for name in given.why)


def _given(charter: Charter, person: str, source: str, agent: str, subject: str) -> Entitled:
    declared = {name: settings for name, settings in charter.sources.items() if settings.tables}
    for what, name, known in (
        ("person", person, list(charter.people)),
        ("source with tables", source, list(declared)),
        ("agent", agent, ["", *charter.agents]),
    ):
        if name not in known:
            raise ConfigError(
                "BH-EXP-010",
                f"the charter declares no {what} {name!r}",
                fix=f"Choose one of: {', '.join(filter(None, known)) or 'none is declared'}.",
            )
    return grants.entitled(
        charter, source, person, charter.people[person], agent, secret=_SECRET, subject=subject
    )


_SECRET = "(the key of the hash mask)"  # noqa: S105 -- what is shown in its place


def _values(made: Rewritten) -> tuple[str, ...]:
    return tuple(str(value) for value in made.values)


def _seen(d: Deployment, source: str, name: str, given: Entitled) -> TableSeen:
    standing = given.why[name]
    right = given.rights.tables.get(name)
    declared = d.charter.sources[source].tables[name]
    where = d.where(*standing.place)
    if right is None:
        return TableSeen(table=name, seen=False, why=standing.words, where=where)
    if lacking := missing(right.rows, given.rights.dialect, given.rights.attributes):
        said = (
            f"It is filtered by {', '.join(lacking)}, which the profile does not say: every query is refused."
        )
        return TableSeen(table=name, seen=False, why=f"{standing.words} {said}", where=where)
    withheld = f" {given_away(standing.withheld)}" if standing.withheld else ""
    return TableSeen(
        table=name,
        seen=True,
        why=standing.words + withheld,
        where=where,
        rows=_bound(right, given),
        columns=tuple(column.name for column in right.columns if column.mask is None),
        masked={c.name: mask_words(c.mask) for c in right.columns if c.mask is not None},
        unseen=tuple(column for column in declared.columns if right.column(column) is None),
        at_least=right.at_least,
    )


def missing(rows: str, dialect: Dialect, attributes: Mapping[str, Any]) -> list[str]:
    """Return the attributes a row filter asks for and nobody said of a person: every query is refused.

    Raises ``SqlRefused`` for a filter that is not one condition.
    """
    if rows == ALL_ROWS:
        return []
    asked = sorted(attributes_of(rows, dialect))
    return [name for name in asked if name != "subject" and attributes.get(name) is None]


def given_away(columns: tuple[str, ...]) -> str:
    """Say which columns a person sees and their agent does not."""
    return f"The agent is not cleared for {', '.join(columns)}."


def _bound(right: TableRight, given: Entitled) -> str:
    if right.rows == ALL_ROWS:
        return "all rows"
    asked = [name for name in given.rights.attributes if f":{name}" in right.rows]
    bound = ", ".join(f"{name} = {given.rights.attributes[name]!r}" for name in asked)
    return f"rows where {right.rows}" + (f" ({bound})" if bound else "")
