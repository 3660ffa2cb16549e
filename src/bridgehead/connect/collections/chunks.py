"""A text is cut into passages: within one section, at the end of a paragraph, a sentence or a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridgehead.connect.collections.text import Section, Text

_ENDS = (re.compile(r"\n[ \t]*\n"), re.compile(r"(?<=[.!?:;])\s"), re.compile(r"\s"))
"""Where a passage may end, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage: ``text`` is the document's text from ``start`` to ``end``, in characters."""

    headings: tuple[str, ...]
    page: int
    start: int
    end: int
    text: str


def cut(text: Text, *, characters: int, overlap: int) -> Iterator[Chunk]:
    """Yield the passages of a text, each at most so many characters long."""
    for section in text.sections:
        start, end = _trimmed(text.body, section.start, section.end)
        if start >= end or _only_heading(text.body[start:end], section):
            continue
        for first, last in _pieces(text.body, start, end, characters, overlap):
            yield Chunk(
                headings=section.headings,
                page=section.page,
                start=first,
                end=last,
                text=text.body[first:last],
            )


def _pieces(body: str, start: int, end: int, most: int, overlap: int) -> Iterator[tuple[int, int]]:
    while end - start > most:
        stop = _end_of(body, start, start + most)
        yield _trimmed(body, start, stop)
        start = _trimmed(body, _again(body, start, stop, overlap), end)[0]
    if start < end:
        yield start, end


def _end_of(body: str, start: int, limit: int) -> int:
    """Return where a passage from ``start`` on ends: not before half of it is filled."""
    half = start + (limit - start) // 2
    for pattern in _ENDS:
        found = [match.start() for match in pattern.finditer(body, half, limit)]
        if found:
            return found[-1] + (1 if pattern is _ENDS[1] else 0)
    return limit


def _again(body: str, start: int, stop: int, overlap: int) -> int:
    """Return where the next passage begins: ``overlap`` back, at a word; always further on than this one."""
    back = max(start + 1, stop - overlap)
    if back >= stop:
        return stop
    word = re.compile(r"\s\S").search(body, back, stop)
    return word.start() + 1 if word else stop


def _trimmed(body: str, start: int, end: int) -> tuple[int, int]:
    while start < end and body[start].isspace():
        start += 1
    while end > start and body[end - 1].isspace():
        end -= 1
    return start, end


def _only_heading(words: str, section: Section) -> bool:
    """A heading with nothing under it is said by the sections below it."""
    return bool(section.headings) and words.strip("#=- \t\n") == section.headings[-1]
