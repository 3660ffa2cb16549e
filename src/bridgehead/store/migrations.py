"""Bring a store to the schema of this version, or refuse one that is newer.

The fast path reads one row; alembic is imported only when something has to change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, inspect

from bridgehead.kernel.errors import StoreError
from bridgehead.store.tables import metadata

CURRENT = "0001"
KNOWN = ("0001",)
SCRIPTS = Path(__file__).with_name("versions")


def upgrade(engine: Engine) -> None:
    """Apply the migrations that are missing.

    Raises ``StoreError``: BH-STO-002 on a newer store, BH-STO-007 on another program's database.
    """
    found = version(engine)
    if found == CURRENT:
        return
    if found and found not in KNOWN:
        raise StoreError(
            "BH-STO-002",
            f"this store is at schema {found}; this version of Bridgehead knows up to {CURRENT}",
            means="A newer version wrote it. Nothing was changed.",
            fix="Use that version, or restore a backup made before the upgrade.",
        )
    _run_alembic(engine)


def version(engine: Engine) -> str:
    """Return the schema version of a store, or the empty string for an empty database."""
    with engine.connect() as connection:
        # One look at the names: another process may be making the tables right now.
        names = set(inspect(connection).get_table_names())
        if "alembic_version" not in names:
            return _empty(names)
        row = connection.exec_driver_sql("select version_num from alembic_version").first()
        return str(row[0]) if row else ""


def _empty(names: set[str]) -> Literal[""]:
    taken = sorted(names & metadata.tables.keys())
    if taken:
        raise StoreError(
            "BH-STO-007",
            f"the database already holds tables of another program: {', '.join(taken)}",
            means="Nothing was changed.",
            fix="Give this deployment a database, or on PostgreSQL a schema, of its own.",
        )
    return ""


def _run_alembic(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Config interpolates like an ini file: a % in the path must be doubled.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")
