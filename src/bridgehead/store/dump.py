"""Copy a whole store while others work on it, and put a copy into an empty place.

SQLite: the online backup API (https://www.sqlite.org/backup.html), in one step, so that the copy is one
moment. PostgreSQL: ``pg_dump`` and ``pg_restore`` in the custom format; a dump is one snapshot by itself.
The password goes through the environment of these programs, never onto their command lines. Never:
overwrites anything.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError

from bridgehead.kernel.errors import StoreError
from bridgehead.store import engines, unfinished
from bridgehead.store.session import Store, address_of

FILES = {"sqlite": "store.db", "postgresql": "store.pgdump"}
"""The name of a copy, by kind of database."""
PATIENCE = 5.0


def dump(store: Store, target: Path) -> None:
    """Write a copy of a store to a new file. Raises ``StoreError`` (BH-STO-020 to BH-STO-022)."""
    if store.dialect == "sqlite":
        _copy_sqlite(Path(store.engine.url.database or ""), target)
        return
    with store.reading() as connection:
        schema = str(connection.exec_driver_sql("select current_schema()").scalar_one())
    command = ["--format=custom", "--no-owner", "--no-privileges", f"--schema={schema}", f"--file={target}"]
    run("pg_dump", store.engine.url, command)


def load(source: Path, url: str | Path) -> None:
    """Put a copy into an empty place: a SQLite file that is not there, a PostgreSQL database without our
    tables. A database is marked as unfinished, so that nobody opens it before ``finish``.

    Raises ``StoreError``: BH-STO-020 to BH-STO-022, BH-STO-023 the place is not empty, BH-STO-024 another
    restore is at work there. What was put there until then is removed.
    """
    address = address_of(url)
    if address.get_backend_name() == "sqlite":
        place = Path(address.database or "")
        if place.exists():
            raise _taken(str(place))
        shutil.copyfile(source, place)
        return
    schema = _empty_schema(address)
    with _on(address) as engine:
        unfinished.begin(engine)
        try:
            _fill(source, address)
            _require_same_schema(engine, schema)
        except BaseException:
            unfinished.discard_quietly(engine)
            raise


def finish(url: str | Path) -> None:
    """Let everybody open what was loaded: it is verified, stopped and marked. Raises ``StoreError``."""
    address = address_of(url)
    if address.get_backend_name() == "postgresql":
        with _on(address) as engine:
            unfinished.finish(engine)


def discard(url: str | Path) -> None:
    """Remove what was loaded into a database; a file is removed with the folder it is in."""
    address = address_of(url)
    if address.get_backend_name() == "postgresql":
        with _on(address) as engine:
            unfinished.discard_quietly(engine)


@contextmanager
def _on(address: URL) -> Iterator[Engine]:
    engine = engines.writers(address, PATIENCE)
    try:
        yield engine
    finally:
        engine.dispose()


def _fill(source: Path, address: URL) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".list") as wanted:
        # Its schema is there already, whoever it belongs to.
        listed = run("pg_restore", None, ["--list", str(source)]).splitlines()
        wanted.write("\n".join(line for line in listed if " SCHEMA - " not in line))
        wanted.flush()
        command = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
        command += [f"--use-list={wanted.name}", str(source)]
        run("pg_restore", address, command)


def _copy_sqlite(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        try:
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode=DELETE").close()  # one file, nothing beside it
        except sqlite3.Error as error:
            raise _failed("the copy", str(error)) from error


def _empty_schema(address: URL) -> str:
    """Return where our tables will be. Raises ``StoreError`` (BH-STO-023) where some are."""
    engine = engines.readers(address, PATIENCE)
    try:
        engines.make_schema(address)
        with engines.begun(engine, read_only=True, patience=0) as connection:
            row = connection.exec_driver_sql(
                "select current_schema(), to_regclass('ledger_head') is null and to_regclass('run') is null"
            ).one()
    except DBAPIError as error:
        raise _failed(address.render_as_string(), " ".join(str(error.orig).split())) from error
    finally:
        engine.dispose()
    if not row[1]:
        raise _taken(address.render_as_string())
    return str(row[0])


def _require_same_schema(engine: Engine, schema: str) -> None:
    with engines.begun(engine, read_only=True, patience=0) as connection:
        found = connection.exec_driver_sql("select to_regclass('ledger_head') is not null").scalar_one()
    if not found:
        words = f"the dump holds no tables for the schema {schema}"
        raise _failed(engine.url.render_as_string(), words)


def run(program: str, address: URL | None, arguments: list[str]) -> str:
    """Run one of PostgreSQL's programs on a database; return what it printed."""
    path = shutil.which(program)
    if path is None:
        raise StoreError(
            "BH-STO-020",
            f"the program {program} is not on this machine",
            means="PostgreSQL's own programs make and read copies of its databases. Nothing was done.",
            fix="Install them (Debian: apt-get install postgresql-client), at least as new as the server.",
        )
    environment = dict(os.environ)
    if address is not None:
        place, environment = where(address)
        arguments = [f"--dbname={place}", *arguments]
    done = subprocess.run(
        [path, *arguments], env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise StoreError(
            "BH-STO-021",
            f"{program} failed: {' '.join(done.stderr.split())[-600:]}",
            means="Nothing was kept of it.",
            fix="Its words are those of PostgreSQL. It must be at least as new as the server it reads.",
        )
    return done.stdout


def where(address: URL) -> tuple[str, dict[str, str]]:
    """Return how such a program finds the database of an address: the whole of it as a libpq connection
    string without its password, and the environment that carries the password.

    The same libpq reads both as reads ours: it is the same server, whatever parameters the address has.
    """
    from psycopg.conninfo import make_conninfo

    _, given = address.get_dialect()().create_connect_args(address)
    password = given.pop("password", None)
    environment = dict(os.environ)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo("", **given), environment


def _failed(place: str, words: str) -> StoreError:
    return StoreError(
        "BH-STO-022",
        f"{place} cannot be copied or restored: {words}",
        means="Nothing was kept of it.",
        fix="Check that the place can be reached and written, and that there is room.",
    )


def _taken(place: str) -> StoreError:
    return StoreError(
        "BH-STO-023",
        f"{place} holds a store already",
        means="A restore never overwrites. Nothing was changed.",
        fix="Name a place that is empty: a new folder, or a new database.",
    )
