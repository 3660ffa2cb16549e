"""SQL text cut into statements, and a table's definition into its parts, before anything understands it.

Dumps of real databases hold what one vendor and no parser knows. Cut first, a strange part costs itself and
not the table around it. Quotes of all kinds are kept whole; comments become blanks, so that lines stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"""
    r"""|(?P<comment>--[^\n]*|\#[^\n]*|/\*.*?\*/)""",
    re.DOTALL,
)


class Statement(NamedTuple):
    """One statement, without comments, and the line it begins on."""

    text: str
    line: int


def statements(sql: str) -> Iterator[Statement]:
    """Yield the statements of a text."""
    plain = _TOKEN.sub(_blank, sql)
    start = 0
    for end in (*_places(plain, ";", depth=None), len(plain)):
        text = plain[start:end]
        if text.strip():
            lead = len(text) - len(text.lstrip())
            yield Statement(text.strip(), plain.count("\n", 0, start + lead) + 1)
        start = end + 1


def parts(text: str) -> list[str]:
    """Return what stands between commas outside of brackets and quotes."""
    cuts = [-1, *_places(text, ",", depth=0), len(text)]
    found = (text[a + 1 : b].strip() for a, b in pairwise(cuts))
    return [each for each in found if each]


def bracketed(text: str) -> tuple[str, str] | None:
    """Return what stands in the first brackets of a text, and what stands before them; None without."""
    opens = next(iter(_places(text, "(", depth=0)), None)
    if opens is None:
        return None
    closes = next((place for place in _places(text[opens:], ")", depth=1)), None)
    return None if closes is None else (text[opens + 1 : opens + closes], text[:opens])


def _blank(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        return match[0]
    return re.sub(r"[^\n]", " ", match[0])


def _places(text: str, sign: str, depth: int | None) -> Iterator[int]:
    """Yield where a sign stands outside of quotes, at a depth of brackets; at any for None."""
    level, place = 0, 0
    while place < len(text):
        if text[place] in "'\"`$" and (quoted := _TOKEN.match(text, place)):
            place = quoted.end()
            continue
        if text[place] == sign and depth in (None, level):
            yield place
        level += (text[place] == "(") - (text[place] == ")")
        place += 1
