"""Step 7: the intent is recorded durably and the effect is claimed, or it is refused at the last moment.

In: a decided crossing. Out: when it was claimed, or the refusal. Never: calls the other system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from bridgehead.declare.model import seconds
from bridgehead.enforce import (
    budget,
    drafts,
    endorse,
    health,
    journal,
    lanes,
    limits,
    loops,
    rows,
    snapshots,
    tally,
    windows,
)
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.entitle import Narrowed, heed_questions
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.journal import Denied, SettledElsewhere
from bridgehead.enforce.undone import in_the_way
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Permit, Reason, Refuse
from bridgehead.kernel.entry import EntryKind
from bridgehead.kernel.errors import EngineError
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Row

SPENT = Reason(rule="approval.spent", words="The approval was used, revoked or is too old.")
LEFT = Reason(rule="approval.left", words="Somebody who agreed does not take part any more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A yes that people gave to exactly this crossing, not yet used.

    ``stands``: those who gave it still may decide; otherwise people are asked again. ``sick`` are the broken
    clauses it was said in spite of.
    """

    approval: str
    rules: tuple[str, ...]
    digest: str
    bound: str
    by: tuple[str, ...]
    reason: str
    stands: bool = True
    sick: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A call that may be made now.

    ``at`` is when it was claimed: its time to be sent runs from there. ``repeats``: an earlier call of the
    same effect may have happened, so that a no to this one says nothing about that one. ``folders`` hold, by
    table, what the run reads of those that come in batches; ``names``, by table and column, what else its
    column may be called there.
    """

    at: datetime
    repeats: bool = False
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


async def claim(
    boundary: Boundary,
    crossing: Crossing,
    decision: Permit,
    evidence: Evidence,
    granted: Granted | None,
    inverse: dict[str, Any] | None,
    standing: limits.Standing,
    statement: Narrowed | None = None,
) -> Refuse | Claimed:
    """Step 7: record the intent durably and claim the effect; return the claim, or refuse.

    In one transaction: the kill switch, the limits, the budget and the approval are looked at again,
    the approval is used up, the inverse is registered, the row becomes ``claimed``. ``standing`` is
    what the decision rested on, ``statement`` what a read was narrowed to. An effect that may have happened
    is claimed only while its key lets it be repeated, and stays as it is otherwise. Raises
    ``SettledElsewhere`` where it is not what was decided about any more.
    """
    if crossing.action.effect != "read":
        await boundary.in_the_air.enter(_deadline(boundary, crossing))
    body = {
        "arguments": dict(crossing.action.arguments),
        "facts": dict(evidence.facts),
        "reasons": drafts.reasons_of(decision),
        "undo": inverse,
        "as_of": evidence.as_of,
        "purpose": crossing.action.purpose,
    }
    if statement is not None:
        body["entitled"] = statement.recorded()
    if evidence.values:
        body["origins"] = endorse.recorded(evidence.values)

    def work(connection: Connection) -> Work:
        run = limits.heed(connection, crossing)
        claimed_at = boundary.clock.now()  # here: a commit may have waited long for others
        earlier = rows.find(connection, crossing.run.id, crossing.position)
        journal.require_current(crossing, earlier)
        repeats = journal.unclear(earlier)
        if repeats:
            _require_repeatable(boundary, crossing, earlier, claimed_at)
        lanes.enter(connection, boundary, crossing, claimed_at)
        now = stamp(claimed_at)
        again = not repeats and earlier is not None and earlier.state == "claimed"  # a read, not answered
        if granted is not None and not again:
            _use(connection, boundary, granted, now, repeats=repeats)
        denied = limits.check_again(
            connection, boundary, crossing, standing, run, begun=journal.begun(earlier)
        )
        if denied is None:
            denied = loops.check(connection, boundary, crossing, evidence)
        if denied is None:
            denied = in_the_way(connection, crossing)
        if denied is None:
            denied = heed_questions(connection, boundary, crossing, statement)
        if denied is None:
            denied = health.heed_again(connection, boundary, crossing, statement, evidence.sick)
        folders: Mapping[str, tuple[str, ...]] = {}
        names: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
        if denied is None:
            pinned = snapshots.pin(
                connection, boundary, crossing, health.asked(boundary, crossing, statement)
            )
            if isinstance(pinned, Refuse):
                denied = pinned
            else:
                folders = pinned
                if folders:
                    source = crossing.action.target.partition(".")[0]
                    names = snapshots.other_names(connection, source, folders)
        lost = budget.lose(connection, boundary, crossing) if again else ""
        if denied is None:
            denied = budget.reserve(connection, boundary, crossing, claimed_at)
        if denied is not None:
            raise Denied(denied)
        values = {
            "decision": drafts.decision_text(decision),
            "amount": evidence.amount_text,
            "currency": evidence.currency,
            "record": standing.record or "",
        }
        attempt = _claim_row(connection, boundary, crossing, values, earlier, now)
        if not journal.begun(earlier):
            journal.count(connection, crossing)
        health.read(connection, boundary, crossing, statement)
        rests_on = health.rests_on(connection, boundary, crossing, statement)
        as_of = snapshots.as_of(connection, boundary, crossing, rests_on)
        kind: EntryKind = "action.intent" if attempt == 1 else "action.claimed"
        fields = drafts.fields_of(crossing, decision) | {"attempt": attempt} | drafts.noted(lost)
        if crossing.edit is not None:
            fields["refs"] = [crossing.edit.leaf]
        if granted is not None:
            fields["approval"] = {"id": granted.approval, "digest": granted.digest, "by": list(granted.by)}
        if repeats:
            fields["note"] = "sent again with the same key"
        return Work(
            drafts=(drafts.about(kind, crossing, fields, body | ({"data_as_of": as_of} if as_of else {})),),
            value=Claimed(at=claimed_at, repeats=repeats, folders=folders, names=names),
            then=journal.point(crossing, "intent_entry"),
        )

    try:
        claimed: Claimed = (await boundary.ledger.commit(work)).value
    except Denied as denied:
        return denied.refuse
    except lanes.Full:
        raise await lanes.queue_up(boundary, crossing) from None
    return claimed


def _deadline(boundary: Boundary, crossing: Crossing) -> float:
    rule = crossing.rule(boundary)
    return seconds(rule.deadline or boundary.charter.servers[rule.server].deadline) if rule else 0.0


def _require_repeatable(boundary: Boundary, crossing: Crossing, earlier: Row | None, now: datetime) -> None:
    """Raise ``SettledElsewhere`` unless an effect that may have happened may be sent again: the call before
    has been applied or never will be, and the other side still drops repeats of its key."""
    rule = crossing.rule(boundary)
    if (
        rule is None
        or earlier is None
        or now < windows.ready_at(rule, earlier.called_at)
        or not windows.may_repeat(rule, earlier.first_called_at, now)
    ):
        raise SettledElsewhere(crossing)


def _claim_row(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    decided: dict[str, str],
    earlier: Row | None,
    now: str,
) -> int:
    """Make the row ``claimed`` with what was ``decided``; return which call of it this is."""
    values: dict[str, Any] = {**decided, "state": "claimed", "boot": boundary.boot, "called_at": now}
    if earlier is None:
        new = journal.new_row(boundary, crossing, now) | values
        rows.add(connection, **new, attempt=1, first_called_at=now)
        return 1
    values["first_called_at"] = earlier.first_called_at or now
    attempt = int(earlier.attempt) + 1
    changed = connection.execute(
        update(t.crossing)
        .where(
            *rows.at(crossing.run.id, crossing.position),
            t.crossing.c.state == earlier.state,  # no two claims of what was looked at
            t.crossing.c.attempt == earlier.attempt,
            t.crossing.c.state.in_(("asked", "intent", "claimed", "unknown")),
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


def _use(connection: Connection, boundary: Boundary, granted: Granted, now: str, *, repeats: bool) -> None:
    """Use up a yes. The one that a repeated call used when it was first made covers it still, unless somebody
    has wanted it back since."""
    row = connection.execute(
        select(t.approval).where(t.approval.c.id == granted.approval).with_for_update()
    ).one()
    if repeats and row.state == "used" and row.late_revocation is None:
        return
    if row.state != "approved" or row.valid_until <= now:
        raise Denied(Refuse(step=6, reasons=(SPENT,)))
    if not tally.still_agreed(connection, boundary, row):
        raise Denied(Refuse(step=6, reasons=(LEFT,)))
    connection.execute(update(t.approval).where(t.approval.c.id == granted.approval).values(state="used"))
