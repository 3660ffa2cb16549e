"""What the user said, and whether that names a value. The only text anything is looked for in.

Token by token, never letter by letter: ``art`` is not named by ``Bart``. A digit, a letter and a lone small
word name nothing: they stand in every text. Days may be written as people write them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cached_property
from typing import Any

from bridgehead.enforce.provenance import called, days, kinds, numbers

LONGEST = 50_000
"""Characters that are read of one text of a user; what stands after them names nothing."""
SHORTEST = 3
"""Characters of the shortest word that can name something."""
_TOKEN = re.compile(r"[^\W_]+(?:[_'’][^\W_]+)*")
_BEGINS = re.compile(r"[.!?:;]\s")
_END = re.compile(r"[.!?:;]+(?=\s|$)")
_COUNT = re.compile(r"\d{1,3}(?:st|nd|rd|th)?", re.IGNORECASE)
"""A number or an ordinal that stands in every list: it names nothing."""
_DIGITS = re.compile(r"[0-9]+")
_STRUCTURE = re.compile(r"[/\\|<>{}\[\]$;&@*?%^~=`#\"]|(?<=\w)\.(?=\w)")
"""What makes an address, a path or a command of words. A value that holds any must be said as it is."""
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_FORWARDED = re.compile(
    r"^[ \t]*(?:-{2,} ?(?:original|forwarded) message ?-{2,}|begin forwarded message:|-{5,} forwarded by .*"
    r"|on .{4,120} wrote:)[ \t]*$.*",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_QUOTE = re.compile(r"^[ \t]*[>|\uff1e].*$", re.MULTILINE)
_QUOTED = re.compile(r"(?<!\w)['\"‘“`]((?:[^'\"‘’“”`\n]|(?<=\w)['’](?=\w)){1,400})['\"’”`](?!\w)")
_PLACE = re.compile(r"\{[A-Za-z_][A-Za-z0-9_ ]*\}")


class Words:
    """The user's own words in one run."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._own = [_read(own(text)) for text in texts]
        self._texts = [kinds.folded(text) for text in self._own if text.strip()]
        self._raw = [_lines(text) for text in self._own]

    def name(self, kind: str, value: Any, *, declared: bool = False) -> bool:
        """Say whether the user's words name a value of a kind (that the charter ``declared``), whole."""
        wanted = kinds.same(kind, value)
        if wanted is None:
            return False
        match kind:
            case "email" | "uri" | "iban" | "phone" | "amount" | "number":
                return wanted in self._found[kind]
            case "date":
                return self._day(wanted)
            case "date-time":
                return self._day(wanted[:10]) and wanted[11:] in self._clock
            case "id":
                return self._identifier(wanted, declared)
            case "filename":
                return self._said(wanted) or (
                    not _STRUCTURE.search(_stem(wanted)) and self._tokens_name(_stem(wanted))
                )
            case _:
                return self._said(wanted)

    def template(self, value: str, filled: Callable[[str], bool]) -> bool:
        """Say whether a value is a text the user gave with ``{places}``, each ``filled`` by a known value."""
        text = kinds.folded(value)
        for pattern in self._templates:
            match = pattern.fullmatch(text)
            if match and all(filled(part) for part in match.groups()):
                return True
        return False

    def spell(self, value: str) -> bool:
        """Say whether the words hold a text exactly as it is written, letter by letter."""
        return any(value in text for text in self._own)

    def hold(self, value: str) -> bool:
        """Say whether the words hold a text at all, word by word: told to people, it endorses nothing."""
        part = re.compile(rf"(?<!\w){re.escape(kinds.folded(value))}(?!\w)", re.IGNORECASE)
        return bool(value.strip()) and any(part.search(text) for text in self._texts)

    def known(self, kind: str) -> frozenset[str]:
        """Return every value of a kind that can be read off the words: addresses, accounts, amounts."""
        return self._found.get(kind, frozenset())

    @cached_property
    def _found(self) -> dict[str, frozenset[str]]:
        patterns = (("email", numbers.EMAIL), ("uri", numbers.URL))
        found = {
            kind: frozenset(
                form
                for text in self._texts
                for match in pattern.finditer(text)
                if (form := _form(kind, match[0].rstrip(".,;:!?"))) is not None
            )
            for kind, pattern in patterns
        }
        return found | {
            "iban": numbers.ibans(self._own),
            "phone": numbers.phones(self._own),
            "amount": numbers.amounts(self._own),
            "number": numbers.quantities(self._own),
        }

    @cached_property
    def _days(self) -> frozenset[tuple[int, int, int]]:
        """Days the user named: (year or 0 where none is written, month, day)."""
        return frozenset(day for text in self._texts for day in days.days(text))

    def _day(self, wanted: str) -> bool:
        on = date.fromisoformat(wanted)
        if (on.year, on.month, on.day) in self._days:
            return True
        # A day without a year is that day of a year the user named, or of any where none is named.
        years = {year for text in self._texts for year in days.years(text)}
        return (0, on.month, on.day) in self._days and (not years or on.year in years)

    @cached_property
    def _clock(self) -> frozenset[str]:
        return frozenset(time for text in self._texts for time in days.times(text))

    @cached_property
    def _readable(self) -> list[tuple[str, numbers.Parts]]:
        shown = [numbers.readable(text) for text in self._own]
        return [(text, numbers.Parts(text)) for text in shown]

    def _identifier(self, wanted: str, declared: bool) -> bool:
        if declared and _DIGITS.fullmatch(wanted):
            return any(called.called(text, parts, wanted) for text, parts in self._readable)
        if len(wanted) < SHORTEST or _COUNT.fullmatch(wanted):
            return False
        mark = "#?" if declared and re.search(r"[0-9]", wanted) else ""
        pattern = re.compile(rf"(?<![\w#@/.-]){mark}{re.escape(wanted)}(?![\w@/-])(?!\.\w)")
        said = any(
            not parts.hold(*match.span())
            for text, parts in self._readable
            for match in pattern.finditer(text)
        )
        return said and (bool(re.search(r"[0-9_#/-]", wanted)) or self._tokens_name(wanted.casefold()))

    @cached_property
    def _sequences(self) -> list[tuple[str, ...]]:
        return [_tokens(text) for text in self._raw]

    @cached_property
    def _marked(self) -> frozenset[str]:
        """Lone words that name something: quoted, or with a capital that no sentence begins with."""
        quoted = {kinds.folded(part).casefold() for text in self._texts for part in _QUOTED.findall(text)}
        return frozenset(quoted.union(*(_capitals(text) for text in self._raw)))

    def _tokens_name(self, wanted: str) -> bool:
        tokens = _tokens(wanted)
        if not tokens or sum(len(token) for token in tokens) < SHORTEST:
            return False
        words = [each for each in tokens if each != "."]
        if len(words) == 1 and (words[0] not in self._marked or words[0].isdigit() or words[0] in _SMALL):
            return False
        if all(word in _SMALL or word.isdigit() for word in words):
            return False
        size = len(tokens)
        return any(
            said[start : start + size] == tokens
            for said in self._sequences
            for start in range(len(said) - size + 1)
        )

    def _said(self, wanted: str) -> bool:
        """Say whether a name was said: word by word, and as it is where it is built like an address."""
        if _STRUCTURE.search(wanted) and not any(
            re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text.casefold()) for text in self._texts
        ):
            return False
        return self._tokens_name(wanted)

    @cached_property
    def _templates(self) -> list[re.Pattern[str]]:
        quoted = (kinds.folded(part) for text in self._texts for part in _QUOTED.findall(text))
        found = []
        for part in quoted:
            fixed = _PLACE.split(part)
            if len(fixed) > 1 and sum(len(piece.strip()) for piece in fixed) >= SHORTEST:
                found.append(re.compile("(.+?)".join(re.escape(piece) for piece in fixed), re.IGNORECASE))
        return found


