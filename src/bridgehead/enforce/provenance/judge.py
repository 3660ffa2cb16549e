"""Which arguments of an action nothing stands behind, and why: the one rule, applied to each value.

An argument that is not declared is sensitive. A sensitive value is endorsed by an origin its argument
allows, or by nobody. What leaves is searched by ``leaving``; text that stays is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridgehead.declare.model import ActionRule
from bridgehead.enforce.provenance import kinds
from bridgehead.enforce.provenance.leaving import Leaving
from bridgehead.enforce.provenance.origins import Origin, Origins
from bridgehead.enforce.provenance.values import EMPTY, Value, leaves, matches

USUAL = ("user", "charter")


def judge(
    rule: ActionRule,
    arguments: Mapping[str, Any],
    origins: Origins,
    readers: Mapping[str, list[str]],
) -> tuple[Value, ...]:
    """Return every value that needs an origin, with the one it has or why it has none."""
    leaving = Leaving(rule=rule, arguments=arguments, origins=origins, readers=readers)
    found: list[Value] = []
    free = 0
    for name, value in sorted(arguments.items()):
        if name in rule.egress or (rule.outward and name in rule.inside):
            free += 1
            found += leaving.text(name, value)
        elif name in rule.inside:
            free += 1
        else:
            found += _sensitive(leaving, name, value)
    if rule.effect != "read" and not free and all(_constant(item) for item in found):
        why = "nothing in the call was named by anybody"
        found.append(Value(argument="the action", path="", value=rule.title, why=why))
    return tuple(found)


def _sensitive(leaving: Leaving, name: str, value: Any) -> Iterator[Value]:
    rule, origins = leaving.rule, leaving.origins
    for path, schema, leaf in leaves(value, (), rule.arguments.get(name, {})):
        item = Value(argument=name, path=".".join((name, *path)), value=leaf)
        if leaf in EMPTY:
            yield _emptied(rule, name, schema, item)
            continue
        origin = _origin(rule, name, _kind(rule, item, schema), leaf, schema, origins)
        if origin is None:
            yield _unendorsed(item, origins)
        else:
            yield leaving.held_back(replace(item, origin=origin))


def _kind(rule: ActionRule, item: Value, schema: Mapping[str, Any]) -> str:
    """Return the kind of a value. Where the charter says which argument is the money, no other number is."""
    kind = kinds.kind_of(schema, item.value)
    source, _, money = rule.amount.partition(".")
    if schema.get("format") in kinds.KINDS or source != "arguments":
        return kind
    if item.path == money:
        return "amount" if kinds.same("amount", item.value) is not None else kind
    return "number" if kind == "amount" else kind


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
            found = _user(kind, value, schema, origins)
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


def _user(kind: str, value: Any, schema: Mapping[str, Any], origins: Origins) -> Origin | None:
    if origins.words.name(kind, value, declared=kinds.declared(schema)):
        return Origin(integrity="user", source="the user's own words")
    filled = lambda part: origins.record("name", part, "*") is not None  # noqa: E731
    if (
        kind in ("name", "text", "filename")
        and isinstance(value, str)
        and origins.words.template(value, filled)
    ):
        return Origin(integrity="user", source="the user's own words, filled from records")
    return None


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
