"""Step 7: the intent is recorded durably and the effect is claimed, or it is refused at the last moment.

In: a decided crossing. Out: when it was claimed, or the refusal. Never: calls the other system.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from bridgehead.enforce import budget, drafts, journal, lanes, limits, rows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.journal import Denied
from bridgehead.enforce.undone import in_the_way
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Permit, Reason, Refuse
from bridgehead.kernel.entry import EntryKind
from bridgehead.kernel.errors import EngineError
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A yes that people gave to exactly this crossing, not yet used."""

    approval: str
    rules: tuple[str, ...]
    digest: str
    bound: str
    by: tuple[str, ...]
    reason: str


async def claim(
    boundary: Boundary,
    crossing: Crossing,
    decision: Permit,
    evidence: Evidence,
    granted: Granted | None,
    inverse: dict[str, Any] | None,
    standing: limits.Standing,
) -> Refuse | datetime:
    """Step 7: record the intent durably and claim the effect; return when, or refuse.

    In one transaction: the kill switch, the limits, the budget and the approval are looked at again,
    the approval is used up, the inverse is registered, the row becomes ``claimed``. ``standing`` is
    what the decision rested on.
    """
    claimed_at = boundary.clock.now()
    body = {
        "arguments": dict(crossing.action.arguments),
        "facts": dict(evidence.facts),
        "reasons": drafts.reasons_of(decision),
        "undo": inverse,
        "as_of": evidence.as_of,
        "purpose": crossing.action.purpose,
    }

    def work(connection: Connection) -> Work:
        limits.heed_stop(connection, crossing)
        limits.heed_undo(connection, crossing)
        lanes.enter(connection, boundary, crossing, claimed_at)
        now = stamp(claimed_at)
        earlier = rows.find(connection, crossing.run.id, crossing.position)
        again = earlier is not None and earlier.state == "claimed"  # a read whose answer was lost
        if granted is not None and not again:
            _use(connection, boundary, granted, now)
        record = journal.record_name(boundary, crossing)
        denied = limits.check_again(
            connection, boundary, crossing, record, standing, begun=journal.begun(earlier)
        )
        if denied is None:
            denied = in_the_way(connection, crossing)
        lost = budget.lose(connection, boundary, crossing) if again else ""
        if denied is None:
            denied = budget.reserve(connection, boundary, crossing, claimed_at)
        if denied is not None:
            raise Denied(denied)
        attempt = _claim_row(connection, boundary, crossing, evidence, decision, earlier, now)
        if not journal.begun(earlier):
            journal.count(connection, crossing)
        kind: EntryKind = "action.intent" if attempt == 1 else "action.claimed"
        fields = drafts.fields_of(crossing, decision) | {"attempt": attempt} | drafts.noted(lost)
        if crossing.edit is not None:
            fields["refs"] = [crossing.edit.leaf]
        if granted is not None:
            fields["approval"] = {"id": granted.approval, "digest": granted.digest, "by": list(granted.by)}
        return Work(
            drafts=(drafts.about(kind, crossing, fields, body),), then=journal.point(crossing, "intent_entry")
        )

    try:
        await boundary.ledger.commit(work)
    except Denied as denied:
        return denied.refuse
    except lanes.Full:
        raise await lanes.queue_up(boundary, crossing) from None
    return claimed_at


def _claim_row(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    evidence: Evidence,
    decision: Permit,
    earlier: Row | None,
    now: str,
) -> int:
    values = {
        "state": "claimed",
        "boot": boundary.boot,
        "called_at": now,
        "decision": drafts.decision_text(decision),
        "amount": "" if evidence.amount is None else f"{evidence.amount.normalize():f}",
        "currency": evidence.currency,
    }
    if earlier is None:
        rows.add(
            connection, **journal.new_row(boundary, crossing, now), **values, attempt=1, first_called_at=now
        )
        return 1
    values["first_called_at"] = earlier.first_called_at or now
    attempt = int(earlier.attempt) + 1
    changed = connection.execute(
        update(t.crossing)
        .where(
            *rows.at(crossing.run.id, crossing.position),
            (t.crossing.c.state.in_(("asked", "intent")))
            | ((t.crossing.c.state == "claimed") & (t.crossing.c.effect == "read")),
        )
        .values(**values, attempt=attempt)
    )
    if changed.rowcount != 1:
        raise EngineError(
            "BH-RUN-003",
            f"the crossing at {crossing.position} of {crossing.run.id} is claimed already",
            means="It may be on its way; it is not sent twice.",
        )
    return attempt


def _use(connection: Connection, boundary: Boundary, granted: Granted, now: str) -> None:
    used = connection.execute(
        update(t.approval)
        .where(
            t.approval.c.id == granted.approval,
            t.approval.c.state == "approved",
            t.approval.c.valid_until > now,
        )
        .values(state="used")
    )
    if used.rowcount != 1:
        reason = Reason(rule="approval.spent", words="The approval was used, revoked or is too old.")
        raise Denied(Refuse(step=6, reasons=(reason,)))
