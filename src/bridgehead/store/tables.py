"""Every table. One store holds one deployment (a SQLite file; a schema on PostgreSQL).

Times are RFC 3339 text (``kernel.clock.stamp``); digests and ids are lower-case text; JSON columns
hold canonical JSON text. Personal content is only in ``body``, encrypted.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

Idx = BigInteger().with_variant(Integer, "sqlite")

# --- record: the ledger -------------------------------------------------------------------------

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

# --- declare: releases --------------------------------------------------------------------------

release = Table(
    "release",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("parent", String(64), nullable=False, server_default=""),
    Column("charter", Text, nullable=False),  # the charter as canonical JSON
    Column("manifest", Text, nullable=False),  # path -> sha256, canonical JSON
    Column("activated_at", String(32), nullable=False),
    Column("activated_by", Text, nullable=False),
    Column("active", Integer, nullable=False, server_default="0"),
    # Everybody who ever made it the active release, as labels with a space between: none of them decides
    # under it.
    Column("activators", Text, nullable=False, server_default=""),
)

# A shared store holds the files of its releases, so that every machine can have them.
release_file = Table(
    "release_file",
    metadata,
    Column("release", String(64), primary_key=True),
    Column("path", String(400), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("executable", Integer, nullable=False, server_default="0"),
)

file_content = Table(
    "file_content",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# --- run: runs, segments, journal ---------------------------------------------------------------

run = Table(
    "run",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("release", String(64), nullable=False),
    Column("workflow", Text, nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("agent", Text, nullable=False),
    Column("on_behalf", Text, nullable=False),
    Column("bindings", Text, nullable=False, server_default="{}"),  # canonical JSON
    Column("subject", Text, nullable=False, server_default=""),  # set once identified
    Column("input_entry", Idx, nullable=False),  # run.started: its body holds the input
    Column("status", String(16), nullable=False),  # running waiting done failed stopped
    Column("waiting_for", Text, nullable=False, server_default=""),  # approval id, or a reason in words
    Column("result_entry", Idx),  # run.ended: its body holds the result or the fault
    Column("created_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("crossings", Integer, nullable=False, server_default="0"),
    Column("effects", Integer, nullable=False, server_default="0"),
    # Under way in a backup this store was restored from: what it did after the backup is not in its journal.
    Column("backup_at", String(32)),
    Column("restored_at", String(32)),
    CheckConstraint("status in ('running','waiting','done','failed','stopped')", name="run_status"),
)
Index("run_by_status", run.c.status, run.c.created_at)
Index("run_by_release", run.c.release)

segment = Table(
    "segment",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(10), nullable=False),  # ready queued claimed ended
    Column("due_at", String(32), nullable=False),
    Column("boot", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # How far its run had come at the last start, and how many starts in a row brought it no further.
    Column("reached", Integer, nullable=False, server_default="0"),
    Column("fruitless", Integer, nullable=False, server_default="0"),
    CheckConstraint("state in ('ready','queued','claimed','ended')", name="segment_state"),
)
Index(
    "segment_due",
    segment.c.due_at,
    sqlite_where=text("state = 'ready'"),
    postgresql_where=text("state = 'ready'"),
)
Index(
    "segment_claimed",
    segment.c.boot,
    sqlite_where=text("state = 'claimed'"),
    postgresql_where=text("state = 'claimed'"),
)

Index(
    "segment_queued",
    segment.c.run,
    sqlite_where=text("state = 'queued'"),
    postgresql_where=text("state = 'queued'"),
)

# Every process that carries segments of a shared store forward; times are the database's.
worker = Table(
    "worker",
    metadata,
    Column("boot", String(80), primary_key=True),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("beat_at", String(32), nullable=False),
    Column("left_at", String(32)),  # it ended in order
)

# One row for each call let into a lane, and for each run that has a place in its queue.
lane_use = Table(
    "lane_use",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("run", String(40), primary_key=True),
    Column(
        "place", String(160), primary_key=True
    ),  # the position at work there; "" is a place kept for the run
    Column("due_at", String(32), nullable=False),  # when it was let in, or may come
    Column("free_at", String(32), nullable=False),  # when nothing of it can be under way any more
)
Index("lane_use_due", lane_use.c.lane, lane_use.c.due_at)

crossing = Table(
    "crossing",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("position", String(40), primary_key=True),
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
    Column(
        "record", Text, nullable=False, server_default=""
    ),  # business record it changes, with its bindings
    Column("amount", Text, nullable=False, server_default=""),  # decimal text
    Column("currency", String(3), nullable=False, server_default=""),
    Column("approval", String(40), nullable=False, server_default=""),
    Column("decision", Text, nullable=False, server_default=""),  # canonical JSON: result and rule ids
    Column("intent_entry", Idx),  # its body holds arguments, facts, reasons, inverse
    Column("outcome_entry", Idx),  # its body holds the value as the workflow got it
    # approval.edited: its body holds the arguments a person put in the place of those that were asked about.
    Column("edit_entry", Idx),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    CheckConstraint(
        "state in ('asked','intent','claimed','done','refused','failed','unknown')", name="crossing_state"
    ),
)
Index("crossing_by_record", crossing.c.record, crossing.c.state)
Index("crossing_by_state", crossing.c.state)
Index("crossing_by_key", crossing.c.effect_key)

# --- enforce: approvals, kill switch, budget ----------------------------------------------------

approval = Table(
    "approval",
    metadata,
    Column("id", String(40), primary_key=True),
    # question: about an action. emergency: permitted at once, by one person. review: of such a permission.
    Column("kind", String(10), nullable=False, server_default="question"),
    Column("run", String(40), nullable=False),
    Column("position", String(120), nullable=False),
    Column("rules", Text, nullable=False),  # canonical JSON: names of the charter's approval rules
    Column("digest", String(64), nullable=False),  # of everything the approver was shown
    Column("who", Text, nullable=False),
    Column("quorum", Integer, nullable=False),
    Column("requester", Text, nullable=False),  # canonical JSON: every human and agent in the chain
    Column("subject", Text, nullable=False, server_default=""),
    # JSON: person -> why they may not decide beyond asking and being asked about (edit, emergency).
    Column("barred", Text, nullable=False, server_default="{}"),
    # JSON: who may answer too, since a rung was climbed: groups, or @owner.
    Column("wider", Text, nullable=False, server_default="[]"),
    # JSON: what the run's release says of it: how long a yes lasts, the rungs, the emergency.
    Column("terms", Text, nullable=False, server_default="{}"),
    Column("rung", Integer, nullable=False, server_default="0"),  # rungs climbed
    Column("next_rung_at", String(32)),
    Column("supersedes", String(40), nullable=False, server_default=""),
    Column("opened_entry", Idx, nullable=False),  # approval.opened: its body holds what is shown
    Column("state", String(12), nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("due_at", String(32), nullable=False),
    Column("valid_until", String(32)),
    Column("closed_at", String(32)),
    Column("closed_entry", Idx),
    Column("late_revocation", Idx),  # approval.revoked that came after the claim
    UniqueConstraint("run", "position", "opened_at", "supersedes", name="approval_place"),
    CheckConstraint(
        "state in ('open','approved','refused','expired','revoked','superseded','used')",
        name="approval_state",
    ),
    CheckConstraint("kind in ('question','emergency','review')", name="approval_kind"),
)
Index(
    "approval_open",
    approval.c.due_at,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)
Index(
    "approval_rung",
    approval.c.next_rung_at,
    sqlite_where=text("state = 'open' and next_rung_at is not null"),
    postgresql_where=text("state = 'open' and next_rung_at is not null"),
)
Index("approval_by_run", approval.c.run)

vote = Table(
    "vote",
    metadata,
    Column("approval", String(40), primary_key=True),
    Column("principal", Text, primary_key=True),
    Column("answer", String(8), nullable=False),  # approve refuse
    Column("on_behalf_of", Text, nullable=False, server_default=""),  # whose vote it is, where delegated
    Column("delegation", String(40), nullable=False, server_default=""),
    Column("digest", String(64), nullable=False),
    Column("assurance", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("entry", Idx),
    CheckConstraint("answer in ('approve','refuse')", name="vote_answer"),
)

delegation = Table(
    "delegation",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("delegator", Text, nullable=False),
    Column("delegate", Text, nullable=False),
    Column("scope", Text, nullable=False),  # canonical JSON: names of approval rules
    Column("starts_at", String(32), nullable=False),
    Column("ends_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("ended_by", Text, nullable=False, server_default=""),
    Column("entry", Idx),  # delegation.given: its body holds the reason
)
Index("delegation_by_delegate", delegation.c.delegate)

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
    Column("kind", String(40), nullable=False),
    Column("words", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("closed_at", String(32)),
    Column("entry", Idx),
)

# --- doors: sign-in -----------------------------------------------------------------------------

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
