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
    # stopped: it was undone; none of its runs may act any more, and it is not activated again.
    Column("state", String(10), nullable=False, server_default="allowed"),
    Column("stopped_by", String(40), nullable=False, server_default=""),  # the undo
    CheckConstraint("state in ('allowed','stopped')", name="release_state"),
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
    Column("kind", String(8), nullable=False, server_default="case"),  # undo: it takes back what others did
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
    CheckConstraint("kind in ('case','undo')", name="run_kind"),
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
    Column("position", String(120), primary_key=True),
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
    Column(
        "record", Text, nullable=False, server_default=""
    ),  # business record it changes, with its bindings
    Column("amount", Text, nullable=False, server_default=""),  # decimal text
    Column("currency", String(3), nullable=False, server_default=""),
    Column("approval", String(40), nullable=False, server_default=""),
    Column("undoes", String(170), nullable=False, server_default=""),  # run/position of what it takes back
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
Index(
    "crossing_by_undoes",
    crossing.c.undoes,
    sqlite_where=text("undoes <> ''"),
    postgresql_where=text("undoes <> ''"),
)
# An effect is taken back once: the database itself would refuse a second time.
Index(
    "crossing_undone_once",
    crossing.c.undoes,
    unique=True,
    sqlite_where=text("undoes <> '' and state in ('claimed','done','unknown')"),
    postgresql_where=text("undoes <> '' and state in ('claimed','done','unknown')"),
)
Index(
    "crossing_look_again",
    crossing.c.look_again_at,
    sqlite_where=text("look_again_at is not null"),
    postgresql_where=text("look_again_at is not null"),
)
Index(
    "crossing_equal_effects",
    crossing.c.action_digest,
    sqlite_where=text("effect <> 'read'"),
    postgresql_where=text("effect <> 'read'"),
)
Index(
    "crossing_edited",
    crossing.c.target,
    sqlite_where=text("edit_entry is not null"),
    postgresql_where=text("edit_entry is not null"),
)
Index(
    "crossing_unsettled",
    crossing.c.settled,
    sqlite_where=text("settled <> '' and settled <> 'confirmed'"),
    postgresql_where=text("settled <> '' and settled <> 'confirmed'"),
)

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
    Column("kind", String(140), nullable=False),  # a code, or what:POSITION of one effect
    Column("words", Text, nullable=False),
    Column("opened_at", String(32), nullable=False),
    Column("closed_at", String(32)),
    Column("entry", Idx),
)

# --- rollout: undo ------------------------------------------------------------------------------

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
    Column("rate", String(20), nullable=False, server_default=""),
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
    Column("position", String(120), nullable=False),
    Column("effect_key", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("group", String(12), nullable=False),  # automatic approval impossible changed nothing unknown
    Column("why", Text, nullable=False, server_default=""),  # words without content
    Column("after", Integer, nullable=False, server_default="0"),  # number that must be taken back before
    Column("compensation", Text, nullable=False, server_default=""),  # the action that takes it back
    Column("amount", Text, nullable=False, server_default=""),  # decimal text
    Column("currency", String(3), nullable=False, server_default=""),
    # planned waiting undone refused skipped person; items that nothing is done about stay planned.
    Column("state", String(10), nullable=False, server_default="planned"),
    Column("saga", String(40), nullable=False, server_default=""),  # the run that takes it back
    Column("slot_at", String(32), nullable=False, server_default=""),  # its turn, as the rate allows
    Column("person", Text, nullable=False, server_default=""),
    Column("due_at", String(32), nullable=False, server_default=""),
    CheckConstraint(
        "state in ('planned','waiting','undone','refused','skipped','person')", name="undo_item_state"
    ),
)
Index("undo_item_by_saga", undo_item.c.saga)

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
