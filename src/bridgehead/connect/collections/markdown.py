"""Markdown and plain text: sections by headings; the text stays as it is written."""

from __future__ import annotations

import re

from bridgehead.connect.collections.text import Section, Text, Unreadable

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FRONT = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)


def decoded(data: bytes) -> str:
    """Return the text of a file. Raises ``Unreadable`` where it is not UTF-8 or holds NUL."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8 text (byte {error.start})") from error
    if "\x00" in text:
        raise Unreadable("it is not text: it holds NUL characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def plain(data: bytes) -> Text:
    """Return a text without headings."""
    body = decoded(data)
    return Text(title="", body=body, sections=(Section(end=len(body)),))


def markdown(data: bytes) -> Text:
    """Return a Markdown text by its headings; ``title`` of its front matter is its title."""
    body = decoded(data)
    front = _FRONT.match(body)
    start = front.end() if front else 0
    called = _TITLE.search(front[1]) if front else None
    sections, first = _sections(body, start)
    return Text(title=called[1] if called else first, body=body, sections=tuple(sections))


def _sections(body: str, start: int) -> tuple[list[Section], str]:
    """Return the sections from ``start`` on, and the first heading."""
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    first, begun, fence = "", start, ""
    position, previous = start, (start, "")
    for line in body[start:].splitlines(keepends=True):
        bare = line.rstrip("\n")
        fence, fenced = _fence(fence, bare)
        found = None if fenced else _heading(bare, position, previous)
        if found is not None:
            level, words, at = found
            sections.append(Section(headings=_words(above), start=begun, end=at))
            above = [one for one in above if one[0] < level] + [(level, words)]
            begun, first = at, first or words
        previous = (position, "" if fenced or found else bare)
        position += len(line)
    sections.append(Section(headings=_words(above), start=begun, end=len(body)))
    return [section for section in sections if section.end > section.start], first


def _heading(line: str, position: int, previous: tuple[int, str]) -> tuple[int, str, int] | None:
    """Return level, words and place of the heading that a line is, or that it underlines."""
    marked = _HEADING.match(line)
    if marked:
        return len(marked[1]), marked[2], position
    under = _UNDERLINE.match(line)
    if under and previous[1].strip() and not previous[1].lstrip().startswith(("-", "*", "+", ">", "|", "#")):
        return 1 if under[1][0] == "=" else 2, previous[1].strip(), previous[0]
    return None


def _fence(open_fence: str, line: str) -> tuple[str, bool]:
    """Return the fence that is open after a line, and whether the line is in one."""
    found = _FENCE.match(line)
    if not open_fence:
        return (found[1], True) if found else ("", False)
    closes = found is not None and found[1][0] == open_fence[0] and len(found[1]) >= len(open_fence)
    return ("" if closes else open_fence), True


def _words(above: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(words for _, words in above)
