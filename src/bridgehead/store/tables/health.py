"""What is known of the data a deployment reads: when a table was looked at, what is broken, who read it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from bridgehead.store.tables.schema import metadata

# One row for each table of a source that has a contract, once it was looked at.
looked_at = Table(
    "looked_at",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),  # the table, as the charter names it
    Column("checked_at", String(32), nullable=False),
    Column("whole_at", String(32)),  # when every clause was evaluated last; empty: never yet
    Column("good_until", String(32), nullable=False),  # later than this nobody knows
    Column("data_as_of", String(32), nullable=False, server_default=""),  # the newest moment in the data
)

# One row: when a process said last that it watches the data, and which one.
watch_beat = Table(
    "watch_beat",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("beat_at", String(32), nullable=False),
    Column("by", Text, nullable=False),
)

# A clause that does not hold. It goes when a look finds that it does.
breach = Table(
    "breach",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("clause", Text, primary_key=True),
    Column("response", Text, nullable=False),  # what it does to a reader
    Column("readers", Text, nullable=False, server_default="{}"),  # canonical JSON: reader -> response
    Column("words", Text, nullable=False),  # nothing personal: figures and names of columns
    Column("clause_at", Text, nullable=False, server_default=""),  # file:line of the clause
    Column("since", String(32), nullable=False),
    Column("kept_at", String(32)),  # when a look last found that it held; empty: none ever did
)

# The schema of a table that somebody accepted (the first look does), the one found last, and what differs.
schema_seen = Table(
    "schema_seen",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("accepted", Text, nullable=False),  # canonical JSON
    Column("accepted_at", String(32), nullable=False),
    Column("accepted_by", Text, nullable=False),
    Column("found", Text, nullable=False),  # canonical JSON; equal to accepted where nothing is open
    Column("found_at", String(32), nullable=False),
    Column("since", String(32), nullable=False, server_default=""),  # when the open change was seen first
    Column("changes", Text, nullable=False, server_default="[]"),  # what is open, judged: canonical JSON
    Column("mapping", Text, nullable=False, server_default="{}"),  # old name -> new name or, gone, nothing
)

# What a run's workflow is declared to need and an answer did not have: its effects go to a person.
gap = Table(
    "gap",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("missing", BigInteger, nullable=False),  # rows without a value, over the run's queries
    Column("rows", BigInteger, nullable=False),  # of so many; 0: no row came
    Column("at", String(32), nullable=False),
    Index("gap_by_time", "source", "object", "at"),
)

# Which tables a run has read: what it does afterwards rests on them.
reading = Table(
    "reading",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("last_at", String(32), nullable=False),
    Column("broken", Text, nullable=False, server_default="[]"),  # what was, then, and holds again: JSON
    Index("reading_of", "source", "object", "last_at"),
)
