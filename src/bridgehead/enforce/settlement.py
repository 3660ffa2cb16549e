"""A person says what became of an effect nobody could settle by asking.

::

    case = unclear.case(connection, boundary, run, position)        # what they are shown
    settle_by_person(boundary, run, position, by=person, answer="happened", digest=case.digest(), ...)

Three answers: it *happened* (adopted, with a receipt where there is one), it *did not* (it may be sent
again; where its run has ended, it is closed as not happened), *leave* it (closed as failed, nobody knows;
the incident stays with the owner). Row, entries, incident and the run's next segment commit together; the
answer binds to what was shown; of two answers, or of a person and a probe, the first one counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from bridgehead.enforce import ending, incidents, later, recall, rows, unclear
from bridgehead.enforce.boundary import Boundary
from bridgehead.enforce.settlers import Settlers, settlers
from bridgehead.enforce.stop import wake
from bridgehead.enforce.windows import ready_at
from bridgehead.kernel.canonical import encoded_bytes
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.errors import BridgeheadError, EffectState, SettlementError
from bridgehead.kernel.outcome import Fault, Usage
from bridgehead.kernel.principal import Principal
from bridgehead.record import Work
from bridgehead.record.entries import envelope_of
from bridgehead.store import tables as t
from bridgehead.store.statement import Row

Answer = Literal["happened", "did-not", "leave"]
SURPRISES = ("left", "zombie", "gone", "duplicate")
"""What a person may still speak about after a crossing has its end."""
MAX_RECEIPT = 16 * 1024
"""Bytes of a receipt in canonical form."""

_EFFECT: dict[str, EffectState] = {"happened": "done", "did-not": "none", "leave": "unknown"}
_SETTLED = {"happened": "happened", "did-not": "did-not", "leave": "left"}
NOT_HAPPENED = Fault(code="BH-SET-010", words="A person says that it did not happen.", effect_state="none")
LEFT = Fault(
    code="BH-SET-011",
    words="Nobody can tell whether it happened; a person left it at that.",
    effect_state="unknown",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How an effect stands after the answer: the state of its row, and whether its run goes on now."""

    run: str
    position: str
    state: str
    woken: bool


def open_to_answers(row: Row) -> bool:
    """Say whether a person may settle the effect of a row: it is unknown, or something about it is."""
    return bool(row.state == "unknown" or (row.state in ("done", "failed") and row.settled in SURPRISES))


def settle_by_person(
    boundary: Boundary,
    run: str,
    position: str,
    *,
    by: Principal,
    answer: Answer,
    digest: str,
    reason: str,
    receipt: Any = None,
) -> Settled:
    """Settle one effect as a person says, bound to what they were shown (``digest`` of the case).

    ``boundary`` is that of the release that decided about it (``recall.decided_under``).
    ``receipt`` is what the run gets as the value of an effect
    that happened. Raises ``SettlementError``: BH-SET-001 no such effect, 002 settled already, 003 changed
    since it was shown, 004 own request, 005 not asked, 006 no reason, 007 not taking part any more,
    008 a receipt that cannot be kept, 009 too early to say that it did not happen.
    """
    _require(reason, receipt)
    with boundary.store.reading() as connection:
        shown = unclear.case(connection, boundary, run, position)
        if shown is None:
            raise _nothing_there(run, position)
        version = unclear.version(connection, run, position)
    stale = digest != shown.digest()

    def work(connection: Connection) -> Work:
        row, of_run = _rows(connection, run, position)
        _may_settle(boundary, row, of_run, by)
        if stale or unclear.version(connection, run, position) != version:
            raise _changed()
        if answer == "did-not":
            _require_settled(boundary, row)
        return _settle(connection, boundary, row, of_run, by, answer, reason.strip(), receipt)

    settled: Settled = boundary.ledger.append(work).value
    return settled


