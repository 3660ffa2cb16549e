"""Sources and the queries people wrote for them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

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
NO_FOLDER = Rule(
    id="BH-CHK-112",
    severity="warn",
    title="A drop folder is not there, or cannot be read",
    why="Where the deployment runs so, it is not known whether batches came, and that counts as broken.",
    fix="Mount the folder where the deployment runs, let its account read it, or correct `folder`.",
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
NOT_SEEN = Rule(
    id="BH-CHK-068",
    severity="block",
    title="A table's types, masks, filters or queries do not fit",
    why="Whoever asks would be refused, or see another thing than was meant.",
    fix="Correct it at the line named; `bridgehead entitle explain` shows what somebody would see.",
)
NOBODY = Rule(
    id="BH-CHK-069",
    severity="warn",
    title="A row filter asks for an attribute that people of the grant do not have",
    why="They are refused until their profile says it.",
    fix="Write it under `attributes` of each of them.",
)


class Misfit(NamedTuple):
    """Something about a table that does not fit: ``blocks``, or is worth knowing. ``of`` its batches, or
    that its contract is a draft."""

    words: str
    where: str
    blocks: bool
    of: Literal["", "totals", "segment", "draft"] = ""


LookAtTables = Callable[[Deployment], Iterable[Misfit]]
"""Who can read SQL says what of the tables does not fit."""

_STRING_OR_COMMENT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.S)
_PARAMETER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
_CHANGES = re.compile(
    r"\b(insert|update|delete|replace|drop|create|alter|attach|detach|pragma|vacuum|reindex)\b", re.I
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what keeps a source from being read."""
    for name, source in d.charter.sources.items():
        yield from _file(d, name, source)
        yield from _drop_folders(d, name, source)
        for query_name, query in source.queries.items():
            yield from _query(d, name, query_name, query)


def _file(d: Deployment, name: str, source: Source) -> Iterator[Finding]:
    files: list[tuple[str, tuple[str, ...]]] = [(source.path, ("sources", name, "path"))]
    files += [(table.file, ("sources", name, "tables", key, "file")) for key, table in source.tables.items()]
    for file, place in files:
        if file and "{" not in file and not (d.folder / file).is_file():
            yield MISSING.found(f"There is no file `{file}`.", d.where(*place))


def _drop_folders(d: Deployment, name: str, source: Source) -> Iterator[Finding]:
    for table, feed in source.feeds.items():
        folder = d.folder / feed.folder
        where = d.where("sources", name, "tables", table, "feed", "folder")
        if not folder.is_dir():
            yield NO_FOLDER.found(f"There is no folder `{feed.folder}` on this machine.", where)
        elif not os.access(folder, os.R_OK | os.X_OK):
            yield NO_FOLDER.found(f"This account cannot read the folder `{feed.folder}`.", where)


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


def tables(d: Deployment, look_at: LookAtTables) -> Iterator[Finding]:
    """Yield what does not fit about tables, as who reads SQL finds it."""
    for misfit in look_at(d):
        yield (NOT_SEEN if misfit.blocks else NOBODY).found(misfit.words, misfit.where)


FAMILY = Family("Sources", (MISSING, NO_FOLDER, NOT_A_SELECT, PARAMETERS, NOT_SEEN, NOBODY), look)
