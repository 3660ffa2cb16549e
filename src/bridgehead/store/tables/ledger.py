"""The ledger: its entries and tree, the encrypted bodies and their keys, the signed checkpoints."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, String, Table, Text

from bridgehead.store.tables.schema import Idx, metadata

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1: locking it serialises the writers
    Column("origin", Text, nullable=False),
    Column("size", Idx, nullable=False),
    Column("frontier", LargeBinary, nullable=False),  # 32 bytes per set bit of size, largest subtree first
    CheckConstraint("id = 1", name="one_head"),
)

entry = Table(
    "entry",
    metadata,
    Column("idx", Idx, primary_key=True, autoincrement=False),
    Column("kind", String(40), nullable=False),
    Column("run", String(40), nullable=False, server_default=""),
    Column("seq", Integer, nullable=False, server_default="0"),
    Column("time", String(32), nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("envelope", LargeBinary, nullable=False),
)
Index("entry_run", entry.c.run, entry.c.seq)
Index("entry_kind", entry.c.kind)

node = Table(
    "node",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", Idx, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)

run_head = Table(
    "run_head",
    metadata,
    Column("run", String(40), primary_key=True),  # "" is the deployment's own sequence
    Column("seq", Integer, nullable=False),
    Column("prev", String(64), nullable=False),
)

body = Table(
    "body",
    metadata,
    Column("idx", Idx, primary_key=True, autoincrement=False),
    Column("record_key", LargeBinary(32), nullable=False),
    Column("nonce", LargeBinary(12), nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("kid", String(64), nullable=False),
)
Index("body_kid", body.c.kid)

data_key = Table(
    "data_key",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("nonce", LargeBinary(12), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)
Index("data_key_subject", data_key.c.subject)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", Idx, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("time", String(32), nullable=False),
)