def obstacle(
    connection: Connection, boundary: Boundary, run: str, position: str, by: Principal
) -> SettlementError | None:
    """Return why this person's answer would not count now, or None: what a page says beside its buttons."""
    try:
        row, of_run = _rows(connection, run, position)
        _may_settle(boundary, row, of_run, by)
    except SettlementError as error:
        return error
    return None


def _require(reason: str, receipt: Any) -> None:
    if not reason.strip():
        raise SettlementError(
            "BH-SET-006",
            "no reason was given",
            means="An answer without how it was found out helps nobody later.",
            fix="Say in a sentence what you looked at.",
        )
    try:
        size = len(encoded_bytes(receipt))
    except BridgeheadError as error:
        raise SettlementError("BH-SET-008", f"the receipt cannot be kept: {error.what}") from error
    if size > MAX_RECEIPT:
        raise SettlementError(
            "BH-SET-008",
            f"the receipt takes {size} bytes; {MAX_RECEIPT} are kept",
            fix="Give the number it has in the other system, not the whole document.",
        )


def _require_settled(boundary: Boundary, row: Row) -> None:
    """A call that may still be applied has not failed to happen yet, whatever a screen shows."""
    rule = boundary.charter.actions.get(row.target)
    if rule is None or row.state != "unknown":
        return
    ready = ready_at(rule, row.called_at)
    if boundary.clock.now() < ready:
        raise SettlementError(
            "BH-SET-009",
            f"the other system may still apply the call until {stamp(ready)[:19]}Z",
            means="Said now, it could be sent again and happen twice.",
            fix="Look again after that, and answer then.",
        )


def _rows(connection: Connection, run: str, position: str) -> tuple[Row, Row]:
    row, of_run = rows.find(connection, run, position), recall.run_row(connection, run)
    if row is None or of_run is None or row.effect == "read" or row.kind != "act":
        raise _nothing_there(run, position)
    return row, of_run


def _may_settle(boundary: Boundary, row: Row, of_run: Row, by: Principal) -> Settlers:
    person = boundary.directory().people.get(by.id)
    if person is None or not person.active or by.kind != "human":
        raise SettlementError("BH-SET-007", f"{by.id} does not take part in this deployment any more")
    if not open_to_answers(row):
        raise _settled_already(row)
    asked = settlers(boundary, row.target, of_run)
    if by.id in asked.barred:
        raise SettlementError(
            "BH-SET-004",
            "nobody settles what was asked for on their behalf, or what is about themselves",
            fix=f"These people can: {', '.join(asked.people) or 'nobody; name a deputy in the charter'}.",
        )
    if by.id not in asked.people:
        raise SettlementError(
            "BH-SET-005",
            f"{by.id} is not asked about this effect",
            means=f"It is settled by {asked.words()}.",
            fix=f"These people can: {', '.join(asked.people)}.",
        )
    return asked


def _settle(
    connection: Connection,
    boundary: Boundary,
    row: Row,
    of_run: Row,
    by: Principal,
    answer: Answer,
    reason: str,
    receipt: Any,
) -> Work:
    goes_on = not recall.has_ended(of_run) and not _left_behind(connection, row)
    if row.state == "unknown":
        state = _end(connection, boundary, row, answer, goes_on)
    else:
        state = row.state  # what its run was told stands; what is true of it is said beside it
        _learn(connection, row, _SETTLED[answer])
    woken = row.state == "unknown" and goes_on
    if woken:
        wake(connection, [row.run], stamp(boundary.clock.now()))
    actor = f"human:{by.id}"
    drafts = [_draft(connection, row, of_run, actor, answer, state, _body(row, by, answer, reason, receipt))]
    if answer != "leave":
        subject = of_run.subject
        drafts += incidents.close(connection, boundary, row.run, row.position, actor=actor, subject=subject)
    elif not incidents.open_about(connection, row.run, row.position):  # left before it was handed over
        drafts += _left(connection, boundary, row, of_run, actor)

    def then(connection: Connection, written: tuple[Written, ...]) -> None:
        if row.state == "unknown":
            rows.point(connection, row.run, row.position, "outcome_entry", written[0].index)

    settled = Settled(run=row.run, position=row.position, state=state, woken=woken)
    return Work(drafts=tuple(drafts), value=settled, then=then)


