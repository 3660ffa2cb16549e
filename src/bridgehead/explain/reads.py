"""What a permitted query was let read: table by table, rows, masks, and the line of the grant.

It follows from the intent entry alone: who sees what may be declared differently by now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridgehead.declare.model import Charter
from bridgehead.enforce.sql.grants import DIALECTS
from bridgehead.enforce.sql.rights import Mask
from bridgehead.explain.mask_words import mask_words
from bridgehead.explain.recorded import Recorded, of_kind

ASKED = 200
"""Characters of somebody's SQL that stand in a sentence about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One table of a query. ``rows`` in words, empty where the entry does not say; ``where`` is the grant."""

    table: str
    rows: str
    at_least: int
    masked: Mapping[str, str] = field(default_factory=dict)
    where: str
    entry: int

    @property
    def words(self) -> str:
        """Return the whole of it as a sentence."""
        masks = ", ".join(f"{column} masked ({words})" for column, words in self.masked.items())
        few = f"only figures over groups of at least {self.at_least}" if self.at_least else ""
        said = "; ".join(part for part in (self.rows, few, masks) if part)
        return f"It may read {self.table}: {said}." if said else f"It may read {self.table}."


def reads(charter: Charter, target: str, entries: Sequence[Recorded]) -> tuple[Read, ...]:
    """Return what a query was let read; nothing where it was not permitted, or its body is gone."""
    intents = [item for item in of_kind(entries, "action.intent") if isinstance(item.said("entitled"), dict)]
    return tuple(_reads(charter, target.partition(".")[0], intents[-1])) if intents else ()


def asked(target: str, arguments: Any) -> str:
    """Return a query of free SQL in words: its source and how the text begins; empty for a named query."""
    sql = arguments.get("sql") if isinstance(arguments, dict) and "." not in target else None
    if not isinstance(sql, str):
        return ""
    line = " ".join(sql.split())
    return f"Ask {target}: {line if len(line) <= ASKED else line[: ASKED - 1] + '…'}"


def _reads(charter: Charter, source: str, intent: Recorded) -> Iterator[Read]:
    given = intent.said("entitled")
    tables = given.get("tables", [])
    bounds = given.get("bounds") or [{}] * len(tables)  # an older entry does not have them
    for table, where, bound in zip(tables, given.get("grants", []), bounds, strict=False):
        yield Read(
            table=table,
            rows=_rows(charter, source, bound.get("rows", "")),
            at_least=bound.get("at_least", 0),
            masked={column: mask_words(Mask(**mask)) for column, mask in bound.get("masks", {}).items()},
            where=where,
            entry=intent.index,
        )


def _rows(charter: Charter, source: str, rows: str) -> str:
    from bridgehead.explain.filter_words import in_words  # the SQL parser: only for a run that asked

    settings = charter.sources.get(source)
    words = in_words(rows, DIALECTS[settings.driver]) if settings is not None and rows else ""
    return words or (f"rows where {rows}" if rows else "")
