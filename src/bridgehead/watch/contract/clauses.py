"""A quality clause of a contract becomes a ``Clause``, or is listed as not checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bridgehead.declare.faults import did_you_mean
from bridgehead.declare.lines import Place
from bridgehead.kernel.finding import Severity
from bridgehead.watch.contract import properties
from bridgehead.watch.contract.faults import Found, dotted
from bridgehead.watch.contract.model import (
    Clause,
    Condition,
    Library,
    Operator,
    Query,
    Scalar,
    Threshold,
    Unchecked,
)
from bridgehead.watch.contract.older import METRICS
from bridgehead.watch.contract.ours import Ours
from bridgehead.watch.contract.shape import OPERATORS

ENGINE = "bridgehead"
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_OF_COLUMNS = ("mean", "sum", "min", "max", "psi", "ks")
_SEVERITIES: Mapping[str, Severity] = {"info": "info", "warning": "warn", "warn": "warn", "low": "info"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a clause stands: the object's columns, and the column it is written at, if any."""

    table: str
    column: str
    columns: tuple[str, ...]


def read(
    part: Mapping[str, Any], place: Place, context: Context, found: Found
) -> tuple[tuple[Clause, ...], tuple[Unchecked, ...]]:
    """Return the clauses of an object or a column, and those that nothing checks."""
    clauses: list[Clause] = []
    unchecked: list[Unchecked] = []
    for index, given in enumerate(part.get("quality") or ()):
        at = (*place, "quality", index)
        made = _clause(given, at, context, found)
        if isinstance(made, Clause):
            clauses.append(made)
        elif made is not None:
            unchecked.append(made)
    return tuple(clauses), tuple(unchecked)


def _clause(
    given: Mapping[str, Any], place: Place, context: Context, found: Found
) -> Clause | Unchecked | None:
    ours = properties.read(given, place, found, properties.ANYWHERE)
    kind = given.get("type", "library")
    if kind == "text" or (kind == "library" and "metric" not in given):
        return _not_ours(given, "it is written for people", place, found)
    if kind == "custom":
        if given.get("engine") != ENGINE:
            return _not_ours(given, f"the engine {given.get('engine')!r} is not run here", place, found)
        return _ours(given, place, context, found, ours)
    threshold = _threshold(given, place, found)
    if kind == "sql":
        rule: Library | Query | None = Query(text=str(given.get("query", "")).strip())
        return _made(given, rule, threshold, place, context, ours, found)
    arguments = given.get("arguments") or {}
    rule = _library(str(given["metric"]), arguments, place, context, found)
    return _made(given, rule, threshold, place, context, ours, found)


def _not_ours(given: Mapping[str, Any], why: str, place: Place, found: Found) -> Unchecked:
    words = given.get("description") or given.get("name") or given.get("engine") or dotted(place)
    return Unchecked(what=" ".join(str(words).split()), why=why, where=found.where(*place))


def _made(
    given: Mapping[str, Any], rule: Library | Query | None, threshold: Threshold | None,
    place: Place, context: Context, ours: Ours, found: Found,
) -> Clause | None:  # fmt: skip
    unit = given.get("unit", "rows")
    if isinstance(rule, Library) and unit not in ("rows", "percent"):
        found.wrong(
            "BH-WAT-004", f"`unit` is {unit!r}", *place, "unit",
            means="Counts of rows are compared as they are, or as a percentage: 1 is 1 %.",
            fix="Write `rows` or `percent`.",
        )  # fmt: skip
        return None
    if rule is None or threshold is None:
        return None
    percent = isinstance(rule, Library) and unit == "percent"
    return Clause(
        id=str(given.get("id") or given.get("name") or ""),
        rule=rule,
        threshold=threshold,
        unit="percent" if percent else "rows",
        severity=_SEVERITIES.get(str(given.get("severity", "")).lower(), "block"),
        words=" ".join(str(given.get("description") or "").split()),
        ours=ours,
        where=found.where(*place),
    )


