"""A file's bytes become a ``Text``, by the ending of its name.

Markdown and plain text are read here. Everything that is unpacked or parsed is read ``apart``, by a process
with limits: what breaks it, breaks only itself.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from bridgehead.connect.collections.apart import Apart
from bridgehead.connect.collections.markdown import markdown, plain
from bridgehead.connect.collections.text import MAX_CHARACTERS, Text, Unreadable

MARKDOWN = frozenset({".md", ".markdown"})
PLAIN = frozenset({".txt", ".text"})
APART = {".html": "html", ".htm": "html", ".pdf": "pdf", ".docx": "docx", ".eml": "mail"}
KINDS = (*sorted(MARKDOWN), *sorted(PLAIN), *APART)


class Reader:
    """Reads files one after the other; the process beside it is started when it is first needed."""

    def __init__(self, max_bytes: int) -> None:
        self._apart = Apart(max_bytes)

    def read(self, path: str, data: bytes) -> Text:
        """Return what a file says. Raises ``Unreadable`` with the reason."""
        ending = PurePosixPath(path).suffix.lower()
        if ending in MARKDOWN:
            text = markdown(data)
        elif ending in PLAIN:
            text = plain(data)
        elif ending in APART:
            text = self._apart.read(APART[ending], data)
        else:
            raise Unreadable(f"files of this kind are not read; these are: {', '.join(KINDS)}")
        if not text.body.strip():
            raise Unreadable("it holds no text")
        if len(text.body) > MAX_CHARACTERS:
            raise Unreadable(f"it has more than {MAX_CHARACTERS} characters")
        return text

    def close(self) -> None:
        """End the process beside it."""
        self._apart.close()