_SMALL = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "here",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "she",
        "so",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "to",
        "us",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
        "would",
        "yes",
        "you",
        "your",
        "also",
        "any",
        "all",
        "please",
        "hello",
        "dear",
        "new",
        "same",
        "one",
        "two",
        "thanks",
    ]
)
"""English words that name nothing, however they are written."""


def own(text: str) -> str:
    """Return what a user wrote themselves: without ``>`` lines, forwarded mail and fenced text.

    Those are somebody else's words, brought along. What is quoted without any mark cannot be told apart.
    """
    return _QUOTE.sub("", _FORWARDED.sub("", _FENCE.sub("\n", text)))


def _read(text: str) -> str:
    """Return what is read of a text: all, or as many whole lines as fit, so that nothing is read in half."""
    return text if len(text) <= LONGEST else text[: text.rfind("\n", 0, LONGEST) + 1]


def _form(kind: str, text: str) -> str | None:
    """Return the canonical form of what was found in words; an address there may lack its ``http://``."""
    form = kinds.same(kind, text)
    return kinds.same("uri", f"http://{text}") if form is None and kind == "uri" else form


def _tokens(text: str) -> tuple[str, ...]:
    """Return the words of a text; a ``.`` stands between sentences, and no name reaches over it."""
    pieces = _END.split(text.casefold())
    found: list[str] = []
    for piece in pieces:
        words = _TOKEN.findall(piece)
        if words:
            found += [".", *words] if found else words
    return tuple(found)


def _capitals(text: str) -> Iterator[str]:
    """Yield the words with a capital that no sentence begins with."""
    ended = -1
    for match in _TOKEN.finditer(text):
        if match[0][0].isupper() and ended >= 0 and not _BEGINS.search(text, ended, match.start()):
            yield match[0].casefold()
        ended = match.end()


def _lines(text: str) -> str:
    """Return a text in NFKC in which the end of a line ends a sentence."""
    return ". ".join(kinds.folded(line) for line in text.splitlines() if line.strip())


def _stem(filename: str) -> str:
    stem, dot, ending = filename.rpartition(".")
    name = stem if dot and 1 <= len(ending) <= 5 else filename
    return re.sub(r"[-_.]+", " ", name)
