"""The memory of ``rewrite``: every release has one, whether SQL is asked of it or not.

The parser takes long to load: it comes with the first statement.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from bridgehead.enforce.sql.rewritten import Rewritten
from bridgehead.enforce.sql.rights import Rights


class Rewriter:
    """Rewrites with a memory: the same text for the same rights is rewritten once. Safe between threads."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._known: OrderedDict[tuple[str, str, tuple[str, ...]], Rewritten] = OrderedDict()
        self._lock = Lock()

    def rewrite(self, text: str, rights: Rights, parameters: tuple[str, ...] = ()) -> Rewritten:
        """Return what ``rewrite`` returns. The rights are part of the key, never the text alone."""
        key = (text, rights.digest, parameters)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        from bridgehead.enforce.sql.rewrite import rewrite

        made = rewrite(text, rights, parameters)
        with self._lock:
            self._known[key] = made
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return made
