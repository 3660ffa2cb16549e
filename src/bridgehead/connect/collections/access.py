"""The rights that came with the documents: one JSON file, read anew whenever it has changed.

::

    {"acl_synced_at": "2026-03-02T08:00:00Z",
     "groups": {"staff": {"groups": ["sales"], "people": ["ana@example.com"]}},
     "documents": {"hr/pay.md": {"groups": ["hr"], "people": ["olga"], "tags": ["pii"]}}}

Whatever is not understood makes all of it unknown: a right is never guessed.
"""

from __future__ import annotations

import json
import os
import re
import threading
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bridgehead.kernel.access import Access, Allowed
from bridgehead.kernel.canonical import digest
from bridgehead.kernel.errors import ConnectError

MAX_BYTES = 64 * 1024 * 1024
_KEY = re.compile(r'("(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"')
"""A key of the file; its other texts are passed over whole, so that none is taken for one."""


class AccessFile:
    """The file a system exports. Kept in memory until the file is another one."""

    def __init__(self, collection: str, path: Path) -> None:
        self._collection, self.path = collection, path
        self._known: tuple[tuple[int, ...], Access] | None = None
        self._reading = threading.Lock()

    def now(self) -> Access:
        """Return the rights as the file has them now. Raises ``ConnectError`` (BH-CON-072)."""
        with self._reading:
            try:
                with self.path.open("rb") as stream:
                    looks = os.fstat(stream.fileno())
                    seen = (looks.st_ino, looks.st_size, looks.st_mtime_ns, looks.st_ctime_ns)
                    if self._known is None or self._known[0] != seen:
                        self._known = (seen, read(stream.read(MAX_BYTES + 1)))
                    return self._known[1]
            except OSError as error:
                raise self._unknown(error.strerror or str(error)) from error
            except SaidTwice as error:
                raise self._unknown(str(error), f"{self.path}:{error.line}") from error
            except ValueError as error:
                raise self._unknown(str(error)) from error

    def _unknown(self, why: str, where: str = "") -> ConnectError:
        return ConnectError(
            "BH-CON-072",
            f"the rights of {self._collection} cannot be read from {self.path}: {why}",
            effect_state="none",
            means="Nothing of it is searched.",
            fix="Let the system export them again; docs/how-to/answer-from-documents.md shows the form.",
            where=where,
        )


class SaidTwice(ValueError):
    """One path in two spellings of the same letters: which rights are meant? ``line`` has the second."""

    def __init__(self, what: str, line: int, first: int) -> None:
        super().__init__(f"line {line} says the rights of {what!r} again, which line {first} says already")
        self.line = line


def read(data: bytes) -> Access:
    """Return what the file says. Raises ``ValueError`` for anything that is not understood."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    text = data.decode("utf-8-sig")
    try:
        said = json.loads(text, object_pairs_hook=_once)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    _only(said, "the file", {"acl_synced_at", "groups", "documents"}, {"acl_synced_at", "documents"})
    groups = {name: _allowed(f"group {name}", value) for name, value in _members(said, "groups")}
    documents: dict[str, Allowed] = {}
    for spelt, value in _members(said, "documents"):
        path = unicodedata.normalize("NFC", spelt)
        if path in documents:
            raise SaidTwice(path, *_lines(text, path))
        documents[path] = _allowed(path, value, tags=True)
    return Access(
        synced_at=_time(said["acl_synced_at"]),
        documents=documents,
        of_person=_turned({name: one.people for name, one in groups.items()}),
        of_group=_turned({name: one.groups for name, one in groups.items()}),
        digest=digest(said),
    )


def _members(said: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    value = said.get(key, {})
    if not isinstance(value, dict):
        raise ValueError(f"`{key}` is not an object")
    return list(value.items())


def _allowed(what: str, value: Any, *, tags: bool = False) -> Allowed:
    _only(value, what, {"groups", "people"} | ({"tags"} if tags else set()), set())
    lists = {key: _texts(what, key, value.get(key, [])) for key in ("groups", "people", "tags")}
    people = frozenset(name.casefold() for name in lists["people"])
    return Allowed(groups=lists["groups"], people=people, tags=lists["tags"])


def _texts(what: str, key: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f"`{key}` of {what} is not a list of names")
    return frozenset(value)


def _only(value: Any, what: str, known: set[str], needed: set[str]) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not an object")
    for name in sorted(set(value) - known):
        raise ValueError(f"{what} says `{name}`, which is not understood")
    for name in sorted(needed - set(value)):
        raise ValueError(f"{what} does not say `{name}`")


def _time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("`acl_synced_at` is not a time")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("`acl_synced_at` has no time zone")
    return moment


def _turned(members: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group, inside in members.items():
        for one in inside:
            found.setdefault(one, set()).add(group)
    return {one: frozenset(groups) for one, groups in found.items()}


def _lines(text: str, path: str) -> tuple[int, int]:
    """Return the last and the first line of a file where a path is a key, however it is spelt."""
    lines = [
        text.count("\n", 0, match.start()) + 1
        for match in _KEY.finditer(text)
        if match[1] and unicodedata.normalize("NFC", json.loads(match[1])) == path
    ]
    return lines[-1], lines[0]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it says something twice")
    return found
