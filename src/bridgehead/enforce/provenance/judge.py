"""Which arguments of an action nothing stands behind, and why: the one rule, applied to each value.

An argument that is not declared is sensitive. A sensitive value is endorsed by an origin its argument
allows, or by nobody. Text that leaves is searched for what must not leave; text that stays is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridgehead.declare.model import ActionRule
from bridgehead.enforce.provenance import kinds
from bridgehead.enforce.provenance.origins import Origin, Origins

USUAL = ("user", "charter")
_LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:/{1,2}|//|www\.)[^\s\"'<>()\[\]]+|mailto:[^\s\"'<>()]+", re.IGNORECASE
)
_HOST = re.compile(r"(?<![\w@.-])(?:[\w-]+\.)+[a-z]{2,}(?:/[^\s\"'<>()\[\]]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of an action's arguments, and what stands behind it.

    ``origin`` is what endorses it; where there is none, ``why`` says so in words and ``seen`` where the value
    was found, if anywhere.
    """

    argument: str
    path: str
    value: Any
    origin: Origin | None = None
    why: str = ""
    seen: Origin | None = None

    @property
    def endorsed(self) -> bool:
        """Say whether something stands behind it."""
        return self.origin is not None


def judge(
    rule: ActionRule,
    arguments: Mapping[str, Any],
    origins: Origins,
    readers: Mapping[str, list[str]],
) -> tuple[Value, ...]:
    """Return every value that needs an origin, with the one it has or why it has none."""
    found: list[Value] = []
    free = 0
    leaves = set(rule.egress) | (set(rule.inside) if rule.outward else set())
    for name, value in sorted(arguments.items()):
        if name in leaves:
            free += 1
            found += _leaving(rule, name, value, arguments, origins, readers)
        elif name in rule.inside:
            free += 1
        else:
            found += _sensitive(rule, name, value, origins)
    if rule.effect != "read" and not free and all(_constant(item) for item in found):
        why = "nothing in the call was named by anybody"
        found.append(Value(argument="the action", path="", value=rule.title, why=why))
    return tuple(found)


def _sensitive(rule: ActionRule, name: str, value: Any, origins: Origins) -> Iterator[Value]:
    for path, schema, leaf in _leaves(value, (), rule.arguments.get(name, {})):
        kind = kinds.kind_of(schema, leaf)
        item = Value(argument=name, path=".".join((name, *path)), value=leaf)
        origin = _origin(rule, name, kind, leaf, schema, origins)
        yield replace(item, origin=origin) if origin else _unendorsed(item, origins)


def _origin(
    rule: ActionRule, name: str, kind: str, value: Any, schema: Mapping[str, Any], origins: Origins
) -> Origin | None:
    if isinstance(value, bool) or value in schema.get("enum", ()) or value == schema.get("const", object()):
        return Origin(integrity="charter", source="a choice the charter declares")
    if any(matches(kind, pattern, value) for pattern in rule.allowed.get(name, ())):
        return Origin(integrity="charter", source=f"allowed.{name}")
    if origins.agreed(kind, value):
        return Origin(integrity="person", source="a person endorsed it in this run")
    for endorser in rule.endorsed_by.get(name, USUAL):
        what, _, field = endorser.partition(":")
        if what == "user":
            found = _user(kind, value, origins)
        elif what == "record":
            found = origins.record(kind, value, field)
        elif what == "named":
            found = origins.named(kind, value, field)
        else:
            found = origins.found(kind, value, field) if what == "found" else None
        if found is not None:
            return found
    return None


def _user(kind: str, value: Any, origins: Origins) -> Origin | None:
    if origins.words.name(kind, value):
        return Origin(integrity="user", source="the user's own words")
    filled = lambda part: origins.record("name", part, "*") is not None  # noqa: E731
    if (
        kind in ("name", "text", "filename")
        and isinstance(value, str)
        and origins.words.template(value, filled)
    ):
        return Origin(integrity="user", source="the user's own words, filled from records")
    return None


