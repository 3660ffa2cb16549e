"""What holds a deployment back or needs its owner: the stop, the money spent, the incidents."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from bridgehead.store.tables.schema import Idx, metadata

stop = Table(
    "stop",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("set_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_at", String(32), nullable=False),
    Column("lifted_by", Text, nullable=False, server_default=""),
    Column("lifted_at", String(32)),
)

spend = Table(
    "spend",
    metadata,
    Column("scope", String(60), primary_key=True),  # run:ID or day:YYYY-MM-DD
    Column("currency", String(3), primary_key=True),
    Column("reserved", Text, nullable=False),  # decimal text
    Column("settled", Text, nullable=False),
)

incident = Table(
    "incident",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("run", String(40), nullable=False, server_default=""),
    Column("kind", Text, nullable=False),  # a code, or what:POSITION of one effect
    Column("words", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("closed_at", String(32)),
    Column("entry", Idx),
)
