"""What a file says: one text, and the sections of it, as every kind of file is read into."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CHARACTERS = 20_000_000
"""Characters of one document."""


class Unreadable(Exception):
    """A file that is not read, with the words that say why. The others are read all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of a text, in characters: the headings above it, and its page where there are pages."""

    headings: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A document: its title, its text, its sections in order."""

    title: str
    body: str
    sections: tuple[Section, ...]


class Writing:
    """Puts a text together: headings and paragraphs in the order in which they are read."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._open: list[tuple[int, str]] = []
        self._sections: list[Section] = []
        self._start = 0
        self._page = 0
        self.first_heading = ""

    def heading(self, level: int, words: str) -> None:
        """Begin a section: ``level`` 1 is the highest."""
        words = " ".join(words.split())
        if not words:
            return
        self._end_section()
        self._open = [one for one in self._open if one[0] < level] + [(level, words)]
        self.first_heading = self.first_heading or words
        self.paragraph(words)

    def page(self, number: int) -> None:
        """Begin a page."""
        self._end_section()
        self._page = number

    def paragraph(self, words: str) -> None:
        """Add a paragraph, a list item or a row of a table."""
        words = words.strip()
        if words:
            self._parts.append(words + "\n\n")
            self._length += len(words) + 2

    def text(self, title: str) -> Text:
        """Return what was written."""
        self._end_section()
        title = " ".join(title.split()) or self.first_heading
        return Text(title=title, body="".join(self._parts), sections=tuple(self._sections))

    def _end_section(self) -> None:
        if self._length > self._start:
            headings = tuple(words for _, words in self._open)
            self._sections.append(
                Section(headings=headings, start=self._start, end=self._length, page=self._page)
            )
        self._start = self._length
