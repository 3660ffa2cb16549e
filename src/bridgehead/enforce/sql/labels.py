"""Which columns each column of an answer was made of, with their tags; which tags a statement rests on.

What cannot be followed carries the labels of everything the statement reads (``lineage``). What a condition
let through is not followed column by column: ``named`` says which tags the statement as a whole rests on.
Small groups are guarded by ``groups``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from bridgehead.enforce.sql import language
from bridgehead.enforce.sql.lineage import Lineage
from bridgehead.enforce.sql.rights import TableRight


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A column of the answer (``*``: every column that has no label of its own), its sources and tags."""

    column: str
    sources: frozenset[str]
    tags: frozenset[str]


_OF_ROWS = language.NAMED["postgres"] | language.words(
    "count array_agg any_value min max record_out hash_record hash_record_extended quote_nullable pg_typeof"
    " pg_column_size concat_ws format"
)
"""Functions that PostgreSQL calls on a whole row where ``o.f`` is written."""


def of(tree: exp.Query, found: Sequence[tuple[exp.Table, TableRight]]) -> tuple[Label, ...]:
    """Return the labels of a statement's answer; the last one is that of ``*``."""
    tags = {f"{right.label}.{column.name}": column.tags for _, right in found for column in right.columns}
    every = frozenset(tags)
    told = Lineage({id(table): right for table, right in found}).query(tree, {})
    named = [
        Label(column=name, sources=sources, tags=_join(sources, tags))
        for name, sources in told.columns.items()
        if name and not name.startswith("?")
    ]
    return (*named, Label(column="*", sources=every, tags=_join(every, tags)))


def named(tree: exp.Query, found: Sequence[tuple[exp.Table, TableRight]]) -> frozenset[str]:
    """Return the tags of every column a statement names anywhere: it may choose, count or order by it.

    By name alone, and so too many rather than too few: a row as a whole, ``*``, columns renamed by place, a
    NATURAL join and a name that no table has name them all.
    """
    names = {part.name.lower() for part in tree.find_all(exp.Column)}
    names |= {part.name.lower() for join in tree.find_all(exp.Join) for part in join.args.get("using") or ()}
    columns = [column for _, right in found for column in right.columns]
    every = _names_all(tree, {column.name.lower() for column in columns})
    return frozenset(
        tag for column in columns if every or column.name.lower() in names for tag in column.tags
    )


def _names_all(tree: exp.Query, real: set[str]) -> bool:
    aliases = list(tree.find_all(exp.TableAlias))
    rows = {table.alias_or_name.lower() for table in tree.find_all(exp.Table)}
    rows |= {alias.name.lower() for alias in aliases}
    made = real | {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
    return (
        any(alias.args.get("columns") for alias in aliases)
        or any(str(join.method).upper() == "NATURAL" for join in tree.find_all(exp.Join))
        or any(_all_of_it(star) for star in tree.find_all(exp.Star))
        or any(_whole(column, made, rows) for column in tree.find_all(exp.Column))
    )


def _all_of_it(star: exp.Star) -> bool:
    """Neither ``count(*)`` nor ``EXISTS (SELECT * ...)`` looks at a column."""
    select = star.parent
    return not (
        isinstance(select, exp.Count)
        or (isinstance(select, exp.Select) and isinstance(select.parent, exp.Exists))
    )


def _whole(column: exp.Column, made: set[str], rows: set[str]) -> bool:
    """Return whether what looks like a column may be a row."""
    name = column.name.lower()
    if isinstance(column.this, exp.Star):
        return False  # counted as a star
    if column.table:
        return name not in made or name in _OF_ROWS
    return name not in made or name in rows


def _join(sources: frozenset[str], tags: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset(tag for source in sources for tag in tags.get(source, frozenset()))
