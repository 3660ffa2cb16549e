"""What one column seems to promise: type, values that must be there, way of writing, closed set, range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridgehead.watch.checks import types
from bridgehead.watch.checks.pattern import portable
from bridgehead.watch.contract.model import Logical
from bridgehead.watch.draft.casts import Cast, cast, says_missing
from bridgehead.watch.draft.closed import Closed, closed
from bridgehead.watch.draft.elsewhere import asked
from bridgehead.watch.draft.keys import is_named, is_unique
from bridgehead.watch.draft.nearby import misspelt
from bridgehead.watch.draft.personal import is_personal
from bridgehead.watch.draft.proposal import (
    DraftColumn,
    Quality,
    Support,
    example,
    measured,
    tolerance,
)
from bridgehead.watch.draft.ranges import ranged
from bridgehead.watch.draft.sample import QUOTED, Sampled
from bridgehead.watch.draft.shapes import written

LEAST_ROWS = 20
"""Rows below which nothing but the type is proposed."""
MOSTLY_NULL = 0.95
_MOST_NUMBERS = 10
_LONGEST_MEMBER = 80
_LOGICAL: tuple[Logical, ...] = (
    "integer", "number", "boolean", "date", "timestamp", "time", "string", "array", "object",
)  # fmt: skip
_PATTERNS = {
    "integer": r"^\s*[+-]?[0-9]+\s*$",
    "number": r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$",
    "date": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "timestamp": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T].*)?$",
    "time": "^[0-9]{2}:[0-9]{2}:[0-9]{2}$",
    "boolean": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$",
}


def typed(column: Sampled) -> Cast:
    """Return the type of a column: the one the place declares, else what most values are written as."""
    if column.native == QUOTED:
        kind = cast(column)
        return kind if kind.logical in ("date", "timestamp", "time") else Cast(logical="string")
    if column.native:
        fitting = next((one for one in _LOGICAL if types.fits(column.native, one)), "string")
        return Cast(logical=fitting)  # type: ignore[arg-type]
    return cast(column)


def drafted(column: Sampled, logical: Logical, kind: Cast) -> DraftColumn:
    """Return what a column seems to promise. ``logical`` is the type it can be declared as: ``kind`` may be
    what only most of its values are."""
    made = DraftColumn(name=column.name, logical=logical, personal=is_personal(column))
    if not column.present:
        if column.rows:  # of a table without rows its own question says so
            made.notes.append("no row has a value: is it used at all?")
        return made
    if kind.failing and logical == "string":
        made.quality.append(_almost(column, kind, made.personal))
        made.notes.append(f"most values are of type {kind.logical}: declare it once the others are mended")
    if column.rows >= LEAST_ROWS:
        _nulls(column, made)
        made.quality += _values(column, made, kind)
        question = asked(column) if logical == "string" else ""
        if question:
            made.notes.append(question)
    return made


def _almost(column: Sampled, kind: Cast, personal: bool) -> Quality:
    support = measured(f"written as {kind.logical}", column, kind.failing, personal)
    body = {"metric": "invalidValues", "arguments": {"pattern": _PATTERNS[kind.logical]}}
    return _clause("almost_" + kind.logical, body, support, column.rows)


def _nulls(column: Sampled, made: DraftColumn) -> None:
    support = Support(clause="not null", rows=column.rows, against=column.nulls)
    if not column.nulls:
        made.required = True
        made.supports.append(Support(clause="required", rows=column.rows))
    elif column.share_of_nulls <= MOSTLY_NULL:
        made.quality.append(_clause("null_rate", {"metric": "nullValues"}, support, column.rows))


def _values(column: Sampled, made: DraftColumn, kind: Cast) -> Iterator[Quality]:
    numbers = made.logical in ("integer", "number")
    if numbers or made.logical == "string":
        members = closed(column)
        if members is not None and _may_be_told(members, column, made, numbers):
            yield _set(members, column, made.logical)
        elif numbers:
            yield from _range(column, made)
        elif not kind.failing:
            yield from _texts(column, made)


def _may_be_told(members: Closed, column: Sampled, made: DraftColumn, numbers: bool) -> bool:
    """Say whether a set may be written down: nobody's data, and of numbers only a handful."""
    few = len(members.members) <= _MOST_NUMBERS and made.logical == "integer" if numbers else True
    short = all(len(one) <= _LONGEST_MEMBER for one in members.members)
    return few and short and not made.personal and 10 * len(members.members) <= column.present


def _set(members: Closed, column: Sampled, logical: str) -> Quality:
    values: list[Any] = sorted(members.members)
    if logical == "integer":
        values = sorted({int(one) for one in members.members})
    support = measured("one of a closed set", column, members.failing, personal=False)
    return _clause(
        "known_values",
        {"metric": "invalidValues", "arguments": {"validValues": values}},
        support,
        column.rows,
    )


def _range(column: Sampled, made: DraftColumn) -> Iterator[Quality]:
    found = ranged(column)
    counts_up = made.logical == "integer" and (is_unique(column) or is_named(column.name))
    if found is None or counts_up:
        return  # numbers that count up have no upper end
    whole = made.logical == "integer"
    low, high = (int(one) if whole and one is not None else one for one in (found.low, found.high))
    words = f"from {low} to {high}"
    if not found.failing:
        made.options |= {"minimum": low, "maximum": high}
        made.supports.append(measured(words, column, (), made.personal))
        return
    for operator, bound, name in (("<", low, "too_small"), (">", high, "too_large")):
        outside = [n for n in found.failing if (float(column.values[n]) < low) == (operator == "<")]  # type: ignore[operator]
        support = measured(f"not {operator} {bound}", column, outside, made.personal)
        where = {"column": column.name, "operator": operator, "value": bound}
        yield _clause(name, {"metric": "rowCount", "where": where}, support, column.rows, is_ours=True)


def _texts(column: Sampled, made: DraftColumn) -> Iterator[Quality]:
    absent = [n for n, value in enumerate(column.values) if says_missing(value)]
    if absent:
        words = [None, *(column.values[n] for n in absent[:20])]
        support = measured("a value, not words for none", column, absent, personal=False)
        total = Support(clause=support.clause, rows=column.rows, against=support.against + column.nulls,
                        examples=support.examples)  # fmt: skip
        body = {"metric": "missingValues", "arguments": {"missingValues": words}}
        yield _clause("missing", body, total, column.rows)
    pattern = written(column, words=not made.personal)
    if pattern is not None and _is_portable(pattern.pattern):
        support = measured(f"pattern {pattern.pattern}", column, pattern.failing, made.personal)
        body = {"metric": "invalidValues", "arguments": {"pattern": pattern.pattern}}
        yield _clause("pattern", body, support, column.rows)
    for place, meant in list(misspelt(column).items())[:3]:
        shown = (example(column.values[n], made.personal) for n in (place, meant))
        made.notes.append(f"a slip of the pen? {' for '.join(shown)}")


def _is_portable(pattern: str) -> bool:
    try:
        portable(pattern)
    except ValueError:
        return False
    return True


def _clause(id: str, body: dict[str, Any], support: Support, rows: int, *, is_ours: bool = False) -> Quality:
    return Quality(id=id, body=body, tolerance=tolerance(support, rows), support=support, is_ours=is_ours)
