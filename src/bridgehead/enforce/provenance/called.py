"""Whether words call a row of digits an id: ``#1043``, ``order 1043``, ``invoice no. 2041 and 2042``.

Digits by themselves may be an amount, a count or a year as well. Who is free to choose the id of something of
theirs may choose the amount that others pay, so what the words do not call an id is none.
"""

from __future__ import annotations

import re

from bridgehead.enforce.provenance import currencies, numbers

MARKED = 2
"""Digits of the shortest id after a ``#``; ``#1`` is a place in a list, or praise."""
NAMED = 4
"""Digits of the shortest id after a word."""
_LOOK = 80
"""Characters that are looked at on each side."""

_CALLS = re.compile(
    r"\b(?:(?:orders?|tickets?|invoices?|accounts?|cases?|customers?|clients?|contracts?|bookings?|reservations?"
    r"|members?|memberships?|files?|tasks?|issues?|bugs?|items?|products?|articles?|parcels?|shipments?"
    r"|deliver(?:y|ies)|polic(?:y|ies)|loans?|applications?|employees?|users?|suppliers?|vendors?|prs?|mrs"
    r"|(?:pull|merge|change|service) requests?|incidents?|projects?|records?|documents?|messages?|events?"
    r"|transactions?|serials?|skus?|ids?|references?|refs?|codes?|numbers?|nr|\u2116)\b\.?|\bno\.)"
    r"(?:[ :=]+(?:(?:numbers?|nr|ids?|codes?|refs?|is|are)\b\.?|no\.))*[ :=]*"
    r"(?:#?[0-9]{2,}(?:, ?(?:and |or )?| and | or | & |; ))*\Z",
    re.IGNORECASE,
)
_WORD = re.compile(r" ([^\W\d_]+)")
_GOES_ON = re.compile(
    r"has|have|had|hasn|haven|did|didn|does|doesn|isn|are|aren|were|wasn|weren|came|arrived|again|still|which"
    r"|that|who|where|can|cannot|could|should|must|may|not|never|only|too|also|yet|asap|immediately|thanks"
    r"|thank|says|said|shows|under|without|over|within|my|me|our|us|their|his|her|of",
    re.IGNORECASE,
)
"""Words after an id, besides those after any number that counts nothing."""


def called(text: str, parts: numbers.Parts, digits: str) -> bool:
    """Say whether a ``readable`` text, of which these are the ``parts``, calls exactly these digits an id."""
    found = re.finditer(
        rf"(?<![\w#@/.-])(?P<mark>#?)(?P<it>{digits})(?![\w@/%-])(?![.,:'\u2019] ?[0-9]{{3}}(?![0-9]))"
        r"(?![.,:][\w])(?! ?[0-9])",
        text,
    )
    return any(not parts.hold(*match.span("it")) and _is_id(text, match, len(digits)) for match in found)


def _is_id(text: str, match: re.Match[str], size: int) -> bool:
    if match["mark"]:
        return size >= MARKED
    before, after = (
        text[max(0, match.start() - _LOOK) : match.start()],
        text[match.end() : match.end() + _LOOK],
    )
    return size >= NAMED and bool(_CALLS.search(before)) and not _counts(before, after)


def _counts(before: str, after: str) -> bool:
    """Say whether the number measures or counts something: money, a scale, things."""
    if currencies.before(before) or currencies.after(after) or numbers.scaled(after):
        return True
    word = _WORD.match(after)
    return word is not None and not (numbers.counts_nothing(word[1]) or _GOES_ON.fullmatch(word[1]))
