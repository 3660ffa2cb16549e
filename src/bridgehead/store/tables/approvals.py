"""Questions to people, their votes, and who may vote for whom."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text, UniqueConstraint

from bridgehead.store.tables.schema import Idx, metadata, partial_index

approval = Table(
    "approval",
    metadata,
    Column("id", String(40), primary_key=True),
    # question: about an action. emergency: permitted at once, by one person. review: of such a permission.
    Column("kind", String(10), nullable=False, server_default="question"),
    Column("run", String(40), nullable=False),
    Column("position", Text, nullable=False),
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
partial_index("approval_open", approval.c.due_at, where="state = 'open'")
partial_index("approval_rung", approval.c.next_rung_at, where="state = 'open' and next_rung_at is not null")
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
