"""Which logical types of the standard a database's own type can be."""

from __future__ import annotations

import re

from bridgehead.watch.contract.model import Logical

_WHOLE = frozenset(
    {
        *("tinyint", "smallint", "integer", "bigint", "hugeint"),
        *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"),
        *("int2", "int4", "int8"),
    }
)
_BROKEN = frozenset({"float", "double", "real", "double precision", "float4", "float8"})
_TEXT = frozenset({"varchar", "text", "character varying", "character", "bpchar", "name", "char"})
_AS_TEXT = frozenset({"uuid", "enum", "citext", "inet", "cidr", "xml", "macaddr"})
"""Kept apart from text by the database, read as text by people."""
_DECIMAL = re.compile(r"(?:decimal|numeric)(?:\((\d+)\s*,\s*(\d+)\))?")


def fits(native: str, logical: Logical) -> bool:
    """Say whether a column of a native type holds values of a logical one, all of them, by its type."""
    return logical in _logical(native.strip().lower())


def reads_as_text(native: str) -> bool:
    """Say whether a column is text to people and must be told so to the database."""
    return _bare(native.strip().lower()) in _AS_TEXT


def _bare(native: str) -> str:
    return native.partition("(")[0].strip()


def _logical(native: str) -> tuple[str, ...]:
    if native.endswith("]") or native in ("array", "list") or native.startswith("list("):
        return ("array", "vector")
    decimal = _DECIMAL.fullmatch(native)
    if decimal:
        return ("number", "integer") if decimal[2] == "0" else ("number",)
    bare = _bare(native)
    if bare in _WHOLE:
        return ("integer", "number")
    if bare in _BROKEN:
        return ("number",)
    if bare in _TEXT or bare in _AS_TEXT:
        return ("string",)
    if bare.startswith("timestamp") or bare == "datetime":
        return ("timestamp",)
    if bare in ("time", "timetz") or bare.startswith("time "):
        return ("time",)
    return {
        "date": ("date",),
        "boolean": ("boolean",),
        "struct": ("object",),
        "map": ("map", "object"),
        "json": ("object", "array", "map"),
        "jsonb": ("object", "array", "map"),
        "vector": ("vector",),
    }.get(bare, ())
