"""A contract's value, of the right shape, becomes a ``Contract``; what makes no sense is noted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.lines import Place
from bridgehead.watch.contract import clauses, properties
from bridgehead.watch.contract.faults import Found
from bridgehead.watch.contract.model import (
    Column,
    Contract,
    Freshness,
    Options,
    Reference,
    Scalar,
    Table,
    Unchecked,
)

_OPTIONS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "multipleOf": "multiple_of",
    "format": "format",
}
_QUIET = ("defaultTimezone", "distanceMetric", "embeddingModel", "embeddingModelVersion")
"""Options that say something to people, and nothing that could be broken."""
_UNITS = (
    ({"s", "sec", "secs", "second", "seconds"}, 1),
    ({"min", "mins", "minute", "minutes"}, 60),
    ({"h", "hr", "hrs", "hour", "hours"}, 3600),
    ({"d", "day", "days"}, 86_400),
    ({"w", "wk", "week", "weeks"}, 604_800),
)
_BY_ARRIVALS = {
    "latency": "arrival against business time is watched when batches arrive",
    "frequency": "when batches arrive is watched by their arrivals; declare `bridgeheadCadence`",
    "cadence": "when batches arrive is watched by their arrivals; declare `bridgeheadCadence`",
    "retention": "how long data are kept is nothing a batch shows",
    "availability": "whether a system answers is nothing a batch shows",
}


def build(value: Mapping[str, Any], found: Found, file: str, digest: str) -> Contract:
    """Return the contract a value means. What is wrong is noted in ``found``: use it only when nothing is."""
    unchecked: list[Unchecked] = []
    given = value.get("schema") or []
    _unique([one["name"] for one in given], "object", ("schema",), found)
    tables = tuple(_table(one, ("schema", index), given, found, unchecked) for index, one in enumerate(given))
    if not tables:
        found.wrong("BH-WAT-003", "the contract has no `schema`", fix="Describe at least one object.")
    return Contract(
        id=str(value["id"]),
        name=str(value.get("name") or value["id"]),
        version=str(value["version"]),
        api_version=str(value["apiVersion"]),
        status=str(value.get("status", "")),
        status_at=found.where("status"),
        tables=tables,
        freshness=_freshness(value, tables, found, unchecked),
        unchecked=tuple(unchecked),
        ours=properties.read(
            value, (), found, (*properties.ANYWHERE, *properties.OF_VALUES, *properties.OF_A_BATCH)
        ),
        file=file,
        digest=digest,
    )


def _unique(names: Sequence[str], what: str, place: Place, found: Found) -> None:
    folded = Counter(name.lower() for name in names)
    for index, name in enumerate(names):
        if folded[name.lower()] > 1 and name.lower() in (one.lower() for one in names[:index]):
            found.wrong(
                "BH-WAT-006", f"the {what} `{name}` is described twice", *place, index,
                means="Databases do not tell names apart by case; two descriptions of one thing contradict.",
                fix="Keep one of the two.",
            )  # fmt: skip


def _table(
    given: Mapping[str, Any], place: Place, all_given: Sequence[Mapping[str, Any]], found: Found,
    unchecked: list[Unchecked],
) -> Table:  # fmt: skip
    written = given.get("properties") or []
    names = [one["name"] for one in written]
    _unique(names, "column", (*place, "properties"), found)
    _unique([str(one.get("physicalName") or one["name"]) for one in written], "column",
            (*place, "properties"), found)  # fmt: skip
    columns = tuple(
        _column(one, (*place, "properties", index), str(given["name"]), tuple(names), all_given, found,
                unchecked)
        for index, one in enumerate(written)
    )  # fmt: skip
    context = clauses.Context(table=str(given["name"]), column="", columns=tuple(names))
    made, skipped = clauses.read(given, place, context, found)
    unchecked.extend(skipped)
    ours = properties.read(
        given,
        place,
        found,
        (
            *properties.ANYWHERE,
            *properties.OF_VALUES,
            *properties.OF_A_BATCH,
            *properties.OF_A_TABLE,
        ),
    )
    named = [column for column, _ in ours.control_totals.sums] if ours.control_totals else []
    if ours.cadence is not None and ours.cadence.element:
        named.append(ours.cadence.element)
    if ours.segment:
        named.append(ours.segment)
    for column in named:
        if column not in names:
            found.wrong("BH-WAT-010", f"`{given['name']}` has no column `{column}`", *place,
                        "customProperties", fix=did_you_mean(column, names))  # fmt: skip
    return Table(
        name=str(given["name"]),
        physical=str(given.get("physicalName") or given["name"]),
        columns=columns,
        clauses=made,
        references=_references(given, place, str(given["name"]), "", all_given, found, unchecked),
        ours=ours,
        where=found.where(*place),
    )


def _column(
    given: Mapping[str, Any], place: Place, table: str, names: tuple[str, ...],
    all_given: Sequence[Mapping[str, Any]], found: Found, unchecked: list[Unchecked],
) -> Column:  # fmt: skip
    name = str(given["name"])
    context = clauses.Context(table=table, column=name, columns=names)
    made, skipped = clauses.read(given, place, context, found)
    unchecked.extend(skipped)
    inside = [key for key in ("properties", "items", "map") if key in given]
    unchecked.extend(
        Unchecked(
            what=f"what is inside `{table}.{name}`",
            why="only whole columns are checked",
            where=found.where(*place, key),
        )
        for key in inside
    )
    options = _options(given, place, f"{table}.{name}", found, unchecked)
    position = given.get("primaryKeyPosition", -1)
    return Column(
        name=name,
        physical=str(given.get("physicalName") or name),
        logical=given["logicalType"],
        physical_type=str(given.get("physicalType", "")),
        options=options,
        required=given.get("required") is True,
        unique=given.get("unique") is True,
        key_position=position if given.get("primaryKey") is True else None,
        enum=_enum(given, place, found),
        critical=given.get("criticalDataElement") is True,
        references=_references(given, place, table, name, all_given, found, unchecked),
        clauses=made,
        ours=properties.read(given, place, found, (*properties.ANYWHERE, *properties.OF_VALUES)),
        description=" ".join(str(given.get("description") or "").split()),
        where=found.where(*place),
        at=_at(given, place, found),
    )


def _at(given: Mapping[str, Any], place: Place, found: Found) -> dict[str, str]:
    parts = ("required", "unique", "primaryKey", "enum", "logicalType", "physicalType")
    lines = {part: found.where(*place, part) for part in parts if part in given}
    for option in given.get("logicalTypeOptions") or ():
        lines[f"options.{option}"] = found.where(*place, "logicalTypeOptions", option)
    return lines


def _options(
    given: Mapping[str, Any], place: Place, label: str, found: Found, unchecked: list[Unchecked]
) -> Options:
    written = given.get("logicalTypeOptions") or {}
    at = (*place, "logicalTypeOptions")
    unchecked.extend(
        Unchecked(what=f"`{key}` of `{label}`", why="no check covers it", where=found.where(*at, key))
        for key in written
        if (key not in _OPTIONS and key not in _QUIET) or (key == "format" and _only_told(given))
    )
    made = Options(**{_OPTIONS[key]: one for key, one in written.items() if key in _OPTIONS})
    if given["logicalType"] in ("date", "timestamp", "time"):
        _moments(written, given["logicalType"], at, found)
    low = made.minimum if made.minimum is not None else made.exclusive_minimum
    high = made.maximum if made.maximum is not None else made.exclusive_maximum
    same = low is not None and high is not None and isinstance(low, str) == isinstance(high, str)
    if (same and low > high) or (made.min_length or 0) > (made.max_length or 1 << 62):  # type: ignore[operator]
        found.wrong(
            "BH-WAT-008", f"`{label}` may have no value: its least is more than its most", *at,
            fix="Write the smaller one as the least.",
        )  # fmt: skip
    return made


def _only_told(given: Mapping[str, Any]) -> bool:
    """Say whether a ``format`` is one that nothing here checks."""
    return given["logicalType"] not in ("integer", "date", "timestamp")


def _moments(written: Mapping[str, Any], logical: str, place: Place, found: Found) -> None:
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if key in written and not is_moment(str(written[key]), logical):
            found.wrong(
                "BH-WAT-013", f"`{key}` is {written[key]!r}, which is no {logical}", *place, key,
                fix="Write it as ISO 8601: 2026-01-31, or 2026-01-31T06:00:00.",
            )  # fmt: skip


def is_moment(text: str, logical: str) -> bool:
    """Say whether a text is a date, a timestamp or a time of ISO 8601."""
    try:
        if logical == "time":
            return re.fullmatch(r"[0-2]\d:[0-5]\d(:[0-5]\d(\.\d{1,6})?)?", text) is not None
        date.fromisoformat(text) if logical == "date" else datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _enum(given: Mapping[str, Any], place: Place, found: Found) -> tuple[Scalar, ...]:
    values = [one.get("value") for one in given.get("enum") or ()]
    kind: tuple[type, ...] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}.get(
        given["logicalType"], (str,)
    )
    for index, value in enumerate(values):
        fits = isinstance(value, kind) and (given["logicalType"] == "boolean") == isinstance(value, bool)
        if value is not None and not fits:
            found.wrong(
                "BH-WAT-013", f"`{value}` is no value of a column of type {given['logicalType']}", *place,
                "enum", index, fix="Write it as the type is: text in quotes, numbers without.",
            )  # fmt: skip
    return tuple(value for value in values if value is not None)


def _references(
    given: Mapping[str, Any], place: Place, table: str, column: str,
    all_given: Sequence[Mapping[str, Any]], found: Found, unchecked: list[Unchecked],
) -> tuple[Reference, ...]:  # fmt: skip
    made = []
    for index, one in enumerate(given.get("relationships") or ()):
        at = (*place, "relationships", index)
        ends = [column] if column else _ends(one.get("from"))
        targets = [_named(text, all_given) for text in _ends(one.get("to"))]
        sources = [(table, column)] if column else [_named(text, all_given) for text in ends]
        if any(target is None for target in (*targets, *sources)):
            unchecked.append(
                Unchecked(what=f"the reference of `{table}` to {one.get('to')}",
                          why="it names something outside this contract, or inside a column",
                          where=found.where(*at))
            )  # fmt: skip
            continue
        found_targets = [target for target in targets if target is not None]
        found_sources = [source for source in sources if source is not None]
        if not _pairs_up(found_sources, found_targets, table, all_given, at, found):
            continue
        made.append(
            Reference(
                columns=tuple(name for _, name in found_sources),
                to=found_targets[0][0],
                to_columns=tuple(name for _, name in found_targets),
                where=found.where(*at),
            )
        )
    return tuple(made)


def _ends(given: Any) -> list[str]:
    return [str(one) for one in given] if isinstance(given, list) else [str(given)]


def _named(text: str, all_given: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Return the object and column a reference names, in either notation of the standard."""
    if "/" in text:
        parts = text.lstrip("/").split("/")
        if ".y" in text or len(parts) != 4 or parts[0] != "schema" or parts[2] != "properties":
            return None
        for one in all_given:
            for column in one.get("properties") or ():
                ids = (one.get("id") or one["name"], column.get("id") or column["name"])
                if ids == (parts[1], parts[3]):
                    return str(one["name"]), str(column["name"])
        return parts[1], parts[3]
    table, _, column = text.partition(".")
    return (table, column) if column and "." not in column else None


