"""The first schema. `make golden` writes it until the first release; then it never changes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "alarm_path",
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("began_at", sa.String(length=32), nullable=False),
        sa.Column("raised_at", sa.String(length=32), nullable=True),
        sa.Column("changed_at", sa.String(length=32), nullable=True),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("cleared_at", sa.String(length=32), nullable=True),
        sa.Column("cleared_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("workflow", "release", "number"),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), server_default="question", nullable=False),
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("barred", sa.Text(), server_default="{}", nullable=False),
        sa.Column("wider", sa.Text(), server_default="[]", nullable=False),
        sa.Column("terms", sa.Text(), server_default="{}", nullable=False),
        sa.Column("rung", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_rung_at", sa.String(length=32), nullable=True),
        sa.Column("supersedes", sa.String(length=40), server_default="", nullable=False),
        sa.Column("opened_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("opened_at", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=False),
        sa.Column("valid_until", sa.String(length=32), nullable=True),
        sa.Column("closed_at", sa.String(length=32), nullable=True),
        sa.Column("closed_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("late_revocation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("kind in ('question','emergency','review')", name="approval_kind"),
        sa.CheckConstraint(
            "state in ('open','approved','refused','expired','revoked','superseded','used')",
            name="approval_state",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run", "position", "opened_at", "supersedes", name="approval_place"),
    )
    op.create_index("approval_by_run", "approval", ["run"], unique=False)
    op.create_index(
        "approval_open",
        "approval",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "approval_rung",
        "approval",
        ["next_rung_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open' and next_rung_at is not null"),
        postgresql_where=sa.text("state = 'open' and next_rung_at is not null"),
    )
    op.create_table(
        "audit_item",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("drawn_at", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=False),
        sa.Column("core", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(precision=53), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("verdict", sa.String(length=8), server_default="", nullable=False),
        sa.Column("verdict_at", sa.String(length=32), nullable=True),
        sa.Column("path", sa.Integer(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.CheckConstraint("verdict in ('','right','wrong')", name="audit_item_verdict"),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_index("audit_item_by_time", "audit_item", ["workflow", "drawn_at"], unique=False)
    op.create_table(
        "audit_label",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("known_at", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("verdict in ('right','wrong','unclear')", name="audit_label_verdict"),
        sa.PrimaryKeyConstraint("run", "who"),
    )
    op.create_table(
        "baseline",
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("counted", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("batches", sa.Text(), server_default="[]", nullable=False),
        sa.Column("made_at", sa.String(length=32), nullable=False),
        sa.Column("accepted_by", sa.Text(), server_default="", nullable=False),
        sa.Column("until", sa.String(length=32), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("source", "object", "frame"),
    )
    op.create_table(
        "batch",
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.String(length=32), nullable=False),
        sa.Column("source_time", sa.String(length=32), server_default="", nullable=False),
        sa.Column("about", sa.Text(), server_default="[]", nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.String(length=64), server_default="", nullable=False),
        sa.Column("file", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("said", sa.Text(), server_default="[]", nullable=False),
        sa.Column("data_as_of", sa.String(length=32), server_default="", nullable=False),
        sa.Column("decided_at", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.Text(), server_default="[]", nullable=False),
        sa.Column("enters", sa.Integer(), nullable=True),
        sa.Column("leaves", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("source", "object", "name"),
    )
    op.create_index("batch_by_snapshot", "batch", ["source", "object", "enters"], unique=False)
    op.create_index("batch_by_time", "batch", ["source", "object", "first_seen_at"], unique=False)
    op.create_table(
        "body",
        sa.Column(
            "idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("record_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=12), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
    )
    op.create_index("body_kid", "body", ["kid"], unique=False)
    op.create_table(
        "breach",
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("readers", sa.Text(), server_default="{}", nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("clause_at", sa.Text(), server_default="", nullable=False),
        sa.Column("since", sa.String(length=32), nullable=False),
        sa.Column("kept_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("source", "object", "clause"),
    )
    op.create_table(
        "checkpoint",
        sa.Column(
            "size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("time", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "crossing",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("action_digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("effect", sa.String(length=8), nullable=False),
        sa.Column("outward", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("effect_key", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("boot", sa.Text(), server_default="", nullable=False),
        sa.Column("called_at", sa.String(length=32), nullable=True),
        sa.Column("first_called_at", sa.String(length=32), nullable=True),
        sa.Column("record", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="", nullable=False),
        sa.Column("approval", sa.String(length=40), server_default="", nullable=False),
        sa.Column("undoes", sa.Text(), server_default="", nullable=False),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        sa.Column("intent_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("outcome_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("edit_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("look_again_at", sa.String(length=32), nullable=True),
        sa.Column("settled", sa.String(length=12), server_default="", nullable=False),
        sa.CheckConstraint(
            "settled in ('','confirmed','zombie','gone','duplicate','happened','did-not','left')",
            name="crossing_settled",
        ),
        sa.CheckConstraint(
            "state in ('asked','intent','claimed','done','refused','failed','unknown')", name="crossing_state"
        ),
        sa.PrimaryKeyConstraint("run", "position"),
    )
    op.create_index("crossing_by_key", "crossing", ["effect_key"], unique=False)
    op.create_index("crossing_by_record", "crossing", ["record", "state"], unique=False)
    op.create_index("crossing_by_state", "crossing", ["state"], unique=False)
    op.create_index(
        "crossing_by_undoes",
        "crossing",
        ["undoes"],
        unique=False,
        sqlite_where=sa.text("undoes <> ''"),
        postgresql_where=sa.text("undoes <> ''"),
    )
    op.create_index(
        "crossing_edited",
        "crossing",
        ["target"],
        unique=False,
        sqlite_where=sa.text("edit_entry is not null"),
        postgresql_where=sa.text("edit_entry is not null"),
    )
    op.create_index(
        "crossing_equal_effects",
        "crossing",
        ["action_digest"],
        unique=False,
        sqlite_where=sa.text("effect <> 'read'"),
        postgresql_where=sa.text("effect <> 'read'"),
    )
    op.create_index(
        "crossing_look_again",
        "crossing",
        ["look_again_at"],
        unique=False,
        sqlite_where=sa.text("look_again_at is not null"),
        postgresql_where=sa.text("look_again_at is not null"),
    )
    op.create_index(
        "crossing_undone_once",
        "crossing",
        ["undoes"],
        unique=True,
        sqlite_where=sa.text("undoes <> '' and state in ('claimed','done','unknown')"),
        postgresql_where=sa.text("undoes <> '' and state in ('claimed','done','unknown')"),
    )
    op.create_index(
        "crossing_unsettled",
        "crossing",
        ["settled"],
        unique=False,
        sqlite_where=sa.text("settled <> '' and settled <> 'confirmed'"),
        postgresql_where=sa.text("settled <> '' and settled <> 'confirmed'"),
    )
    op.create_table(
        "data_key",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=12), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kid"),
    )
    op.create_index("data_key_subject", "data_key", ["subject"], unique=False)
    op.create_table(
        "delegation",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("delegator", sa.Text(), nullable=False),
        sa.Column("delegate", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.String(length=32), nullable=False),
        sa.Column("ends_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("ended_by", sa.Text(), server_default="", nullable=False),
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("delegation_by_delegate", "delegation", ["delegate"], unique=False)
    op.create_table(
        "entry",
        sa.Column(
            "idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("run", sa.String(length=40), server_default="", nullable=False),
        sa.Column("seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("time", sa.String(length=32), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
    )
    op.create_index("entry_kind", "entry", ["kind"], unique=False)
    op.create_index("entry_run", "entry", ["run", "seq"], unique=False)
    op.create_table(
        "estimate",
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("closer", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("workflow", "release"),
    )
    op.create_table(
        "feed",
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("looked_at", sa.String(length=32), nullable=False),
        sa.Column("next_look_at", sa.String(length=32), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("source", "object"),
    )
    op.create_table(
        "file_content",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "gap",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("run", "source", "object", "field"),
    )
    op.create_index("gap_by_time", "gap", ["source", "object", "at"], unique=False)
    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("run", sa.String(length=40), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(length=32), nullable=False),
        sa.Column("closed_at", sa.String(length=32), nullable=True),
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lane_use",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=False),
        sa.Column("free_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("lane", "run", "place"),
    )
    op.create_index("lane_use_due", "lane_use", ["lane", "due_at"], unique=False)
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="one_head"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "looked_at",
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.String(length=32), nullable=False),
        sa.Column("whole_at", sa.String(length=32), nullable=True),
        sa.Column("good_until", sa.String(length=32), nullable=False),
        sa.Column("data_as_of", sa.String(length=32), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("source", "object"),
    )
    op.create_table(
        "node",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "position"),
    )
    op.create_table(
        "occurrence",
        sa.Column("schedule", sa.String(length=63), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("last_at", sa.String(length=32), nullable=False),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("run", sa.String(length=40), server_default="", nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("state in ('held','started','skipped','missed')", name="occurrence_state"),
        sa.PrimaryKeyConstraint("schedule", "at"),
    )
    op.create_table(
        "output",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("segment", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.Float(precision=53), nullable=True),
        sa.Column("proxy", sa.Float(precision=53), nullable=True),
        sa.Column("business_key", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_index("output_by_key", "output", ["workflow", "business_key"], unique=False)
    op.create_index("output_by_time", "output", ["workflow", "at"], unique=False)
    op.create_table(
        "profile",
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("frame", sa.String(length=32), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), server_default="", nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("drifted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("judged", sa.Text(), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("source", "object", "frame", "part"),
    )
    op.create_index("profile_by_day", "profile", ["source", "object", "frame", "day"], unique=False)
    op.create_table(
        "reading",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("last_at", sa.String(length=32), nullable=False),
        sa.Column("broken", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("run", "source", "object"),
    )
    op.create_index("reading_of", "reading", ["source", "object", "last_at"], unique=False)
    op.create_table(
        "release",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=64), server_default="", nullable=False),
        sa.Column("charter", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.String(length=32), nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), server_default="0", nullable=False),
        sa.Column("activators", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="allowed", nullable=False),
        sa.Column("stopped_by", sa.String(length=40), server_default="", nullable=False),
        sa.CheckConstraint("state in ('allowed','stopped')", name="release_state"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "release_file",
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("executable", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("release", "path"),
    )
    op.create_table(
        "restored",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("taken_at", sa.String(length=32), nullable=False),
        sa.Column("restored_at", sa.String(length=32), nullable=False),
        sa.Column("restored_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), server_default="case", nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("on_behalf", sa.Text(), nullable=False),
        sa.Column("bindings", sa.Text(), server_default="{}", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("input_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("waiting_for", sa.Text(), server_default="", nullable=False),
        sa.Column("result_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("crossings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("effects", sa.Integer(), server_default="0", nullable=False),
        sa.Column("backup_at", sa.String(length=32), nullable=True),
        sa.Column("restored_at", sa.String(length=32), nullable=True),
        sa.Column("schedule", sa.String(length=63), server_default="", nullable=False),
        sa.CheckConstraint("kind in ('case','undo')", name="run_kind"),
        sa.CheckConstraint("status in ('running','waiting','done','failed','stopped')", name="run_status"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("run_by_release", "run", ["release"], unique=False)
    op.create_index(
        "run_by_schedule",
        "run",
        ["schedule", "status"],
        unique=False,
        sqlite_where=sa.text("schedule <> ''"),
        postgresql_where=sa.text("schedule <> ''"),
    )
    op.create_index("run_by_status", "run", ["status", "created_at"], unique=False)
    op.create_table(
        "run_head",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_table(
        "schedule",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("timing", sa.Text(), nullable=False),
        sa.Column("since", sa.String(length=32), nullable=False),
        sa.Column("next_at", sa.String(length=32), nullable=True),
        sa.Column("unsure_until", sa.String(length=32), nullable=True),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "schema_seen",
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.String(length=32), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("found_at", sa.String(length=32), nullable=False),
        sa.Column("since", sa.String(length=32), server_default="", nullable=False),
        sa.Column("changes", sa.Text(), server_default="[]", nullable=False),
        sa.Column("mapping", sa.Text(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("source", "object"),
    )
    op.create_table(
        "segment",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=False),
        sa.Column("boot", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reached", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fruitless", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("state in ('ready','queued','claimed','ended')", name="segment_state"),
        sa.PrimaryKeyConstraint("run", "number"),
    )
    op.create_index(
        "segment_claimed",
        "segment",
        ["boot"],
        unique=False,
        sqlite_where=sa.text("state = 'claimed'"),
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index(
        "segment_due",
        "segment",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "segment_queued",
        "segment",
        ["run"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "signin",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("used_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "snapshot",
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("data_as_of", sa.String(length=32), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("source", "object", "number"),
    )
    op.create_table(
        "snapshot_of_run",
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("run", "source", "object"),
    )
    op.create_table(
        "spend",
        sa.Column("scope", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reserved", sa.Text(), nullable=False),
        sa.Column("settled", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "currency"),
    )
    op.create_table(
        "stop",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.String(length=32), nullable=False),
        sa.Column("lifted_by", sa.Text(), server_default="", nullable=False),
        sa.Column("lifted_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "undo",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column("rate", sa.Text(), server_default="", nullable=False),
        sa.Column("next_at", sa.String(length=32), server_default="", nullable=False),
        sa.Column("expected", sa.String(length=64), server_default="", nullable=False),
        sa.Column("plan_digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("plan_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ordered_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("certificate_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.CheckConstraint("scope in ('run','release')", name="undo_scope"),
        sa.CheckConstraint(
            "state in ('stopping','looking','planned','asking','running','ended','refused')",
            name="undo_state",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("undo_by_run", "undo", ["run"], unique=False)
    op.create_index("undo_by_target", "undo", ["target", "created_at"], unique=False)
    op.create_table(
        "undo_item",
        sa.Column("undo", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("effect_key", sa.String(length=64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("group", sa.String(length=12), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Integer(), server_default="0", nullable=False),
        sa.Column("compensation", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="planned", nullable=False),
        sa.Column("saga", sa.String(length=40), server_default="", nullable=False),
        sa.Column("slot_at", sa.String(length=32), server_default="", nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", sa.String(length=32), server_default="", nullable=False),
        sa.CheckConstraint(
            "state in ('planned','waiting','undone','refused','skipped','person','nothing')",
            name="undo_item_state",
        ),
        sa.PrimaryKeyConstraint("undo", "number"),
    )
    op.create_index("undo_item_by_saga", "undo_item", ["saga"], unique=False)
    op.create_table(
        "vote",
        sa.Column("approval", sa.String(length=40), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), server_default="", nullable=False),
        sa.Column("delegation", sa.String(length=40), server_default="", nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("assurance", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("answer in ('approve','refuse')", name="vote_answer"),
        sa.PrimaryKeyConstraint("approval", "principal"),
    )
    op.create_table(
        "watch_beat",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("beat_at", sa.String(length=32), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "worker",
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("beat_at", sa.String(length=32), nullable=False),
        sa.Column("left_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("boot"),
    )
