"""What leaves with an action, and whether whoever receives it may have it.

Text in it is searched for what must not leave: links nobody stands behind, confidential values as they are,
and, by lineage, whatever was written after a confidential value was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridgehead.declare.model import ActionRule
from bridgehead.enforce.provenance import kinds
from bridgehead.enforce.provenance.links import links
from bridgehead.enforce.provenance.origins import Origin, Origins
from bridgehead.enforce.provenance.values import EMPTY, Value, leaves, matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """One action with its arguments, what its run has seen, and by tag who may have what."""

    rule: ActionRule
    arguments: Mapping[str, Any]
    origins: Origins
    readers: Mapping[str, list[str]]

    def text(self, name: str, value: Any) -> Iterator[Value]:
        """Yield the texts of an argument that leaves, each with what must not leave in it, if anything."""
        for path, _, leaf in leaves(value, (), {}):
            if leaf not in EMPTY:
                yield self._searched(Value(argument=name, path=".".join((name, *path)), value=leaf))

    def held_back(self, item: Value) -> Value:
        """Return an endorsed value, or why it is none for whoever receives the action, endorsed or not."""
        assert item.origin is not None
        free = not self.rule.outward or item.argument in self.rule.destination
        if free or item.origin.integrity not in ("record", "user"):
            return item
        if self.origins.words.spell(str(item.value)):
            return item
        for leaf in self.origins.confidential(str(item.value)):
            if not all(self._may_have(tag) for tag in leaf.tags):
                why = f"it is {leaf.field}, which is {', '.join(sorted(leaf.tags))}"
                return replace(item, origin=None, why=why, seen=self.origins.traced(leaf.value))
        return item

    def _searched(self, item: Value) -> Value:
        text, name = str(item.value), item.argument
        for link in links(text):
            if not self._link_endorsed(name, link):
                why = f"the link {link} has no endorsed origin"
                return replace(item, why=why, seen=self.origins.traced(link))
        words = self.origins.words
        if self.origins.agreed(name, "text", text, self._places()) or words.name("text", text):
            return _clean(item)
        forbidden = [tag for tag in self.origins.tags if not self._may_have(tag)]
        return self._without(item, forbidden) if forbidden else _clean(item)

    def _without(self, item: Value, forbidden: list[str]) -> Value:
        """Return why a text cannot leave for somebody who may not have these tags."""
        carried = [leaf for leaf in self.origins.confidential(str(item.value)) if leaf.tags & set(forbidden)]
        if carried:
            why = f"it carries {carried[0].field}, which is {', '.join(sorted(carried[0].tags))}"
            return replace(item, why=why, seen=self.origins.traced(carried[0].value))
        # By lineage: whoever wrote it has read the values, and may have written them in other letters.
        read = self.origins.tags[forbidden[0]]
        return replace(item, why=f"it was written after {read} was read, whose answer is {forbidden[0]}")

    def _link_endorsed(self, name: str, link: str) -> bool:
        full = link if kinds.same("uri", link) else f"http://{link}"
        return (
            self.origins.words.name("uri", full)
            or self.origins.agreed(name, "uri", full, self._places())
            or any(matches("uri", pattern, full) for pattern in self.rule.allowed.get(name, ()))
        )

    def _may_have(self, tag: str) -> bool:
        allowed = self.readers.get(tag, ())
        return all(
            any(matches("email" if "@" in pattern else "id", pattern, place) for pattern in allowed)
            for place in self._places() or [self.rule.server]
        )

    def _places(self) -> list[str]:
        return places(self.rule, self.arguments)


def places(rule: ActionRule, arguments: Mapping[str, Any]) -> list[str]:
    """Return who receives what an action carries, as they are named in it."""
    return sorted(
        str(leaf)
        for name in rule.destination
        for _, _, leaf in leaves(arguments.get(name), (), {})
        if leaf not in EMPTY
    )


def free_text(rule: ActionRule) -> frozenset[str]:
    """Return the arguments of an action that may say anything."""
    return frozenset((*rule.inside, *rule.egress))


def _clean(item: Value) -> Value:
    return replace(item, origin=Origin(integrity="model", source="text without links or confidential values"))
