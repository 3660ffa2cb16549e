"""The journal: one row for each crossing of a run."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from bridgehead.store.tables.schema import Idx, metadata, partial_index

crossing = Table(
    "crossing",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("position", Text, primary_key=True),
    Column("action_digest", String(64), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("target", Text, nullable=False),
    Column("effect", String(8), nullable=False),
    Column("outward", Integer, nullable=False, server_default="0"),
    # asked: waits for people. intent: recorded, not sent. claimed: may be on its way.
    # unknown: nobody knows yet.
    Column("state", String(10), nullable=False),
    Column("effect_key", String(64), nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("boot", Text, nullable=False, server_default=""),
    Column("called_at", String(32)),
    Column("first_called_at", String(32)),  # a key's lifetime in the other system runs from here
    # The business record it changes, with the system and the bindings it lives in.
    Column("record", Text, nullable=False, server_default=""),
    Column("amount", Text, nullable=False, server_default=""),  # decimal text
    Column("currency", String(3), nullable=False, server_default=""),
    Column("approval", String(40), nullable=False, server_default=""),
    Column("undoes", Text, nullable=False, server_default=""),  # run/position of what it takes back
    Column("decision", Text, nullable=False, server_default=""),  # canonical JSON: result and rule ids
    Column("intent_entry", Idx),  # its body holds arguments, facts, reasons, inverse
    Column("outcome_entry", Idx),  # its body holds the value as the workflow got it
    # approval.edited: its body holds the arguments a person put in the place of those that were asked about.
    Column("edit_entry", Idx),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("look_again_at", String(32)),  # when the effect is asked about once more; empty: never again
    # What was learnt of an effect beyond its state. By the late look: confirmed, zombie (failed, and
    # happened after all), gone (done, and no longer there), duplicate (more than one). By a person:
    # happened, did-not, left (nobody can tell).
    Column("settled", String(12), nullable=False, server_default=""),
    CheckConstraint(
        "settled in ('','confirmed','zombie','gone','duplicate','happened','did-not','left')",
        name="crossing_settled",
    ),
    CheckConstraint(
        "state in ('asked','intent','claimed','done','refused','failed','unknown')", name="crossing_state"
    ),
)
Index("crossing_by_record", crossing.c.record, crossing.c.state)
Index("crossing_by_state", crossing.c.state)
Index("crossing_by_key", crossing.c.effect_key)
partial_index("crossing_by_undoes", crossing.c.undoes, where="undoes <> ''")
# An effect is taken back once: the database itself would refuse a second time.
partial_index(
    "crossing_undone_once",
    crossing.c.undoes,
    unique=True,
    where="undoes <> '' and state in ('claimed','done','unknown')",
)
partial_index("crossing_look_again", crossing.c.look_again_at, where="look_again_at is not null")
partial_index("crossing_equal_effects", crossing.c.action_digest, where="effect <> 'read'")
partial_index("crossing_edited", crossing.c.target, where="edit_entry is not null")
partial_index("crossing_unsettled", crossing.c.settled, where="settled <> '' and settled <> 'confirmed'")
