"""Effects that may have happened without being on record: their run was under way in a backup that was
restored.

Such a run went on after the backup, and what it did then is in no journal. So an effect that its restored
journal does not hold, or holds as not sent, is presumed to have been sent and is settled before it may be
sent: the same key again where the other side drops repeats, the probe, or a person.

A key and a probe speak of exactly these arguments. Once such a run was given a value anew (a model's answer,
a record, the time, a person's answer) its effects may have had other arguments the first time, so from there
on only a person can tell. Never guessed. What an effect answered is no such value: it is the one effect,
found again or repeated with its key.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from bridgehead.enforce import drafts, journal, rows, undo
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.evidence import Evidence, without_looking
from bridgehead.enforce.hand_over import to_a_person
from bridgehead.enforce.park import Park
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.decision import Refuse
from bridgehead.record import Work
from bridgehead.store import tables as t
from bridgehead.store.statement import Row, Statement

_GIVEN_ANEW = Statement(
    select(t.crossing.c.position)
    .where(
        t.crossing.c.run == bindparam("of_run"),
        t.crossing.c.state == "done",
        t.crossing.c.effect == "read",
        t.crossing.c.ended_at >= bindparam("since"),
        # Reads that decide or settle, and late looks, are the house's own: no workflow sees their answers.
        t.crossing.c.position.not_like("%.b%"),
        t.crossing.c.position.not_like("%.p%"),
    )
    .order_by(t.crossing.c.ended_at)
    .limit(1)
)
WHY = "its run was under way in the backup this store was restored from"


def may_have_happened(crossing: Crossing, row: Row | None) -> bool:
    """Say whether nobody knows if this effect was sent after the backup its run was restored from."""
    since = crossing.run.restored_at
    if not since or crossing.action.effect == "read":
        return False
    return row is None or (row.state in ("asked", "intent") and (row.called_at or "") < since)


async def presume(boundary: Boundary, crossing: Crossing) -> Row | None:
    """Record that an effect may have happened, and return its row: ``unknown``, called at the latest when the
    store was restored, at the earliest after the backup: from then on its key may grow old over there."""

    def work(connection: Connection) -> Work:
        earlier = rows.find(connection, crossing.run.id, crossing.position)
        known = earlier.first_called_at if earlier is not None else None
        said = without_looking(boundary, crossing)
        values = {
            "state": "unknown",
            "called_at": crossing.run.restored_at,
            "first_called_at": known or crossing.run.backup_at or None,
            "amount": said.amount_text,
            "currency": said.currency,
        }
        if earlier is None:
            new = journal.new_row(boundary, crossing, stamp(boundary.clock.now()))
            rows.add(connection, **new, **values)
        else:
            at = rows.at(crossing.run.id, crossing.position)
            connection.execute(update(t.crossing).where(*at).values(**values))
        if not journal.begun(earlier):
            journal.count(connection, crossing)
        fields = drafts.fields_of(crossing, None) | {"note": WHY}
        body: dict[str, Any] = {
            "arguments": dict(crossing.action.arguments),
            "facts": {},
            "reasons": [],
            "undo": _inverse(boundary, crossing),
            "as_of": "",
            "purpose": crossing.action.purpose,
        }
        presumed = drafts.about("action.presumed", crossing, fields, body)
        return Work(drafts=(presumed,), then=journal.point(crossing, "intent_entry"))

    await boundary.ledger.commit(work)
    with boundary.store.reading() as connection:
        return rows.find(connection, crossing.run.id, crossing.position)


def _inverse(boundary: Boundary, crossing: Crossing) -> dict[str, Any] | None:
    """Return what takes it back, where its arguments alone say so; what was there before it, nobody knows."""
    found = undo.inverse(boundary, crossing, Evidence())
    return None if isinstance(found, Refuse) else found


async def require_same_arguments(boundary: Boundary, crossing: Crossing, row: Row) -> None:
    """Raise ``Park`` for a person where a presumed effect may have been sent with other arguments."""
    since = crossing.run.restored_at
    if not since or row.called_at != since or row.attempt:
        return  # sent before the backup: with these arguments
    why = _other_arguments(boundary, crossing, row)
    if why:
        raise Park(await to_a_person(boundary, crossing, f"{WHY}, and {why}"))


def _other_arguments(boundary: Boundary, crossing: Crossing, row: Row) -> str:
    if crossing.undoes is not None:
        return ""  # they were recorded with the effect that it takes back
    rule = crossing.rule(boundary)
    if rule is not None and rule.editable:
        return "those who approve may have changed its arguments"
    if row.started_at < crossing.run.restored_at:
        return ""  # its arguments were recorded before the backup
    with boundary.store.reading() as connection:
        anew = _GIVEN_ANEW.first(connection, of_run=crossing.run.id, since=crossing.run.restored_at)
    if anew is None:
        return ""
    return f"the run was given a value anew, at {anew.position}: it may have been sent with other arguments"
