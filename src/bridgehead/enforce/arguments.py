"""Do the arguments fit what the charter declares? And the small paths a charter uses to name them:
``arguments.X``, ``facts.X``, ``result.X``, ``before.READ.FIELD``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from bridgehead.declare.model import ActionRule
from bridgehead.kernel.canonical import encoded_bytes
from bridgehead.kernel.remember import remembered

MAX_ARGUMENTS = 65_536
"""Bytes of arguments one action may carry."""


def schema(rule: ActionRule) -> dict[str, Any]:
    """Return the JSON Schema of an action's arguments; nothing undeclared is let through."""
    return {
        "type": "object",
        "properties": dict(rule.arguments),
        "required": [name for name in rule.arguments if name not in rule.optional],
        "additionalProperties": False,
    }


def problem(rule: ActionRule, arguments: Mapping[str, Any]) -> str:
    """Return in words why the arguments do not fit, or the empty string."""
    raw = encoded_bytes(dict(arguments))
    if len(raw) > MAX_ARGUMENTS:
        return f"the arguments take {len(raw)} bytes; {MAX_ARGUMENTS} are allowed"
    for error in sorted(_validator(rule).iter_errors(dict(arguments)), key=str):
        place = ".".join(str(part) for part in error.absolute_path)
        return f"{place}: {error.message}" if place else str(error.message)
    return ""


@remembered
def _validator(rule: ActionRule) -> Draft202012Validator:
    return Draft202012Validator(schema(rule))


def follow(path: str, **roots: Mapping[str, Any] | None) -> Any:
    """Return what a path such as ``arguments.order_id`` names; None where it leads nowhere."""
    head, _, rest = path.partition(".")
    value: Any = roots.get(head)
    for part in rest.split(".") if rest else ():
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
