"""The journal: one row for each crossing of a run, written together with its ledger entry.

States: ``asked`` waits for people; ``intent`` may be sent again, nothing is on its way; ``claimed``
may be on its way; ``unknown`` nobody knows yet; ``done``, ``refused``, ``failed`` are final.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, case, select, update

from bridgehead.enforce import arguments, budget, incidents, inspection, lanes, later, limits, rows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence
from bridgehead.enforce.undone import in_the_way
from bridgehead.kernel.canonical import canonical_bytes, decoded, encoded_bytes
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Ask, Decision, Permit, Reason, Refuse
from bridgehead.kernel.entry import Draft, EntryKind, Written
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.outcome import Done, Failed, Fault, Outcome, Refused, Usage
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Row

Found = Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A yes that people gave to exactly this crossing, not yet used."""

    approval: str
    rules: tuple[str, ...]
    digest: str
    bound: str
    by: tuple[str, ...]
    reason: str


class SettledElsewhere(EngineError):
    """Somebody else, a person or another process, has said meanwhile how an effect ended."""

    def __init__(self, crossing: Crossing) -> None:
        super().__init__(
            "BH-RUN-004",
            f"the crossing at {crossing.position} of {crossing.run.id} was settled by someone else",
            means="What is recorded stays; this answer comes second and changes nothing.",
        )


class Denied(Exception):
    """Rolls a claim or an outcome back: something changed between the look and the commit."""

    def __init__(self, refuse: Refuse) -> None:
        super().__init__(refuse.words())
        self.refuse = refuse


def find(connection: Connection, run: str, position: str) -> Found | None:
    """Return the journal row at a position."""
    return rows.find(connection, run, position)


def record_name(boundary: Boundary, crossing: Crossing) -> str:
    """Return the business record an action changes, with the system and the bindings it lives in."""
    rule = crossing.rule(boundary)
    if rule is None or not rule.record or crossing.action.effect == "read":
        return ""
    value = arguments.follow(rule.record, arguments=crossing.action.arguments)
    bound = boundary.charter.servers[rule.server].bound
    world = [crossing.run.bindings.get(name, "") for name in sorted(bound.values())]
    place = hashlib.sha256(canonical_bytes(world)).hexdigest()[:12]
    return f"{rule.server}/{place}/{value}"


def begun(earlier: Found | None) -> bool:
    """Say whether the crossing of a row was claimed before, and is counted."""
    return earlier is not None and earlier.attempt > 0


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
        "reasons": reasons_of(decision),
        "undo": inverse,
        "as_of": evidence.as_of,
        "purpose": crossing.action.purpose,
    }

    def work(connection: Connection) -> Work:
        limits.heed_stop(connection, crossing)
        limits.heed_undo(connection, crossing)
        lanes.enter(connection, boundary, crossing, claimed_at)
        now = stamp(claimed_at)
        earlier = find(connection, crossing.run.id, crossing.position)
        again = earlier is not None and earlier.state == "claimed"  # a read whose answer was lost
        if granted is not None and not again:
            _use(connection, boundary, granted, now)
        record = record_name(boundary, crossing)
        denied = limits.check_again(connection, boundary, crossing, record, standing, begun=begun(earlier))
        if denied is None:
            denied = in_the_way(connection, crossing)
        if again:
            budget.settle(connection, boundary, crossing, Decimal(0))
        if denied is None:
            denied = budget.reserve(connection, boundary, crossing, claimed_at)
        if denied is not None:
            raise Denied(denied)
        attempt = _claim_row(connection, boundary, crossing, evidence, decision, earlier, now)
        if not begun(earlier):
            count(connection, crossing)
        kind: EntryKind = "action.intent" if attempt == 1 else "action.claimed"
        fields = fields_of(crossing, decision) | {"attempt": attempt}
        if crossing.edit is not None:
            fields["refs"] = [crossing.edit.leaf]
        if granted is not None:
            fields["approval"] = {"id": granted.approval, "digest": granted.digest, "by": list(granted.by)}
        return Work(drafts=(draft(kind, crossing, fields, body),), then=point(crossing, "intent_entry"))

    try:
        await boundary.ledger.commit(work)
    except Denied as denied:
        return denied.refuse
    except lanes.Full:
        raise await lanes.queue_up(boundary, crossing) from None
    return claimed_at


