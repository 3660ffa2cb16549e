"""Who is signed in to the console."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from bridgehead.store.tables.schema import metadata

signin = Table(
    "signin",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person", Text, nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("used_at", String(32)),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("ended_at", String(32)),
)
