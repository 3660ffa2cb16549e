"""Numbers in the user's words: which digits are an amount, and which are part of something else.

Digits that stand together are read whole or not at all: of an account, a telephone number, a card, a date, an
id or a range no part is a number. An amount has a currency beside it. A bare number is one only where the
words name no currency and nothing else in them could be meant: of two, a model would choose.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from bridgehead.enforce.provenance import currencies, days, kinds

EMAIL = re.compile(r"(?<![^\s\"'<>(),;:])[^\s\"'<>(),;:@]+@[^\s\"'<>(),;:]+\.[A-Za-z0-9-]+")
URL = re.compile(
    r"(?:https?://|www\.)[^\s\"'<>()]+|(?<![\w@.-])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}"
    r"(?![\w@-])(?:/[^\s\"'<>()]*)?",
    re.I,
)
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z]{2}[0-9]{2}(?:[ \n]?[A-Za-z0-9]){11,30}))")
_PRINTED = re.compile(
    r"\b[A-Z]{2}[0-9]{2}(?=[A-Z0-9 \n-]{0,40}[0-9])(?:[ \n-][A-Z0-9]{4}){2,7}(?:[ \n-][A-Z0-9]{1,3})?\b"
)
"""What is printed like an account, whether its check digits hold or not."""
_PHONE = re.compile(
    r"(?<![\w@#/-])(?<![0-9][ .,:])\+?[0-9][0-9 ()./-]{5,18}[0-9](?![\w@/-]| ?[0-9]|[.,:][0-9])"
)
_LONG = 7
"""Digits of the shortest telephone number: of so many in a row, no part is an id."""
_RUN = re.compile(
    r"(?:\([0-9 ]{1,6}\) ?)?[0-9](?:(?:[ .,:'\u2019]| ?[/\u2013\u2014-]{1,3} ?| ?\(0\) ?)?[0-9])*"
)
"""Digits that stand together, with what people write between the digits of one thing."""
_PLAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:[.,][0-9]+)?")
_GROUPS = re.compile(
    r"[1-9][0-9]{0,2}(?P<by>[ .,'\u2019])[0-9]{3}(?:(?P=by)[0-9]{3})*"
    r"(?:(?!(?P=by))(?P<point>[.,])[0-9]{1,2})?"
)
_UNSURE = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
"""A thousand, or one with three decimals: ``1.000``."""
_BEGINS = re.compile(r"(?:^|[\s(\"'\u201c\u2018:=])\Z")
_ENDS = re.compile(r"%?(?:\Z|[\s)\]\"'\u201d\u2019;!?]|[.,:](?:\Z|[\s\"'\u201d\u2019)]))")
_SCALE = re.compile(
    r" ?(?:hundred|thousand|million|billion|trillion|dozen|lakh|crore|mio|mrd|mln|mn|bn|tsd|[kKmM])\b", re.I
)
"""What makes another number of the one before it."""
_CALLED = re.compile(
    r"(?:#|\b(?:orders?|tickets?|invoices?|accounts?|cases?|rooms?|flights?|gates?|pages?|lines?|steps?|items?"
    r"|box|codes?|zip|postcode|numbers?|phone|ids?|nr|no|cards?|pin|ref|reference|customers?|contracts?|tel"
    r"|telephone|mobile|fax|call|ring|dial|years?|street|st|road|rd|avenue|ave|lane|drive|square|house|apartment"
    r"|apt|flat|suite|unit|floor|building|table|seats?|platform|bus|train|section|chapter|paragraph|article"
    r"|version|release|build|part|batch|lot|serial|port|extension|ext|route|highway|files?|tasks?|issues?"
    r"|bookings?|reservations?|members?|model|vat)\b\.?)"
    r"(?:[ :=]+(?:numbers?|nos?|nr|ids?|codes?|is|was|are)\b\.?)*[ :=#]*\Z",
    re.IGNORECASE,
)
"""What stands before a number that counts or calls something, and is no amount."""
_COUNTED = re.compile(r" ([^\W\d_]+)")
_NO_THING = re.compile(
    r"(?:to|for|from|on|onto|in|into|by|at|as|and|or|but|via|per|each|please|now|today|tomorrow|"
    r"monthly|weekly|yearly|daily|every|instead|back|so|then|this|next|if|when|because|since|"
    r"before|after|until|is|was|will|would|with|a|an|i|he|she|it|we|they|you)",
    re.I,
)
"""Words after a number that it does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number in a text. ``money``: a currency stands beside it; ``alone``: it counts and calls nothing;
    ``sure``: it can be read in one way.
    """

    form: str
    money: bool
    alone: bool
    sure: bool


def amounts(texts: Iterable[str]) -> frozenset[str]:
    """Return the amounts that texts name, canonical: those of a currency, or the one bare number there is."""
    told = [readable(text) for text in texts]
    found = [number for text in told for number in _numbers(text)]
    if any(currencies.named(text) for text in told):
        return frozenset(number.form for number in found if number.money)
    bare = frozenset(number.form for number in found if number.alone)
    return bare if len(bare) == 1 else frozenset()


def quantities(texts: Iterable[str]) -> frozenset[str]:
    """Return the numbers that texts name and that are no money, canonical."""
    found = (number for text in texts for number in _numbers(readable(text)))
    return frozenset(number.form for number in found if number.sure and not number.money)


def ibans(texts: Iterable[str]) -> frozenset[str]:
    """Return the accounts that texts name, printed in groups or not; check digits say where one ends."""
    return frozenset(form for text in texts for _, _, form in _accounts(readable(text)))


def phones(texts: Iterable[str]) -> frozenset[str]:
    """Return the telephone numbers that texts name, canonical. Part of anything else is none."""
    found: set[str] = set()
    for text in texts:
        told = readable(text)
        for match in _PHONE.finditer(_without(told, _claimed(told))):
            form = kinds.phone(match[0])
            if form is not None and not _card(form):
                found.add(form)
    return frozenset(found)


class Parts:
    """Where accounts, dates and long rows of digits stand in a ``readable`` text: part of one is no id."""

    def __init__(self, text: str) -> None:
        claimed = _claimed(text)
        rows = _RUN.finditer(_without(text, claimed))
        long = (row.span() for row in rows if sum(letter.isdigit() for letter in row[0]) >= _LONG)
        spans = sorted((*claimed, *long))
        self._firsts = [first for first, _ in spans]
        self._reach = [0, *accumulate((last for _, last in spans), max)]

    def hold(self, start: int, end: int) -> bool:
        """Say whether letters are only part of one of them; all of one is no part."""
        before = self._reach[bisect_left(self._firsts, start)]
        with_same_start = self._reach[bisect_right(self._firsts, start)]
        return before >= end or with_same_start > end


def readable(text: str) -> str:
    """Return a text in NFKC, line by line, in which whatever only looks like a digit is none."""
    shown = unicodedata.normalize("NFKC", "".join("_" if _odd(letter) else letter for letter in text))
    return "\n".join(" ".join(line.split()) for line in shown.splitlines())


def scaled(after: str) -> bool:
    """Say whether what follows a number makes another number of it: ``thousand``, ``k``, ``%``."""
    return bool(_SCALE.match(after)) or after.startswith("%")


def counts_nothing(word: str) -> bool:
    """Say whether a word after a number is not what the number counts."""
    return _NO_THING.fullmatch(word) is not None


def _odd(letter: str) -> bool:
    """Say whether a letter is not seen, or becomes digits only when it is folded: ``\u00bd``, ``\u00b2``."""
    if letter.isascii():
        return False
    if unicodedata.category(letter) in ("Cf", "Co", "Cn", "Cs"):
        return True
    return not letter.isdecimal() and any(one.isdigit() for one in unicodedata.normalize("NFKC", letter))


def _numbers(text: str) -> Iterator[Number]:
    others = (match.span() for pattern in (EMAIL, URL) for match in pattern.finditer(text))
    free = _without(text, [*_claimed(text), *others])
    for match in _RUN.finditer(free):
        before, after = free[max(0, match.start() - 60) : match.start()], free[match.end() : match.end() + 40]
        number = _number(match[0], before, after)
        if number is not None:
            yield number


def _number(run: str, before: str, after: str) -> Number | None:
    """Return the number a row of digits is, whole, where it stands; None where it is none or of something."""
    form, left, right = _read(run), currencies.before(before), currencies.after(after)
    if form is None or not (left or _BEGINS.search(before)) or not (right or _ENDS.match(after)):
        return None
    called, unsure = bool(_CALLED.search(before)), bool(_UNSURE.fullmatch(run))
    if _SCALE.match(after) or (called and (" " in run or not (left or right))):
        return None
    if left or right:
        thousandths = unsure and currencies.THOUSANDTHS.search(before[-5:] + after[:5])
        return None if thousandths else Number(form=form, money=True, alone=False, sure=True)
    if len(run) < 2 or " " in run:  # a lone digit stands in every text, and a space may part two numbers
        return None
    return Number(form=form, money=False, alone=_alone(run, before, after), sure=not unsure)


def _alone(run: str, before: str, after: str) -> bool:
    """Say whether a bare number could be an amount: no year, share, line's number or count of things."""
    if re.fullmatch(r"(?:19|20)[0-9]{2}", run) or after.startswith("%"):
        return False
    if re.search(r"(?:^|\n)\Z", before) and re.match(r"[.)] ", after):
        return False
    counted = _COUNTED.match(after)
    return counted is None or counts_nothing(counted[1])


