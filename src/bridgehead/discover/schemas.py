"""Arguments as a charter may hold them: of a server's JSON Schema only what is short, plain and ours to
check.

Dropped: descriptions and defaults (prose for models), patterns (they may never end), references to
elsewhere, and lists of choices that could name somebody: a choice the charter declares needs no other origin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridgehead.discover.words import CODE, MUCH, PLACES, WHO, tokens, words_of

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
DEPTH, FIELDS, CHOICES = 4, 30, 24
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_FORMATS = ("email", "idn-email", "uri", "url", "date", "date-time", "uuid")
_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
_CHOICE = re.compile(r"[A-Za-z][A-Za-z _-]{0,39}")


_KINDS = {
    "id": "id",
    "uuid": "id",
    "email": "email",
    "url": "uri",
    "uri": "uri",
    "iban": "iban",
    "phone": "phone",
}
_PLACE = words_of(
    "page line row column step max min maximum minimum total random house street version week day port"
)
"""Before ``number``: what is counted or stands somewhere, and is no id."""
_CALLS = words_of("phone telephone mobile cell fax contact")


def taken(name: str, schema: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of one argument's schema the charter takes over; empty where nothing is understood."""
    found = _taken(name, schema, definitions, 0)
    kind = _format_of(name, found)
    return found | {"format": kind} if kind and "format" not in found else found


def _taken(name: str, schema: Any, definitions: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or depth > DEPTH:
        return {}
    if isinstance(reference := schema.get("$ref"), str):
        return _taken(name, definitions.get(reference.rpartition("/")[2]), definitions, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(parts := schema.get(key), list):
            return _either(name, parts, definitions, depth)
    found: dict[str, Any] = {}
    if kind := _type(schema.get("type")):
        found["type"] = kind
    choices = schema.get("enum")
    if isinstance(choices, list) and may_choose(name, choices):
        found["enum"] = list(choices)
    if schema.get("format") in _FORMATS:
        found["format"] = schema["format"]
    found |= {key: schema[key] for key in _BOUNDS if _is_bound(schema.get(key))}
    return found | _inner(name, schema, definitions, depth)


def _inner(
    name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    if schema.get("type") == "array":
        items = _taken(name, schema.get("items"), definitions, depth + 1)
        return {"items": items} if items else {}
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, Mapping):
        return {}
    fields = {
        key: _taken(key, value, definitions, depth + 1)
        for key, value in list(properties.items())[:FIELDS]
        if isinstance(key, str) and KEY.fullmatch(key)
    }
    return {"properties": fields} if fields else {}


def _either(name: str, parts: list[Any], definitions: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """``X or null`` is X that may be null; of anything richer only the types stay."""
    found = [_taken(name, part, definitions, depth + 1) for part in parts[:8]]
    real = [part for part in found if part.get("type") != "null"]
    if len(real) == 1 and isinstance(kind := real[0].get("type"), str):
        return real[0] | ({"type": [kind, "null"]} if len(found) > 1 else {})
    kinds = [part.get("type") for part in found]
    return (
        {"type": list(dict.fromkeys(kinds))} if kinds and all(isinstance(kind, str) for kind in kinds) else {}
    )


def may_choose(name: str, choices: list[Any]) -> bool:
    """Say whether a server's list of choices may stand: plain words, for an argument that names nobody."""
    words = set(tokens(name))
    if words & (WHO | MUCH | PLACES | CODE) or words & {"id", "ids"}:
        return False
    return 0 < len(choices) <= CHOICES and all(
        isinstance(one, str) and _CHOICE.fullmatch(one) is not None for one in choices
    )


def _format_of(name: str, found: Mapping[str, Any]) -> str:
    """Return the kind of value an argument's name says it is, where it is text, or an id in digits."""
    words = tokens(name)
    kinds = found.get("type")
    types = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"]
    if types not in (["string"], ["integer"]) or "enum" in found or not words:
        return ""
    kind = _numbered(words) if words[-1] == "number" else _KINDS.get(words[-1], "")
    return kind if kind == "id" or types == ["string"] else ""


def _numbered(words: Sequence[str]) -> str:
    """``issue_number`` is an id; ``page_number`` is a place, and ``number`` may count."""
    if len(words) < 2 or words[-2] in _PLACE:
        return ""
    return "phone" if words[-2] in _CALLS else "id"


def _type(written: Any) -> str | list[str]:
    if isinstance(written, str):
        return written if written in _TYPES else ""
    if (
        isinstance(written, list)
        and written
        and all(one in _TYPES for one in written if isinstance(one, str))
    ):
        kinds = [one for one in written if isinstance(one, str)]
        return kinds[0] if len(kinds) == 1 else list(dict.fromkeys(kinds))
    return ""


def _is_bound(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000_000
