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
from bridgehead.enforce.provenance.links import links
from bridgehead.enforce.provenance.origins import Origin, Origins

USUAL = ("user", "charter")
_EMPTY: tuple[Any, ...] = (None, "", [], {}, ())


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
            found += _sensitive(rule, name, value, arguments, origins, readers)
    if rule.effect != "read" and not free and all(_constant(item) for item in found):
        why = "nothing in the call was named by anybody"
        found.append(Value(argument="the action", path="", value=rule.title, why=why))
    return tuple(found)


def _sensitive(
    rule: ActionRule,
    name: str,
    value: Any,
    arguments: Mapping[str, Any],
    origins: Origins,
    readers: Mapping[str, list[str]],
) -> Iterator[Value]:
    for path, schema, leaf in _leaves(value, (), rule.arguments.get(name, {})):
        item = Value(argument=name, path=".".join((name, *path)), value=leaf)
        if leaf in _EMPTY:
            yield _emptied(rule, name, schema, item)
            continue
        origin = _origin(rule, name, _kind(rule, item, schema), leaf, schema, origins)
        if origin is None:
            yield _unendorsed(item, origins)
        else:
            yield _may_leave(rule, replace(item, origin=origin), arguments, origins, readers)


def _kind(rule: ActionRule, item: Value, schema: Mapping[str, Any]) -> str:
    """Return the kind of a value. Where the charter says which argument is the money, no other number is."""
    kind = kinds.kind_of(schema, item.value)
    source, _, money = rule.amount.partition(".")
    if schema.get("format") in kinds.KINDS or source != "arguments":
        return kind
    if item.path == money:
        return "amount" if kinds.same("amount", item.value) is not None else kind
    return "number" if kind == "amount" else kind


def free_text(rule: ActionRule) -> frozenset[str]:
    """Return the arguments of an action that may say anything."""
    return frozenset((*rule.inside, *rule.egress))


def _emptied(rule: ActionRule, name: str, schema: Mapping[str, Any], item: Value) -> Value:
    """Nothing is a value too: it may blank what is there. It is endorsed where the charter foresees it."""
    foreseen = (
        "" in rule.allowed.get(name, ())
        or ("default" in schema and schema["default"] == item.value)
        or _choice(schema, item.value)
        or (item.value is None and name in rule.optional)
    )
    if foreseen:
        return replace(item, origin=Origin(integrity="charter", source="a choice the charter declares"))
    return replace(item, why="it is left empty, and the charter does not say that it may be")


def _may_leave(
    rule: ActionRule,
    item: Value,
    arguments: Mapping[str, Any],
    origins: Origins,
    readers: Mapping[str, list[str]],
) -> Value:
    """A record may stand behind a value, and the value still not be one for whoever receives the action."""
    assert item.origin is not None
    if (
        not rule.outward
        or item.origin.integrity not in ("record", "user")
        or item.argument in rule.destination
    ):
        return item
    if origins.words.spell(str(item.value)):
        return item
    for leaf in origins.confidential(str(item.value)):
        if any(not _may_have(tag, rule, arguments, readers) for tag in leaf.tags):
            tags = ", ".join(sorted(leaf.tags))
            return replace(
                item, origin=None, why=f"it is {leaf.field}, which is {tags}", seen=origins.traced(leaf.value)
            )
    return item


def _origin(
    rule: ActionRule, name: str, kind: str, value: Any, schema: Mapping[str, Any], origins: Origins
) -> Origin | None:
    if _choice(schema, value):
        return Origin(integrity="charter", source="a choice the charter declares")
    if isinstance(value, str) and not kinds.plain(value) and not origins.spelt(value):
        return None
    if any(matches(kind, pattern, value) for pattern in rule.allowed.get(name, ())):
        return Origin(integrity="charter", source=f"allowed.{name}")
    if origins.agreed(name, kind, value):
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