def _left(connection: Connection, boundary: Boundary, row: Row, of_run: Row, actor: str) -> tuple[Draft, ...]:
    """Tell the owner about what a person left at that; return the entry that does."""
    words = f"Nobody can tell whether {row.kind}:{row.target} happened; a person left it at that."
    return incidents.open_once(
        connection, boundary, row.run, row.position, "unknown", words, subject=of_run.subject, actor=actor
    )


def _left_behind(connection: Connection, row: Row) -> bool:
    """Say whether the undo that made this compensation has gone on without it, and will not send it again."""
    items = t.undo_item.c
    waits = select(items.number).where(items.saga == row.run, items.state.in_(("planned", "waiting")))
    return bool(row.undoes) and row.position not in map(str, connection.execute(waits).scalars())


def _end(connection: Connection, boundary: Boundary, row: Row, answer: Answer, goes_on: bool) -> str:
    """Give an unclear effect its end, or make it ready to be sent again; return its state."""
    now = boundary.clock.now()
    if answer == "did-not" and goes_on:
        if not ending.reopen_row(connection, row.run, row.position):
            raise _settled_already(row)
        _learn(connection, row, "")
        return "intent"
    rule = boundary.charter.actions.get(row.target)
    again = stamp(now + later.wait(rule)) if rule is not None and later.looked_at(rule) else None
    state = "done" if answer == "happened" else "failed"
    if not rows.end(connection, row.run, row.position, state, stamp(now), look_again_at=again):
        raise _settled_already(row)
    _learn(connection, row, _SETTLED[answer])
    return state


def _learn(connection: Connection, row: Row, settled: str) -> None:
    learnt = connection.execute(
        update(t.crossing)
        .where(*rows.at(row.run, row.position), t.crossing.c.settled == row.settled)
        .values(settled=settled)
    )
    if learnt.rowcount != 1:
        raise _settled_already(row)


def _body(row: Row, by: Principal, answer: Answer, reason: str, receipt: Any) -> dict[str, Any]:
    """Return what is recorded: the reason, and for the run the value or the fault it gets."""
    said: dict[str, Any] = {"answer": answer, "reason": reason, "assurance": by.assurance}
    if row.state != "unknown":
        return said | ({"receipt": receipt} if receipt is not None else {})
    if answer == "happened":
        return said | {"value": receipt, "usage": asdict(Usage())}
    fault = NOT_HAPPENED if answer == "did-not" else LEFT
    return said | {"fault": {"code": fault.code, "words": fault.words, "effect_state": fault.effect_state}}


def _draft(
    connection: Connection,
    row: Row,
    of_run: Row,
    actor: str,
    answer: Answer,
    state: str,
    body: dict[str, Any],
) -> Draft:
    sent = envelope_of(connection, row.intent_entry)
    fields: dict[str, Any] = {name: sent[name] for name in ("release", "position", "action") if name in sent}
    fields["outcome"] = {"state": state, "effect_state": _EFFECT[answer]}
    return Draft(
        kind="action.settled", actor=actor, run=row.run, fields=fields, body=body, subject=of_run.subject
    )


def _nothing_there(run: str, position: str) -> SettlementError:
    return SettlementError(
        "BH-SET-001",
        f"there is no effect at {position} of {run}",
        fix="`bridgehead effects` lists them.",
    )


def _settled_already(row: Row) -> SettlementError:
    return SettlementError(
        "BH-SET-002",
        f"there is nothing to settle at {row.position} of {row.run}: it is {row.state}",
        means="Somebody else or a probe may have settled it meanwhile; that counts.",
        fix="`bridgehead effects` lists what is still open.",
    )


def _changed() -> SettlementError:
    return SettlementError(
        "BH-SET-003",
        "something has been learnt about the effect since you saw it",
        means="Your answer was not counted.",
        fix="Read it again and answer again.",
    )
