"""The role that reads a PostgreSQL source: what it must not be, and whom it reads for.

A wall is worth nothing to a role that may take it down or walk around it.
"""

from __future__ import annotations

from typing import Any

from bridgehead.declare.model import Source
from bridgehead.enforce.sql.claim import SETTING
from bridgehead.enforce.sql.wall import CLAIM, quoted
from bridgehead.kernel.errors import ConnectError

_ROLE = "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = session_user"
_RIGHTS = """
    SELECT n.nspname || '.' || c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname || '.' || c.relname = ANY($1) AND (CASE WHEN $2
        THEN has_any_column_privilege(c.oid, 'SELECT') ELSE false END
        OR has_any_column_privilege(c.oid, 'INSERT, UPDATE')
        OR has_table_privilege(c.oid, 'DELETE, TRUNCATE'))
    ORDER BY 1 LIMIT 5
"""


async def check(connection: Any, source: str, settings: Source) -> None:
    """Raise BH-CON-065 for a role that is more than a reader; with a wall, one that can read past it."""
    async with connection.cursor() as cursor:
        await cursor.execute(_ROLE)
        name, superuser, bypasses, makes_roles = await cursor.fetchone()
        if superuser:
            raise _too_much(source, name, "it is a superuser, for whom no privilege and no row policy holds")
        if bypasses:
            raise _too_much(source, name, "row security does not hold for it (BYPASSRLS)")
        if makes_roles:
            raise _too_much(source, name, "it may make roles with other privileges (CREATEROLE)")
        tables = [name if "." in name else f"public.{name}" for name in settings.tables]
        await cursor.execute(_RIGHTS, [tables, bool(settings.wall)])
        found = ", ".join(row[0] for row in await cursor.fetchall())
        if found and settings.wall:
            raise _too_much(source, name, f"it reads {found} without the wall")
        if found:
            raise _too_much(source, name, f"it may change {found}, as their owner may")


async def claim(cursor: Any, source: str, wall: str, claimed: str) -> None:
    """Tell the wall who reads. Raises BH-CON-066 where it does not know the claim: silence would pass for
    an empty answer.
    """
    import psycopg

    await cursor.execute("SELECT set_config($1, $2, false)", [SETTING, claimed])
    try:
        await cursor.execute(f"SELECT 1 FROM {quoted(wall)}.{quoted(CLAIM)}")  # noqa: S608
        known = await cursor.fetchone()
    except psycopg.ProgrammingError:
        known = None
    if known is None:
        raise ConnectError(
            "BH-CON-066",
            f"the second wall of {source} does not know this deployment's claims",
            effect_state="none",
            means="Nothing was read. It is not installed, was made of other grants or keys, or the clocks "
            "differ by minutes.",
            fix=f"Run `bridgehead entitle install {source}`, which says which, and with --apply renews it.",
        )


def _too_much(source: str, role: str, why: str) -> ConnectError:
    return ConnectError(
        "BH-CON-065",
        f"{source} is not read as {role}: {why}",
        effect_state="none",
        means="Nothing was asked. What a statement may do must not rest on the rewrite alone.",
        fix="Give the address of a role that can only read: `bridgehead entitle install` makes one.",
    )
