"""What does a tool do to the world? Its name decides, its own words and hints can only make it more careful.

``read`` needs a name that says so and nothing that says otherwise; where the name says nothing, two other
signs that agree. Everything else is ``final``. ``write`` is never guessed: that something can be taken back,
and how, is for people to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridgehead.discover.words import ALWAYS_CHANGES, CHANGES, CODE, JOINS, READS, third, tokens, words_of

READ_ONLY, DESTRUCTIVE = "readOnlyHint", "destructiveHint"
_LOOK = frozenset(("read", "select", "search", "find", "list", "count", "explain", "describe"))
"""Verbs that say of a program handed over that it only looks."""
_THIRD_CHANGES = third(
    CHANGES - {"call", "format", "log", "record", "report", "return", "star", "use", "value"}
)
_NOUNS = third(
    words_of(
        "block book call change charge claim comment commit copy credit end exchange export flag fork "
        "grant hold import invite issue join link mark message move order place play post pull "
        "purchase push put queue refund release reply report request review run schedule set share "
        "sign start stop store stream tag touch transfer type vote "
    )
)
"""Forms that are as often nouns: ``ratings and reviews of a hotel``."""
_DETERMINERS = words_of("a all an any every it its the them these this those your")
_THIRD_READS = third(READS) | {"returns"}
_IMPERATIVE_READS = READS | {"return"}
_DONE = re.compile(
    r"\b(?:is|are|be|gets?)\s+(?:then\s+)?(marked|deleted|removed|sent|created|updated|charged|reserved|written|"
    r"overwritten|archived|moved|consumed|cleared|reset)\b"
)
_DENIED = words_of("not never without no nor cannot doesn't don't neither")


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
    if said := _said_to_change(description):
        return Guess(effect="final", why=f'"{said}" in its description')
    if (program := _program(given)) and not _LOOK & set(words):
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


def _said_to_change(description: str) -> str:
    """Return the words of a description that say that something changes."""
    for sentence in re.split(r"[.;:!?\n]+", description.lower()[:4000]):
        said = re.findall(r"[a-z']+", sentence)
        if said and said[0] in ALWAYS_CHANGES:
            return str(said[0])
        for index, word in enumerate(said):
            if word in _THIRD_CHANGES and _is_a_verb(said, index):
                return str(word)
        if (done := _DONE.search(sentence)) and not _DENIED & set(said):
            return done[0]
    return ""


def _is_a_verb(said: list[str], index: int) -> bool:
    """Say whether a word such as "updates" stands where a verb does, and is not denied."""
    if _DENIED & set(said[max(0, index - 4) : index]):
        return False
    before = said[index - 1] if index else ""
    if before in ("and", "or", "then", "also"):
        return said[index] not in _NOUNS or bool(_DETERMINERS & set(said[index + 1 : index + 2]))
    return index == 0 or before in ("it", "which", "tool", "function", "call")


def _program(given: Mapping[str, Any]) -> str:
    return next((name for name in given if tokens(name) and tokens(name)[-1] in CODE - {"query"}), "")