def _pairs_up(
    sources: list[tuple[str, str]], targets: list[tuple[str, str]], table: str,
    all_given: Sequence[Mapping[str, Any]], place: Place, found: Found,
) -> bool:  # fmt: skip
    columns = {str(one["name"]): [str(c["name"]) for c in one.get("properties") or ()] for one in all_given}
    for name, column in (*sources, *targets):
        if name not in columns:
            found.wrong("BH-WAT-010", f"no object `{name}` is in this contract", *place,
                        fix=did_you_mean(name, columns))  # fmt: skip
            return False
        if column not in columns[name]:
            found.wrong("BH-WAT-010", f"`{name}` has no column `{column}`", *place,
                        fix=did_you_mean(column, columns[name]))  # fmt: skip
            return False
    one_each = {name for name, _ in sources} == {table} and len({name for name, _ in targets}) == 1
    if not one_each or len(sources) != len(targets):
        found.wrong(
            "BH-WAT-010", f"the reference does not go from columns of `{table}` to as many of one object",
            *place, fix="Name as many columns in `from` as in `to`.",
        )  # fmt: skip
        return False
    return True


def _freshness(
    value: Mapping[str, Any], tables: Sequence[Table], found: Found, unchecked: list[Unchecked]
) -> tuple[Freshness, ...]:
    made = []
    for index, given in enumerate(value.get("slaProperties") or ()):
        place = ("slaProperties", index)
        ours = properties.read(given, place, found, properties.ANYWHERE)
        name = str(given["property"])
        if name.lower() not in ("freshness", "fr"):
            why = _BY_ARRIVALS.get(name.lower(), "no check covers this property")
            words = f"{name} {given['value']} {given.get('unit', '')}".strip()
            unchecked.append(Unchecked(what=words, why=why, where=found.where(*place)))
            continue
        seconds = _age(given, place, found)
        for element in str(given.get("element") or value.get("slaDefaultElement") or "").split(","):
            target = _element(element.strip(), tables, place, found)
            if target is not None and seconds is not None:
                words = f"freshness at most {given['value']} {given.get('unit', '')}".strip()
                made.append(
                    Freshness(id=str(given.get("id", "")), table=target[0], column=target[1], seconds=seconds,
                              words=words, ours=ours, where=found.where(*place))
                )  # fmt: skip
    return tuple(made)


