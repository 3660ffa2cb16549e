"""What a tool's own words say that it changes. They can only make a guess more careful."""

from __future__ import annotations

import re

from bridgehead.discover.words import ALWAYS_CHANGES, CHANGES, TAKES, gerund, third, words_of

_VERBS = CHANGES - words_of("call format log open record report return run star take type use value")
"""Without those that say how a tool is used, or what it gives: it takes an id, and returns a record."""
_THIRD_CHANGES = third(_VERBS | {"open", "run", "type"})
_ORDERS = ALWAYS_CHANGES | TAKES
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
_DONE = re.compile(
    r"\b(?:is|are|be|gets?)\s+(?:then\s+)?(marked|deleted|removed|sent|created|updated|charged|reserved|written|"
    r"overwritten|archived|moved|consumed|cleared|reset)\b"
)
_ON_THE_WAY = re.compile(
    r"(?:,|\b(?:and|then|while))\s+(?:(?:also|then|thereby|thus)\s+)?("
    + "|".join(sorted(gerund(verb) for verb in _ORDERS))
    + rf")\s+(?:{'|'.join(sorted(_DETERMINERS | {'one'}))})\b"
)
"""``Get the next ticket, removing it from the queue``."""
_DENIED = words_of("not never without no nor cannot doesn't don't neither")


def changing(description: str) -> str:
    """Return the words of a description that say that something changes."""
    for number, sentence in enumerate(re.split(r"[.;:!?\n]+", description.lower()[:4000])):
        said = re.findall(r"[a-z']+", sentence)
        if found := _ordered(said, first=number == 0) or _told(said) or _beside(sentence, said):
            return found
    return ""


def _ordered(said: list[str], first: bool) -> str:
    """A sentence that begins with the verb, or goes on with it: ``acquire a lock``, ``and mark it``."""
    for index, (word, after) in enumerate(zip(said, [*said[1:], ""], strict=False)):
        if index == 0 and (word in _ORDERS or (first and word in _VERBS and after in _DETERMINERS)):
            return word
        goes_on = index > 0 and said[index - 1] in ("and", "then") and after in _DETERMINERS
        if goes_on and word in _VERBS and not _denied(said, index):
            return word
    return ""


def _told(said: list[str]) -> str:
    return next(
        (word for index, word in enumerate(said) if word in _THIRD_CHANGES and _is_a_verb(said, index)), ""
    )


def _beside(sentence: str, said: list[str]) -> str:
    """What is done on the way, or happens to something."""
    if _DENIED & set(said):
        return ""
    found = _DONE.search(sentence)
    on_the_way = _ON_THE_WAY.search(sentence)
    return found[0] if found else on_the_way[1] if on_the_way else ""


def _denied(said: list[str], index: int) -> bool:
    return bool(_DENIED & set(said[max(0, index - 4) : index]))


def _is_a_verb(said: list[str], index: int) -> bool:
    """Say whether a word such as "updates" stands where a verb does, and is not denied."""
    if _denied(said, index):
        return False
    before = said[index - 1] if index else ""
    if before in ("and", "or", "then", "also"):
        return said[index] not in _NOUNS or bool(_DETERMINERS & set(said[index + 1 : index + 2]))
    return index == 0 or before in ("it", "which", "tool", "function", "call")
