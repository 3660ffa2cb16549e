"""Who may see what of the data: source by source, table by table, group by group, and what agents see less.

In: a deployment. Out: values that a page and a text show alike. It says what the charter declares; nothing is
asked of any database, and no row of one is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bridgehead.declare import Deployment
from bridgehead.declare.model import Agent, Grant, Person, Source, Table
from bridgehead.enforce.sql import grants
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.explain.entitled import missing
from bridgehead.explain.filter_words import in_words
from bridgehead.explain.mask_words import mask_words

How = Literal["shown", "masked", "denied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How somebody sees a column. ``words`` say how it is masked."""

    how: How
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantSeen:
    """One grant: ``groups`` it is for, ``people`` in them now for whom it is the first that fits.

    ``refused`` are others of them, each with the attributes the filter asks for and their profile does not
    say: they see nothing. ``rows`` in words, empty where there are none; ``sql`` is the filter itself.
    ``cells`` by column.
    """

    groups: tuple[str, ...]
    people: tuple[str, ...]
    refused: tuple[str, ...]
    rows: str
    sql: str
    cells: Mapping[str, Cell]
    where: str

    def columns(self, how: How) -> tuple[str, ...]:
        """Return the columns that are seen so."""
        return tuple(name for name, cell in self.cells.items() if cell.how == how)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSeen:
    """A table: its columns with their tags, and its grants in the order in which they are tried."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    grants: tuple[GrantSeen, ...]
    at_least: int
    key: str
    questions: int
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSeen:
    """What an agent reads of a source: ``tables`` with the columns of each that are not there for it."""

    name: str
    sponsor: str
    tags: tuple[str, ...]
    tables: Mapping[str, tuple[str, ...]]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSeen:
    """A source. ``wall`` is the schema of its second wall; ``queries`` are the ones people wrote for it."""

    name: str
    driver: str
    region: str
    row_limit: int
    wall: str
    tables: tuple[TableSeen, ...]
    agents: tuple[AgentSeen, ...]
    queries: tuple[str, ...]


def who_sees(d: Deployment) -> tuple[SourceSeen, ...]:
    """Return every source of a deployment, as its charter says who sees what of it."""
    return tuple(_source(d, name, settings) for name, settings in d.charter.sources.items())


def _source(d: Deployment, name: str, settings: Source) -> SourceSeen:
    return SourceSeen(
        name=name,
        driver=settings.driver,
        region=settings.region,
        row_limit=settings.row_limit,
        wall=settings.wall,
        tables=tuple(_table(d, name, settings, key, table) for key, table in settings.tables.items()),
        agents=tuple(
            _agent(d, name, settings, called, agent)
            for called, agent in d.charter.agents.items()
            if settings.tables
        ),
        queries=tuple(settings.queries),
    )


def _table(d: Deployment, source: str, settings: Source, name: str, table: Table) -> TableSeen:
    place = ("sources", source, "tables", name)
    dialect = grants.DIALECTS[settings.driver]
    first = [_first(d, table.grants, number) for number in range(len(table.grants))]

    def lacking(person: Person, grant: Grant) -> list[str]:
        try:
            return missing(grant.rows, dialect, person.attributes)
        except SqlRefused:  # the filter itself does not hold; `check` says so
            return []

    return TableSeen(
        name=name,
        columns={column: tuple(sorted(grants.own_tags(table, column))) for column in table.columns},
        grants=tuple(
            GrantSeen(
                groups=tuple(grant.to),
                people=tuple(p.name for p in first[number] if not lacking(p, grant)),
                refused=tuple(
                    f"{p.name} (no {', no '.join(lacks)})"
                    for p in first[number]
                    if (lacks := lacking(p, grant))
                ),
                rows=in_words(grant.rows, dialect),
                sql=grant.rows,
                cells={column: _cell(settings, table, grant, column) for column in table.columns},
                where=d.where(*place, "grants", number),
            )
            for number, grant in enumerate(table.grants)
        ),
        at_least=table.at_least,
        key=table.key,
        questions=table.questions,
        where=d.where(*place),
    )


def _first(d: Deployment, listed: Sequence[Grant], number: int) -> tuple[Person, ...]:
    """Return the active people for whom this grant is the first that names a group of theirs."""

    def first(groups: list[str]) -> int | None:
        return next((n for n, grant in enumerate(listed) if set(groups) & set(grant.to)), None)

    return tuple(p for p in d.charter.people.values() if p.active and first(p.groups) == number)


def _cell(settings: Source, table: Table, grant: Grant, column: str) -> Cell:
    if column not in grant.show and column not in grant.mask:
        return Cell(how="denied", words="not there")
    mask = grants.column_of(table, column, grant, settings).mask
    if mask is None:
        return Cell(how="shown", words="as it is")
    return Cell(how="masked", words=mask_words(mask))


def _agent(d: Deployment, source: str, settings: Source, name: str, agent: Agent) -> AgentSeen:
    may = [table for table in settings.tables if f"{source}.{table}" in agent.tables]
    cleared = frozenset(agent.tags)
    return AgentSeen(
        name=name,
        sponsor=d.charter.people[agent.sponsor].name,
        tags=tuple(agent.tags),
        tables={
            table: tuple(
                column
                for column in settings.tables[table].columns
                if not grants.own_tags(settings.tables[table], column) <= cleared
            )
            for table in may
        },
        where=d.where("agents", name),
    )
