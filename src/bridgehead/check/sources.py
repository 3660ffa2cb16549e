"""Sources and the queries people wrote for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.declare.model import Source, SqlQuery
from bridgehead.kernel.finding import Finding

MISSING = Rule(
    id="BH-CHK-065",
    severity="block",
    title="A source's file is not there",
    why="Every query on it would fail.",
    fix="Put the file there, or correct `path`.",
)
NOT_A_SELECT = Rule(
    id="BH-CHK-066",
    severity="block",
    title="A query is not a single SELECT",
    why="Sources are read; what changes data is an action.",
    fix="Write one SELECT (it may begin with WITH), without a second statement.",
)
PARAMETERS = Rule(
    id="BH-CHK-067",
    severity="block",
    title="A query's parameters differ from its text",
    why="It could not be run.",
    fix="Declare under `parameters` exactly the `:names` that the text uses.",
)

_STRING_OR_COMMENT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.S)
_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
_CHANGES = re.compile(
    r"\b(insert|update|delete|replace|drop|create|alter|attach|detach|pragma|vacuum|reindex)\b", re.I
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what keeps a source from being read."""
    for name, source in d.charter.sources.items():
        yield from _file(d, name, source)
        for query_name, query in source.queries.items():
            yield from _query(d, name, query_name, query)


def _file(d: Deployment, name: str, source: Source) -> Iterator[Finding]:
    if "{" not in source.path and not (d.folder / source.path).is_file():
        yield MISSING.found(f"There is no file `{source.path}`.", d.where("sources", name, "path"))


def _query(d: Deployment, source: str, name: str, query: SqlQuery) -> Iterator[Finding]:
    where = d.where("sources", source, "queries", name)
    bare = _STRING_OR_COMMENT.sub(" ", query.sql).strip().rstrip(";").strip()
    begins = bare[:6].lower()
    if not begins.startswith(("select", "with")) or ";" in bare or _CHANGES.search(bare):
        yield NOT_A_SELECT.found(f"`{source}.{name}` is not a single SELECT.", where)
    used = set(_PARAMETER.findall(bare))
    for missing in sorted(used - set(query.parameters)):
        yield PARAMETERS.found(f"`{source}.{name}` uses `:{missing}`, which is not declared.", where)
    for unused in sorted(set(query.parameters) - used):
        yield PARAMETERS.found(f"`{source}.{name}` declares `{unused}` and does not use it.", where)


FAMILY = Family("Sources", (MISSING, NOT_A_SELECT, PARAMETERS), look)
