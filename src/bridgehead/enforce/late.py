"""Ask once more about effects that ended long ago: what is not as recorded becomes an incident.

A call may be applied long after everybody gave up on it, and a record may vanish after it was confirmed. So
every effect that can be asked about is looked at once more, by its due time on its row (``later``), also
when its run has ended, and those that take others back, too. An unknown one that its run will not come to
again is settled the same way: the run has ended, or an undo went on without it.

In: a boundary and a row that is due. Out: rows and entries. Never: sends anything again, or changes what a
run was told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Connection, select, update

from bridgehead.declare.model import ActionRule
from bridgehead.enforce import blast, drafts, ending, equals, found, incidents, later, probe, recall, rows
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.journal import SettledElsewhere
from bridgehead.enforce.park import Park
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.errors import EngineError
from bridgehead.kernel.outcome import Done, Failed, Fault
from bridgehead.record import Work
from bridgehead.store import Store
from bridgehead.store import tables as t
from bridgehead.store.statement import Row

LOOKS = 3
"""How often a look is tried whose probe cannot be made; then it is recorded that nobody could look."""
LEASE = timedelta(minutes=5)
"""How long a look may take. A process that dies looking leaves it to others after that."""

NOT_LANDED = Failed(
    fault=Fault(code="BH-SET-012", words="The probe proves that it did not happen.", effect_state="none")
)
Seen = Literal["confirmed", "zombie", "gone", "duplicate", ""]


def due(store: Store, now: str, most: int) -> list[Row]:
    """Return the effects to look at now, and the release of each, the longest overdue first."""
    with store.reading() as connection:
        return list(
            connection.execute(
                select(t.crossing, t.run.c.release, t.run.c.status)
                .join(t.run, t.run.c.id == t.crossing.c.run)
                .where(t.crossing.c.look_again_at.is_not(None), t.crossing.c.look_again_at <= now)
                .order_by(t.crossing.c.look_again_at)
                .limit(most)
            ).all()
        )


async def look(boundary: Boundary, row: Row) -> None:
    """Look at one effect again and record what was seen. Nothing happens where somebody else is at it."""
    leased = stamp(boundary.clock.now() + LEASE)
    with boundary.store.writing() as connection:
        if not _move(connection, row, row.look_again_at, leased):
            return
    crossing, tries = _recalled(boundary, row)
    rule = None if crossing is None else crossing.rule(boundary)
    if crossing is None or rule is None or not _can_be_asked(row, rule):
        await _record(boundary, row, leased, None, "", "its content or its declaration is gone")
        return
    with boundary.store.reading() as connection:
        known = equals.known(connection, boundary, crossing, rule)
    try:
        answer = await probe.ask(boundary, crossing, row.effect_key, f"{row.position}.p0-{tries}")
    except EngineError:
        return  # another process makes the same look; the lease was too short for it
    except Park as wait:
        if wait.until is not None:  # the other system takes no further call now
            put_off(boundary.store, row, stamp(wait.until))
            return
        answer = probe.Answer(landed=None, problem="people would have to agree to the probe first")
    if answer.landed is None:
        again = stamp(boundary.clock.now() + later.wait(rule)) if tries < LOOKS else None
        await _record(boundary, row, leased, again, "", answer.problem)
        return
    with boundary.store.reading() as connection:
        others = equals.others(connection, boundary, crossing, rule, known)
    if row.state == "unknown":
        await _settle(boundary, crossing, row, leased, rule, answer, others)
        return
    seen = _seen(boundary, row, rule, answer.landed, others)
    await _record(boundary, row, leased, None, seen, "", answer.landed)


def put_off(store: Store, row: Row, until: str) -> None:
    """Leave a look for later, without counting it."""
    with store.writing() as connection:
        connection.execute(
            update(t.crossing)
            .where(*rows.at(row.run, row.position), t.crossing.c.look_again_at.is_not(None))
            .values(look_again_at=until)
        )


def _can_be_asked(row: Row, rule: ActionRule) -> bool:
    return rule.probe is not None and (rule.late or row.state == "unknown")


def _recalled(boundary: Boundary, row: Row) -> tuple[Crossing | None, int]:
    """Return the crossing of a row, and which try this look is; a look whose process died is made again."""
    with boundary.store.reading() as connection:
        of_run = recall.run_row(connection, row.run)
        body = recall.content(connection, boundary, row)
        undoes = recall.taken_back(connection, row)
        before = connection.execute(
            select(t.crossing.c.state).where(
                t.crossing.c.run == row.run,
                t.crossing.c.position.in_([f"{row.position}.p0-{n}" for n in range(1, LOOKS + 1)]),
            )
        ).all()
        tries = sum(look.state != "claimed" for look in before) + 1
        if of_run is None or body is None:
            return None, tries
        run = recall.in_its_place(connection, row, recall.state_outside(of_run, boundary, tries))
    return recall.crossing_of(row, run, body, undoes), tries


def _seen(boundary: Boundary, row: Row, rule: ActionRule, answer: bool | int, others: found.Equals) -> Seen:
    """Return what the answer shows beside what is on record."""
    happened = equals.happened(row.state, row.settled)
    surprise = found.surprise(answer, happened=happened, others=others)
    if surprise == "gone" and (_weak(rule) or _changed_since(boundary, row)):
        return ""  # a weak no proves nothing, and what we (may) have changed ourselves since is no surprise
    if surprise is None:
        return "confirmed" if row.settled == "" else ""
    return surprise


def _weak(rule: ActionRule) -> bool:
    return rule.probe is not None and rule.probe.strength == "weak"


def _changed_since(boundary: Boundary, row: Row) -> bool:
    with boundary.store.reading() as connection:
        taken_back = connection.execute(
            select(t.crossing.c.position).where(
                t.crossing.c.undoes == f"{row.run}/{row.position}",
                t.crossing.c.state.in_(blast.MAY_HAVE_BEEN),
            )
        ).first()
        if taken_back is not None:
            return True
        return bool(row.record and blast.later_changes(connection, row, blast.MAY_HAVE_BEEN))


async def _settle(
    boundary: Boundary,
    crossing: Crossing,
    row: Row,
    leased: str,
    rule: ActionRule,
    answer: probe.Answer,
    others: found.Equals,
) -> None:
    """Settle an unknown effect that its run will not come to again, as ``settle`` does for the others."""
    says = found.verdict(answer.landed if answer.landed is not None else 0, others)
    outcome: Done | Failed | None = None
    if says == "landed":
        outcome = Done(value=answer.value)
    elif says == "absent" and not _weak(rule):
        outcome = NOT_LANDED
    if outcome is None:
        seen: Seen = "duplicate" if says == "duplicate" else ""
        await _record(boundary, row, leased, None, seen, "only a person can tell", answer.landed)
        return
    try:
        await ending.finish(
            boundary,
            crossing,
            outcome,
            kind="action.settled",
            note="settled by a later look",
            answers=found.answered(answer.landed),
        )
    except SettledElsewhere:
        return  # a person was quicker


async def _record(
    boundary: Boundary,
    row: Row,
    leased: str,
    again: str | None,
    seen: Seen,
    problem: str,
    answer: bool | int | None = None,
) -> None:
    """Record a look: what was seen, or why nothing could be; a surprise opens an incident."""

    def work(connection: Connection) -> Work:
        if not _move(connection, row, leased, again):
            return Work(drafts=())  # settled or looked at by somebody else meanwhile
        if seen:
            connection.execute(update(t.crossing).where(*rows.at(row.run, row.position)).values(settled=seen))
        of_run = recall.run_row(connection, row.run)
        subject = of_run.subject if of_run is not None else ""
        looked = _looked(row, seen, problem, answer, subject)
        if seen in ("", "confirmed"):
            return Work(drafts=(looked,))
        words = blast.words(connection, row, seen, answer)
        raised = incidents.open_once(
            connection, boundary, row.run, row.position, seen, words, subject=subject, actor="service:look"
        )
        return Work(drafts=(looked, *raised))

    await boundary.ledger.commit(work)


def _looked(row: Row, seen: str, problem: str, answer: bool | int | None, subject: str) -> Any:
    fields = {"position": row.position, "release": row.release, "note": seen or problem or "as recorded"}
    body = {"answer": answer, "was": row.state, "problem": problem}
    return drafts.outside("action.looked", row.run, fields, body, subject)


def _move(connection: Connection, row: Row, seen: str, to: str | None) -> bool:
    """Move the due time of a look, if it is still where it was seen; whoever does so has the look.

    What a person said meanwhile about an effect that has its end is on its row as well, and stands.
    """
    moved = connection.execute(
        update(t.crossing)
        .where(
            *rows.at(row.run, row.position),
            t.crossing.c.look_again_at == seen,
            t.crossing.c.state == row.state,
            t.crossing.c.settled == row.settled,
        )
        .values(look_again_at=to)
    )
    return moved.rowcount == 1
