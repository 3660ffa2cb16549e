"""Runs, the segments they are carried in, who carries them, and the lanes they queue for."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from bridgehead.store.tables.schema import Idx, metadata, partial_index

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
    Column("schedule", String(63), nullable=False, server_default=""),  # the schedule that started it
    CheckConstraint("status in ('running','waiting','done','failed','stopped')", name="run_status"),
    CheckConstraint("kind in ('case','undo')", name="run_kind"),
)
Index("run_by_status", run.c.status, run.c.created_at)
Index("run_by_release", run.c.release)
partial_index("run_by_schedule", run.c.schedule, run.c.status, where="schedule <> ''")

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
partial_index("segment_due", segment.c.due_at, where="state = 'ready'")
partial_index("segment_claimed", segment.c.boot, where="state = 'claimed'")
partial_index("segment_queued", segment.c.run, where="state = 'queued'")

# Every process that carries segments of a shared store forward; times are the database's.
worker = Table(
    "worker",
    metadata,
    Column("boot", Text, primary_key=True),
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
    Column("place", Text, primary_key=True),  # the position at work there; "": kept for the run
    Column("due_at", String(32), nullable=False),  # when it was let in, or may come
    Column("free_at", String(32), nullable=False),  # when nothing of it can be under way any more
)
Index("lane_use_due", lane_use.c.lane, lane_use.c.due_at)