def _threshold(given: Mapping[str, Any], place: Place, found: Found) -> Threshold | None:
    """Return the one operator of a clause and its number (BH-WAT-004, BH-WAT-007, BH-WAT-008)."""
    operators = [operator for operator in OPERATORS if operator in given]
    if len(operators) != 1:
        found.wrong(
            "BH-WAT-007",
            f"`{dotted(place)}` has {len(operators) or 'no'} operator{'s' if len(operators) > 1 else ''}",
            *place, fix=f"Write one of {', '.join(OPERATORS)}.",
        )  # fmt: skip
        return None
    operator, value = operators[0], given[operators[0]]
    numbers = value if isinstance(value, list) else [value]
    if not all(_is_number(one) for one in numbers):
        found.wrong(
            "BH-WAT-004", f"`{operator}` must be a number, not `{value}`", *place, operator,
            fix="Write it without quotes or unit.",
        )  # fmt: skip
        return None
    if not operator.endswith("Between"):
        return Threshold(operator=cast(Operator, operator), value=value)
    low, high = numbers
    if low > high:
        found.wrong(
            "BH-WAT-008", f"`{operator}: [{low}, {high}]` is a range that nothing is in", *place, operator,
            means="The smaller number comes first.", fix=f"Write [{high}, {low}].",
        )  # fmt: skip
        return None
    return Threshold(operator=cast(Operator, operator), value=low, upper=high)


def _library(metric: str, arguments: Any, place: Place, context: Context, found: Found) -> Library | None:
    if not isinstance(arguments, Mapping):
        arguments = {}
    columns = (context.column,) if context.column else ()
    match metric:
        case "rowCount" if columns:
            return _unfit(metric, "counts the rows of an object", "Write it at the object.", place, found)
        case "rowCount":
            return Library(metric="rowCount")
        case "duplicateValues" if not columns:
            named = arguments.get("properties")
            if not isinstance(named, list) or not named:
                return _unfit(
                    metric, "does not say of which columns", "Add `arguments: {properties: [a, b]}`.",
                    place, found,
                )  # fmt: skip
            if not _are_columns(named, context, (*place, "arguments", "properties"), found):
                return None
            return Library(metric="duplicateValues", columns=tuple(named))
        case "duplicateValues":
            return Library(metric="duplicateValues", columns=columns)
        case _ if not columns:
            return _unfit(metric, "is about one column", "Write it at the column.", place, found)
        case "nullValues":
            return Library(metric="nullValues", columns=columns)
        case "missingValues":
            values = [one for one in _values(arguments, "missingValues") if one is not None]
            return Library(metric="missingValues", columns=columns, values=tuple(values))
        case _:
            return _invalid(arguments, columns, place, found)


def _invalid(
    arguments: Mapping[str, Any], columns: tuple[str, ...], place: Place, found: Found
) -> Library | None:
    values, pattern = _values(arguments, "validValues"), arguments.get("pattern", "")
    if (not values) == (not pattern) or not isinstance(pattern, str):
        return _unfit(
            "invalidValues", "needs what is valid: either `validValues` or `pattern`",
            "Add `arguments: {validValues: [a, b]}`.", place, found,
        )  # fmt: skip
    kept = tuple(one for one in values if one is not None)
    return Library(metric="invalidValues", columns=columns, values=kept, pattern=pattern)


def _values(arguments: Mapping[str, Any], key: str) -> Sequence[Scalar | None]:
    given = arguments.get(key)
    if not isinstance(given, list):
        return ()
    return [one for one in given if one is None or isinstance(one, str | int | float | bool)]


def _unfit(metric: str, why: str, fix: str, place: Place, found: Found) -> Library | None:
    """Note that a metric does not fit where it stands, and return nothing."""
    found.wrong("BH-WAT-012", f"`{metric}` {why}", *place, fix=fix)
    return None


def _ours(
    given: Mapping[str, Any], place: Place, context: Context, found: Found, ours: Ours
) -> Clause | None:
    """Return a clause of our own engine: ``implementation`` holds metric, arguments and operator."""
    at, body = (*place, "implementation"), given.get("implementation")
    if not isinstance(body, Mapping):
        found.wrong(
            "BH-WAT-012", "`implementation` of the engine bridgehead is a block of `key: value` lines", *at,
            fix="Write for example {metric: mean, mustBeBetween: [10, 12]}.",
        )  # fmt: skip
        return None
    known = ("metric", "column", "left", "operator", "right", "where", "validValues", "missingValues",
             "pattern", "properties", "unit", *OPERATORS)  # fmt: skip
    for key in body:
        if key not in known:
            found.wrong(
                "BH-WAT-002", f"`{key}` is not a key of a bridgehead clause", *at, key,
                fix=did_you_mean(str(key), known),
            )  # fmt: skip
            return None
    threshold = _threshold(body, at, found)
    rule = _own_rule(body, at, context, found)
    unit = body.get("unit", given.get("unit", "rows"))
    return _made({**given, "unit": unit}, rule, threshold, place, context, ours, found)


