"""Putting a second wall up in a PostgreSQL database, looking at it, taking it down: one transaction each.

It never takes over what others made, and says in words what keeps it from being put up. Whoever's address is
used must be able to make roles and a schema, and to pass on the right to read the declared columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from bridgehead.connect.faults import bad_setting, shorten
from bridgehead.connect.sources import building
from bridgehead.connect.sources.building import Place, Step
from bridgehead.enforce.sql.wall import KEY, Wall, quoted
from bridgehead.kernel.errors import ConfigError

State = Literal["absent", "as declared", "other"]

OLDEST = 130000
"""The oldest server it is made for: PostgreSQL 13."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How a wall stands. ``obstacles`` say in words what keeps it from being put up."""

    state: State
    obstacles: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a wall knows claims by, and what keys the ``hash`` mask in its views."""

    pads: tuple[bytes, bytes]
    mask: str


class Installer:
    """One wall, and the address of somebody who may put it up. ``password``: the reading role's, if known."""

    def __init__(self, address: str, wall: Wall, keys: Keys, *, password: str = "") -> None:
        self._address = address.replace("postgresql+psycopg://", "postgresql://", 1)
        self._wall, self._keys, self._password = wall, keys, password

    def look(self) -> Looked:
        """Look, and change nothing."""
        with self._transaction() as connection:
            found = self._look(connection)
            connection.rollback()
            return found

    def up(self) -> State:
        """Put the wall up, or renew it; return how it stood before. Raises BH-CON-067 for obstacles."""
        with self._transaction() as connection:
            found = self._look(connection)
            if found.obstacles:
                raise _cannot(self._wall, found.obstacles)
            if found.state == "other":
                _run(connection, self._down(connection, found.place, roles=False))
            if found.state != "as declared":
                place = found.place
                _run(connection, building.up(self._wall, place, self._keys.pads, self._keys.mask))
            self._set_password(connection)
            return found.state

    def down(self) -> State:
        """Take the wall down; return how it stood. Raises BH-CON-067 for what is not ours to take down."""
        with self._transaction() as connection:
            found = self._look(connection)
            foreign = self._foreign(connection, found.place) or self._owned_elsewhere(connection)
            if foreign:
                raise _cannot(self._wall, foreign)
            if found.place.roles:
                _run(connection, self._down(connection, found.place, roles=True))
            return found.state

    def _down(self, connection: Any, place: Place, *, roles: bool) -> Iterator[Step]:
        listed = connection.execute(
            "SELECT c.relkind::text, c.relname FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_roles AS r ON r.oid = c.relowner"
            " WHERE n.nspname = %s AND r.rolname = %s AND c.relkind IN ('r', 'v')"
            " ORDER BY c.relkind = 'r', c.relname = 'bh_claim'",  # what others rest on goes last
            [self._wall.name, self._wall.owner],
        ).fetchall()
        return building.down(self._wall, place, listed, roles=roles)

    def _look(self, connection: Any) -> Looked:
        wall = self._wall
        database, admin, superuser, may_make = connection.execute(
            "SELECT current_database(), current_user, rolsuper, rolcreaterole FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        roles = _one(connection, "SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)", *self._names())
        place = Place(
            database=database,
            admin=admin,
            superuser=superuser,
            roles=roles == 2,
            may_connect=_one(connection, "SELECT has_database_privilege('public', %s, 'CONNECT')", database),
        )
        obstacles = [*self._foreign(connection, place), *_too_old(connection)]
        if not superuser:
            obstacles += _unable(connection, admin, may_make)
        obstacles += [words for at in wall.reads for words in self._table(connection, at, superuser)]
        obstacles += self._readable(connection, place)
        return Looked(state=self._state(connection, place), obstacles=tuple(obstacles), place=place)

    def _names(self) -> tuple[str, str]:
        return self._wall.name, self._wall.owner

    def _state(self, connection: Any, place: Place) -> State:
        comment = self._comment(connection)
        if not comment or not place.roles:
            return "absent"
        if comment != f"{building.mark(self._wall, place)}, {self._wall.digest}":
            return "other"
        return "as declared" if self._same_keys(connection, place) else "other"

    def _comment(self, connection: Any) -> str:
        found = connection.execute(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s",
            [self._wall.name],
        ).fetchone()
        return (found[0] or "?") if found else ""

    def _same_keys(self, connection: Any, place: Place) -> bool:
        if not place.superuser:
            connection.execute(f"GRANT {quoted(self._wall.owner)} TO {quoted(place.admin)}")
        connection.execute(f"SET LOCAL ROLE {quoted(self._wall.owner)}")
        found = connection.execute(
            f"SELECT inner_pad, outer_pad, mask FROM {quoted(self._wall.name)}.{quoted(KEY)}"  # noqa: S608
        ).fetchall()
        connection.execute("RESET ROLE")
        if not place.superuser:
            connection.execute(f"REVOKE {quoted(self._wall.owner)} FROM {quoted(place.admin)}")
        return [tuple(row) for row in found] == [(*self._keys.pads, self._keys.mask)]

    def _foreign(self, connection: Any, place: Place) -> list[str]:
        """Say which roles or schema of these names somebody else made."""
        ours = building.mark(self._wall, place)
        found = connection.execute(
            "SELECT rolname, coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles"
            " WHERE rolname IN (%s, %s) ORDER BY 1",
            self._names(),
        ).fetchall()
        words = [
            f"The role {name} is there already and not ours; choose another name for `wall`."
            for name, comment in found
            if comment != ours
        ]
        comment = self._comment(connection)
        if comment and not comment.startswith(f"{ours}, "):
            words.append(
                f"The schema {self._wall.name} is there already and not ours; choose another `wall`."
            )
        return words

    def _owned_elsewhere(self, connection: Any) -> list[str]:
        """Say what the two roles own that the wall did not make: it would go with them."""
        found = connection.execute(
            "SELECT n.nspname || '.' || c.relname FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_roles AS r ON r.oid = c.relowner"
            " WHERE r.rolname IN (%s, %s) AND n.nspname <> %s AND n.nspname !~ '^pg_' LIMIT 5",
            [*self._names(), self._wall.name],
        ).fetchall()
        return [f"{name} belongs to a role of the wall; give it to somebody else first." for (name,) in found]

    def _table(self, connection: Any, at: tuple[str, str], superuser: bool) -> Iterator[str]:
        name = ".".join(at)
        found = connection.execute(
            "SELECT c.oid, c.relrowsecurity FROM pg_class AS c JOIN pg_namespace AS n"
            " ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s"
            " AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
            at,
        ).fetchone()
        if found is None:
            yield f"There is no table {name}."
            return
        oid, secured = found
        if secured:
            yield (
                f"{name} has row security of its own: which rows its policies give a new role, the charter "
                f"does not say. Declare a view of it instead, or take the policies off."
            )
        columns = connection.execute(
            "SELECT attname, has_column_privilege(attrelid, attnum, 'SELECT WITH GRANT OPTION')"
            " FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped",
            [oid],
        ).fetchall()
        there: dict[str, bool] = dict(columns)
        missing = [column for column in self._wall.reads[at] if column not in there]
        kept = [column for column in self._wall.reads[at] if column in there and not there[column]]
        if missing:
            yield f"{name} has no column {', '.join(missing)}."
        if kept and not superuser:
            yield f"You may not pass on the right to read {', '.join(kept)} of {name}."

    def _readable(self, connection: Any, place: Place) -> Iterator[str]:
        """Say what the reading role could read or call without the wall: what everybody may."""
        who = self._wall.name if place.roles else "public"
        relations = connection.execute(
            "SELECT n.nspname || '.' || c.relname FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> %s"
            " AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
            " AND has_schema_privilege(%s, n.oid, 'USAGE')"
            " AND (has_any_column_privilege(%s, c.oid, 'SELECT, INSERT, UPDATE')"
            " OR has_table_privilege(%s, c.oid, 'DELETE, TRUNCATE')) ORDER BY 1 LIMIT 5",
            [self._wall.name, who, who, who],
        ).fetchall()
        for (name,) in relations:
            yield f"Everybody may use {name} (it is granted to PUBLIC): revoke that first."
        functions = connection.execute(
            "SELECT p.oid::regprocedure::text FROM pg_proc AS p"
            " JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname !~ '^pg_'"
            " AND has_schema_privilege(%s, n.oid, 'USAGE')"
            " AND has_function_privilege(%s, p.oid, 'EXECUTE') ORDER BY 1 LIMIT 5",
            [who, who],
        ).fetchall()
        for (name,) in functions:
            yield (
                f"Everybody may call {name}, which runs with its owner's rights (SECURITY DEFINER): "
                f"revoke that first."
            )

    def _set_password(self, connection: Any) -> None:
        """Give the role the password that the source's address holds, as SCRAM would keep it."""
        if self._password:
            kept = connection.pgconn.encrypt_password(
                self._password.encode(), self._wall.name.encode(), b"scram-sha-256"
            ).decode()
            connection.execute(f"ALTER ROLE {quoted(self._wall.name)} PASSWORD '{kept}'")

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        psycopg = _psycopg()
        try:
            with psycopg.connect(self._address, options="-c search_path=pg_catalog") as connection:
                yield connection
        except psycopg.Error as error:
            raise ConfigError(
                "BH-CON-068",
                f"the database of {self._wall.source} said no: {shorten(str(error), 300)}",
                means="Nothing was changed: it is one transaction.",
                fix="Look at the address, and at what was made on top of the wall by somebody else.",
            ) from error


def _run(connection: Any, steps: Iterator[Step]) -> None:
    for step in steps:
        connection.execute(step.sql, step.values or None)


def _one(connection: Any, sql: str, *values: Any) -> Any:
    return connection.execute(sql, values).fetchone()[0]


def _too_old(connection: Any) -> list[str]:
    if connection.info.server_version < OLDEST:
        return ["The server is older than PostgreSQL 13."]
    return []


def _unable(connection: Any, admin: str, may_make: bool) -> Iterator[str]:
    if not may_make:
        yield f"{admin} may not make roles (CREATEROLE)."
    if not _one(connection, "SELECT has_database_privilege(current_database(), 'CREATE')"):
        yield f"{admin} may not make a schema in this database (CREATE)."


def _cannot(wall: Wall, obstacles: Sequence[str]) -> ConfigError:
    return ConfigError(
        "BH-CON-067",
        f"the second wall of {wall.source} cannot be changed here: {' '.join(obstacles)}",
        means="Nothing was changed.",
        fix="Settle each of these, then try again; `bridgehead entitle install` looks without changing.",
    )


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise bad_setting(
            "a wall is put up with the package psycopg", fix="Run `pip install 'bridgehead[postgresql]'`."
        ) from error
    return psycopg
