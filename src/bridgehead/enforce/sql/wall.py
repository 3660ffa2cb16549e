"""The second wall of a PostgreSQL source, as SQL: one view for each table, equal to the charter's grants.

The reading role may read these views and no table. Each gives the rows, columns and masks of the grant that a
signed claim names (``claim``), and nothing to a session without one. They are security barriers: no part of a
query runs on rows before their filter. Nothing here touches a database.
"""
# ruff: noqa: S608 -- what is written here is SQL; every name in it is quoted, every text too

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from bridgehead.declare.model import Grant, Source, Table, seconds
from bridgehead.enforce.sql import grants, masks, substitute
from bridgehead.enforce.sql.claim import SETTING
from bridgehead.enforce.sql.refused import SqlRefused
from bridgehead.enforce.sql.rights import ALL_ROWS
from bridgehead.kernel.canonical import digest

VERSION = 2
"""Of what is generated here: a wall of another version is not the one the charter declares."""

KEY, CLAIM = "bh_key", "bh_claim"
"""The table that holds the keys, which nobody but the wall's owner reads; the view that reads the claim."""

_BASE = "bh_t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """A wall as it should stand. ``name`` is its schema and the role that reads; ``owner`` owns its views.

    ``reads``: the columns of each table (schema, name) that its owner must be able to read. ``views``: the
    query of each, by the charter's name of the table. ``seconds``: how long a statement may take.
    """

    name: str
    owner: str
    source: str
    digest: str
    reads: Mapping[tuple[str, str], tuple[str, ...]]
    views: Mapping[str, str]
    seconds: int


def digest_of(source: str, settings: Source) -> str:
    """Return what a claim and a wall must have in common."""
    tables = {name: table.model_dump(mode="json") for name, table in settings.tables.items()}
    return digest([VERSION, source, settings.wall, tables])


def wall_of(source: str, settings: Source) -> Wall:
    """Return the wall of a source. Raises ``SqlRefused`` (``sql.wall``) for a grant it cannot hold."""
    views = {
        name: " UNION ALL ".join(
            _branch(settings, name, table, grant, number) for number, grant in enumerate(table.grants)
        )
        for name, table in settings.tables.items()
        if table.grants
    }
    return Wall(
        name=settings.wall,
        owner=f"{settings.wall}_owner",
        source=source,
        digest=digest_of(source, settings),
        reads={_place(name): tuple(settings.tables[name].columns) for name in views},
        views=views,
        seconds=int(seconds(settings.deadline)) + 1,
    )


def claim_view(name: str, wall_digest: str) -> str:
    """Return the query that gives the session's claim, if it was signed for this wall and is still good."""
    told = "split_part(s.claim, '.', 1)"
    inner = f"sha256(k.inner_pad || convert_to({told}, 'UTF8'))"
    said = (
        f"SELECT convert_from(decode({told}, 'base64'), 'UTF8')::jsonb AS claim"
        f" FROM (SELECT coalesce(current_setting('{SETTING}', true), '') AS claim) AS s,"
        f" {quoted(name)}.{quoted(KEY)} AS k"
        f" WHERE split_part(s.claim, '.', 2) = encode(sha256(k.outer_pad || {inner}), 'hex') OFFSET 0"
    )
    return (
        f"SELECT c.claim FROM ({said}) AS c WHERE c.claim ->> 'wall' = '{wall_digest}'"
        f" AND (c.claim ->> 'until')::numeric > extract(epoch FROM clock_timestamp())"
    )


def quoted(name: str) -> str:
    """Return a name as PostgreSQL reads it to the letter."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text as PostgreSQL reads it to the letter."""
    return "'" + value.replace("'", "''") + "'"


def _place(name: str) -> tuple[str, str]:
    schema, _, bare = name.rpartition(".")
    return schema or "public", bare


def _branch(settings: Source, name: str, table: Table, grant: Grant, number: int) -> str:
    """Return what one grant gives: nothing unless the claim names it."""
    seen = [column for column in table.columns if _seen(table, column)]
    shown = ", ".join(_column(settings, name, table, grant, column) for column in seen)
    schema, bare = _place(name)
    holds = f"{_said(settings.wall, 'seen', name, 'grant')} = '{number}'"
    query = f"SELECT {shown} FROM {quoted(schema)}.{quoted(bare)} AS {_BASE} WHERE {holds}"
    if grant.rows == ALL_ROWS:
        return query
    asked = sorted(substitute.attributes_of(grant.rows, "postgres"))
    known = [f"{_said(settings.wall, 'attributes', attribute)} IS NOT NULL" for attribute in asked]
    return " AND ".join([query, *known, f"({_filter(settings, name, table, grant)})"])


