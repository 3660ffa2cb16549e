"""A regular expression of ECMA-262, as the standard writes them, in words that every engine reads alike.

RE2 (DuckDB) and PostgreSQL differ in what ``.``, ``\\d``, ``[[`` and a bound of 1,000 mean; here each is
written out. What cannot be said to both is refused: look-around, back-references, Unicode classes.
"""

from __future__ import annotations

from bridgehead.watch.checks.ir import Pattern

MOST_REPEATS = 255
"""PostgreSQL's largest bound."""
MOST_LETTERS = 2_000

_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r\f\v"}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_SPECIAL = set("\\^$.|?*+()[]{}")
_ANY = "[^\\n\\r]"


def portable(written: str) -> Pattern:
    """Return a pattern that means the same to every engine. Raises ``ValueError`` with words for people."""
    if len(written) > MOST_LETTERS:
        raise ValueError(f"it is longer than {MOST_LETTERS} characters")
    if "\x00" in written:
        raise ValueError("it holds a character that no text has")
    return Pattern(text=_Reader(written).read(), written=written)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def read(self) -> str:
        out: list[str] = []
        depth, repeatable = 0, False
        while self._at < len(self._text):
            letter = self._next()
            if letter == "(":
                out.append(self._group())
                depth, repeatable = depth + 1, False
            elif letter == ")":
                depth, repeatable = depth - 1, True
                if depth < 0:
                    raise ValueError("a `)` closes nothing")
                out.append(")")
            elif letter in "*+?" or (letter == "{" and self._is_bound()):
                if not repeatable:
                    raise ValueError(f"`{letter}` repeats nothing")
                out.append(self._repeat(letter))
                repeatable = False
            else:
                out.append(self._atom(letter))
                repeatable = letter not in "^$|" and out[-1] not in ("\\b", "\\B")
        if depth:
            raise ValueError("a `(` is not closed")
        return "".join(out)

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise ValueError("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _peek(self, wanted: str) -> bool:
        if self._text.startswith(wanted, self._at):
            self._at += len(wanted)
            return True
        return False

    def _group(self) -> str:
        if not self._peek("?") or self._peek(":"):
            return "(?:"
        if self._peek("<") and self._text[self._at : self._at + 1] not in ("=", "!", ""):
            end = self._text.find(">", self._at)
            if end > 0 and self._text[self._at : end].isidentifier():
                self._at = end + 1
                return "(?:"
        raise ValueError("look-ahead, look-behind and options inside `(?` are not read by every engine")

    def _is_bound(self) -> bool:
        end = self._text.find("}", self._at)
        parts = self._text[self._at : end].split(",") if end > 0 else []
        return (
            0 < len(parts) < 3
            and parts[0].isascii()
            and parts[0].isdigit()
            and all(part == "" or (part.isascii() and part.isdigit()) for part in parts[1:])
        )

    def _repeat(self, letter: str) -> str:
        if letter == "{":
            end = self._text.index("}", self._at)
            bound = self._text[self._at : end]
            self._at = end + 1
            numbers = [int(part) for part in bound.split(",") if part]
            if max(numbers) > MOST_REPEATS or numbers != sorted(numbers):
                raise ValueError(f"`{{{bound}}}` repeats more than {MOST_REPEATS} times, or backwards")
            letter = f"{{{bound}}}"
        self._peek("?")  # lazy or not: whether it matches is the same
        return letter

    def _atom(self, letter: str) -> str:
        if letter == "[":
            return self._class()
        if letter == "\\":
            return self._escape()
        if letter == ".":
            return _ANY
        if letter in "^$|":
            return letter
        return _escaped(letter)

    def _escape(self) -> str:
        letter = self._next()
        if letter in _CLASSES:
            return f"[{_CLASSES[letter]}]"
        if letter.lower() in _CLASSES:
            return f"[^{_CLASSES[letter.lower()]}]"
        if letter in "bB":
            return f"\\{letter}"
        return _escaped(self._character(letter))

    def _character(self, letter: str) -> str:
        """Return the one character that an escape means."""
        if letter in _CONTROL:
            return _CONTROL[letter]
        if letter in "xu":
            digits = self._text[self._at : self._at + (2 if letter == "x" else 4)]
            if len(digits) == (2 if letter == "x" else 4) and all(
                d in "0123456789abcdefABCDEF" for d in digits
            ):
                self._at += len(digits)
                made = chr(int(digits, 16))
                if made != "\x00" and not "\ud800" <= made <= "\udfff":
                    return made
        elif not letter.isalnum():
            return letter
        raise ValueError(f"`\\{letter}` is not read by every engine")

    def _class(self) -> str:
        for both in ("\\s\\S]", "\\S\\s]", "\\d\\D]", "\\D\\d]", "\\w\\W]", "\\W\\w]"):
            if self._peek(both):
                return f"(?:{_ANY}|[\\n\\r])"
        out = ["[^" if self._peek("^") else "["]
        while not self._peek("]"):
            out.append(self._member())
        if len(out) == 1:
            raise ValueError("`[]` matches nothing")
        return "".join(out) + "]"

    def _member(self) -> str:
        first = self._one()
        if len(first) > 1:
            return first
        if self._text[self._at : self._at + 1] != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return _inside(first)
        self._at += 1
        last = self._one()
        if len(last) > 1 or last < first:
            raise ValueError(f"`{first}-{last}` is no range")
        return f"{_inside(first)}-{_inside(last)}"

    def _one(self) -> str:
        """Return one character of a class, or a written-out class."""
        letter = self._next()
        if letter != "\\":
            return letter
        letter = self._next()
        return _CLASSES[letter] if letter in _CLASSES else self._character(letter)


def _escaped(letter: str) -> str:
    for name, control in _CONTROL.items():
        if letter == control:
            return f"\\{name}"
    return f"\\{letter}" if letter in _SPECIAL else letter


def _inside(letter: str) -> str:
    for name, control in _CONTROL.items():
        if letter == control:
            return f"\\{name}"
    return f"\\{letter}" if letter in "\\]^-[" else letter
