"""One record of the ledger, before it is written.

The envelope is an allow-list: nothing personal, secret or long. All of that goes into ``body``,
which is stored encrypted and can be erased; the envelope keeps a commitment to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

EntryKind = Literal[
    "release.activated",
    "run.started",
    "run.parked",
    "run.ended",
    "run.noted",
    "action.asked",
    "action.refused",
    "action.intent",
    "action.claimed",
    "action.outcome",
    "action.settled",
    "action.looked",
    "approval.opened",
    "approval.voted",
    "approval.closed",
    "approval.escalated",
    "approval.edited",
    "approval.emergency",
    "approval.revoked",
    "delegation.given",
    "delegation.ended",
    "stop.set",
    "stop.lifted",
    "undo.ordered",
    "undo.planned",
    "undo.ended",
    "undo.certified",
    "finding.raised",
    "finding.cleared",
    "body.erased",
    "session.opened",
    "store.restored",
    "action.presumed",
    "schedule.started",
    "schedule.held",
    "schedule.skipped",
    "schedule.missed",
    "collection.synced",
    "arrivals.accepted",
    "baseline.accepted",
    "batch.published",
    "batch.quarantined",
    "batch.repeated",
    "batch.replaced",
    "batch.released",
    "batch.discarded",
    "audit.drawn",
    "audit.labelled",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry as its author sees it; the ledger adds time, origin, seq and prev.

    ``fields`` holds only envelope fields of ``docs/reference/ledger.md`` (``action``, ``decision``,
    ``approval``, ``outcome``, ``refs``, ``model``, ``position``, ``segment``, ``attempt``,
    ``release``, ``note``, ``undo``, ``schedule``, ``retrieval``, ``collection``); ``body`` is any rich
    value, kept encrypted under ``subject``'s key.
    """

    kind: EntryKind
    actor: str
    on_behalf: str = ""
    run: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where a draft went: its index in the log and its leaf hash (hexadecimal)."""

    index: int
    leaf: str