def _age(given: Mapping[str, Any], place: Place, found: Found) -> float | None:
    unit = str(given.get("unit", "")).lower()
    factor = next((factor for words, factor in _UNITS if unit in words), None)
    amount = given["value"]
    if factor is None:
        found.wrong("BH-WAT-004", f"`unit` of the freshness is {unit!r}", *place,
                    fix="Write s, min, h, d or w; `m` could be minutes or months.")  # fmt: skip
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount <= 0:
        found.wrong("BH-WAT-004", f"the freshness is {amount!r}, not a number above 0", *place, "value",
                    fix="Write for example `value: 26` and `unit: h`.")  # fmt: skip
        return None
    return float(amount) * factor


def _element(text: str, tables: Sequence[Table], place: Place, found: Found) -> tuple[str, str] | None:
    name, _, column = text.partition(".")
    table = next((one for one in tables if one.name == name), None)
    there = table.column(column) if table else None
    if table is None or there is None:
        fields = [f"{one.name}.{column.name}" for one in tables for column in one.columns]
        found.wrong("BH-WAT-010", f"the freshness is of `{text}`, which is no column of this contract",
                    *place, means="Freshness is the age of the newest value of a column.",
                    fix=did_you_mean(text, fields))  # fmt: skip
        return None
    if there.logical not in ("date", "timestamp"):
        found.wrong("BH-WAT-013", f"`{text}` is a {there.logical}; its newest value has no age", *place,
                    fix="Name a date or timestamp.")  # fmt: skip
        return None
    return name, column