def _seen(table: Table, column: str) -> bool:
    return any(column in grant.show or column in grant.mask for grant in table.grants)


def _column(settings: Source, name: str, table: Table, grant: Grant, column: str) -> str:
    right = grants.column_of(table, column, grant, settings)
    nothing = f"CAST(NULL AS {masks.type_of(right, 'postgres').sql(dialect='postgres')})"
    if column not in grant.show and column not in grant.mask:
        return f"{nothing} AS {quoted(column)}"
    secret = _Places()
    key = secret.put(f"(SELECT k.mask FROM {quoted(settings.wall)}.{quoted(KEY)} AS k)")
    shown = secret.filled(masks.masked(right, _own(column), "postgres", key))
    if grants.own_tags(table, column):  # an agent may not be cleared for it
        withheld = f"{_path(settings.wall, '#>', 'seen', name, 'withheld')} @> {text(_json(column))}::jsonb"
        shown = f"CASE WHEN {withheld} THEN {nothing} ELSE {shown} END"
    return f"{shown} AS {quoted(column)}"


def _json(column: str) -> str:
    return f'["{column}"]'  # a column's name holds nothing that JSON would escape


def _own(column: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(column, quoted=True), table=exp.to_identifier(_BASE))


class _Places:
    """Names that stand in a tree for SQL it could not be trusted to write to the letter."""

    def __init__(self) -> None:
        self._given: list[str] = []

    def put(self, sql: str) -> exp.Column:
        self._given.append(sql)
        return exp.column(f"bh_place_{len(self._given)}_", quoted=True)

    def filled(self, tree: exp.Expr) -> str:
        made = tree.sql(dialect="postgres", comments=False)
        for number, sql in enumerate(self._given, 1):
            made = made.replace(f'"bh_place_{number}_"', sql)
        return str(made)


def _filter(settings: Source, name: str, table: Table, grant: Grant) -> str:
    known = {column.lower(): column for column in table.columns}
    condition = exp.Paren(this=substitute.read_filter(grant.rows, "postgres"))
    for column in list(condition.find_all(exp.Column)):
        if column.name.lower() not in known:
            raise SqlRefused("sql.wall", f"The row filter of {name} names {column.sql()}.")
        column.replace(_own(known[column.name.lower()]))
    places = _Places()
    for place in list(condition.find_all(exp.Placeholder)):
        place.replace(places.put(_attribute(settings, name, table, grant, place)))
    return places.filled(condition)


def _attribute(settings: Source, name: str, table: Table, grant: Grant, place: exp.Placeholder) -> str:
    """Return what takes the place of ``:attribute``: the claim's value, of the type it is compared to."""
    attribute, parent = str(place.this), place.parent
    other = _compared(place, parent)
    if other is None:
        raise SqlRefused(
            "sql.wall",
            f"The row filter of {name} does not compare :{attribute} with a column, so its type is unknown.",
        )
    kind = grants.column_of(table, other, grant, settings)
    as_type = masks.type_of(kind, "postgres").sql(dialect="postgres")
    if isinstance(parent, exp.In):
        listed = _path(settings.wall, "#>", "attributes", attribute)
        every = f"CASE jsonb_typeof({listed}) WHEN 'array' THEN {listed} ELSE jsonb_build_array({listed}) END"
        return f"SELECT CAST(e.value AS {as_type}) FROM jsonb_array_elements_text({every}) AS e (value)"
    return f"CAST({_said(settings.wall, 'attributes', attribute)} AS {as_type})"


def _compared(place: exp.Placeholder, parent: Any) -> str | None:
    """Return the column that an attribute is compared with."""
    if isinstance(parent, exp.In | exp.Between):
        sides = [parent.this]
    elif isinstance(parent, exp.Predicate) and isinstance(parent, exp.Binary):
        sides = [side for side in (parent.left, parent.right) if side is not place]
    else:
        return None
    named = [side.name for side in sides if isinstance(side, exp.Column)]
    return named[0] if named and len(sides) == 1 else None


def _said(wall: str, *path: str) -> str:
    return _path(wall, "#>>", *path)


def _path(wall: str, operator: str, *path: str) -> str:
    """Return one thing that the claim says; nothing where there is none."""
    steps = "ARRAY[" + ", ".join(text(step) for step in path) + "]"
    return f"(SELECT c.claim {operator} {steps} FROM {quoted(wall)}.{quoted(CLAIM)} AS c)"
