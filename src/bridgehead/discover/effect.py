"""What does a tool do to the world? Its name decides, its own words and hints can only make it more careful.

``read`` needs a name that says so and nothing that says otherwise; where the name says nothing, two other
signs that agree. Everything else is ``final``. ``write`` is never guessed: that something can be taken back,
and how, is for people to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridgehead.discover import described, senses
from bridgehead.discover.words import (
    ALWAYS_CHANGES,
    CHANGES,
    CODE,
    JOINS,
    QUERIES,
    READS,
    third,
    tokens,
    words_of,
)

READ_ONLY, DESTRUCTIVE = "readOnlyHint", "destructiveHint"
_LOOK = frozenset(("read", "select", "search", "find", "list", "count", "explain", "describe"))
"""Verbs that say of a query handed over that it only looks."""
_LANGUAGES = words_of("bash js javascript lua program python ruby script shell source sql")
_THIRD_READS = third(READS) | {"returns"}
_IMPERATIVE_READS = READS | {"return"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """An effect class, and from which words it was guessed."""

    effect: Literal["read", "final"]
    why: str


def guess(
    words: tuple[str, ...], description: str, hints: Mapping[str, bool], given: Mapping[str, Any]
) -> Guess:
    """Return the effect class of a tool from the words of its name, its description, hints and arguments."""
    lead = words[0] if words else ""
    if changing := _changing(words):
        return Guess(effect="final", why=f'"{changing}" in its name')
    if hints.get(READ_ONLY) is False or (hints.get(DESTRUCTIVE) and hints.get(READ_ONLY) is not True):
        return Guess(effect="final", why="the server says that it changes something")
    if hints.get(DESTRUCTIVE):
        return Guess(effect="final", why="the server contradicts itself: only reading, and destructive")
    if said := described.changing(description):
        return Guess(effect="final", why=f'"{said}" in its description')
    if sense := senses.changing(words, description):
        return Guess(effect="final", why=f'"{sense}" may mean that something is put up, taken or told')
    if program := _program(given, looks=bool(_LOOK & set(words))):
        return Guess(effect="final", why=f"`{program}` is a program, and may do anything")
    if lead in READS:
        return Guess(effect="read", why=f'"{lead}" in its name')
    return _silent(words, description, hints)


def _changing(words: tuple[str, ...]) -> str:
    """Return the word of a name that says that something changes, if any does."""
    if words and words[0] in CHANGES:
        return words[0]
    if words[:2] in (("check", "in"), ("check", "out"), ("look", "after")):
        return " ".join(words[:2])
    for before, word in zip(("", *words), words, strict=False):
        if word in ALWAYS_CHANGES or (before in JOINS and word in CHANGES):
            return word
    return ""


def _silent(words: tuple[str, ...], description: str, hints: Mapping[str, bool]) -> Guess:
    """A name that says nothing: two other signs have to agree that it only reads."""
    first = tokens(description)[:1]
    signs = []
    if hints.get(READ_ONLY):
        signs.append("the server says that it only reads")
    if first and first[0] in _THIRD_READS | _IMPERATIVE_READS:
        signs.append(f'its description begins with "{first[0]}"')
    if words and words[-1] in READS:
        signs.append(f'its name ends in "{words[-1]}"')
    if len(signs) >= 2 and not any(word in CHANGES for word in words):
        return Guess(effect="read", why=" and ".join(signs))
    return Guess(effect="final", why="nothing says for certain that it only reads")


def _program(given: Mapping[str, Any], looks: bool) -> str:
    """Return the argument that is a program; one in a query language is none where the name ``looks``."""
    for name in given:
        *before, last = tokens(name) or ("",)
        if last not in CODE - {"query"} or (looks and last in QUERIES):
            continue
        if looks and last == "code" and before and not _LANGUAGES & set(before):
            continue  # a country's code, or a product's
        return name
    return ""