async def finish(
    boundary: Boundary,
    crossing: Crossing,
    outcome: Done | Failed,
    *,
    kind: EntryKind = "action.outcome",
    note: str = "",
    called_at: datetime | None = None,
) -> Outcome:
    """Step 10: record how it ended; return it as the journal will return it ever after.

    ``called_at`` is when the call was claimed that this is the answer to. Raises ``SettledElsewhere``
    where the row has its end already; an answer that comes too late is told as an incident.
    """
    state = _state(outcome)
    entry = ended(kind, crossing, outcome, note=note)

    def work(connection: Connection) -> Work:
        now = boundary.clock.now()
        if not rows.end(
            connection,
            crossing.run.id,
            crossing.position,
            _row_state(outcome),
            None if state == "unknown" else stamp(now),
            look_again_at=later.due(boundary, crossing, outcome, now),
            called_at=stamp(called_at) if called_at is not None else "",
        ):
            return Work(drafts=_too_late(connection, boundary, crossing, state, called_at), value=False)
        spent = outcome.usage.cost if isinstance(outcome, Done) else "0"
        budget.settle(connection, boundary, crossing, Decimal(spent))
        lanes.leave(connection, boundary, crossing)
        if isinstance(outcome, Done):
            _identify(connection, boundary, crossing, outcome)
        closed = _closed(connection, boundary, crossing) if kind == "action.settled" else ()
        return Work(drafts=(entry, *closed), value=True, then=point(crossing, "outcome_entry"))

    try:
        receipt = await boundary.ledger.commit(work)
    except Denied as denied:
        return await refuse(boundary, crossing, denied.refuse)
    if not receipt.value:
        raise SettledElsewhere(crossing)
    return _returned(entry.body)


def _too_late(
    connection: Connection, boundary: Boundary, crossing: Crossing, state: str, called_at: datetime | None
) -> tuple[Draft, ...]:
    """Tell of an answer to a call that others have settled since: what they rested on may be wrong now."""
    if called_at is None or crossing.action.effect == "read":
        return ()
    words = (
        f"An answer to a call of {crossing.action.label()} came after it had been settled without it: "
        f"{'it happened' if state == 'done' else state}. Whatever was done since may have repeated it."
    )
    run = crossing.run
    return incidents.open_once(
        connection, boundary, run.id, crossing.position, "late-answer", words, subject=run.subject
    )


def _closed(connection: Connection, boundary: Boundary, crossing: Crossing) -> tuple[Draft, ...]:
    run = crossing.run
    return incidents.close(
        connection, boundary, run.id, crossing.position, actor="service:settle", subject=run.subject
    )


async def refuse(boundary: Boundary, crossing: Crossing, refusal: Refuse) -> Refused:
    """Record a refusal with its reasons; every exit is recorded."""
    body = {
        "arguments": dict(crossing.action.arguments),
        "reasons": reasons_of(refusal),
        "step": refusal.step,
    }

    def work(connection: Connection) -> Work:
        now = stamp(boundary.clock.now())
        values = {
            "state": "refused",
            "ended_at": now,
            "decision": decision_text(refusal),
        }
        earlier = find(connection, crossing.run.id, crossing.position)
        if earlier is None:
            rows.add(connection, **new_row(boundary, crossing, now), **values)
            count(connection, crossing, effect=False)
        else:
            if (
                earlier.state == "claimed"
            ):  # withheld at step 9: the call was made, its answer is not given on
                budget.settle(connection, boundary, crossing, Decimal(0))
                lanes.leave(connection, boundary, crossing)
            connection.execute(update(t.crossing).where(*_at(crossing)).values(**values))
        fields = fields_of(crossing, refusal) | {"step": refusal.step}
        return Work(
            drafts=(draft("action.refused", crossing, fields, body),), then=point(crossing, "outcome_entry")
        )

    await boundary.ledger.commit(work)
    return Refused(decision=refusal)


