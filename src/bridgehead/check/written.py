"""Hand-written Cedar files as they are written: annotations, the actions they name, their lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridgehead.declare import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPolicy:
    """One policy of a file. ``lifts`` are approvals its ``unless`` looks for."""

    file: str
    line: int
    effect: str
    id: str
    words: str
    ask: str
    actions: frozenset[str]
    lifts: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A policy file that cannot be read, and why."""

    file: str
    line: int
    problem: str


def written_policies(d: Deployment) -> list[WrittenPolicy]:
    """Return the policies of every file that can be read."""
    found: list[WrittenPolicy] = []
    for file in d.charter.policies:
        policies = policies_of(d, file)
        if not isinstance(policies, Unreadable):
            found += policies
    return found


def all_readable(d: Deployment) -> bool:
    """Say whether every policy file can be read: otherwise nothing follows from what is not in them."""
    return not any(isinstance(policies_of(d, file), Unreadable) for file in d.charter.policies)


def policies_of(d: Deployment, file: str) -> list[WrittenPolicy] | Unreadable:
    """Return the policies of one file, in order. Templates count as unreadable: nothing links them."""
    try:
        text = (d.folder / file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Unreadable(file=file, line=1, problem=str(error))
    lines = [line for line, _ in _statements(text)]
    try:
        parsed = _parsed(text)
    except ValueError as error:
        return Unreadable(file=file, line=_failing_line(text), problem=str(error))
    if parsed.get("templates"):
        problem = "it holds a template (`?principal` or `?resource`), which nothing fills in"
        return Unreadable(file=file, line=lines[0] if lines else 1, problem=problem)
    ordered = sorted(parsed["staticPolicies"].items(), key=lambda item: int(item[0].removeprefix("policy")))
    return [
        _policy(file, lines[index] if index < len(lines) else 1, policy)
        for index, (_, policy) in enumerate(ordered)
    ]


def _parsed(text: str) -> dict[str, Any]:
    # Imported here: deployments without policies need no policy engine to be checked.
    import cedarpy

    parsed: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(text))
    return parsed


def _failing_line(text: str) -> int:
    """Return the line of the first policy that does not parse by itself: the engine names none."""
    for line, statement in _statements(text):
        try:
            _parsed(statement)
        except ValueError:
            return line
    return 1


_TOKEN = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|@|\b(?:permit|forbid)\b(?=\s*\()|;')


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each policy, annotations included; a last one may lack its semicolon."""
    begun: int | None = None
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in ("@", "permit", "forbid") and begun is None:
            begun = token.start()
        elif word == ";" and begun is not None:
            yield text.count("\n", 0, begun) + 1, text[begun : token.end()]
            begun = None
    if begun is not None:
        yield text.count("\n", 0, begun) + 1, text[begun:]


def _policy(file: str, line: int, policy: dict[str, Any]) -> WrittenPolicy:
    notes = policy.get("annotations", {})
    unless = [condition["body"] for condition in policy["conditions"] if condition["kind"] == "unless"]
    return WrittenPolicy(
        file=file,
        line=line,
        effect=policy["effect"],
        id=(notes.get("id") or "").strip(),
        words=(notes.get("words") or "").strip(),
        ask=(notes.get("ask") or "").strip(),
        actions=frozenset(_actions(policy)),
        lifts=frozenset(name for body in unless for name in _lifts(body)),
    )


def _actions(value: Any) -> Iterator[str]:
    """Yield the ids of every ``BH::Action`` a policy names, in its scope and in its conditions."""
    if isinstance(value, dict):
        if value.get("type") == "BH::Action" and isinstance(value.get("id"), str):
            yield value["id"]
        for item in value.values():
            yield from _actions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _actions(item)


def _lifts(value: Any) -> Iterator[str]:
    """Yield X of every ``context.approvals.contains("X")``."""
    if isinstance(value, dict):
        contains = value.get("contains")
        if isinstance(contains, dict) and _is_approvals(contains.get("left")):
            name = contains.get("right", {}).get("Value")
            if isinstance(name, str):
                yield name
        for item in value.values():
            yield from _lifts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _lifts(item)


def _is_approvals(value: Any) -> bool:
    return bool(value == {".": {"left": {"Var": "context"}, "attr": "approvals"}})
