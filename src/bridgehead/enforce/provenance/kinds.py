"""Values have kinds, and two values are the same when their canonical forms are equal.

Every parser takes a whole value or nothing. All text is NFKC first, which folds full-width and ligature
forms; letters of other scripts that only look alike stay different, so a homoglyph matches nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_PHONE = re.compile(r"\+?[0-9]{7,15}")
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)
_NUMBER = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?")
_HIDDEN = frozenset(("Cc", "Cf", "Co", "Cn", "Cs"))
"""Unicode's categories of what is not seen: controls, joiners, direction marks, what is not assigned."""
_DOTS = frozenset((".", ".."))
_TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


def folded(text: str) -> str:
    """Return text in NFKC with every run of white space as one space."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def plain(text: str) -> bool:
    """Say whether a text is in the letters it seems to be in: nothing invisible, nothing NFKC would change.

    Two systems may read anything else as two values, so it is only ever equal to itself.
    """
    return unicodedata.normalize("NFKC", text) == text and not any(
        unicodedata.category(letter) in _HIDDEN for letter in text if letter not in "\t\n\r"
    )


def oddities(text: str) -> str:
    """Return in words what a reader would not see in a text; empty where there is nothing."""
    hidden = [letter for letter in text if unicodedata.category(letter) in _HIDDEN - {"Cc"}]
    scripts = sorted({_script(letter) for letter in text if letter.isalpha()})
    found = [f"{len(hidden)} invisible characters"] if hidden else []
    if len(scripts) > 1:
        found.append("letters of " + " and ".join(scripts))
    elif "@" in text and scripts not in ([], ["Latin"]):
        found.append(f"letters that are {scripts[0]}")
    return f"it holds {', '.join(found)}" if found else ""


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0].capitalize()


def email(value: str) -> str | None:
    """Return an address with its domain in lower case; the part before @ is its owner's business."""
    text = folded(value)
    match = _EMAIL.fullmatch(text)
    return f"{text.rpartition('@')[0]}@{match[1].lower()}" if match else None


def iban(value: str) -> str | None:
    """Return an IBAN without spaces, if its check digits hold (ISO 13616, mod 97-10)."""
    text = folded(value).replace(" ", "").upper()
    if not _IBAN.fullmatch(text):
        return None
    digits = "".join(str(int(letter, 36)) for letter in text[4:] + text[:4])
    return text if int(digits) % 97 == 1 else None


def phone(value: str) -> str | None:
    """Return a telephone number as digits, with + where it names its country."""
    text = re.sub(r"[ ()./-]", "", folded(value))
    text = f"+{text[2:]}" if text.startswith("00") else text
    return text if _PHONE.fullmatch(text) else None


def url(value: str) -> str | None:
    """Return an address with scheme and host in lower case; nothing for one that hides its host."""
    text = folded(value)
    if not _URL.fullmatch(text):
        return None
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").lower().rstrip(".")
    if not host or "@" in parts.netloc or "\\" in unquote(text):
        return None
    if _DOTS & set(unquote(parts.path).split("/")):  # one server climbs there, another does not
        return None
    # http and https of one host are one place; anything else is its own.
    scheme = "" if parts.scheme.lower() in ("http", "https") else f"{parts.scheme.lower()}:"
    place = f"{host}:{port}" if port not in (None, 80, 443) else host
    tail = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return f"{scheme}//{place}{tail}" + (f"#{parts.fragment}" if parts.fragment else "")


def moment(value: str) -> str | None:
    """Return a date with its time to the minute, ``2024-05-19T10:00``."""
    found = _moment(value)
    return found.strftime("%Y-%m-%dT%H:%M") if found else None


def day(value: str) -> str | None:
    """Return the day of a date or of a date with a time, ``2024-05-19``."""
    text = folded(value)
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()
    except ValueError:
        found = _moment(text)
    return found.date().isoformat() if found else None


def amount(value: Any) -> str | None:
    """Return a number without needless zeros; text must be nothing but the number."""
    text = folded(value) if isinstance(value, str) else str(value)
    match = None if isinstance(value, bool) else _NUMBER.fullmatch(text)
    if match is None:
        return None
    # Letter by letter: a Decimal would round what is longer than its precision.
    whole, decimals = match[2].lstrip("0") or "0", (match[3] or "").rstrip("0")
    form = f"{whole}.{decimals}" if decimals else whole
    return f"-{form}" if match[1] == "-" and form != "0" else form


def identifier(value: Any) -> str | None:
    """Return an id letter by letter: case counts."""
    return None if isinstance(value, bool) else folded(str(value)) or None


def name(value: str) -> str | None:
    """Return a name or a short text without regard to case and spacing."""
    return folded(value).casefold() or None


def _moment(value: str) -> datetime | None:
    text = folded(value)
    for form in _TIMES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def _of_text(parse: Callable[[str], str | None]) -> Callable[[Any], str | None]:
    return lambda value: parse(value) if isinstance(value, str) else None


KINDS: Mapping[str, Callable[[Any], str | None]] = {
    "email": _of_text(email),
    "iban": _of_text(iban),
    "phone": _of_text(phone),
    "uri": _of_text(url),
    "date-time": _of_text(moment),
    "date": _of_text(day),
    "amount": amount,
    "number": amount,
    "id": identifier,
    "name": _of_text(name),
    "filename": _of_text(name),
    "text": _of_text(name),
}
"""The parsers by the ``format`` an argument's JSON Schema may declare. A ``number`` is no money."""

ALIASES: Mapping[str, str] = {"idn-email": "email", "url": "uri", "iri": "uri", "day": "date", "uuid": "id"}


def kind_of(declared: Mapping[str, Any], value: Any) -> str:
    """Return the kind of a value: what its schema declares, otherwise what it looks like.

    A look only chooses the parser that compares; it never widens what matches.
    """
    written = str(declared.get("format", ""))
    if written == "date" and isinstance(value, str) and moment(value):
        return "date-time"  # a time that comes along is looked at too; `day` says that it may be any
    written = ALIASES.get(written, written)
    if written in KINDS:
        return written
    if not isinstance(value, str):
        return "amount" if declared.get("type") == "number" or isinstance(value, float) else "id"
    for guess in ("email", "uri", "iban", "date", "phone"):
        if KINDS[guess](value) is not None:
            return "date-time" if guess == "date" and moment(value) else guess
    return "id" if re.fullmatch(r"[^\s]*[0-9][^\s]*", folded(value)) else "name"


def declared(schema: Mapping[str, Any]) -> bool:
    """Say whether a schema says of which kind its values are."""
    written = str(schema.get("format", ""))
    return ALIASES.get(written, written) in KINDS


def same(kind: str, value: Any) -> str | None:
    """Return the canonical form of a value of a kind, or None where it is none of that kind."""
    return KINDS[kind](value)