def _read(run: str) -> str | None:
    """Return the canonical form of digits as people group them: ``25 000``, ``1'000.50``, ``1.234,56``."""
    groups = _GROUPS.fullmatch(run)
    if groups:
        whole, point, rest = run.rpartition(groups["point"]) if groups["point"] else (run, "", "")
        return kinds.amount("".join(re.findall("[0-9]", whole)) + ("." + rest if point else ""))
    return kinds.amount(run.replace(",", ".")) if _PLAIN.fullmatch(run) else None


def _claimed(text: str) -> list[tuple[int, int]]:
    """Return where accounts and days stand in a text."""
    accounts = ((start, end) for start, end, _ in _accounts(text))
    return [*accounts, *(match.span() for match in _PRINTED.finditer(text)), *days.spans(text)]


def _accounts(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _ACCOUNT.finditer(text):
        start, shown = match.start(), match[1]
        for length in _checked(shown):
            end = start + length
            form = kinds.iban(shown[:length]) if not text[end : end + 1].isalnum() else None
            if form is not None:
                yield start, end, form


def _checked(shown: str) -> Iterator[int]:
    """Yield the lengths at which the check digits hold (ISO 13616); each letter is looked at once."""
    head = int("".join(str(int(letter, 36)) for letter in shown[:4]))
    rest = 0
    for place, letter in enumerate(shown[4:], 5):
        if letter.isspace():
            continue
        value = int(letter, 36)
        rest = (rest * (10 if value < 10 else 100) + value) % 97
        if (rest * 1_000_000 + head) % 97 == 1:
            yield place


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text in which no digit of these spans is one, every other letter in its place."""
    letters = list(text)
    for start, end in spans:
        letters[start:end] = "_" * (end - start)
    return "".join(letters)


def _card(form: str) -> bool:
    """Say whether digits are a payment card's: 13 or more whose check digit holds (ISO/IEC 7812, Luhn)."""
    if len(form) < 13 or form[0] in "+0":
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(form))]
    return sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0
