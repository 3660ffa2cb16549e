"""Read one YAML file with its line numbers, and nothing clever in it.

Scalars follow the YAML 1.2 core schema, so ``no`` stays the text it is. Refused: anchors and
aliases (a few bytes can expand to gigabytes), tags, merge keys, repeated keys, more than one
document, nesting deeper than 40, files larger than 1 MiB or not in UTF-8.
Never: builds an object of any other type than dict, list, str, int, float, bool, None.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from bridgehead.declare.lines import Lines, Place
from bridgehead.kernel.errors import CharterError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Written(NamedTuple):
    """What a file says, where, and what is wrong with how it says it.

    ``unknown`` are places whose value could not be read: nothing further is said about them.
    """

    value: Any
    lines: Lines
    errors: tuple[CharterError, ...]
    unknown: frozenset[Place]


def read(file: str, raw: bytes) -> Written:
    """Return the value of a YAML file. Raises ``CharterError`` where the text cannot be followed at all.

    BH-CHA-003 too large, BH-CHA-004 not UTF-8, BH-CHA-005 not YAML, BH-CHA-009 too deep,
    BH-CHA-010 not one mapping; what can be read past is returned as ``errors``: BH-CHA-006 anchors and
    aliases, BH-CHA-007 repeated keys, BH-CHA-008 tags, BH-CHA-011 keys that are not plain words.
    """
    text = _text(file, raw)
    reader = _Reader(file)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _not_yaml(file, error.problem or "unexpected text", line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _not_yaml(file, f"the control character {error.character!r}", line) from error
    except (ValueError, OverflowError) as error:
        # PyYAML lets these out for escapes beyond Unicode ("\UFFFFFFFF").
        raise _not_yaml(file, str(error), reader.last_line) from error
    return reader.written()


def _text(file: str, raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise CharterError(
            "BH-CHA-003",
            f"the file has {len(raw)} bytes; at most {MAX_BYTES} are read",
            fix="Move long texts into files of their own and name them under `documents` or `policies`.",
            where=f"{file}:1",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise CharterError(
            "BH-CHA-004",
            f"byte {error.start} is not UTF-8 text",
            fix="Save the file as UTF-8.",
            where=f"{file}:{line}",
        ) from error


def _not_yaml(file: str, problem: str, line: int) -> CharterError:
    return CharterError(
        "BH-CHA-005",
        f"this is not YAML: {problem}",
        fix="Check indentation (spaces, never tabs), colons and quotes on this line and the one before.",
        where=f"{file}:{line}",
    )


@dataclass(slots=True)
class _Block:
    """A mapping or list that is still open."""

    value: dict[str, Any] | list[Any]
    place: Place
    key: str | None = None
    # A key that cannot be used: its value is read, and dropped.
    dropped: bool = False
    key_lines: dict[str, int] = field(default_factory=dict)


class _Reader:
    """Builds values from parser events, without recursion."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: list[_Block] = []
        self._documents = 0
        self._top: Any = None
        self._places: dict[Place, int] = {}
        self._errors: list[CharterError] = []
        self._unknown: set[Place] = set()
        self.last_line = 1

    def written(self) -> Written:
        if not isinstance(self._top, dict):
            raise self._error(
                "BH-CHA-010",
                "the file does not hold `key: value` lines" if self._documents else "the file is empty",
                "Start from the charter that `bridgehead init NAME` writes.",
                1,
            )
        lines = Lines(file=self._file, places=self._places)
        return Written(self._top, lines, tuple(self._errors), frozenset(self._unknown))

    def take(self, event: yaml.Event) -> None:
        mark = event.start_mark
        line = self.last_line = mark.line + 1 if mark is not None else self.last_line
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._error(
                        "BH-CHA-010", "a second document starts here", "Remove the `---` line.", line
                    )
            case yaml.AliasEvent():
                self._refuse(
                    "BH-CHA-006",
                    f"`*{event.anchor}` points to another place",
                    "Write the value out here; anchors and aliases are not read.",
                    line,
                )
                self._value(None, line, known=False)
            case yaml.ScalarEvent():
                self._decorations(event, line)
                self._scalar(event, line)
            case yaml.MappingStartEvent():
                self._decorations(event, line)
                self._start({}, line)
            case yaml.SequenceStartEvent():
                self._decorations(event, line)
                self._start([], line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()

    def _decorations(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self._refuse(
                "BH-CHA-006",
                f"`&{event.anchor}` names this value for use elsewhere",
                f"Remove `&{event.anchor}` and write the value where it is needed.",
                line,
            )
        if event.tag is not None:
            self._refuse(
                "BH-CHA-008",
                f"the tag `{event.tag}` asks for a special type",
                "Remove the tag; put text in quotes.",
                line,
            )

    def _start(self, value: dict[str, Any] | list[Any], line: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise self._error(
                "BH-CHA-009",
                f"values are nested deeper than {MAX_DEPTH}",
                "A charter needs no more than a dozen levels; look for a runaway bracket.",
                line,
            )
        place = self._value(value, line)
        self._open.append(_Block(value=value, place=place))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        text = event.value
        if _has_surrogate(text):
            self._refuse(
                "BH-CHA-004",
                "this text holds half of a Unicode character",
                "Write the character itself instead of an escape.",
                line,
            )
            text = text.encode("utf-8", "replace").decode()
        if self._expects_key():
            self._key(text, line)
        else:
            self._value(_resolved(text) if event.style is None else text, line)

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _key(self, key: str, line: int) -> None:
        block = self._open[-1]
        block.key, block.dropped = key, False
        if key == "<<":
            block.dropped = True
            self._refuse(
                "BH-CHA-011", "`<<` merges another block", "Write the keys out; merges are not read.", line
            )
        elif key in block.key_lines:
            block.dropped = True
            self._refuse(
                "BH-CHA-007",
                f"`{key}` is written twice, first on line {block.key_lines[key]}",
                "Keep one of the two.",
                line,
            )
        else:
            block.key_lines[key] = line

    def _value(self, value: Any, line: int, *, known: bool = True) -> Place:
        """Put a value where it belongs and return its place."""
        if not self._open:
            self._top = value
            self._places[()] = line
            return ()
        block = self._open[-1]
        if isinstance(block.value, list):
            block.value.append(value)
            return self._placed((*block.place, len(block.value) - 1), line, known)
        if block.key is None:
            # A mapping or list used as a key: `? [a, b] : c`.
            block.key, block.dropped = "", True
            self._refuse("BH-CHA-011", "a key must be one word", "Write `word: value`.", line)
            return (*block.place, "")
        key, block.key = block.key, None
        place = (*block.place, key)
        if block.dropped:
            return place
        block.value[key] = value
        return self._placed(place, block.key_lines[key], known)

    def _placed(self, place: Place, line: int, known: bool) -> Place:
        # Where a repeated key was dropped, the first writing keeps its lines.
        self._places.setdefault(place, line)
        if not known:
            self._unknown.add(place)
        return place

    def _refuse(self, code: str, what: str, fix: str, line: int) -> None:
        self._errors.append(self._error(code, what, fix, line))

    def _error(self, code: str, what: str, fix: str, line: int) -> CharterError:
        return CharterError(code, what, fix=fix, where=f"{self._file}:{line}")


def _resolved(text: str) -> Any:
    """Return a plain scalar by the YAML 1.2 core schema (section 10.3.2), without octal, hexadecimal,
    infinities and numbers that do not fit: those stay text, and the charter's types refuse them."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
