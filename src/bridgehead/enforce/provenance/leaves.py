"""A result, taken apart: every single value in it, its path, the record it stands in, and its label.

A label is what the charter says of that field. What it does not say is untrusted; what a model wrote is
the model's, whatever anybody says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridgehead.declare.labels import Returns, leads
from bridgehead.kernel.canonical import digest

Integrity = Literal["charter", "user", "person", "record", "model", "untrusted"]
"""From the most to the least: what stands behind a value. ``person`` is what somebody said in this run."""

KEYS = "(keys)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The result of one crossing, and what it was asked with. ``returns`` is what the charter says of it.

    ``tags`` are those of the columns of an answer to SQL, ``knows`` those of whatever its statement named,
    which an empty answer tells of too; ``free`` the names under which agents write text of
    their own into the same system: a field called so is theirs, unless the charter names it a record.
    """

    kind: str
    target: str
    position: str
    value: Any
    returns: Returns | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    knows: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value of a result. ``record`` tells the mapping it stands in from every other."""

    value: Any
    target: str
    position: str
    path: str
    integrity: Integrity
    record: str = ""
    tags: frozenset[str] = frozenset()

    @property
    def field(self) -> str:
        """``ACTION.FIELD``: what an endorser of the charter names."""
        return f"{self.target}.{self.path}" if self.path else self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A mapping in a result, with the names people call it by."""

    id: str
    target: str
    names: tuple[Any, ...]


def taken_apart(seen: Seen) -> tuple[list[Leaf], list[Record]]:
    """Return every value of a result, and every record in it that has a name."""
    leaves: list[Leaf] = []
    records: list[Record] = []
    _walk(seen, seen.value, (), "", leaves, records)
    return leaves, records


def tags_of(seen: Seen) -> frozenset[str]:
    """Return every tag of a result: what a run knows once it has seen it."""
    declared = seen.returns.tags if seen.returns and seen.value not in (None, "", [], {}) else {}
    columns = seen.tags.values() if seen.value not in (None, "", [], {}) else ()
    return seen.knows | frozenset(tag for tags in (*declared.values(), *columns) for tag in tags)


def _walk(
    seen: Seen, value: Any, path: tuple[str, ...], record: str, leaves: list[Leaf], records: list[Record]
) -> None:
    if isinstance(value, Mapping):
        here = digest([seen.target, value])
        names = seen.returns.names if seen.returns else []
        called = tuple(value[name] for name in names if isinstance(value.get(name), str))
        if called:
            records.append(Record(id=here, target=seen.target, names=called))
        for key, item in value.items():
            if seen.returns is not None and seen.returns.keys == "record":
                leaves.append(_leaf(seen, str(key), (*path, KEYS), here, keys=not _outside(seen, path)))
            _walk(seen, item, (*path, str(key)), here if called or not record else record, leaves, records)
    elif isinstance(value, list | tuple):
        for item in value:
            _walk(seen, item, path, record, leaves, records)
    elif value is not None:
        leaves.append(_leaf(seen, value, path, record))


def _leaf(seen: Seen, value: Any, path: tuple[str, ...], record: str, *, keys: bool = False) -> Leaf:
    return Leaf(
        value=value,
        target=seen.target,
        position=seen.position,
        path=".".join(step.replace(".", "\\.") for step in path),  # a dot in a key is no way down
        integrity="record" if keys and seen.kind == "act" else _integrity(seen, path),
        record=record,
        tags=frozenset(_tags(seen, path)),
    )


def _integrity(seen: Seen, path: tuple[str, ...]) -> Integrity:
    if seen.kind == "model":
        return "model"
    if seen.returns is None or seen.kind != "act":
        return "untrusted"
    if path and path[-1] in seen.free and not seen.returns.names_it(path):
        return "model"
    return seen.returns.trust_of(path)


def _outside(seen: Seen, path: tuple[str, ...]) -> bool:
    """Say whether the charter calls a part inside a result untrusted: so are the keys somebody gave it."""
    assert seen.returns is not None
    return bool(path) and seen.returns.trust_of(path) == "untrusted" and seen.returns.declares(path)


def _tags(seen: Seen, path: tuple[str, ...]) -> Iterator[str]:
    yield from seen.tags.get(path[0] if path else "", ())  # a column, however deep in its cell the value is
    if seen.returns is not None:
        for written, tags in seen.returns.tags.items():
            if leads(written, path):
                yield from tags