def _leaving(
    rule: ActionRule,
    name: str,
    value: Any,
    arguments: Mapping[str, Any],
    origins: Origins,
    readers: Mapping[str, list[str]],
) -> Iterator[Value]:
    if value in (None, "", [], {}):
        return
    for path, _, leaf in _leaves(value, (), {}):
        item = Value(argument=name, path=".".join((name, *path)), value=leaf)
        problem = _problem(rule, name, str(leaf), arguments, origins, readers)
        yield (
            problem(item)
            if problem
            else replace(
                item, origin=Origin(integrity="model", source="text without links or confidential values")
            )
        )


def _problem(
    rule: ActionRule,
    name: str,
    text: str,
    arguments: Mapping[str, Any],
    origins: Origins,
    readers: Mapping[str, list[str]],
) -> Any:
    for link in links(text):
        if not _link_endorsed(rule, name, link, origins):
            return lambda item: replace(
                item, why=f"the link {link} has no endorsed origin", seen=origins.traced(link)
            )
    if origins.agreed("text", text) or origins.words.name("text", text):
        return None
    forbidden = [tag for tag in origins.tags if not _may_have(tag, rule, arguments, readers)]
    carried = [leaf for leaf in origins.confidential(text) if leaf.tags & set(forbidden)]
    if carried:
        why = f"it carries {carried[0].field}, which is {', '.join(sorted(carried[0].tags))}"
        return lambda item: replace(item, why=why, seen=origins.traced(carried[0].value))
    if forbidden:
        # By lineage: whoever wrote it has read the values, and may have written them in other letters.
        why = f"it was written after {origins.tags[forbidden[0]]} was read, whose answer is {forbidden[0]}"
        return lambda item: replace(item, why=why)
    return None


def links(text: str) -> Iterator[str]:
    """Yield every address in a text: whatever a mail or chat program would make a link of."""
    plain = kinds.folded(text)
    for pattern in (_LINK, _HOST):
        for match in pattern.finditer(plain):
            yield match[0].rstrip(".,;:!?")


def _link_endorsed(rule: ActionRule, name: str, link: str, origins: Origins) -> bool:
    return (
        origins.words.name("uri", link)
        or origins.agreed("uri", link)
        or any(matches("uri", pattern, link) for pattern in rule.allowed.get(name, ()))
    )


def _may_have(
    tag: str, rule: ActionRule, arguments: Mapping[str, Any], readers: Mapping[str, list[str]]
) -> bool:
    places = [leaf for name in rule.destination for _, _, leaf in _leaves(arguments.get(name), (), {})] or [
        rule.server
    ]
    return all(
        any(matches("email" if "@" in pattern else "id", pattern, place) for pattern in readers.get(tag, ()))
        for place in places
    )


def matches(kind: str, pattern: str, value: Any) -> bool:
    """Say whether a value is one the charter writes: equal, or at a domain written ``*@example.com``."""
    if pattern.startswith("*@"):
        form = kinds.same("email", value)
        return form is not None and form.rpartition("@")[2] == pattern[2:].lower()
    if pattern.endswith("/*") and kind == "uri":
        form, place = kinds.same("uri", value), kinds.same("uri", pattern[:-2])
        return form is not None and place is not None and f"{form}/".startswith(f"{place}/")
    wanted = kinds.same(kind, pattern)
    return wanted is not None and wanted == kinds.same(kind, value)


def _unendorsed(item: Value, origins: Origins) -> Value:
    seen = origins.traced(item.value)
    if seen is None:
        return replace(item, why="nobody named it, and no record holds it: the model wrote it")
    where = {"record": "a record that may not stand behind it", "untrusted": "text anybody may have written"}
    return replace(item, why=f"it comes from {where.get(seen.integrity, 'the model')}", seen=seen)


def _constant(item: Value) -> bool:
    return item.origin is not None and item.origin.source == "a choice the charter declares"


def _leaves(
    value: Any, path: tuple[str, ...], schema: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], Any]]:
    """Yield the single values of an argument; a field that is not declared counts with its name."""
    if isinstance(value, Mapping):
        declared = schema.get("properties", {})
        for key, item in value.items():
            if key not in declared:
                yield (*path, "(key)"), {}, key
            yield from _leaves(item, (*path, str(key)), declared.get(key, {}))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, str(index)), schema.get("items", {}))
    elif value is not None and value != "":
        yield path, schema, value
