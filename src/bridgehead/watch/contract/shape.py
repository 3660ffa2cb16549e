"""The standard's own JSON Schema, told in our words.

The schema ships in the package ``open-data-contract-standard``. It catches what the pydantic model beside it
lets through (a misspelt key of a column), but it reports one fault several times and often names another
place. Here each fault is one sentence, at the line it is on, with the nearest key that exists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.lines import Place
from bridgehead.kernel.errors import WatchError
from bridgehead.watch.contract.faults import Found, dotted

OPERATORS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo",
    "mustBeLessThan", "mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip
MOST = 50
"""Faults told of one file: a file with more was not written as a contract."""

_TYPES = {
    "string": ("must be text", "Write text; put numbers and versions in quotes."),
    "boolean": ("must be true or false", "Write `true` or `false`, without quotes."),
    "integer": ("must be a whole number", "Write it without quotes, unit or fraction."),
    "number": ("must be a number", "Write it without quotes or unit."),
    "array": ("must be a list", "Write one item a line, each beginning with `- `."),
    "object": ("must be a block of `key: value` lines", "Indent `key: value` lines below it."),
}
_CALLED = {
    **dict.fromkeys(("float", "double", "decimal", "numeric", "real"), "number"),
    **dict.fromkeys(("int", "long", "bigint", "smallint"), "integer"),
    **dict.fromkeys(("varchar", "text", "char", "uuid"), "string"),
    **dict.fromkeys(("datetime", "timestamptz"), "timestamp"),
    **dict.fromkeys(("bool",), "boolean"),
    **dict.fromkeys(("struct", "record", "json"), "object"),
}
"""What databases call the standard's types."""
_QUOTED = re.compile(r"'([^']*)'")


def misshapen(value: Mapping[str, Any], found: Found) -> None:
    """Note everything that the standard's schema refuses (BH-WAT-002 to BH-WAT-004, BH-WAT-007)."""
    bare = set(_without_type(value, found))
    seen: list[Any] = []
    for error in _validator().iter_errors(value):
        place: Place = tuple(error.absolute_path)
        if any(place[: len(column)] == column and _blames_type(place[len(column) :]) for column in bare):
            continue
        seen.append(error)
        if len(seen) >= MOST:
            break
    told: set[Place] = set()
    # What is unknown first: the rest is often only its echo.
    for error in sorted(seen, key=lambda one: one.validator not in _STRANGE):
        _tell(error, tuple(error.absolute_path), seen, told, found)


def _tell(error: Any, place: Place, seen: list[Any], told: set[Place], found: Found) -> None:
    match error.validator:
        case "unevaluatedProperties" | "additionalProperties":
            _unknown(error, place, seen, told, found)
        case "required":
            _missing(error, place, told, found)
        case "oneOf" if _is_operators(error):
            _operators(error.instance, place, found)
        case "enum":
            words = [str(one) for one in error.validator_value]
            near = _CALLED.get(str(error.instance).lower()) if place[-1] == "logicalType" else None
            fix = f"Did you mean `{near}`?" if near else did_you_mean(str(error.instance), words)
            found.wrong(
                "BH-WAT-004",
                f"`{dotted(place)}` is {_shown(error.instance)}",
                *place,
                fix=fix if fix.startswith("Did") else f"Write one of {', '.join(words)}.",
            )
        case "type":
            wanted = error.validator_value
            what, fix = _TYPES.get(wanted if isinstance(wanted, str) else "", ("has another type", ""))
            found.wrong(
                "BH-WAT-004", f"`{dotted(place)}` {what}, not {_shown(error.instance)}", *place, fix=fix
            )
        case _:
            found.wrong(
                "BH-WAT-004", f"`{dotted(place)}` does not hold: {_short(error.message)}", *place,
                fix="See the standard: bitol-io.github.io/open-data-contract-standard.",
            )  # fmt: skip


