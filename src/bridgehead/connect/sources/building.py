"""The statements that put up a second wall and take it down, in their order. Text only: ``install`` runs it.

Everything is new: two roles, one schema with views. Of what was there nothing changes but that the owner of
the views may read the declared columns, so taking it down leaves the database as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridgehead.enforce.sql.wall import CLAIM, KEY, Wall, claim_view, quoted, text

SETTINGS = {
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": "60000",
    "temp_file_limit": "1GB",
}
"""Of the reading role. ``temp_file_limit`` only a superuser can set, and nobody else can undo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a wall goes: the database, who puts it up, and what is there already."""

    database: str
    admin: str
    superuser: bool = False
    roles: bool = False
    may_connect: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One statement with its values. ``says`` is what it does, where that is not plain from its text."""

    sql: str
    values: tuple[Any, ...] = ()
    says: str = ""


def mark(wall: Wall, place: Place) -> str:
    """Return the comment by which what is ours is known again."""
    return f"Bridgehead: the second wall of {wall.source} in {place.database}"


def up(wall: Wall, place: Place, pads: tuple[bytes, bytes], mask: str) -> Iterator[Step]:
    """Yield what puts a wall up."""
    name, owner = quoted(wall.name), quoted(wall.owner)
    if not place.roles:
        yield from _roles(wall, place)
    if not place.may_connect:
        yield Step(sql=f"GRANT CONNECT ON DATABASE {quoted(place.database)} TO {name}")
    yield Step(sql=f"CREATE SCHEMA {name}")
    yield Step(sql=f"GRANT USAGE, CREATE ON SCHEMA {name} TO {owner}")
    for schema in sorted({schema for schema, _ in wall.reads}):
        yield Step(sql=f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {owner}")
    for (schema, table), columns in wall.reads.items():
        listed = ", ".join(quoted(column) for column in columns)
        yield Step(sql=f"GRANT SELECT ({listed}) ON {quoted(schema)}.{quoted(table)} TO {owner}")
    yield from _inside(wall, place, pads, mask)
    yield Step(sql=f"COMMENT ON SCHEMA {name} IS {text(f'{mark(wall, place)}, {wall.digest}')}")


def _roles(wall: Wall, place: Place) -> Iterator[Step]:
    name, owner = quoted(wall.name), quoted(wall.owner)
    yield Step(sql=f"CREATE ROLE {owner} NOLOGIN NOINHERIT", says="it owns the views and reads the tables")
    yield Step(sql=f"CREATE ROLE {name} LOGIN NOINHERIT", says="it reads the views and nothing else")
    for role in (owner, name):
        yield Step(sql=f"COMMENT ON ROLE {role} IS {text(mark(wall, place))}")
    limits = {
        "search_path": f"{wall.name}, pg_catalog",
        "statement_timeout": str(wall.seconds * 1000),
        **SETTINGS,
    }
    for setting, value in limits.items():
        if setting != "temp_file_limit" or place.superuser:
            shown = value if setting == "search_path" else text(value)
            yield Step(sql=f"ALTER ROLE {name} IN DATABASE {quoted(place.database)} SET {setting} = {shown}")


def _inside(wall: Wall, place: Place, pads: tuple[bytes, bytes], mask: str) -> Iterator[Step]:
    name, owner = quoted(wall.name), quoted(wall.owner)
    key = f"{name}.{quoted(KEY)}"
    if not place.superuser:
        yield Step(sql=f"GRANT {owner} TO {quoted(place.admin)}", says="for as long as this takes")
    yield Step(sql=f"SET LOCAL ROLE {owner}")
    yield Step(sql=f"CREATE TABLE {key} (inner_pad bytea, outer_pad bytea, mask text)")
    yield Step(
        sql=f"INSERT INTO {key} VALUES (%s, %s, %s)",  # noqa: S608 -- a name of ours
        values=(*pads, mask),
        says="the deployment's keys, which are not shown",
    )
    views = {CLAIM: claim_view(wall.name, wall.digest), **wall.views}
    for view, query in views.items():
        called = f"{name}.{quoted(view)}"
        yield Step(sql=f"CREATE VIEW {called} WITH (security_barrier) AS {query}")
        yield Step(sql=f"GRANT SELECT ON {called} TO {name}")
    yield Step(sql="RESET ROLE")
    yield Step(sql=f"GRANT USAGE ON SCHEMA {name} TO {name}")
    yield Step(sql=f"REVOKE CREATE ON SCHEMA {name} FROM {owner}")
    if not place.superuser:
        yield Step(sql=f"REVOKE {owner} FROM {quoted(place.admin)}")


def down(wall: Wall, place: Place, relations: list[tuple[str, str]], *, roles: bool) -> Iterator[Step]:
    """Yield what takes a wall down; ``relations`` are (kind, name) of what its owner made in its schema.

    ``roles``: they go too. Whatever others made on top of it makes the statements fail, so nothing goes.
    """
    name, owner = quoted(wall.name), quoted(wall.owner)
    if not place.superuser:
        for role in (name, owner):
            yield Step(sql=f"GRANT {role} TO {quoted(place.admin)}", says="for as long as this takes")
    for kind, relation in relations:
        word = "VIEW" if kind == "v" else "TABLE"
        yield Step(sql=f"DROP {word} {name}.{quoted(relation)} RESTRICT")
    yield Step(sql=f"DROP SCHEMA {name} RESTRICT")
    yield Step(sql=f"DROP OWNED BY {name}, {owner} RESTRICT", says="what they were allowed to read")
    if roles:
        yield Step(sql=f"DROP ROLE {name}, {owner}")
    elif not place.superuser:
        yield Step(sql=f"REVOKE {name}, {owner} FROM {quoted(place.admin)}")
