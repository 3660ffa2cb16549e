"""The charter's JSON Schema, and its reference in words. Both come from ``model`` alone.

Editors complete and check a charter with the schema (``bridgehead schema > charter.schema.json``);
``docs/reference/charter.md`` is ``reference()``, and a test keeps them equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridgehead.declare.model import Charter

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of ``charter.yaml``."""
    generated = Charter.model_json_schema()
    return {
        "$schema": DIALECT,
        "title": "Bridgehead charter",
        **{key: value for key, value in generated.items() if key != "title"},
    }


def reference() -> str:
    """Return ``docs/reference/charter.md``."""
    return "\n".join(_document()) + "\n"


def _document() -> Iterator[str]:
    described = schema()
    yield "# The charter, key by key"
    yield ""
    yield "<!-- Written by `bridgehead schema --reference`; change the model, not this file. -->"
    yield ""
    yield (
        "`charter.yaml` declares a deployment. Every key is listed here; any other key is refused. "
        "Times are written `500ms`, `30s`, `4h`, `7d`; money `250 USD`; names in lower case letters, "
        "digits, `-` and `_`. Text follows the YAML 1.2 core schema, so `no` is a word and not `false`. "
        "Anchors, aliases, tags and merge keys are refused."
    )
    yield ""
    yield from _part("charter.yaml", described, described)
    for name, part in sorted(described.get("$defs", {}).items()):
        yield from _part(name, part, described)


def _part(title: str, part: dict[str, Any], whole: dict[str, Any]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    if part.get("description"):
        yield " ".join(part["description"].split())
        yield ""
    required = set(part.get("required", ()))
    yield "| key | value | must be given | meaning |"
    yield "|---|---|---|---|"
    for key, value in part.get("properties", {}).items():
        must = "yes" if key in required else _default(value)
        meaning = " ".join(_meaning(value, whole).split()).replace("|", "\\|")
        yield f"| `{key}` | {_kind(value)} | {must} | {meaning} |"
    yield ""


def _meaning(value: dict[str, Any], whole: dict[str, Any]) -> str:
    """Return what a key means: its own description, or that of the part it holds."""
    if value.get("description"):
        return str(value["description"])
    holds = [*value.get("anyOf", ()), value, value.get("additionalProperties")]
    holds += value.get("patternProperties", {}).values()
    for held in holds:
        if isinstance(held, dict) and "$ref" in held:
            part = whole["$defs"][held["$ref"].rpartition("/")[2]]
            return str(part.get("description", ""))
    return ""


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    if default is None or default == "" or isinstance(default, list | dict):
        return "no"
    shown = str(default).lower() if isinstance(default, bool) else default
    return f"no: `{shown}`"


def _kind(value: dict[str, Any]) -> str:
    """Return the kind of a value in words."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        kinds = [_kind(choice) for choice in value["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    return _plain_kind(value)


def _plain_kind(value: dict[str, Any]) -> str:
    match value.get("type"):
        case "array":
            return f"list of {_kind(value.get('items', {}))}"
        case "object":
            choices = [value.get("additionalProperties"), *value.get("patternProperties", {}).values()]
            inner = next((choice for choice in choices if choice), None)
            return f"name: {_kind(inner)}" if isinstance(inner, dict) else "JSON Schema"
        case "integer":
            return "whole number"
        case "number":
            return "number"
        case "boolean":
            return "true or false"
        case "string":
            return "text"
        case _:
            return "any value"
