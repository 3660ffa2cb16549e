"""Days as people write them, in a text: which are named, and which letters of it are part of one."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
_NTH = r"([0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? ?((?:19|20)[0-9]{2})\b)?"
_DATES = (
    re.compile(rf"\b({_MONTH})\.? (?:the )?{_NTH}\b{_YEAR}", re.I),
    re.compile(rf"\b{_NTH} (?:of )?({_MONTH})\b{_YEAR}", re.I),
    re.compile(
        rf"\b{_NTH} (?:to|until|-) (?:the )?[0-9]{{1,2}}(?:st|nd|rd|th)? (?:of )?({_MONTH})\b{_YEAR}", re.I
    ),
)
_ISO = re.compile(r"\b((?:19|20)[0-9]{2})-([0-9]{2})-([0-9]{2})\b")
_OTHERS = (
    re.compile(rf"\b(?:{_MONTH})\.?,? (?:of )?(?:19|20)[0-9]{{2}}\b", re.I),
    re.compile(
        rf"\b(?:{_MONTH})\.? (?:the )?[0-9]{{1,2}}(?:st|nd|rd|th)?"
        rf" (?:to|until|through|and|or|-) (?:the )?[0-9]{{1,2}}(?:st|nd|rd|th)?\b{_YEAR}",
        re.I,
    ),
)
"""A month of a year, and the second day of two: no days that are read, and digits that are part of one."""
_CLOCK = re.compile(r"\b([01]?[0-9]|2[0-3]):([0-5][0-9])\b")
_BARE_YEAR = re.compile(r"\b((?:19|20)[0-9]{2})\b")


def days(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield the days a text names: (year or 0 where none is written, month, day)."""
    yield from ((int(y), int(m), int(d)) for y, m, d in _ISO.findall(text))
    for pattern in _DATES:
        for match in pattern.finditer(text):
            first, second, year = match.groups()
            month, number = (first, second) if second.isdigit() else (second, first)
            yield int(year or 0), _month(month), int(number)


def years(text: str) -> Iterator[int]:
    """Yield what may be the years in a text."""
    yield from (int(year) for year in _BARE_YEAR.findall(text))


def times(text: str) -> Iterator[str]:
    """Yield the times of day in a text, ``09:05``."""
    yield from (f"{int(hour):02}:{minute}" for hour, minute in _CLOCK.findall(text))


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where in a text a day or a month stands: its digits are no other number."""
    for pattern in (_ISO, *_DATES, *_OTHERS):
        for match in pattern.finditer(text):
            yield match.span()


def _month(name: str) -> int:
    return next(number for number, month in enumerate(_MONTHS, 1) if month.startswith(name[:3].lower()))
