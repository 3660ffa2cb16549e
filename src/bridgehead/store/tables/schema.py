"""What every file of tables builds on: the one ``metadata``, and what both databases call alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, text

metadata = MetaData()

Idx = BigInteger().with_variant(Integer, "sqlite")
"""The index of a ledger entry."""


def partial_index(name: str, *columns: Column[Any], where: str, unique: bool = False) -> Index:
    """Return an index over the rows that ``where`` picks, on SQLite and on PostgreSQL."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))
