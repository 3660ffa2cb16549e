"""What the charter says about tables, read as it will be used: types, masks, row filters, named queries.

For ``bridgehead check``: what would refuse or mislead somebody later is said with its line before.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from bridgehead.check.sources import Misfit
from bridgehead.declare import Deployment
from bridgehead.declare.model import Grant, Source, Table
from bridgehead.enforce.sql import grants, masks, substitute
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rewrite import rewrite
from bridgehead.enforce.sql.rights import ALL_ROWS, ColumnRight, Rights, TableRight

SUBJECT = "subject"
"""The attribute that is not a person's but the run's: whom it serves."""


def misfits(d: Deployment) -> Iterator[Misfit]:
    """Yield what does not fit, with its line."""
    for name, source in d.charter.sources.items():
        for key, table in source.tables.items():
            for number, grant in enumerate(table.grants):
                place = ("sources", name, "tables", key, "grants", number)
                yield from _masks(d, source, table, grant, place)
                yield from _rows(d, source, key, table, grant, place)
            yield from _types(d, source, name, key, table)
        if source.tables:
            yield from _queries(d, name, source)


def _types(d: Deployment, source: Source, name: str, key: str, table: Table) -> Iterator[Misfit]:
    everything = Grant(to=["everybody"], rows=ALL_ROWS, show=list(table.columns))
    for column in table.columns:
        right = grants.column_of(table, column, everything, source)
        problem = masks.problem(right, grants.DIALECTS[source.driver])
        if problem:
            yield Misfit(
                f"{problem[:1].upper()}{problem[1:]}.",
                d.where("sources", name, "tables", key, "columns", column),
                True,
            )


def _masks(
    d: Deployment, source: Source, table: Table, grant: Grant, place: tuple[str | int, ...]
) -> Iterator[Misfit]:
    for column in grant.mask:
        if column in table.columns:
            right = grants.column_of(table, column, grant, source)
            problem = masks.problem(right, grants.DIALECTS[source.driver])
            if problem:
                words = f"Column `{column}`: {problem}."
                yield Misfit(words, d.where(*place, "mask", column), True)


def _rows(
    d: Deployment, source: Source, key: str, table: Table, grant: Grant, place: tuple[str | int, ...]
) -> Iterator[Misfit]:
    if grant.rows == ALL_ROWS:
        return
    where = d.where(*place, "rows")
    dialect = grants.DIALECTS[source.driver]
    try:
        condition = substitute.read_filter(grant.rows, dialect)
    except SqlRefused as refused:
        yield Misfit(f"The row filter of `{key}` is not one condition: {refused.words}", where, True)
        return
    known = {column.lower() for column in table.columns}
    for column in condition.find_all(exp.Column):
        if column.name.lower() not in known or column.table:
            yield Misfit(
                f"The row filter names `{column.sql()}`, which `{key}` does not declare.", where, True
            )
    asked = {str(place.this) for place in condition.find_all(exp.Placeholder)} - {SUBJECT}
    people = [(name, p) for name, p in d.charter.people.items() if set(p.groups) & set(grant.to)]
    for attribute in sorted(asked):
        without = [name for name, person in people if attribute not in person.attributes]
        if people and len(without) == len(people):
            words = f"The row filter asks for `:{attribute}`, which nobody it is for has."
            yield Misfit(words, where, True)
        elif without:
            yield Misfit(f"`:{attribute}` is not among the attributes of {', '.join(without)}.", where, False)


def _queries(d: Deployment, name: str, source: Source) -> Iterator[Misfit]:
    """Read each named query as somebody would who sees every column of every table."""
    tables = {}
    for key, table in source.tables.items():
        schema, _, bare = key.rpartition(".")
        everything = Grant(to=["everybody"], rows=ALL_ROWS, show=list(table.columns))
        columns = tuple(
            ColumnRight(name=column, type=grants.column_of(table, column, everything, source).type)
            for column in table.columns
        )
        tables[key] = TableRight(
            name=bare,
            schema=schema,
            columns=columns,
            rows=ALL_ROWS,
            called=key,
            at_least=table.at_least,
            key=table.key,
        )
    rights = Rights(dialect=grants.DIALECTS[source.driver], tables=tables)
    for query, settings in source.queries.items():
        try:
            rewrite(settings.sql, rights, tuple(settings.parameters))
        except SqlRefused as refused:
            where = d.where("sources", name, "queries", query)
            yield Misfit(f"The query `{name}.{query}` cannot be asked: {refused.words}", where, True)
