"""The driver of a collection: finds passages among those that may be read, and says where they stand.

Only ``enforce`` asks it, with ``permits``: which documents take part. Everything else is as if it were not
there. What is given was looked at once more: a file that is gone or changed since it was read gives nothing.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridgehead.connect.collections import bm25, folder
from bridgehead.connect.collections import index as shelf
from bridgehead.connect.collections.folder import File, Given, stands
from bridgehead.connect.collections.fuse import fused
from bridgehead.connect.collections.index import Index
from bridgehead.connect.collections.sync import Sync, Synced
from bridgehead.connect.collections.terms import Terms
from bridgehead.connect.collections.vectors import Embedder, Vectors
from bridgehead.connect.faults import not_open, unknown_operation
from bridgehead.declare.collecting import Collection
from bridgehead.declare.part import seconds
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.clock import Clock, SystemClock, stamp
from bridgehead.kernel.errors import ConnectError
from bridgehead.kernel.ports import SEARCH, Operation, Reply, Request

DEPTH = 100
"""Passages of each order that are fused."""
REMEMBERED = 16
"""How many people's permitted passages are kept in memory."""
WORDS = "words"
MEANING = "words and meaning"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """What of one generation is kept in memory: each passage's document, its length in terms, and its
    ``rank`` by document and place, which decides between equals: not the order in which files came."""

    generation: str
    by_id: Mapping[int, shelf.Known]
    of_chunk: array[int]
    lengths: array[int]
    rank: array[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Permitted:
    """The passages somebody may read: ``allowed[passage]`` is 1, their number and mean length."""

    allowed: bytearray
    count: int
    average: float


class DocumentCollection:
    """A collection of the charter. ``root`` is its folder, ``texts`` the release's own documents in it."""

    def __init__(
        self,
        name: str,
        settings: Collection,
        *,
        root: Path | None,
        texts: Mapping[str, Given],
        state: Path,
        skip: Path | None = None,
        embedder: Embedder | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name, self.settings = name, settings
        self._root = root.resolve() if root is not None else None
        self._texts, self._skip, self._embedder = texts, skip, embedder
        self._clock = clock or SystemClock()
        self.index = Index(name, state / "collections" / f"{name}-{self._place()}.sqlite")
        self._loaded: _Loaded | None = None
        self._vectors: tuple[str, Vectors] | None = None
        self._terms: Terms | None = None
        self._permitted: OrderedDict[tuple[str, str, str], _Permitted] = OrderedDict()
        self._loading, self._syncing = threading.Lock(), threading.Lock()
        self._opened = False

    async def open(self) -> None:
        """Make the index where there is none. Raises ``ConnectError`` BH-CON-070, 071."""
        await asyncio.to_thread(self._ready)
        self._opened = True

    async def close(self) -> None:
        """Let go of the memory."""
        self._opened = False
        with self._loading:
            self._loaded = self._vectors = None
            self._permitted.clear()
            if self._terms is not None:
                self._terms.close()
                self._terms = None

    async def operations(self) -> Sequence[Operation]:
        """Return none: only the boundary searches."""
        return ()

    async def call(self, request: Request) -> Reply:
        """Search once. A read: every failure has effect none."""
        if request.operation != SEARCH:
            raise unknown_operation(self.name, request.operation, ())
        if not self._opened:
            raise not_open(self.name)
        return Reply(value=await asyncio.to_thread(self._searched, request.arguments))

    def sync(self, *, again: bool = False) -> Synced:
        """Make the index what the folder is now; ``again`` reads every file anew. Raises ``ConnectError``."""
        with self._syncing:
            if again:
                self.index.discard()
            work = Sync(self.index, self.settings, self._pinned(), self._embedder, self._clock.now())
            return work.of(self._files())

    def listed(self) -> tuple[list[shelf.Known], list[shelf.Problem]]:
        """Return what was read, and the files that are not. Raises ``ConnectError`` BH-CON-070."""
        if not self.index.exists():
            return [], []
        with self.index.reading() as connection:
            return list(shelf.documents(connection).values()), list(shelf.problems(connection).values())

    def passages(self, document: str) -> list[dict[str, Any]]:
        """Return the passages of a document, in its order. Raises ``ConnectError`` BH-CON-070."""
        if not self.index.exists():
            return []
        with self.index.reading() as connection:
            known = shelf.documents(connection).get(document)
            if known is None:
                return []
            numbers = connection.execute(
                "select id from chunk where document = ? order by start, id", (known.id,)
            ).fetchall()
            return [_passage(connection, number, known) for (number,) in numbers]

    # --- the files ---

    def _files(self) -> list[File]:
        texts = [folder.given(name, text) for name, text in sorted(self._texts.items())]
        if self._root is None:
            return texts
        found = folder.files(self._root, most=self.settings.max_files, skip=self._skip)
        return texts + list(found)

    def _place(self) -> str:
        return digest(
            [str(self._root or ""), {n: [str(t.place), t.ending, t.title] for n, t in self._texts.items()}]
        )[:16]

    def _pinned(self) -> str:
        """Return what the index rests on beside the files: it is made anew when that changes."""
        model = self._embedder.pinned if self._embedder is not None else ""
        return digest([shelf.VERSION, self.settings.chunks.model_dump(), model])

    def _ready(self) -> None:
        due = not self.index.exists()
        if not due:
            with self.index.reading() as connection:
                looked = shelf.synced_at(connection)
                due = not looked or self._is_due(looked) or shelf.settings(connection) != self._pinned()
        if due:
            self.sync()

    def _refresh(self) -> None:
        try:
            self._ready()
        except ConnectError as error:
            if not error.temporary:  # somebody else is at it: what is there is searched
                raise

    def _is_due(self, looked: str) -> bool:
        if not self.settings.refresh:
            return False
        return self._clock.now() - datetime.fromisoformat(looked) > timedelta(
            seconds=seconds(self.settings.refresh)
        )

    # --- the search ---

    def _searched(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if self.settings.refresh or not self.index.exists():
            self._refresh()
        with self.index.reading() as connection:
            loaded = self._load(connection)
            permitted = self._permit(loaded, asked)
            order = self._order(connection, loaded, permitted, asked["query"])
            passages, behind = self._taken(connection, loaded, order, asked["limit"])
        value: dict[str, Any] = {
            "passages": passages,
            "searched": MEANING if self._embedder is not None else WORDS,
        }
        if behind:
            value["behind"] = True
        return value

    def _load(self, connection: sqlite3.Connection) -> _Loaded:
        """Return what is kept of the index as it is now."""
        now = shelf.generation(connection)
        with self._loading:
            if self._loaded is None or self._loaded.generation != now:
                rows = connection.execute(
                    "select chunk.id, document, length from chunk join document on document.id = document"
                    " order by path, start, chunk.id"
                ).fetchall()
                size = max((row[0] for row in rows), default=0) + 1
                self._loaded = _Loaded(
                    generation=now,
                    by_id={known.id: known for known in shelf.documents(connection).values()},
                    of_chunk=bm25.by_number(((row[0], row[1]) for row in rows), size),
                    lengths=bm25.by_number(((row[0], row[2]) for row in rows), size),
                    rank=bm25.by_number(((row[0], place) for place, row in enumerate(rows)), size),
                )
            return self._loaded

    def _permit(self, loaded: _Loaded, asked: Mapping[str, Any]) -> _Permitted:
        """Return the passages that take part, each document asked about once for each state of the rights."""
        oldest = _next_minute(asked["not_before"])
        key = (loaded.generation, asked["rights"], oldest)
        with self._loading:
            if key in self._permitted:
                self._permitted.move_to_end(key)
                return self._permitted[key]
        found = _permitted(loaded, asked["permits"], oldest)
        with self._loading:
            self._permitted[key] = found
            while len(self._permitted) > REMEMBERED:
                self._permitted.popitem(last=False)
        return found

    def _order(
        self, connection: sqlite3.Connection, loaded: _Loaded, permitted: _Permitted, query: str
    ) -> list[int]:
        if not permitted.count:
            return []
        wanted = self._asked(query)
        postings = (
            connection.execute("select chunk, times from posting where term = ?", (term,)).fetchall()
            for term in wanted
        )
        found = bm25.scores(postings, permitted.allowed, loaded.lengths, permitted.count, permitted.average)
        by_words = bm25.best(found, DEPTH, loaded.rank)
        if self._embedder is None:
            return by_words
        (vector,) = self._embedder.embedded([query])
        by_meaning = self._near(connection, loaded).best(vector, permitted.allowed, DEPTH, loaded.rank)
        return fused(loaded.rank, by_words, by_meaning)

    def _asked(self, query: str) -> list[str]:
        with self._loading:
            if self._terms is None:
                self._terms = Terms()
            return self._terms.asked(query)

    def _near(self, connection: sqlite3.Connection, loaded: _Loaded) -> Vectors:
        """Return the vectors of the index as it is now."""
        with self._loading:
            if self._vectors is None or self._vectors[0] != loaded.generation:
                rows = connection.execute("select id, vector from chunk where vector is not null order by id")
                self._vectors = (loaded.generation, Vectors(rows.fetchall()))
            return self._vectors[1]

    def _taken(
        self, connection: sqlite3.Connection, loaded: _Loaded, order: Sequence[int], limit: int
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the first passages whose file still says what was read, and whether some did not."""
        found: list[dict[str, Any]] = []
        standing: dict[int, bool] = {}
        for passage in order:
            if len(found) == limit:
                break
            document = loaded.by_id[loaded.of_chunk[passage]]
            if document.id not in standing:
                standing[document.id] = stands(Path(document.place), document.stat)
            if standing[document.id]:
                found.append(_passage(connection, passage, document))
        return found, not all(standing.values())


def _permitted(loaded: _Loaded, permits: Callable[[str], bool], oldest: str) -> _Permitted:
    ids = {known.id for known in loaded.by_id.values() if known.changed_at >= oldest and permits(known.path)}
    allowed = bytearray(document in ids for document in loaded.of_chunk)
    lengths = [length for length, may in zip(loaded.lengths, allowed, strict=True) if may]
    count = len(lengths)
    return _Permitted(allowed=allowed, count=count, average=sum(lengths) / count if count else 0.0)


def _passage(connection: sqlite3.Connection, passage: int, document: shelf.Known) -> dict[str, Any]:
    row = connection.execute(
        "select headings, page, start, end, text, digest from chunk where id = ?", (passage,)
    ).fetchone()
    headings = json.loads(row[0])
    return {
        "text": row[4],
        "citation": citation(document.title, headings, row[1]),
        "document": document.path,
        "title": document.title,
        "section": headings,
        "page": row[1],
        "start": row[2],
        "end": row[3],
        "version": document.digest,
        "digest": row[5],
        "read_at": document.read_at,
    }


def citation(title: str, headings: Sequence[str], page: int) -> str:
    """Return how a passage is cited: title, section, page."""
    section = " > ".join(heading for heading in headings if heading != title)
    return ", ".join(part for part in (title, section, f"p. {page}" if page else "") if part)


def _next_minute(moment: datetime | None) -> str:
    """Return the next whole minute: what is too old by then is too old now, and little is asked twice."""
    if moment is None:
        return ""
    return stamp(moment.replace(second=0, microsecond=0) + timedelta(minutes=1))
