"""Verbs that look and verbs that change are sometimes one word: a list of items, an item listed for sale.

Which sense is meant, the object says: several things are looked at, one thing is put up, taken or chosen.
"""

from __future__ import annotations

from bridgehead.discover.words import READS, third, tokens, words_of

_ONE = words_of("a an one your this that the")
_TWO_SENSES = words_of("list select")
"""Verbs that change something when their object is one thing: ``list an item``, ``select a seat``."""
_WITH_OBJECT = {
    "get": words_of("lock lease mutex semaphore"),
    "fetch": words_of("lock lease mutex semaphore"),
    "show": words_of("alert banner dialog message notification popup prompt toast"),
    "display": words_of("alert banner dialog message notification popup prompt toast"),
}
"""Verbs that change something with these objects: who gets a lock holds it, what is shown has been told."""
_OTHER_READS = (third(READS) | READS | {"return", "returns"}) - _TWO_SENSES - third(_TWO_SENSES)
_SENSES = {form: verb for verb in _TWO_SENSES for form in (verb, *third([verb]))}


def changing(words: tuple[str, ...], description: str) -> str:
    """Return the words of a name or a description by which a verb that may only look does more."""
    lead, last = (words[0], words[-1]) if words else ("", "")
    if last in _WITH_OBJECT.get(lead, ()):
        return f"{lead} {last}"
    said = tokens(description.partition(".")[0])
    if said and said[0] in _SENSES and lead == _SENSES[said[0]] and _of_one(said):
        return " ".join(said[:3])
    if lead in _TWO_SENSES and len(words) > 1 and _one(last) and not (said and _looks(said)):
        return " ".join(words)
    return ""


def _of_one(said: tuple[str, ...]) -> bool:
    """Say whether a sentence goes on with one thing: ``a seat``, not ``the seats`` and not ``a list``."""
    return len(said) > 2 and said[1] in _ONE and _one(said[2]) and not _more(said)


def _more(said: tuple[str, ...]) -> bool:
    """Say whether the one thing only holds what is looked at: ``the content of a folder``."""
    return said[1] == "the" and len(said) > 3 and (said[3] in ("of", "in", "from") or not _one(said[3]))


def _looks(said: tuple[str, ...]) -> bool:
    return said[0] in _OTHER_READS or (said[0] in _SENSES and not _of_one(said))


def _one(word: str) -> bool:
    return not word.endswith("s") or word.endswith(("ss", "us", "is"))
