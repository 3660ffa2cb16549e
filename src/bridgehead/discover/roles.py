"""What an argument is for: who, where, how much, or prose. What is not prose needs the user's own words.

The draft never lets a record endorse anything: which fields of which system nobody outside writes is for
people to say. Free text is prose only where its name says so and something else in the call is sensitive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridgehead.discover.words import DESTROYS, FREE, LOCAL, MUCH, PLACES, READS, WEB, WHO, tokens, words_of

OPEN_WORLD = "openWorldHint"
_WHICH = words_of("file filename id ids key keys name names path paths source uuid")
_TAKES_BACK = (
    ("add", "remove"),
    ("create", "delete"),
    ("insert", "delete"),
    ("book", "cancel"),
    ("reserve", "cancel"),
)
"""What the second takes back of the first; the first brings back nothing that the second took."""
_PAIRS = (
    ("open", "close"), ("reopen", "close"), ("lock", "unlock"),
    ("enable", "disable"), ("assign", "unassign"), ("archive", "unarchive"), ("subscribe", "unsubscribe"),
    ("star", "unstar"), ("block", "unblock"), ("mute", "unmute"), ("pin", "unpin"), ("start", "stop"),
    ("hold", "release"), ("publish", "unpublish"), ("register", "unregister"), ("follow", "unfollow"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Which arguments matter, and in which way; ``why`` says of each from which words."""

    outward: bool
    why_outward: str
    sensitive: tuple[str, ...] = ()
    egress: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    destination: tuple[str, ...] = ()
    why: Mapping[str, str]


def roles(
    words: tuple[str, ...],
    effect: str,
    arguments: Mapping[str, Mapping[str, Any]],
    optional: Sequence[str],
    hints: Mapping[str, bool],
) -> Roles:
    """Return what the arguments of one tool are for."""
    outward, why_outward = _outward(words, effect, arguments, hints)
    if effect == "read" and not outward:
        return Roles(outward=False, why_outward=why_outward, why={})
    if effect == "read":
        return _asking(arguments, why_outward)
    free = [name for name, schema in arguments.items() if _is_prose(name, schema)]
    sensitive = [name for name in arguments if name not in free]
    if not sensitive or all(name in optional for name in sensitive):
        # Nothing in the call would be looked at: then the prose is.
        sensitive, free = list(arguments), []
    return Roles(
        outward=outward,
        why_outward=why_outward,
        sensitive=tuple(sensitive),
        egress=tuple(free) if outward else (),
        inside=() if outward else tuple(free),
        destination=tuple(name for name in sensitive if _is_destination(name)) if outward and free else (),
        why={name: _why(name, words) for name in sensitive} | dict.fromkeys(free, "its name says prose"),
    )


def _asking(arguments: Mapping[str, Mapping[str, Any]], why: str) -> Roles:
    """A question that goes outside: addresses need the user's words, the rest is text that leaves."""
    places = tuple(name for name, schema in arguments.items() if _is_place(name, schema))
    return Roles(
        outward=True,
        why_outward=why,
        sensitive=places,
        egress=tuple(name for name in arguments if name not in places),
        why=dict.fromkeys(places, "an address of another system")
        | {name: "goes along with a question that leaves" for name in arguments if name not in places},
    )


def _outward(
    words: tuple[str, ...],
    effect: str,
    arguments: Mapping[str, Mapping[str, Any]],
    hints: Mapping[str, bool],
) -> tuple[bool, str]:
    place = next((name for name, schema in arguments.items() if _is_place(name, schema)), "")
    if effect == "read":
        if place:
            return True, f"`{place}` is an address"
        if web := next((word for word in words if word in WEB), ""):
            return True, f'"{web}" in its name'
        if hints.get(OPEN_WORLD):
            return True, "the server says that it reaches others"
        return False, ""
    if not arguments:
        return False, "it carries nothing"
    stays = (
        hints.get(OPEN_WORLD) is False and not place and not any(_is_destination(name) for name in arguments)
    )
    if stays and words[:1] and words[0] in LOCAL and not WEB & set(words):
        return False, f'"{words[0]}" in its name, no argument says who or where, and the server says the same'
    return True, "nothing says for certain that it stays inside"


def _is_prose(name: str, schema: Mapping[str, Any]) -> bool:
    words = tokens(name)
    is_text = schema.get("type") in ("string", ["string", "null"])
    return is_text and not {"enum", "format"} & schema.keys() and bool(words) and words[-1] in FREE


def _is_place(name: str, schema: Mapping[str, Any]) -> bool:
    items = schema.get("items")
    kinds = {schema.get("format"), items.get("format") if isinstance(items, Mapping) else None}
    return bool(set(tokens(name)) & PLACES) or bool(kinds & {"uri", "url"})


def _is_destination(name: str) -> bool:
    words = tokens(name)
    while len(words) > 1 and words[-1] in ("id", "ids", "name", "names"):
        words = words[:-1]
    return bool(words) and (words[-1] in WHO or words[-1] in PLACES)


def is_money(name: str, schema: Mapping[str, Any]) -> bool:
    """Say whether an argument looks like an amount of money."""
    return schema.get("type") in ("number", "integer") and bool(set(tokens(name)) & MUCH)


def _why(name: str, words: tuple[str, ...]) -> str:
    said = tokens(name)
    if DESTROYS & set(words[:1]) and said[-1:] and said[-1] in _WHICH:
        return "says what is destroyed"
    if _is_destination(name):
        return "says who or where"
    if set(said) & MUCH:
        return "says how much"
    if _WHICH & set(said):
        return "says which"
    return "nothing says that it is harmless"


def opposite(words: tuple[str, ...], others: Sequence[str]) -> str:
    """Return the tool whose name says the contrary of this one, if there is one."""
    for here, there in (*_TAKES_BACK, *_PAIRS, *((other, one) for one, other in _PAIRS)):
        if here in words:
            wanted = tuple(there if word == here else word for word in words)
            for name in others:
                if tokens(name)[-len(wanted) :] == wanted:
                    return name
    return ""


def directories(name: str, words: tuple[str, ...], others: Sequence[str]) -> list[str]:
    """Return tools that look up the thing an id names; never for what destroys it."""
    said = tokens(name)
    if said[-1:] not in (("id",), ("ids",)) or len(said) < 2 or DESTROYS & set(words):
        return []
    thing = {said[-2], f"{said[-2]}s"}
    return [other for other in others if READS & set(tokens(other)[:2]) and thing & set(tokens(other))]


def system_fields(gives: Mapping[str, Any]) -> list[str]:
    """Return fields of an answer that systems usually write themselves: ids and times."""
    found: dict[str, None] = {}
    _fields(gives, gives.get("$defs", {}) if isinstance(gives.get("$defs"), Mapping) else {}, found, 0)
    return list(found)[:6]


def _fields(schema: Any, definitions: Mapping[str, Any], found: dict[str, None], depth: int) -> None:
    if not isinstance(schema, Mapping) or depth > 6:
        return
    if isinstance(reference := schema.get("$ref"), str):
        _fields(definitions.get(reference.rpartition("/")[2]), definitions, found, depth + 1)
    _fields(schema.get("items"), definitions, found, depth + 1)
    properties = schema.get("properties")
    for key, value in list(properties.items())[:40] if isinstance(properties, Mapping) else ():
        last = tokens(key)[-1:] if isinstance(key, str) and len(key) <= 40 and key.isascii() else ()
        if last and last[0] in ("id", "uuid", "at", "timestamp", "created", "updated"):
            found["".join(letter for letter in key if letter.isalnum() or letter in "_-.")] = None
        _fields(value, definitions, found, depth + 1)