def _choice(schema: Mapping[str, Any], value: Any) -> bool:
    """Say whether the charter lists a value, or it is the yes or no the charter asks for."""
    if isinstance(value, bool) and "boolean" in _listed(schema.get("type")):
        return True
    choices = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    return any(type(choice) is type(value) and choice == value for choice in choices)


def _listed(types: Any) -> list[Any]:
    return types if isinstance(types, list) else [types]


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
        if leaf in _EMPTY:
            continue
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
        if not _link_endorsed(rule, name, link, origins, places(rule, arguments)):
            return lambda item: replace(
                item, why=f"the link {link} has no endorsed origin", seen=origins.traced(link)
            )
    if origins.agreed(name, "text", text, places(rule, arguments)) or origins.words.name("text", text):
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


def _link_endorsed(rule: ActionRule, name: str, link: str, origins: Origins, to: Any) -> bool:
    full = link if kinds.same("uri", link) else f"http://{link}"
    return (
        origins.words.name("uri", full)
        or origins.agreed(name, "uri", full, to)
        or any(matches("uri", pattern, full) for pattern in rule.allowed.get(name, ()))
    )


def places(rule: ActionRule, arguments: Mapping[str, Any]) -> list[str]:
    """Return who receives what an action carries, as they are named in it."""
    return sorted(
        str(leaf)
        for name in rule.destination
        for _, _, leaf in _leaves(arguments.get(name), (), {})
        if leaf not in _EMPTY
    )


def _may_have(
    tag: str, rule: ActionRule, arguments: Mapping[str, Any], readers: Mapping[str, list[str]]
) -> bool:
    to = places(rule, arguments) or [rule.server]
    return all(
        any(matches("email" if "@" in pattern else "id", pattern, place) for pattern in readers.get(tag, ()))
        for place in to
    )


def matches(kind: str, pattern: str, value: Any) -> bool:
    """Say whether a value is one the charter writes: equal, or at a domain written ``*@example.com``."""
    if pattern.startswith("*@"):
        form = kinds.same("email", value)
        # A local part may route a mail on: ``thief%evil.example@example.com``.
        own = form is not None and not re.search(r"[%!/]", form)
        return own and str(form).rpartition("@")[2] == pattern[2:].lower()
    if pattern.endswith("/*") and kind == "uri":
        form, place = kinds.same("uri", value), kinds.same("uri", pattern[:-2])
        return form is not None and place is not None and f"{form}/".startswith(f"{place}/")
    wanted = kinds.same(kind, pattern)
    return wanted is not None and wanted == kinds.same(kind, value)


def _unendorsed(item: Value, origins: Origins) -> Value:
    seen = origins.traced(item.value)
    like = origins.like(str(item.value)) if isinstance(item.value, str) else ""
    odd = kinds.oddities(item.value) if isinstance(item.value, str) else ""
    told = "".join((f"; {odd}" if odd else "", f"; it looks like {like}, and is not" if like else ""))
    if seen is None and origins.words.hold(str(item.value)):
        return replace(item, why=f"it stands in the user's words, and names nothing there{told}")
    if seen is None:
        return replace(item, why=f"nobody named it, and no record holds it: the model wrote it{told}")
    where = {"record": "a record that may not stand behind it", "untrusted": "text anybody may have written"}
    return replace(item, why=f"it comes from {where.get(seen.integrity, 'the model')}{told}", seen=seen)


def _constant(item: Value) -> bool:
    return item.origin is not None and item.origin.source == "a choice the charter declares"


def _leaves(
    value: Any, path: tuple[str, ...], schema: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], Any]]:
    """Yield the single values of an argument; a field that is not declared counts with its name."""
    if value in ([], {}, ()):
        yield path, schema, value
    elif isinstance(value, Mapping):
        declared = schema.get("properties", {})
        for key, item in value.items():
            if key not in declared:
                yield (*path, "(key)"), {}, key
            yield from _leaves(item, (*path, str(key)), declared.get(key, {}))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, str(index)), schema.get("items", {}))
    else:
        yield path, schema, value
