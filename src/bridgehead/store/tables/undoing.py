"""Undos: what is taken back, effect by effect."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from bridgehead.store.tables.schema import Idx, metadata

undo = Table(
    "undo",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("scope", String(8), nullable=False),  # run release
    Column("target", String(64), nullable=False),  # a run's id, or a release's digest
    # stopping: open runs come to rest. looking: records are read. planned: a plan and nothing more.
    # asking: people decide about the plan. running: compensations are made. ended, refused: over.
    Column("state", String(10), nullable=False),
    Column("run", String(40), nullable=False),  # the run that carries it
    Column("ordered_by", Text, nullable=False),
    Column("rate", Text, nullable=False, server_default=""),
    Column("next_at", String(32), nullable=False, server_default=""),  # when the next compensation may start
    Column("expected", String(64), nullable=False, server_default=""),  # digest of the plan its orderer saw
    Column("plan_digest", String(64), nullable=False, server_default=""),
    Column("plan_entry", Idx),
    Column("ordered_entry", Idx),  # its body holds the reason
    Column("certificate_entry", Idx),  # its body holds the signed certificate
    Column("created_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    CheckConstraint("scope in ('run','release')", name="undo_scope"),
    CheckConstraint(
        "state in ('stopping','looking','planned','asking','running','ended','refused')", name="undo_state"
    ),
)
Index("undo_by_target", undo.c.target, undo.c.created_at)
Index("undo_by_run", undo.c.run)

undo_item = Table(
    "undo_item",
    metadata,
    Column("undo", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # 1 is the last effect
    Column("run", String(40), nullable=False),  # the effect, by its place in the journal
    Column("position", Text, nullable=False),
    Column("effect_key", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("group", String(12), nullable=False),  # automatic approval impossible changed nothing unknown
    Column("why", Text, nullable=False, server_default=""),  # words without content
    Column("after", Integer, nullable=False, server_default="0"),  # number that must be taken back before
    Column("compensation", Text, nullable=False, server_default=""),  # the action that takes it back
    Column("amount", Text, nullable=False, server_default=""),  # decimal text
    Column("currency", String(3), nullable=False, server_default=""),
    # planned waiting undone refused skipped person nothing; items that nothing is done about stay planned,
    # unless something is learnt of them before the certificate is signed.
    Column("state", String(10), nullable=False, server_default="planned"),
    Column("saga", String(40), nullable=False, server_default=""),  # the run that takes it back
    Column("slot_at", String(32), nullable=False, server_default=""),  # its turn, as the rate allows
    Column("person", Text, nullable=False, server_default=""),
    Column("due_at", String(32), nullable=False, server_default=""),
    CheckConstraint(
        "state in ('planned','waiting','undone','refused','skipped','person','nothing')",
        name="undo_item_state",
    ),
)
Index("undo_item_by_saga", undo_item.c.saga)
