"""Batches of a feed, the snapshots made of them, and which snapshot a run reads."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from bridgehead.store.tables.schema import metadata

# What came, once it was whole: landed, then published, quarantined, set aside (sent before), replaced by a
# later one, or discarded.
batch = Table(
    "batch",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),  # the table, as the charter names it
    Column("name", Text, primary_key=True),  # file name and digest, or what a database calls it
    Column("first_seen_at", String(32), nullable=False),  # by our clock
    Column("source_time", String(32), nullable=False, server_default=""),  # by the sender's
    Column("about", Text, nullable=False, server_default="[]"),  # business days, canonical JSON
    Column("rows", BigInteger),  # empty: nobody counted them
    Column("bytes", BigInteger),
    Column("content", String(64), nullable=False, server_default=""),  # digests; empty: unknown
    Column("file", Text, nullable=False, server_default=""),  # our copy, within the state folder
    Column("state", String(16), nullable=False),
    Column("said", Text, nullable=False, server_default="[]"),  # what was noticed, canonical JSON
    Column("data_as_of", String(32), nullable=False, server_default=""),  # the newest moment in it
    Column("decided_at", String(32)),
    Column(
        "decided_by", Text, nullable=False, server_default="[]"
    ),  # people and their reasons, canonical JSON
    Column("enters", Integer),  # the first snapshot that it is in; empty: none
    Column("leaves", Integer),  # the first that it is not in any more; empty: it is in the newest
    Index("batch_by_time", "source", "object", "first_seen_at"),
    Index("batch_by_snapshot", "source", "object", "enters"),
)

# What the watch over arrivals remembers of a feed between two looks (watch/arrivals/state.py).
feed = Table(
    "feed",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("state", Text, nullable=False),  # canonical JSON
    Column("looked_at", String(32), nullable=False),
    Column("next_look_at", String(32), nullable=False, server_default=""),
)

# What a table held once a batch was published: the batches with enters <= number that had not left by then.
# Never changed: the newest is what new runs read.
snapshot = Table(
    "snapshot",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1, without a gap
    Column("at", String(32), nullable=False),
    Column("data_as_of", String(32), nullable=False, server_default=""),
)

# A run reads what it read first, whatever is published meanwhile.
snapshot_of_run = Table(
    "snapshot_of_run",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("at", String(32), nullable=False),
)