def _own_rule(body: Mapping[str, Any], place: Place, context: Context, found: Found) -> Library | None:
    metric = str(body.get("metric", ""))
    where = _where(body.get("where"), place, context, found)
    if where is None:
        return None
    column = str(body.get("column", context.column))
    if column and not _are_columns([column], context, (*place, "column"), found):
        return None
    counts_rows = metric == "rowCount" and bool(
        where
    )  # rows of the object, also where a column's clause asks
    inner = Context(table=context.table, column="" if counts_rows else column, columns=context.columns)
    if metric == "pair":
        return _pair(body, where, place, inner, found)
    if metric == "dependency":
        return _dependency(body, column, place, inner, found)
    if metric in _OF_COLUMNS:
        if not column:
            return _unfit(metric, "is about one column", "Add `column:`.", place, found)
        return Library(metric=metric, columns=(column,), where=where)  # type: ignore[arg-type]
    if metric not in METRICS:
        known = (*METRICS, "pair", "dependency", *_OF_COLUMNS)
        found.wrong(
            "BH-WAT-012", f"`{metric}` is not a metric of the engine bridgehead", *place, "metric",
            fix=did_you_mean(metric, known),
        )  # fmt: skip
        return None
    made = _library(metric, body, place, inner, found)
    if made is None or not where:
        return made
    if made.metric == "duplicateValues":
        return _unfit(metric, "is taken over all rows", "Remove `where`.", place, found)
    return Library(
        metric=made.metric, columns=made.columns, values=made.values, pattern=made.pattern, where=where
    )


def _pair(
    body: Mapping[str, Any], where: tuple[Condition, ...], place: Place, context: Context, found: Found
) -> Library | None:
    left, right, operator = body.get("left", context.column), body.get("right"), body.get("operator")
    if operator not in COMPARISONS:
        return _unfit("pair", "needs an `operator`", f"Write one of {', '.join(COMPARISONS)}.", place, found)
    if not _are_columns([left, right], context, place, found):
        return None
    return Library(metric="pair", columns=(str(left), str(right)), pair=operator, where=where)


def _dependency(
    body: Mapping[str, Any], column: str, place: Place, context: Context, found: Found
) -> Library | None:
    """Return the clause that ``properties`` decide ``column``."""
    by = body.get("properties")
    if not column or not isinstance(by, list) or not by or column in by or "where" in body:
        return _unfit(
            "dependency", "needs columns that decide another one, over all rows",
            "Write for example {metric: dependency, properties: [zip], column: city, mustBe: 0}.",
            place, found,
        )  # fmt: skip
    if not _are_columns(by, context, (*place, "properties"), found):
        return None
    return Library(metric="dependency", columns=(*map(str, by), column))


def _where(given: Any, place: Place, context: Context, found: Found) -> tuple[Condition, ...] | None:
    """Return which rows a clause is about; None when that cannot be read."""
    conditions: list[Condition] = []
    for index, one in enumerate(given if isinstance(given, list) else [given] if given is not None else ()):
        at = (*place, "where", index) if isinstance(given, list) else (*place, "where")
        fits = isinstance(one, Mapping) and set(one) == {"column", "operator", "value"}
        if not fits or one["operator"] not in COMPARISONS or not isinstance(one["value"], str | int | float):
            found.wrong(
                "BH-WAT-012", "`where` has a column, an operator and a value", *at,
                fix="Write for example {column: status, operator: '=', value: paid}.",
            )  # fmt: skip
            return None
        if not _are_columns([one["column"]], context, at, found):
            return None
        conditions.append(Condition(column=one["column"], operator=one["operator"], value=one["value"]))
    return tuple(conditions)


def _are_columns(names: Sequence[Any], context: Context, place: Place, found: Found) -> bool:
    for name in names:
        if name not in context.columns:
            found.wrong(
                "BH-WAT-010", f"`{context.table}` has no column `{name}`", *place,
                fix=did_you_mean(str(name), context.columns),
            )  # fmt: skip
            return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
