"""The index is made what the folder is: new and changed files are read, what is gone is deleted."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bridgehead.connect.collections import index as shelf
from bridgehead.connect.collections.chunks import Chunk, cut
from bridgehead.connect.collections.folder import File, contents
from bridgehead.connect.collections.index import Index, Indexed
from bridgehead.connect.collections.reader import Reader
from bridgehead.connect.collections.terms import Terms
from bridgehead.connect.collections.text import Text, Unreadable
from bridgehead.connect.collections.vectors import Embedder
from bridgehead.declare.collecting import Collection
from bridgehead.declare.part import seconds
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.clock import stamp

TOGETHER = 64
"""Files after which what was read stands, whatever becomes of the rest."""


@dataclass(slots=True, kw_only=True)
class Synced:
    """What a sync did: paths that were added, changed and deleted, and files that are not read, with why.

    ``erased`` is false where what went is found no more, but its bytes are still on the disk: somebody was
    reading an older state. The next sync tries again.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    erased: bool = True


class Sync:
    """One look at all files of a collection."""

    def __init__(
        self, index: Index, settings: Collection, pinned: str, embedder: Embedder | None, now: datetime
    ) -> None:
        self._index, self._settings, self._pinned, self._embedder = index, settings, pinned, embedder
        self._now = now
        self._terms = Terms()
        self._reader = Reader(settings.max_bytes)
        self._done = Synced()

    def of(self, found: Iterable[File]) -> Synced:
        """Look at every file there is. Raises ``ConnectError``; what was written before stands."""
        try:
            with self._index.writing(self._pinned) as connection:
                known, broken = shelf.documents(connection), shelf.problems(connection)
                seen: set[str] = set()
                for number, file in enumerate(found, 1):
                    seen.add(file.path)
                    self._one(connection, file, known.get(file.path), broken.get(file.path))
                    if number % TOGETHER == 0:
                        shelf.keep(connection)
                for path in sorted((known.keys() | broken.keys()) - seen):
                    shelf.remove(connection, path)
                    if path in known:
                        self._done.deleted.append(path)
                        self._done.digests[path] = known[path].digest
                shelf.mark_synced(connection, stamp(self._now))
            self._done.erased = self._index.emptied()
        finally:
            self._reader.close()
            self._terms.close()
        return self._done

    def _one(
        self,
        connection: sqlite3.Connection,
        file: File,
        known: shelf.Known | None,
        broken: shelf.Problem | None,
    ) -> None:
        try:
            self._require_kept(file)
            if broken is not None and broken.stat == file.stat and not file.words:
                raise Unreadable(broken.words)
            if known is not None and known.stat == file.stat and not file.words:
                self._done.unchanged += 1
                return
            data = contents(file, self._settings.max_bytes)
            version = hashlib.sha256(data).hexdigest()
            if known is not None and known.digest == version:
                shelf.restat(connection, file.path, file.stat)
                self._done.unchanged += 1
                return
            text = self._reader.read(file.path, data)
            self._write(connection, file, version, text)
        except Unreadable as error:
            words = str(error)
            if broken is None or broken.words != words or broken.stat != file.stat or known is not None:
                shelf.refuse(connection, file.path, file.stat, words, stamp(self._now))
            self._done.refused[file.path] = words
            if known is not None:
                self._done.deleted.append(file.path)
                self._done.digests[file.path] = known.digest
            return
        (self._done.added if known is None else self._done.changed).append(file.path)
        self._done.digests[file.path] = version

    def _require_kept(self, file: File) -> None:
        keep = self._settings.keep
        if keep and self._now.timestamp() - file.changed > seconds(keep):
            raise Unreadable(f"it was not changed for longer than {keep} (`keep`)")

    def _write(self, connection: sqlite3.Connection, file: File, version: str, text: Text) -> None:
        chunks = self._settings.chunks
        passages = list(cut(text, characters=chunks.characters, overlap=chunks.overlap))
        if not passages:
            raise Unreadable("it holds no text beside headings")
        title = file.title or text.title or file.path.rpartition("/")[2]
        document = {
            "path": file.path,
            "place": str(file.place),
            "title": title[:300],
            "digest": version,
            "stat": file.stat,
            "changed_at": stamp(
                datetime.fromtimestamp(0, UTC) + timedelta(seconds=max(0, int(file.changed)))
            ),
            "read_at": stamp(self._now),
            "characters": len(text.body),
            "pages": max((section.page for section in text.sections), default=0),
        }
        shelf.put(connection, document, self._indexed(file.path, version, title, passages))

    def _indexed(self, path: str, version: str, title: str, passages: Sequence[Chunk]) -> list[Indexed]:
        """Return the passages with what they are found by: title, headings and text."""
        said = [" \n".join([title, *one.headings, one.text]) for one in passages]
        counted = self._terms.counted(said)
        vectors = self._embedder.embedded(said) if self._embedder is not None else [None] * len(said)
        return [
            Indexed(chunk=one, digest=pinned(path, version, one), terms=terms, vector=vector)
            for one, terms, vector in zip(passages, counted, vectors, strict=True)
        ]


def pinned(path: str, version: str, passage: Chunk) -> str:
    """Return the digest of a passage: the document, its version, the place in it and the text."""
    return digest(
        {
            "document": path,
            "version": version,
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
        }
    )
