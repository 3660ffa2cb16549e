"""What the clock starts: how far each schedule has come, and what became of each of its times."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, String, Table, Text

from bridgehead.store.tables.schema import Idx, metadata

# Every time up to ``since`` has been dealt with.
schedule = Table(
    "schedule",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("release", String(64), nullable=False),  # the release that declares it so
    Column("timing", Text, nullable=False),  # canonical JSON: cron text, time zone, days
    Column("since", String(32), nullable=False),
    Column("next_at", String(32)),  # empty: never again
    # A backup was restored then: nobody knows what became of the times before.
    Column("unsure_until", String(32)),
    Column("ended_at", String(32)),  # no release in force declares it any more
)

# Several times that were passed over together are one row.
occurrence = Table(
    "occurrence",
    metadata,
    Column("schedule", String(63), primary_key=True),
    Column("at", String(32), primary_key=True),  # when it was due, UTC; the first of several
    Column("last_at", String(32), nullable=False),
    Column("count", Integer, nullable=False, server_default="1"),
    # held: the stop holds it back. skipped: as the charter says. missed: nobody could start it.
    Column("state", String(8), nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("run", String(40), nullable=False, server_default=""),
    Column("by", Text, nullable=False, server_default=""),  # who started it by hand
    Column("decided_at", String(32), nullable=False),
    Column("entry", Idx),
    CheckConstraint("state in ('held','started','skipped','missed')", name="occurrence_state"),
)
