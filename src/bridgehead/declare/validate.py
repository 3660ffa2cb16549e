"""A written charter becomes a ``Charter``: types, missing keys, unknown keys, each with its fix."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bridgehead.declare.compose import Written
from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.given import with_given
from bridgehead.declare.lines import Place
from bridgehead.declare.model import Charter
from bridgehead.kernel.errors import CharterError


class Validated(NamedTuple):
    """The charter, if its types hold, and what is wrong with it.

    Unknown keys are refused but do not hide what else is wrong: they are set aside, and the rest is read.
    """

    charter: Charter | None
    errors: tuple[CharterError, ...]


def validate(written: Written) -> Validated:
    """Return what the types of a charter say about a written one (BH-CHA-012 to BH-CHA-015)."""
    problems = _problems(written.value)
    if isinstance(problems, Charter):
        return Validated(problems, ())
    strangers = [problem["loc"] for problem in problems if problem["type"] == "extra_forbidden"]
    again = _problems(_without(written.value, strangers)) if strangers else problems
    errors = tuple(
        _error(problem, written) for problem in problems if not _below(_place(problem), written.unknown)
    )
    return Validated(again if isinstance(again, Charter) else None, errors)


def _problems(value: Any) -> Charter | list[Any]:
    try:
        # JSON in strict mode: a number is never taken for text, text never for a number.
        return Charter.model_validate_json(json.dumps(with_given(value)), strict=True)
    except ValidationError as error:
        return list(error.errors(include_url=False))


def _without(value: Any, strangers: list[Place], at: Place = ()) -> Any:
    if isinstance(value, dict):
        return {
            key: _without(item, strangers, (*at, key))
            for key, item in value.items()
            if (*at, key) not in strangers
        }
    if isinstance(value, list):
        return [_without(item, strangers, (*at, index)) for index, item in enumerate(value)]
    return value


def _below(place: Place, unknown: frozenset[Place]) -> bool:
    return any(place[:end] in unknown for end in range(len(place) + 1))


def _place(problem: Any) -> Place:
    """Return where a problem is. Pydantic appends ``[key]`` where the name itself is wrong."""
    place: Place = tuple(problem["loc"])
    return place[:-1] if place and place[-1] == "[key]" else place


def _error(problem: Any, written: Written) -> CharterError:
    place = _place(problem)
    where = written.lines.where(*place)
    path = dotted(place)
    match problem["type"]:
        case "missing":
            return CharterError(
                "BH-CHA-013",
                f"`{path}` is missing",
                means=_meaning(place),
                fix=f"Add `{place[-1]}:` {_among(place[:-1])}.",
                where=where,
            )
        case "extra_forbidden":
            return CharterError(
                "BH-CHA-012",
                f"`{path}` is not a key of a charter",
                means="Nothing that is written may be silently ignored.",
                fix=did_you_mean(str(place[-1]), _fields(place[:-1])),
                where=where,
            )
        case _ if problem["loc"][-1:] == ("[key]",):
            return CharterError(
                "BH-CHA-015",
                f"`{place[-1]}` cannot be a name",
                fix="Names have lower case letters, digits, - and _, and start with a letter.",
                where=where,
            )
    what, fix = _wrong(problem)
    return CharterError("BH-CHA-014", f"`{path}` {what}", means=_meaning(place), fix=fix, where=where)


_TYPES: Mapping[str, tuple[str, str]] = {
    "string_type": ("must be text", "Write text; put numbers and dates in quotes."),
    "int_type": ("must be a whole number", "Write it without quotes, unit or fraction."),
    "int_from_float": ("must be a whole number", "Write it without a fraction."),
    "bool_type": ("must be true or false", "Write `true` or `false`, without quotes."),
    "list_type": ("must be a list", "Write one item per line, each beginning with `- `, or `[a, b]`."),
    "dict_type": ("must be a block of `name: value` lines", "Indent `name: value` lines below it."),
    "model_type": ("must be a block of `key: value` lines", "Indent `key: value` lines below it."),
    "model_attributes_type": ("must be a block of `key: value` lines", "Indent `key: value` lines below it."),
    "decimal_type": ("must be a number", "Write a number such as 0.15."),
    "decimal_parsing": ("must be a number", "Write a number such as 0.15."),
    "string_too_short": ("is empty", "Write something people can read."),
    "string_too_long": ("is too long", "Say it in at most 2000 characters."),
    "finite_number": ("must be a number", "Write a finite number."),
}


def _wrong(problem: Any) -> tuple[str, str]:
    """Return what is wrong with a value, and the fix, in words."""
    known = _TYPES.get(problem["type"])
    if known is not None:
        return known[0] + _instead(problem), known[1]
    context = problem.get("ctx", {})
    match problem["type"]:
        case "literal_error":
            return f"is {_shown(problem['input'])}", f"Write {context['expected']}."
        case "string_pattern_mismatch":
            return f"is {_shown(problem['input'])}", _pattern_fix(str(context.get("pattern", "")))
        case "value_error":
            return f"does not hold: {context.get('error')}", "Write it as the example shows."
        case "greater_than_equal":
            return f"is {_shown(problem['input'])}", f"Write at least {context['ge']}."
        case "less_than_equal":
            return f"is {_shown(problem['input'])}", f"Write at most {context['le']}."
        case _:
            return f"does not hold: {problem['msg']}", "See docs/reference/charter.md."


def _pattern_fix(pattern: str) -> str:
    if "A-Z" in pattern:
        return "Write a currency as three capital letters, for example USD."
    return "Names have lower case letters, digits, - and _, and start with a letter."


def _instead(problem: Any) -> str:
    value = problem.get("input")
    if value is None:
        return ", and nothing is written"
    return f", not {_shown(value)}" if isinstance(value, str | int | float) else ""


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f"`{value}`"
    return text if len(text) <= 60 else text[:57] + "..."


def _among(place: Place) -> str:
    return f"under `{dotted(place)}`" if place else "at the top level"


def dotted(place: Place) -> str:
    """Return a place as people write it: ``actions.refund.undo``."""
    return ".".join(str(part) for part in place) or "the charter"


def _meaning(place: Place) -> str:
    """Return the description of the key at a place, from the model."""
    if not place:
        return ""
    for part in _parts(place[:-1]):
        field = part.model_fields.get(str(place[-1]))
        if field is not None:
            return field.description or ""
    return ""


def _fields(place: Place) -> list[str]:
    return [name for part in _parts(place) for name in part.model_fields]


def _parts(place: Place) -> Iterator[type[BaseModel]]:
    """Yield the parts of the model that can stand at a place."""
    annotation: Any = Charter
    for step in place:
        annotation = _step(annotation, step)
    yield from _models(annotation)


def _step(annotation: Any, step: str | int) -> Any:
    for part in _models(annotation):
        field = part.model_fields.get(str(step))
        return field.annotation if field is not None else None
    for candidate in _unwrapped(annotation):
        if get_origin(candidate) in (dict, list):
            return get_args(candidate)[-1]
    return None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for candidate in _unwrapped(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            yield candidate


def _unwrapped(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _unwrapped(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for choice in get_args(annotation):
            yield from _unwrapped(choice)
    else:
        yield annotation
