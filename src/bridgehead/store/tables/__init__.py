"""Every table, a file for each story. One store holds one deployment (a SQLite file; a schema on PostgreSQL).

Times are RFC 3339 text (``kernel.clock.stamp``); digests and ids are lower-case text; JSON columns
hold canonical JSON text. Personal content is only in ``body``, encrypted.

A length is given only to what the code itself makes and bounds (ids, digests, states, times): PostgreSQL
refuses what is longer, SQLite keeps it. Whatever grows with a workflow, a file or a name is ``Text``.
"""

from __future__ import annotations

from bridgehead.store.tables.approvals import approval, delegation, vote
from bridgehead.store.tables.audits import alarm_path, audit_item, audit_label, estimate, output
from bridgehead.store.tables.baselines import baseline, profile
from bridgehead.store.tables.batches import batch, feed, snapshot, snapshot_of_run
from bridgehead.store.tables.crossings import crossing
from bridgehead.store.tables.health import breach, gap, looked_at, reading, schema_seen, watch_beat
from bridgehead.store.tables.ledger import body, checkpoint, data_key, entry, ledger_head, node, run_head
from bridgehead.store.tables.limits import incident, spend, stop
from bridgehead.store.tables.releases import file_content, release, release_file
from bridgehead.store.tables.restoring import restored
from bridgehead.store.tables.runs import lane_use, run, segment, worker
from bridgehead.store.tables.schedules import occurrence, schedule
from bridgehead.store.tables.schema import metadata
from bridgehead.store.tables.sessions import session, signin
from bridgehead.store.tables.undoing import undo, undo_item

__all__ = [
    "alarm_path",
    "approval",
    "audit_item",
    "audit_label",
    "baseline",
    "batch",
    "body",
    "breach",
    "checkpoint",
    "crossing",
    "data_key",
    "delegation",
    "entry",
    "estimate",
    "feed",
    "file_content",
    "gap",
    "incident",
    "lane_use",
    "ledger_head",
    "looked_at",
    "metadata",
    "node",
    "occurrence",
    "output",
    "profile",
    "reading",
    "release",
    "release_file",
    "restored",
    "run",
    "run_head",
    "schedule",
    "schema_seen",
    "segment",
    "session",
    "signin",
    "snapshot",
    "snapshot_of_run",
    "spend",
    "stop",
    "undo",
    "undo_item",
    "vote",
    "watch_beat",
    "worker",
]
