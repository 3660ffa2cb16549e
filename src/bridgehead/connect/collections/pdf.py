"""PDF: page by page, through ``pypdf``. Its outline gives the sections, where it has one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from bridgehead.connect.collections.text import Text, Unreadable, Writing

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES = 5000


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
    said = False
    for number, page in enumerate(reader.pages, 1):
        writing.page(number)
        for level, words in headings.get(number, ()):
            writing.heading(level, words)
        words = page.extract_text()
        said = said or bool(words.strip())
        writing.paragraph(words)
    if not said:
        raise Unreadable("its pages hold no text: it is scanned")
    title = str(reader.metadata.title or "") if reader.metadata else ""
    return writing.text(title)


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