def _unknown(error: Any, place: Place, seen: list[Any], told: set[Place], found: Found) -> None:
    known = _known(json.dumps(error.schema, sort_keys=True))
    strangers = [key for key in error.instance if key not in known]
    for key in strangers:
        told.add((*place, key))
        found.wrong(
            "BH-WAT-002", f"`{dotted((*place, key))}` is not a key of the standard", *place, key,
            means="Other tools ignore it silently, and so what it asks for is never checked.",
            fix=did_you_mean(key, known),
        )  # fmt: skip
    echo = any(other is not error and tuple(other.absolute_path)[: len(place)] == place for other in seen)
    if strangers or (echo and any(other.validator not in _STRANGE for other in seen)):
        return
    for key in _QUOTED.findall(error.message):
        if key in error.instance:
            found.wrong(
                "BH-WAT-002", f"`{dotted((*place, key))}` does not belong to what stands beside it",
                *place, key, fix="Remove it, or change the `type` of what it is part of.",
            )  # fmt: skip


_STRANGE = ("unevaluatedProperties", "additionalProperties")


def _missing(error: Any, place: Place, told: set[Place], found: Found) -> None:
    misspelt = [str(stranger[-1]) for stranger in told if stranger[:-1] == place]
    for key in error.validator_value:
        if key not in error.instance and not get_close_matches(key, misspelt):
            found.wrong(
                "BH-WAT-003", f"`{dotted((*place, key))}` is missing", *place,
                fix=f"Add `{key}:` {f'under `{dotted(place)}`' if place else 'at the top level'}.",
            )  # fmt: skip


def _is_operators(error: Any) -> bool:
    return any("mustBe" in part.get("required", ()) for part in error.validator_value)


def _operators(clause: Mapping[str, Any], place: Place, found: Found) -> None:
    given = [operator for operator in OPERATORS if operator in clause]
    if len(given) > 1:
        found.wrong(
            "BH-WAT-007", f"`{dotted(place)}` has {len(given)} operators: {', '.join(given)}", *place,
            means="A clause compares one number once.", fix="Write a clause for each.",
        )  # fmt: skip
    elif not given and not any(key.lower().startswith("must") for key in clause):
        found.wrong(
            "BH-WAT-007", f"`{dotted(place)}` does not say what its number must be", *place,
            means="A clause without an operator can never be broken.", fix="Add for example `mustBe: 0`.",
        )  # fmt: skip


def _without_type(value: Any, found: Found, place: Place = ()) -> Iterator[Place]:
    """Yield columns without a logical type: the schema says of each that its `map` is missing."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _without_type(one, found, (*place, index))
    if not isinstance(value, Mapping):
        return
    for key in ("schema", "properties", "items"):
        if key in value and place[-1:] != ("logicalTypeOptions",):
            yield from _without_type(value[key], found, (*place, key))
    column = len(place) >= 4 and (place[-1] == "items" or place[-2] == "properties")
    if column and "logicalType" not in value:
        found.wrong(
            "BH-WAT-003", f"`{dotted((*place, 'logicalType'))}` is missing", *place,
            means="Without its logical type nothing can be said about the values of the column.",
            fix="Add `logicalType:` with string, integer, number, boolean, date, timestamp, time, ...",
        )  # fmt: skip
        yield place


def _blames_type(rest: Place) -> bool:
    return not rest or rest[0] == "logicalTypeOptions"


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    try:
        text = files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    except ModuleNotFoundError as error:
        raise WatchError(
            "BH-WAT-014",
            "reading a data contract needs the package open-data-contract-standard",
            means="It brings the schema of the standard.",
            fix="Run `pip install 'bridgehead[watch]'`.",
        ) from error
    schema: dict[str, Any] = json.loads(text)
    return schema


@lru_cache(maxsize=1)
def _validator() -> Any:
    schema = _schema()
    from jsonschema import Draft201909Validator

    return Draft201909Validator(schema)


@lru_cache(maxsize=256)
def _known(schema: str) -> frozenset[str]:
    """Return the keys that something can have by a part of the schema."""
    return frozenset(_keys(json.loads(schema)))


def _keys(part: Mapping[str, Any]) -> Iterator[str]:
    yield from part.get("properties", ())
    for key in ("allOf", "anyOf", "oneOf"):
        for one in part.get(key, ()):
            yield from _keys(one)
    for key in ("then", "else"):
        if key in part:
            yield from _keys(part[key])
    if "$ref" in part:
        target: Any = _schema()
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        yield from _keys(target)


def _shown(value: Any) -> str:
    return _short(f"`{value}`" if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
