"""The index of a collection: one SQLite file of documents, passages, terms and vectors.

A document that leaves it leaves no byte: SQLite overwrites what it deletes (``secure_delete``), and the log
beside the file is emptied once nobody reads an older state. Each change raises ``generation``, by which
readers notice it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridgehead.connect.collections.chunks import Chunk
from bridgehead.kernel.errors import ConnectError

VERSION = 1
_TABLES = """
create table meta (key text primary key, value text not null) without rowid;
create table document (
    id integer primary key, path text not null unique, place text not null, title text not null,
    digest text not null, stat text not null, changed_at text not null, read_at text not null,
    characters integer not null, pages integer not null
);
create table problem (path text primary key, stat text not null, words text not null, seen_at text not null);
create table chunk (
    id integer primary key, document integer not null, headings text not null, page integer not null,
    start integer not null, end integer not null, text text not null, digest text not null,
    length integer not null, vector blob
);
create index chunk_document on chunk (document);
create table posting (term text not null, chunk integer not null, times integer not null,
    primary key (term, chunk)) without rowid;
create index posting_chunk on posting (chunk);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A document in the index. ``stat`` is what its file, at ``place``, looked like when it was read."""

    id: int
    path: str
    place: str
    title: str
    digest: str
    stat: str
    changed_at: str
    read_at: str
    characters: int
    pages: int
    passages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A file that is not read, and why."""

    path: str
    stat: str
    words: str
    seen_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """A passage with its terms, its digest and, where there is a model, its vector."""

    chunk: Chunk
    digest: str
    terms: Mapping[str, int]
    vector: bytes | None


