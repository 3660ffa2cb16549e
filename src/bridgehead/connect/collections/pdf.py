"""PDF: page by page, through ``pypdf``. Its outline gives the sections, where it has one.

One that says no title has the first line of its outline, or else what its first page prints largest.
"""

from __future__ import annotations

import io
import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from bridgehead.connect.collections.text import Text, Unreadable, Writing

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES = 5000
LARGER = 1.2
"""How much larger than the rest of its page a line is printed to be taken for a title."""
LONGEST_TITLE = 200
"""Characters; what is longer is a page in large print."""


def pdf(data: bytes) -> Text:
    """Return what a PDF says. Raises ``Unreadable``: encrypted, scanned, too many pages."""
    try:
        from pypdf import PdfReader
    except ImportError as error:
        raise Unreadable("PDF needs a package: pip install 'bridgehead[documents]'") from error
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted:
        raise Unreadable("it is encrypted")
    if len(reader.pages) > MAX_PAGES:
        raise Unreadable(f"it has more than {MAX_PAGES} pages")
    headings = _outline(reader)
    writing = Writing()
    said, printed = False, _Print()
    for number, page in enumerate(reader.pages, 1):
        writing.page(number)
        for level, words in headings.get(number, ()):
            writing.heading(level, words)
        words = page.extract_text(visitor_text=printed.take) if number == 1 else page.extract_text()
        said = said or bool(words.strip())
        writing.paragraph(words)
    if not said:
        raise Unreadable("its pages hold no text: it is scanned")
    title = str(reader.metadata.title or "") if reader.metadata else ""
    return writing.text(title.strip() or writing.first_heading or printed.largest())


class _Print:
    """What is printed on a page, by size."""

    def __init__(self) -> None:
        self._found: list[tuple[float, str]] = []

    def take(self, words: str, outer: Any, inner: Any, _font: Any, size: Any) -> None:
        """Take a piece of text with its matrices, as ``pypdf`` hands it over."""
        if words.strip():
            scale = math.hypot(*map(float, inner[:2])) * math.hypot(*map(float, outer[:2]))
            self._found.append((round(float(size or 0) * scale, 1), words))

    def largest(self) -> str:
        """Return the first words of the largest size; empty where nothing stands out."""
        letters: Counter[float] = Counter()
        for size, words in self._found:
            letters[size] += len(words)
        most, usual = max(letters, default=0.0), max(letters, key=lambda size: letters[size], default=0.0)
        if most < usual * LARGER or not usual:
            return ""
        first = next(place for place, (size, _) in enumerate(self._found) if size == most)
        run = itertools.takewhile(lambda one: one[0] == most, self._found[first:])
        title = " ".join(" ".join(words for _, words in run).split())
        return title if len(title) <= LONGEST_TITLE else ""


def _outline(reader: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """Return the headings of its outline by page; none where it cannot be followed."""
    found: dict[int, list[tuple[int, str]]] = {}
    try:
        _follow(reader, reader.outline, 1, found)
    except Exception:  # whatever the library makes of a broken outline: pages do without
        return {}
    return found


def _follow(reader: PdfReader, items: list[Any], level: int, found: dict[int, list[tuple[int, str]]]) -> None:
    for item in items:
        if isinstance(item, list):
            if level < 6:
                _follow(reader, item, level + 1, found)
            continue
        page = reader.get_destination_page_number(item)
        if page is not None and page >= 0 and item.title:
            found.setdefault(page + 1, []).append((level, str(item.title)))
