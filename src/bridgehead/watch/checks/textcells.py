"""Text in CSV, JSON and SQLite files, read value by value as the declared type.

DuckDB's casts forgive too much: ``1.5`` becomes the integer 2, an offset is dropped from a timestamp. So the
form is asked for first; a text that has not the form is null as a value, and counts as a type failure.
"""

from __future__ import annotations

import re

from bridgehead.watch.checks.write import Cell, literal
from bridgehead.watch.contract.model import Column

_WHOLE = r"\s*[+-]?[0-9]+\s*"
_NUMBER = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_DATE = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*"
_MOMENT = r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([ T].*)?"
_WIDE = ("i128", "u64", "u128")
_JDK = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%g",
    "MMM": "%b", "d": "%-d", "M": "%-m", "a": "%p", "hh": "%I",
}  # fmt: skip
_JDK_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+")


def cell(raw: str, column: Column, kind: str = "") -> Cell:
    """Return how a text is read as a column's type. ``kind`` is an expression of its JSON type, if any.

    Raises ``ValueError`` for a date format that is not read.
    """
    value = _value(raw, column)
    if kind:
        value = f"CASE WHEN {kind} IN ({', '.join(map(literal, _JSON[column.logical]))}) THEN {value} END"
    return Cell(value=value, raw=raw, logical=column.logical)


_JSON = {
    "string": ("VARCHAR",),
    "integer": ("UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT"),
    "number": ("UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT", "DOUBLE", "DECIMAL"),
    "boolean": ("BOOLEAN",),
    "date": ("VARCHAR",),
    "timestamp": ("VARCHAR",),
    "time": ("VARCHAR",),
    "object": ("OBJECT",),
    "map": ("OBJECT",),
    "array": ("ARRAY",),
    "vector": ("ARRAY",),
}


def _value(raw: str, column: Column) -> str:
    text = column.options.format
    match column.logical:
        case "string":
            return raw
        case "integer":
            return _formed(raw, _WHOLE, "HUGEINT" if text in _WIDE else "BIGINT")
        case "number":
            return _formed(raw, _NUMBER, "DOUBLE")
        case "boolean":
            return f"TRY_CAST({raw} AS BOOLEAN)"
        case "date":
            if text:
                return f"CAST(try_strptime({raw}, {literal(strptime(text))}) AS DATE)"
            return _formed(raw, _DATE, "DATE")
        case "timestamp":
            if text:
                return f"CAST(try_strptime({raw}, {literal(strptime(text))}) AS TIMESTAMP)"
            return f"CAST({_formed(raw, _MOMENT, 'TIMESTAMPTZ')} AS TIMESTAMP)"  # in UTC
        case "time":
            return f"TRY_CAST({raw} AS TIME)"
        case "array" | "vector":
            return _json(raw, "ARRAY")
        case _:
            return _json(raw, "OBJECT")


def _formed(raw: str, form: str, kind: str) -> str:
    return f"CASE WHEN regexp_full_match({raw}, {literal(form)}) THEN TRY_CAST({raw} AS {kind}) END"


def _json(raw: str, kind: str) -> str:
    return f"CASE WHEN json_type(TRY_CAST({raw} AS JSON)) = '{kind}' THEN {raw} END"


def strptime(jdk: str) -> str:
    """Return a format of the JDK as ``strptime`` writes it. Raises ``ValueError`` for what has no equal."""
    out, at = [], 0
    while at < len(jdk):
        token = _JDK_TOKEN.match(jdk, at)
        if token is None:
            raise ValueError(f"the format {jdk!r} is not read")
        at = token.end()
        if token[2]:
            if token[0] not in _JDK:
                raise ValueError(f"`{token[0]}` in the format {jdk!r} is not read")
            out.append(_JDK[token[0]])
        else:
            out.append((token[1] if token[1] is not None else token[0]).replace("%", "%%"))
    return "".join(out)