class Index:
    """One file. A connection for each use; who writes says when it shall stand (``keep``)."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.patience = 5.0
        """Seconds to wait for readers before the log is left for the next sync."""

    def exists(self) -> bool:
        """Say whether it was ever made."""
        return self.path.is_file()

    def discard(self) -> None:
        """Delete it, with what SQLite keeps beside it."""
        with self._in_our_words():
            for ending in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one moment of the index. Raises ``ConnectError`` (BH-CON-070)."""
        with self._in_our_words():
            connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=20
            )
            try:
                connection.execute("pragma trusted_schema = off")
                connection.execute("begin")
                yield connection
            finally:
                connection.close()

    @contextmanager
    def writing(self, settings: str) -> Iterator[sqlite3.Connection]:
        """Yield a connection for a sync; what was cut or embedded under other ``settings`` is dropped."""
        with self._in_our_words():
            connection = self._made()
            try:
                if _meta(connection, "settings") != settings:
                    _begin_again(connection, settings)
                connection.execute("begin immediate")
                yield connection
                keep(connection)
                connection.execute("commit")
            finally:
                connection.close()  # what was not kept is taken back

    def emptied(self) -> bool:
        """Empty the log beside the file; say whether that is done: not while an older state is read."""
        with self._in_our_words():
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=self.patience)
            try:
                busy, _, _ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
                return not busy
            finally:
                connection.close()

    def _made(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma secure_delete = on")
        connection.execute("pragma synchronous = normal")
        connection.execute("begin immediate")  # two may make it at the same time
        if connection.execute("pragma user_version").fetchone()[0] != VERSION:
            for (table,) in connection.execute(
                "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
            ).fetchall():
                connection.execute(f'drop table "{table}"')
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {VERSION}")
        connection.execute("commit")
        return connection

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ConnectError(
                "BH-CON-070",
                f"the index of {self.name} cannot be used",
                effect_state="none",
                temporary="locked" in str(error),
                means="Nothing was searched.",
                fix=f"{error}. It can be made again at any time: `bridgehead documents sync --again`.",
                private=f"{self.path}: {error}",
            ) from error


def generation(connection: sqlite3.Connection) -> str:
    """Return what changes with every change of the index, and with the file itself."""
    return f"{_meta(connection, 'made')}.{_meta(connection, 'generation')}"


def settings(connection: sqlite3.Connection) -> str:
    """Return what it was made under: cutting and model."""
    return _meta(connection, "settings")


def synced_at(connection: sqlite3.Connection) -> str:
    """Return when its folder was last looked at; empty: never to the end."""
    return _meta(connection, "synced_at")


def keep(connection: sqlite3.Connection) -> None:
    """Make what was written so far stand, and let readers notice."""
    connection.execute("update meta set value = cast(value as integer) + 1 where key = 'generation'")
    connection.execute("commit")
    connection.execute("begin immediate")


def mark_synced(connection: sqlite3.Connection, at: str) -> None:
    """Note that its folder was looked at, to the end."""
    connection.execute("insert or replace into meta values ('synced_at', ?)", (at,))


def documents(connection: sqlite3.Connection) -> dict[str, Known]:
    """Return every document by its path."""
    rows = connection.execute(
        "select id, path, place, title, digest, stat, changed_at, read_at, characters, pages,"
        " (select count(*) from chunk where chunk.document = document.id) from document order by path"
    )
    names = Known.__slots__
    return {row[1]: Known(**dict(zip(names, row, strict=True))) for row in rows}


def problems(connection: sqlite3.Connection) -> dict[str, Problem]:
    """Return every file that is not read, by its path."""
    rows = connection.execute("select path, stat, words, seen_at from problem order by path")
    return {row[0]: Problem(path=row[0], stat=row[1], words=row[2], seen_at=row[3]) for row in rows}


def put(connection: sqlite3.Connection, document: Mapping[str, Any], passages: Sequence[Indexed]) -> None:
    """Write a document with its passages in place of what was there of it."""
    remove(connection, document["path"])
    columns = ", ".join(document)
    places = ", ".join(f":{name}" for name in document)
    key = connection.execute(f"insert into document ({columns}) values ({places})", document).lastrowid  # noqa: S608 -- our own names
    for one in passages:
        _put_passage(connection, key, one)


def restat(connection: sqlite3.Connection, path: str, stat: str) -> None:
    """Note that a file looks different and says the same."""
    connection.execute("update document set stat = ? where path = ?", (stat, path))


def refuse(connection: sqlite3.Connection, path: str, stat: str, words: str, now: str) -> None:
    """Note a file that is not read; what was there of it goes."""
    remove(connection, path)
    connection.execute("insert into problem values (?, ?, ?, ?)", (path, stat, words[:500], now))


def _put_passage(connection: sqlite3.Connection, document: int | None, one: Indexed) -> None:
    chunk = one.chunk
    key = connection.execute(
        "insert into chunk (document, headings, page, start, end, text, digest, length, vector)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            document,
            json.dumps(chunk.headings, ensure_ascii=False),
            chunk.page,
            chunk.start,
            chunk.end,
            chunk.text,
            one.digest,
            sum(one.terms.values()),
            one.vector,
        ),
    ).lastrowid
    connection.executemany(
        "insert into posting values (?, ?, ?)", ((term, key, times) for term, times in one.terms.items())
    )


def remove(connection: sqlite3.Connection, path: str) -> None:
    """Delete everything there is of a file: document, passages, terms, vectors, problem."""
    connection.execute("delete from problem where path = ?", (path,))
    found = connection.execute("select id from document where path = ?", (path,)).fetchone()
    if found is None:
        return
    of_it = "select id from chunk where document = ?"
    connection.execute(f"delete from posting where chunk in ({of_it})", found)  # noqa: S608 -- our own text
    connection.execute("delete from chunk where document = ?", found)
    connection.execute("delete from document where id = ?", found)


def _begin_again(connection: sqlite3.Connection, settings: str) -> None:
    connection.execute("begin immediate")
    for table in ("document", "problem", "chunk", "posting", "meta"):
        connection.execute(f"delete from {table}")  # noqa: S608 -- our own names
    made = os.urandom(8).hex()
    rows = [("settings", settings), ("made", made), ("generation", "1"), ("synced_at", "")]
    connection.executemany("insert into meta values (?, ?)", rows)
    connection.execute("commit")


def _meta(connection: sqlite3.Connection, key: str) -> str:
    found = connection.execute("select value from meta where key = ?", (key,)).fetchone()
    return str(found[0]) if found else ""
