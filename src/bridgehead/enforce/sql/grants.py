"""From the charter to the rights of one principal on one source: human ∩ agent ∩ charter, each with its line.

The grants are those of the run's release; who is in which group, and with which attributes, is as the
directory knows it now. Nothing found means nothing may be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridgehead.declare import Charter
from bridgehead.declare.model import Agent, Bucket, Column, Grant, Person, Source, Table
from bridgehead.enforce.sql.rights import ColumnRight, Dialect, Mask, Rights, TableRight

DIALECTS: Mapping[str, Dialect] = {"postgresql": "postgres", "duckdb": "duckdb", "sqlite": "sqlite"}
_SCHEMA: Mapping[Dialect, str] = {"postgres": "public", "duckdb": "main", "sqlite": "main"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Why somebody sees a table, or not: ``place`` is the part of the charter that says so.

    ``withheld`` are columns that the grant gives and the agent is not cleared for.
    """

    table: str
    seen: bool
    words: str
    place: tuple[str | int, ...]
    withheld: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitled:
    """The rights of a principal on a source, and how each table came by its own."""

    rights: Rights
    why: Mapping[str, Standing]


def entitled(
    charter: Charter,
    source: str,
    person: str,
    human: Person,
    agent: str = "",
    *,
    secret: str = "",
    version: str = "",
    subject: str = "",
) -> Entitled:
    """Return what ``human`` (whose id is ``person``) sees of a source, through ``agent`` where one is named.

    ``subject`` is whom the run serves: what a row filter gets for ``:subject``, whatever a profile says.
    """
    settings = charter.sources[source]
    acting = charter.agents[agent] if agent else None
    tables: dict[str, TableRight] = {}
    why: dict[str, Standing] = {}
    for name, table in settings.tables.items():
        found, standing = _table(source, settings, name, table, (person, human), (agent, acting))
        why[name] = standing
        if found is not None:
            tables[name] = found
    rights = Rights(
        dialect=DIALECTS[settings.driver],
        tables=tables,
        attributes={**human.attributes, "subject": subject or None},
        secret=secret,
        version=version,
        wall=settings.wall,
    )
    return Entitled(rights=rights, why=why)


def _table(
    source: str,
    settings: Source,
    name: str,
    table: Table,
    person: tuple[str, Person],
    agent: tuple[str, Agent | None],
) -> tuple[TableRight | None, Standing]:
    place = ("sources", source, "tables", name)
    acting = agent[1]
    if acting is not None and f"{source}.{name}" not in acting.tables:
        words = f"Agent {agent[0]} may not read it."
        return None, Standing(table=name, seen=False, words=words, place=("agents", agent[0]))
    for number, grant in enumerate(table.grants):
        group = next((group for group in person[1].groups if group in grant.to), "")
        if group:
            right, withheld = _right(settings, name, table, grant, acting)
            words = f"{person[0]} is in {group}."
            granted = (*place, "grants", number)
            if right is None:
                words = f"Agent {agent[0]} is cleared for none of the columns that {person[0]} sees."
                return None, Standing(table=name, seen=False, words=words, place=("agents", agent[0]))
            standing = Standing(table=name, seen=True, words=words, place=granted, withheld=withheld)
            return right, standing
    words = f"No grant names a group of {person[0]}."
    return None, Standing(table=name, seen=False, words=words, place=place)


def _right(
    settings: Source, name: str, table: Table, grant: Grant, acting: Agent | None
) -> tuple[TableRight | None, tuple[str, ...]]:
    columns: list[ColumnRight] = []
    withheld: list[str] = []
    for column in table.columns:
        if column not in grant.show and column not in grant.mask:
            continue
        right = column_of(table, column, grant, settings)
        if acting is not None and not own_tags(table, column) <= frozenset(acting.tags):
            withheld.append(column)
        else:
            columns.append(right)
    if not columns or (table.key and table.key not in {column.name for column in columns}):
        return None, tuple(withheld)
    schema, _, bare = name.rpartition(".")
    return TableRight(
        name=bare,
        schema=schema or _SCHEMA[DIALECTS[settings.driver]],
        columns=tuple(columns),
        rows=grant.rows,
        hidden=frozenset(table.columns) - {column.name for column in columns},
        at_least=table.at_least,
        key=table.key,
        called=name,
    ), tuple(withheld)


def own_tags(table: Table, column: str) -> frozenset[str]:
    """Return the tags a column is declared with."""
    declared = table.columns[column]
    return frozenset(declared.tags) if isinstance(declared, Column) else frozenset()


def column_of(table: Table, column: str, grant: Grant, settings: Source) -> ColumnRight:
    """Return how a grant shows a column. Its labels carry the tags of the whole source too."""
    declared = table.columns[column]
    mask = grant.mask.get(column)
    return ColumnRight(
        name=column,
        type=declared.type if isinstance(declared, Column) else declared,
        mask=_mask(mask) if mask is not None else None,
        tags=own_tags(table, column) | frozenset(settings.tags),
    )


def _mask(mask: str | Bucket) -> Mask:
    if isinstance(mask, Bucket):
        return Mask(kind="bucket", size=mask.bucket)
    return Mask(kind=mask)  # type: ignore[arg-type]  # one of the kinds: pydantic read it
