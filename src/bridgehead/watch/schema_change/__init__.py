"""A source's schema has changed: what exactly, who reads it, and what may be a rename.

In: two schemas, from DDL, a file's footer or a catalogue; who reads which columns. Out: changes, their class
for each reader, proposals of renames. Never: applies a mapping, reads a row.
"""

from bridgehead.watch.schema_change.compare import Change, compare
from bridgehead.watch.schema_change.ddl import read_ddl
from bridgehead.watch.schema_change.readers import Judged, Reads, classified
from bridgehead.watch.schema_change.renames import Rename, renames
from bridgehead.watch.schema_change.schema import Column, Schema, Table

__all__ = [
    "Change",
    "Column",
    "Judged",
    "Reads",
    "Rename",
    "Schema",
    "Table",
    "classified",
    "compare",
    "read_ddl",
    "renames",
]
