"""What a run knows of an answer whose body was erased: no value of it, and the most that it can have told."""

from __future__ import annotations

from bridgehead.declare.model import Charter

UNKNOWN = "(erased)"
"""A tag that nobody is a reader of: what was told cannot be known any more, so it is for nobody."""


def tags(charter: Charter, kind: str, target: str) -> frozenset[str]:
    """Return every tag that an answer of a source or a collection may have had; of an action, none.

    An action's ``returns`` says its tags without the body. Tags that came with the documents, and those of
    what the charter declares no more, are ``UNKNOWN``.
    """
    name = target.partition(".")[0]
    if kind == "act":
        return frozenset()
    if kind == "query" and name in charter.sources:
        source = charter.sources[name]
        columns = (column for table in source.tables.values() for column in table.columns.values())
        of_columns = (tag for column in columns if not isinstance(column, str) for tag in column.tags)
        return frozenset((*source.tags, *of_columns))
    if kind == "retrieve" and name in charter.collections:
        collection = charter.collections[name]
        return frozenset((*collection.tags, *([UNKNOWN] if collection.access is not None else [])))
    return frozenset((UNKNOWN,))
