"""A database as a tool of a model: it writes SQL, and gets what the person may see whom the run serves.

What the model is told of the database are the tables and columns that this reader has under the run's
release, and no others: what may not be seen is not named. What it asks is decided at the boundary all the
same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridgehead.declare.model import Charter, Source
from bridgehead.enforce.sql import grants
from bridgehead.enforce.sql.hints import hint
from bridgehead.enforce.sql.rights import ColumnRight, TableRight
from bridgehead.kernel.canonical import encode
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.outcome import Done, Failed, Outcome, Refused
from bridgehead.kernel.principal import Principal

PREFIX = "query_"

_NAMES = {"postgresql": "PostgreSQL", "duckdb": "DuckDB", "sqlite": "SQLite"}


def named(sources: Sequence[str], tools: Sequence[str], charter: Charter) -> dict[str, str]:
    """Return tool name -> source. Raises BH-RUN-023 for a source without tables, or a name that is taken."""
    found = {f"{PREFIX}{source}": source for source in sources}
    for tool, source in found.items():
        settings = charter.sources.get(source)
        if settings is None or not settings.tables or tool in tools:
            raise EngineError(
                "BH-RUN-023",
                f"run.agent cannot offer the source {source!r} to a model",
                means="It has no tables in this release's charter, or an action is called like its tool.",
                fix="Declare `tables` under the source; `tools` and `sources` must not share a name.",
            )
    return found


def schemas(charter: Charter, named: Mapping[str, str], principal: Principal) -> list[dict[str, Any]]:
    """Return what a model is shown of each source: a tool with one argument, ``sql``."""
    return [
        {
            "name": tool,
            "description": "\n".join(_description(charter, source, principal)),
            "parameters": {
                "type": "object",
                "properties": {"sql": {"type": "string", "description": "One SELECT."}},
                "required": ["sql"],
                "additionalProperties": False,
            },
        }
        for tool, source in named.items()
    ]


def told(outcome: Outcome) -> str:
    """Return an answer as a model reads it: its rows, and of each column where it comes from."""
    match outcome:
        case Done(value=rows, labels=labels):
            columns = {
                name: {"from": list(label["sources"]), "tags": list(label["tags"])}
                for name, label in labels.items()
            }
            return json.dumps(encode({"rows": rows, "columns": columns}), ensure_ascii=False)
        case Refused(decision=decision):
            return f"refused: {decision.words()}"
        case Failed(fault=fault):
            more = hint(fault.code, shown="in this tool's description")
            said = f"error: {fault.words.partition(';')[0]}."
            return f"{said} {more[0].upper()}{more[1:]}." if more else said


def _description(charter: Charter, source: str, principal: Principal) -> Iterator[str]:
    settings = charter.sources[source]
    yield (
        f"Ask the database {source} one SELECT in the SQL of {_NAMES[settings.driver]}; at most "
        f"{settings.row_limit} rows come back. These tables and columns are there:"
    )
    tables = _tables(charter, source, principal)
    for name, right in tables.items():
        yield from _table(name, right, settings)
    if not tables:
        yield "none."


def _tables(charter: Charter, source: str, principal: Principal) -> Mapping[str, TableRight]:
    """Under the run's own release: a replay must show a model what it was shown before."""
    human = principal.human()
    person = charter.people.get(human.id) if human is not None else None
    agent = principal.id if principal.kind == "agent" else ""
    if human is None or person is None or (agent and agent not in charter.agents):
        return {}
    return grants.entitled(charter, source, human.id, person, agent).rights.tables


def _table(name: str, right: TableRight, settings: Source) -> Iterator[str]:
    columns = ", ".join(_column(column) for column in right.columns)
    yield f"- {name} ({columns})"
    if right.at_least:
        yield (
            f"  only figures (count, sum, avg, stddev, variance) over groups of at least {right.at_least} "
            f"different {right.key}"
        )


def _column(column: ColumnRight) -> str:
    changed = f", masked by {column.mask.kind}" if column.mask is not None else ""
    return f"{column.name} {column.type}{changed}"
