"""Which backups this store was restored from."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from bridgehead.store.tables.schema import metadata

restored = Table(
    "restored",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("taken_at", String(32), nullable=False),  # of the backup: what came after it is not on record
    Column("restored_at", String(32), nullable=False),
    Column("restored_by", Text, nullable=False),
)
