"""A PostgreSQL database that a restore is not finished with: nobody else opens it.

The mark is a table of its own beside ours. It is there before the first of our tables, and goes when the
restore has verified, stopped and marked what it holds, so that no worker ever sees a half restored store.
"""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, ProgrammingError

from bridgehead.kernel.errors import StoreError
from bridgehead.store.faults import as_given, cannot_open
from bridgehead.store.tables import metadata

MARK = "bridgehead_restoring"
THERE_ALREADY = "42P07"
"""What PostgreSQL says of a table that is there already (duplicate_table)."""


def begin(engine: Engine) -> None:
    """Set the mark. Raises ``StoreError``: BH-STO-024 where another restore has set it, else what the
    database says."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"create table {MARK} (since timestamptz not null default now())")
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") == THERE_ALREADY:
            raise _unfinished(engine) from error
        raise cannot_open(_place(engine), error) from error
    except DBAPIError as error:
        raise cannot_open(_place(engine), error) from error


def finish(engine: Engine) -> None:
    """Take the mark away: from here on anybody may open the store. Raises ``StoreError``."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"drop table {MARK}")
    except DBAPIError as error:
        raise cannot_open(_place(engine), error) from error


def discard(engine: Engine) -> None:
    """Remove what a restore has put there, the mark last; what is not ours stays."""
    with engine.connect() as connection:
        for name in (*(table.name for table in metadata.tables.values()), "alembic_version", MARK):
            connection.exec_driver_sql(f'drop table if exists "{name}" cascade')


def refuse(engine: Engine) -> None:
    """Raise ``StoreError`` (BH-STO-024) where the mark is set."""
    if engine.dialect.name != "postgresql":
        return  # a file is restored beside its place, and renamed into it at the end
    with engine.connect() as connection:
        if connection.exec_driver_sql(f"select to_regclass('{MARK}')").scalar_one() is not None:
            raise _unfinished(engine)


def discard_quietly(engine: Engine) -> None:
    """Remove what a restore has put there as far as the database can be reached; the mark says the rest."""
    try:
        discard(engine)
    except DBAPIError:
        return


def _unfinished(engine: Engine) -> StoreError:
    return StoreError(
        "BH-STO-024",
        f"{_place(engine)} is being restored, or a restore of it was interrupted",
        means="What is in it has not been verified, and is not stopped. Nothing was opened.",
        fix="Wait until `bridgehead restore` is done. If it was interrupted: drop the schema bridgehead of "
        "that database, move the state folder away if it is there already, and restore again.",
    )


def _place(engine: Engine) -> str:
    return as_given(engine.url.render_as_string(hide_password=True))