async def reopen(boundary: Boundary, crossing: Crossing, note: str) -> None:
    """Record that an unclear effect did not happen, so that it may be sent again.

    Raises ``SettledElsewhere`` where somebody has settled it meanwhile.
    """

    def work(connection: Connection) -> Work:
        if not reopen_row(connection, crossing.run.id, crossing.position):
            raise SettledElsewhere(crossing)
        fields = fields_of(crossing, None) | {
            "outcome": {"state": "intent", "effect_state": "none"},
            "note": note,
        }
        settled = draft("action.settled", crossing, fields, None)
        return Work(drafts=(settled, *_closed(connection, boundary, crossing)))

    await boundary.ledger.commit(work)


def reopen_row(connection: Connection, run: str, position: str) -> bool:
    """Make an unclear effect ready to be sent again; return False where it is settled already.

    A yes of people that its claim had used up was not used after all, and stands until it is too old, or
    until somebody who gave it has wanted it back.
    """
    if not rows.reopen(connection, run, position):
        return False
    at = (t.crossing.c.run == run, t.crossing.c.position == position)
    used = select(t.crossing.c.approval).where(*at).scalar_subquery()
    # Somebody may have wanted the yes back while it was used: then it is not given again.
    taken_back = case((t.approval.c.late_revocation.is_(None), "approved"), else_="revoked")
    connection.execute(
        update(t.approval)
        .where(t.approval.c.id == used, t.approval.c.state == "used")
        .values(state=taken_back)
    )
    return True


def recorded(boundary: Boundary, row: Found) -> Outcome:
    """Return the outcome a finished row holds, equal to the bit to what the first pass returned."""
    with boundary.store.reading() as connection:
        body = boundary.ledger.body(connection, row.outcome_entry)
    if row.state == "refused":
        reasons = tuple(Reason(**reason) for reason in body["reasons"])
        return Refused(decision=Refuse(step=body["step"], reasons=reasons))
    return _returned(body)


def _returned(body: dict[str, Any]) -> Outcome:
    """Round trip through the canonical form, so that first pass and replay see the same value."""
    # Through the bytes: they sort keys, so that a value also *iterates* the same way ever after.
    kept = decoded(encoded_bytes(body))
    if "fault" in kept:
        return Failed(fault=Fault(**kept["fault"]))
    return Done(value=kept["value"], usage=Usage(**kept["usage"]))


def _outcome_body(outcome: Done | Failed) -> dict[str, Any]:
    if isinstance(outcome, Done):
        usage = outcome.usage
        return {
            "value": outcome.value,
            "usage": {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cost": usage.cost,
            },
        }
    fault = outcome.fault
    return {"fault": {"code": fault.code, "words": fault.words, "effect_state": fault.effect_state}}


def _state(outcome: Done | Failed) -> str:
    if isinstance(outcome, Done):
        return "done"
    return "unknown" if outcome.fault.effect_state == "unknown" else "failed"


def _row_state(outcome: Done | Failed) -> str:
    """Return the state of the row. An effect that happened is ``done``, though its answer could not be kept:
    it counts as a change of its record, and can be taken back."""
    happened = isinstance(outcome, Failed) and outcome.fault.effect_state == "done"
    return "done" if happened else _state(outcome)


