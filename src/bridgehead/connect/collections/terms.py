"""Words as they are searched: SQLite's own tokenizer (Unicode, no accents, English stems), in memory."""

from __future__ import annotations

import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bridgehead.connect.faults import bad_setting

_NO_SPACES = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])")
"""Scripts written without spaces between words: each letter is a term."""

_COMMON = (
    "a about an and are as at be been but by can do does for from had has have how i if in into is it its "
    "me my no not of on or our shall so than that the their them then there these they this to was we "
    "were what when where which who whom whose will with would you your "
)
COMMON = frozenset(_COMMON.split())
"""English words that say nothing about what is looked for."""


class Terms:
    """Takes texts apart, for one thread at a time."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._one_at_a_time = threading.Lock()
        try:
            self._connection.executescript(
                'create virtual table text using fts5(t, tokenize = "porter unicode61 remove_diacritics 2");'
                "create virtual table said using fts5vocab(text, 'instance');"
            )
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise bad_setting(
                "this Python's SQLite has no full text search (FTS5)",
                fix="Use a Python whose SQLite is built with FTS5; nearly all are.",
            ) from error

    def counted(self, texts: Sequence[str]) -> list[dict[str, int]]:
        """Return, for each text, how often each term stands in it."""
        found: list[dict[str, int]] = [{} for _ in texts]
        with self._one_at_a_time, self._forgotten():
            self._connection.executemany(
                "insert into text(rowid, t) values (?, ?)",
                ((number, _plain(text)) for number, text in enumerate(texts, 1)),
            )
            for number, term, count in self._connection.execute(
                "select doc, term, count(*) from said group by doc, term"
            ):
                found[number - 1][term] = count
        return found

    @contextmanager
    def _forgotten(self) -> Iterator[None]:
        self._connection.execute("begin")
        try:
            yield
        finally:
            self._connection.execute("rollback")

    def asked(self, query: str) -> list[str]:
        """Return every term of a query, without common words unless there are no others.

        None is left out: which of them tell passages apart, the passages that may be read say (BM25).
        """
        words = [word for word in re.findall(r"\w+", _plain(query)) if word not in COMMON]
        (found,) = self.counted([" ".join(words) or query])
        return sorted(found)

    def close(self) -> None:
        """Let go of the memory."""
        self._connection.close()


def _plain(text: str) -> str:
    """Return a text as it is compared: one form of each character, small letters."""
    return _NO_SPACES.sub(r" \1 ", unicodedata.normalize("NFKC", text).casefold())
