"""A server's tools become draft actions: what each does, which arguments matter, who may stand behind them.

Called by ``bridgehead init --mcp``. Every name in a draft fits the charter's own rules; a tool that cannot be
named so is left out, and said so: without an action it cannot be called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridgehead.discover import effect, roles, schemas
from bridgehead.discover.words import plain, shared, tokens
from bridgehead.kernel.ports import Operation

MOST_TOOLS, MOST_ARGUMENTS = 250, 40
MOST_LETTERS = 800_000
"""A charter may have 1 MiB (``declare.compose``)."""
_TOOL = re.compile(r"[A-Za-z0-9_./-]{1,128}")
"""Names that the protocol recommends (2025-11-25, tool names); anything else is left out."""
_RESERVED = frozenset(("act", "model", "query", "decide", "retrieve"))
"""Kinds of actions; an action of this name would be taken for the kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftAction:
    """One tool as a charter would declare it. ``why`` says of each guess from which words it was made."""

    name: str
    tool: str
    title: str
    effect: str
    outward: bool
    said: str
    arguments: Mapping[str, Mapping[str, Any]]
    optional: tuple[str, ...]
    told: Mapping[str, str]
    roles: roles.Roles
    why: Mapping[str, str]
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All drafted actions, and (tool, reason) of those left out."""

    actions: tuple[DraftAction, ...]
    left_out: tuple[tuple[str, str], ...] = field(default=())

    @property
    def effects(self) -> tuple[str, ...]:
        """Return the names of the actions that may change something."""
        return tuple(action.name for action in self.actions if action.effect != "read")


def draft(operations: Sequence[Operation]) -> Draft:
    """Return the draft of what a server offers, in its order."""
    left_out: list[tuple[str, str]] = []
    usable = list(_usable(operations, left_out))
    prefix = shared([tokens(operation.name) for operation in usable])
    taken: set[str] = set()
    actions, letters = [], 0
    for operation in usable:
        action = _action(_name(operation.name, taken), operation, tokens(operation.name)[prefix:], usable)
        letters += _letters(action)
        if letters > MOST_LETTERS:
            left_out.append(
                (plain(operation.name, 60), "all tools together are too much text for one charter")
            )
            continue
        taken.add(action.name)
        actions.append(action)
    return Draft(actions=tuple(actions), left_out=tuple(left_out))


def _letters(action: DraftAction) -> int:
    """Return about how many letters an action takes in the charter: never less than it does."""
    arguments = sum(len(str(schema)) + 450 + 3 * len(name) for name, schema in action.arguments.items())
    return arguments + 2 * len(action.title) + sum(map(len, action.questions)) + 1000


def _usable(operations: Iterable[Operation], left_out: list[tuple[str, str]]) -> Iterator[Operation]:
    drafted = 0
    for operation in operations:
        if reason := _unusable(operation) or ("too many tools" if drafted >= MOST_TOOLS else ""):
            left_out.append((plain(operation.name, 60), reason))
            continue
        drafted += 1
        yield operation


def _unusable(operation: Operation) -> str:
    """Return why a tool cannot be declared; the empty string where it can."""
    if not _TOOL.fullmatch(operation.name) or not any(letter.isalpha() for letter in operation.name):
        return "its name is no plain name"
    given = _properties(operation)
    if len(given) > MOST_ARGUMENTS:
        return f"it takes more than {MOST_ARGUMENTS} arguments"
    required = operation.parameters.get("required")
    wanted = required if isinstance(required, list) else []
    if any(not isinstance(one, str) or one not in given for one in wanted):
        return "it wants an argument that it does not describe"
    if any(not schemas.KEY.fullmatch(one) for one in wanted):
        return "it wants an argument whose name is no plain name"
    return ""


def _properties(operation: Operation) -> Mapping[str, Any]:
    found = operation.parameters.get("properties")
    return found if isinstance(found, Mapping) else {}


def _name(tool: str, taken: set[str]) -> str:
    """Return the action's name: the tool's in the charter's letters, numbered where two become one."""
    bare = re.sub(r"[^a-z0-9_-]", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", tool).lower())
    bare = re.sub(r"^[^a-z]+", "", bare)[:56] or "tool"
    bare = f"{bare}-tool" if bare in _RESERVED else bare
    name, number = bare, 1
    while name in taken:
        number += 1
        name = f"{bare}-{number}"
    return name


def _action(
    name: str, operation: Operation, words: tuple[str, ...], others: Sequence[Operation]
) -> DraftAction:
    given = {key: value for key, value in _properties(operation).items() if schemas.KEY.fullmatch(key)}
    definitions = operation.parameters.get("$defs") or operation.parameters.get("definitions") or {}
    arguments = {
        key: schemas.taken(key, value, definitions if isinstance(definitions, Mapping) else {})
        for key, value in given.items()
    }
    required = operation.parameters.get("required")
    optional = tuple(key for key in arguments if key not in (required if isinstance(required, list) else ()))
    guessed = effect.guess(words, operation.description, operation.hints, given)
    found = roles.roles(words, guessed.effect, arguments, optional, operation.hints)
    return DraftAction(
        name=name,
        tool=operation.name,
        title=_title(words or tokens(operation.name), arguments, optional),
        effect=guessed.effect,
        outward=found.outward,
        said=plain(operation.description, 160),
        arguments=arguments,
        optional=optional,
        told={key: _told(value) for key, value in given.items()},
        roles=found,
        why={"effect": guessed.why, "outward": found.why_outward},
        questions=tuple(_questions(words, guessed.effect, arguments, operation, others)),
    )


def _told(schema: Any) -> str:
    return plain(schema.get("description", ""), 100) if isinstance(schema, Mapping) else ""


def _title(words: Sequence[str], arguments: Mapping[str, Any], optional: Sequence[str]) -> str:
    """Return the tool's name in words, with what is always given. Never the server's own prose: approvers
    read it."""
    named = [key for key in arguments if key not in optional and re.fullmatch(r"[A-Za-z_]\w*", key)][:4]
    said = " ".join(words)[:80].capitalize() or "Call"
    return f"{said}: {', '.join(f'{key} {{{key}}}' for key in named)}" if named else said


def _questions(
    words: tuple[str, ...],
    kind: str,
    arguments: Mapping[str, Any],
    operation: Operation,
    others: Sequence[Operation],
) -> Iterator[str]:
    """Yield what only people can say about an action."""
    if kind == "read":
        if fields := roles.system_fields(operation.gives):
            yield f"its answer has {', '.join(fields)}: who writes them? If nobody outside: returns fields"
        return
    if opposite := roles.opposite(words, [other.name for other in others]):
        yield f"does `{plain(opposite, 60)}` take it back? Then it may be a write with that undo"
    yield "how would one see afterwards that it happened? (probe)"
    if money := [key for key in arguments if roles.is_money(key, arguments[key])]:
        yield f"is `{money[0]}` money? Then declare amount and currency, and a limit under approvals"
    for key in arguments:
        if reads := roles.directories(key, words, [o.name for o in others if o is not operation]):
            yield f"may `{key}` come from a record the user named? Then add named:{plain(reads[0], 60)}.FIELD"