def _claim_row(
    connection: Connection,
    boundary: Boundary,
    crossing: Crossing,
    evidence: Evidence,
    decision: Permit,
    earlier: Found | None,
    now: str,
) -> int:
    values = {
        "state": "claimed",
        "boot": boundary.boot,
        "called_at": now,
        "decision": decision_text(decision),
        "amount": "" if evidence.amount is None else f"{evidence.amount.normalize():f}",
        "currency": evidence.currency,
    }
    if earlier is None:
        rows.add(connection, **new_row(boundary, crossing, now), **values, attempt=1, first_called_at=now)
        return 1
    values["first_called_at"] = earlier.first_called_at or now
    attempt = int(earlier.attempt) + 1
    changed = connection.execute(
        update(t.crossing)
        .where(
            *_at(crossing),
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


def _identify(connection: Connection, boundary: Boundary, crossing: Crossing, outcome: Done) -> None:
    rule = crossing.rule(boundary)
    if not boundary.charter.workflows[crossing.run.workflow].subject:
        return
    if rule is None or not rule.identifies or crossing.evidence_of:
        return
    connection.execute(
        update(t.run)
        .where(t.run.c.id == crossing.run.id, t.run.c.subject == "")
        .values(subject=outcome.value)
    )
    known = connection.execute(select(t.run.c.subject).where(t.run.c.id == crossing.run.id)).scalar_one()
    if known != outcome.value:  # two branches asked at the same moment
        raise Denied(inspection.second_identity(boundary, crossing))
    crossing.run.subject = known


def count(connection: Connection, crossing: Crossing, *, effect: bool = True) -> None:
    """Count a crossing against its run's limits; reads made only to decide another do not count."""
    if crossing.evidence_of:
        return
    has_effect = effect and crossing.action.effect != "read"
    rows.count(connection, crossing.run.id, int(has_effect))


def new_row(boundary: Boundary, crossing: Crossing, now: str) -> dict[str, Any]:
    """Return the columns every new row starts with."""
    action = crossing.action
    return {
        "run": crossing.run.id,
        "position": crossing.position,
        "action_digest": crossing.asked_digest,
        "kind": action.kind,
        "target": action.target,
        "effect": action.effect,
        "outward": int(action.outward),
        "effect_key": crossing.key,
        "record": record_name(boundary, crossing),
        "undoes": crossing.undoes.name if crossing.undoes else "",
        "started_at": now,
    }


def _at(crossing: Crossing) -> tuple[Any, Any]:
    return t.crossing.c.run == crossing.run.id, t.crossing.c.position == crossing.position


def point(crossing: Crossing, column: str) -> Callable[[Connection, tuple[Written, ...]], None]:
    """Return the step that stores the index of the first entry in a column of the row."""

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        rows.point(connection, crossing.run.id, crossing.position, column, written[0].index)

    return then


def draft(kind: EntryKind, crossing: Crossing, fields: dict[str, Any], body: Any) -> Draft:
    """Return an entry about a crossing."""
    chain = crossing.run.principal.chain()
    return Draft(
        kind=kind,
        actor=f"{chain[0].kind}:{chain[0].id}",
        on_behalf=" ".join(f"{link.kind}:{link.id}" for link in chain[1:]),
        run=crossing.run.id,
        fields=fields,
        body=body,
        subject=crossing.run.subject,
    )


def outside(kind: EntryKind, run: str, fields: dict[str, Any], body: Any, subject: str) -> Draft:
    """Return an entry about a crossing that nobody of its run makes: the house looked by itself."""
    return Draft(kind=kind, actor="service:look", run=run, fields=fields, body=body, subject=subject)


def ended(kind: EntryKind, crossing: Crossing, outcome: Done | Failed, *, note: str = "") -> Draft:
    """Return the entry that says how a crossing ended."""
    usage = outcome.usage if isinstance(outcome, Done) else Usage()
    fields = fields_of(crossing, None)
    fields["outcome"] = {
        "state": _state(outcome),
        "effect_state": "done" if isinstance(outcome, Done) else outcome.fault.effect_state,
        "usage": {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cost": usage.cost,
        },
    }
    if note:
        fields["note"] = note
    return draft(kind, crossing, fields, _outcome_body(outcome))


def fields_of(crossing: Crossing, decision: Decision | None) -> dict[str, Any]:
    """Return the envelope fields of a crossing and, where there is one, its decision."""
    action = crossing.action
    fields: dict[str, Any] = {
        "release": crossing.run.release,
        "position": crossing.position,
        "segment": crossing.run.segment,
        "action": {
            "kind": action.kind,
            "target": action.target,
            "effect": action.effect,
            "outward": action.outward,
            "args": crossing.arguments_digest,
            "key": crossing.key,
        },
    }
    if decision is not None:
        fields["decision"] = {"engine": "cedar", "result": _result(decision), "rules": _rule_ids(decision)}
    return fields


def _result(decision: Decision) -> str:
    match decision:
        case Permit():
            return "permit"
        case Ask():
            return "ask"
        case Refuse():
            return "refuse"


def _rule_ids(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


def reasons_of(decision: Decision) -> list[dict[str, str]]:
    """Return the reasons as plain values, for bodies."""
    return [
        {"rule": reason.rule, "words": reason.words, "source": reason.source} for reason in decision.reasons
    ]


def decision_text(decision: Decision) -> str:
    """Return result and rule ids as canonical JSON, for the row."""
    return canonical_bytes({"result": _result(decision), "rules": _rule_ids(decision)}).decode()
