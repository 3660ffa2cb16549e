"""What the batches of a table look like, column by column, and what a person accepted them to look like."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from bridgehead.store.tables.schema import metadata

# How the columns of a table are counted: bins and values, frozen when somebody accepted a baseline.
baseline = Table(
    "baseline",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),  # the table, as the charter names it
    Column("frame", String(32), primary_key=True),  # digest of the bins and values
    # learning: nobody accepted it, nothing is compared. current. overlap: replaced, counted on till `until`.
    Column("state", String(16), nullable=False),
    Column("counted", Text, nullable=False),  # the bins and values, JSON; of personal columns keyed hashes
    Column("columns", Text, nullable=False),  # the profile of what was accepted, JSON
    Column("rows", BigInteger, nullable=False),
    Column("batches", Text, nullable=False, server_default="[]"),  # what was accepted, JSON
    Column("made_at", String(32), nullable=False),
    Column("accepted_by", Text, nullable=False, server_default=""),
    Column("until", String(32), nullable=False, server_default=""),
)

# One batch, or one day of a table that does not come in batches, in the frame of one baseline.
profile = Table(
    "profile",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("object", Text, primary_key=True),
    Column("frame", String(32), primary_key=True),
    Column("part", Text, primary_key=True),  # what its sender calls the batch; the day of a look
    Column("batch", Text, nullable=False, server_default=""),  # the row of `batch`, where there is one
    Column("day", String(10), nullable=False),  # the business day
    Column("at", String(32), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("columns", Text, nullable=False),  # JSON: figures, no row
    Column("drifted", Integer, nullable=False, server_default="0"),
    Column("judged", Text, nullable=False, server_default="{}"),  # effects by column, JSON
    Column("state", Text, nullable=False, server_default=""),  # what is carried to the next one, JSON
    Index("profile_by_day", "source", "object", "frame", "day"),
)
