"""Take back what one run did: its effects in reverse order, each a compensation through ``perform``.

A compensation that fails, is refused, or finds that somebody changed the record since does not stop the
others. Nothing is sent before the record was read once more.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bridgehead.enforce import ending
from bridgehead.enforce.boundary import Boundary, Crossing, RunState, Undoes
from bridgehead.enforce.park import Park
from bridgehead.enforce.rows import find
from bridgehead.kernel.action import Action
from bridgehead.kernel.outcome import Done, Failed, Outcome, Refused
from bridgehead.record import Work
from bridgehead.rollout import items, pace
from bridgehead.rollout.look import as_in, look
from bridgehead.rollout.plan import Seen
from bridgehead.rollout.population import Known, one, taken_back
from bridgehead.rollout.releases import Releases
from bridgehead.run.journal import cross
from bridgehead.store import tables as t

TRIES, PAUSE = 6, timedelta(seconds=1)
"""How often a compensation is begun that provably was not sent, and a record is looked at whose system does
not answer; and the first pause between two tries, doubled each time. Then it is a person's."""
HOPELESS = frozenset({"BH-ENF-010", "BH-ENF-013"})
"""Faults that a second try does not mend: nothing is connected, the other system itself said no."""
CHANGED = frozenset({"undo.changed", "undo.twice", "record.changed"})
"""Rules that refuse because the record is not as the effect left it."""
_ELSEWHERE = ("nothing", "Another undo took it back.")


async def take_back(releases: Releases, boundary: Boundary, run: RunState) -> dict[str, Any]:
    """Carry a saga as far as it goes; return what became of its effects. Raises ``Park`` to wait."""
    with boundary.store.reading() as connection:
        rows = items.of_saga(connection, run.id)
        undo = connection.execute(select(t.undo).where(t.undo.c.id == rows[0].undo)).one()
    for item in rows:
        if item.state in items.OPEN:
            await _one(releases, boundary, run, undo, item)
    with boundary.store.reading() as connection:
        states = [row.state for row in items.of_saga(connection, run.id)]
    return {"undo": undo.id, "states": states}


async def _one(releases: Releases, boundary: Boundary, run: RunState, undo: Row[Any], item: Row[Any]) -> None:
    with boundary.store.reading() as connection:
        known = one(connection, item.run, item.position, boundary, releases.boundary_of)
        row = find(connection, run.id, str(item.number))
    if known is None or known.effect.compensation is None:
        await _end(boundary, undo, item, "person", "What takes it back is not known any more.")
        return
    sent = row is not None and row.state not in ("asked", "intent")
    if not sent:
        why = await _in_the_way(boundary, run, undo, item, known, begun=row is not None)
        if why is not None:
            await _end(boundary, undo, item, *why)
            return
    crossing = _compensation(run, item, known)
    try:
        outcome = await cross(known.ground, crossing)
    except Park as park:
        if park.waiting_for.startswith("person:"):
            await _end(boundary, undo, item, "person", "Nobody knows whether it was taken back.")
            return
        if ":" not in park.waiting_for and item.state == "planned":  # people are asked
            await _end(boundary, undo, item, "waiting", "")
        raise
    await _try_again(known.ground, run, crossing, outcome)
    became = _became(outcome)
    if became[0] == "skipped" and _back_already(boundary, item):
        became = _ELSEWHERE
    await _end(boundary, undo, item, *became)


def _back_already(boundary: Boundary, item: Row[Any]) -> bool:
    """Say whether another undo has taken it back: then its record was changed by that."""
    with boundary.store.reading() as connection:
        return bool(taken_back(connection, f"{item.run}/{item.position}"))


async def _try_again(boundary: Boundary, run: RunState, crossing: Crossing, outcome: Outcome) -> None:
    """Raise ``Park`` to begin a compensation anew that provably was not sent (a system was away); return
    where it has its end."""
    tries = _in_vain(boundary, run, crossing, outcome)
    if 0 < tries < TRIES:
        await ending.retry(boundary, crossing, "it was not sent; begun anew")
        raise _pause(boundary, f"undo:again:{crossing.position}", tries)


def _in_vain(boundary: Boundary, run: RunState, crossing: Crossing, outcome: Outcome) -> int:
    """Return how often it was tried so far, where one more try may mend it; 0 where none does."""
    match outcome:
        case Failed(fault=fault) if fault.effect_state == "none" and fault.code not in HOPELESS:
            with boundary.store.reading() as connection:
                row = find(connection, run.id, crossing.position)
            return int(row.attempt) if row is not None else 0
        case Refused(decision=decision) if {reason.rule for reason in decision.reasons} == {"facts"}:
            return _unanswered(boundary, run, crossing.position)
    return 0


def _pause(boundary: Boundary, why: str, tries: int) -> Park:
    return Park(why, until=boundary.clock.now() + PAUSE * 2 ** (tries - 1))


async def _in_the_way(
    boundary: Boundary, run: RunState, undo: Row[Any], item: Row[Any], known: Known, *, begun: bool
) -> tuple[str, str] | None:
    """Return the state and the words of an item that must not be sent; None where it may be.

    Raises ``Park`` where another one comes first, or its turn has not come.
    """
    if item.after:
        with boundary.store.reading() as connection:
            first = connection.execute(
                select(t.undo_item.c.state).where(
                    t.undo_item.c.undo == undo.id, t.undo_item.c.number == item.after
                )
            ).scalar_one()
        if first in items.OPEN:
            raise Park(f"undo:{item.after}")
        if first not in ("undone", "nothing"):
            return "skipped", f"The later effect {item.after} on its record stands."
    if _back_already(boundary, item):
        return _ELSEWHERE
    if not begun:
        await _await_turn(boundary, undo, item)
    place = f"{item.number}.b{run.segment}-{run.attempt}.seen.0"
    seen = await look(run, known, place, evidence_of=str(item.number))
    if seen.silent and (tries := _unanswered(boundary, run, str(item.number))) < TRIES:
        raise _pause(boundary, f"undo:look:{item.number}", tries)
    return _told(seen, item.group)


def _unanswered(boundary: Boundary, run: RunState, number: str) -> int:
    """Return how often the records of an item were read in vain: to see it, or to decide about it."""
    reads = t.crossing.c.position.like(f"{number}.b%")
    with boundary.store.reading() as connection:
        found = connection.execute(
            select(func.count()).where(t.crossing.c.run == run.id, reads, t.crossing.c.state == "failed")
        )
        return int(found.scalar_one())


async def _await_turn(boundary: Boundary, undo: Row[Any], item: Row[Any]) -> None:
    now = boundary.clock.now()

    def work(connection: Connection) -> Work:
        return Work(value=pace.turn(connection, undo.id, item.number, now))

    if undo.rate:
        turn = (await boundary.ledger.commit(work)).value
        if turn > now:
            raise Park(f"undo:turn:{item.number}", until=turn)


def _told(seen: Seen, group: str) -> tuple[str, str] | None:
    match seen.sight:
        case "changed" | "gone":
            what = f": {', '.join(seen.fields)}" if seen.fields else ""
            return "skipped", f"The record was changed since{what}."
        case "unreadable":
            return "person", "Its record could not be read."
        case "unasked" if group != "approval":
            return "person", "Nothing can read whether its record was changed since."
    return None


def _compensation(run: RunState, item: Row[Any], known: Known) -> Crossing:
    back = known.effect.compensation
    assert back is not None
    undoes = Undoes(
        run=item.run, position=item.position, key=item.effect_key, single=item.group == "approval"
    )
    return Crossing(
        run=replace(as_in(run, known), release=known.ground.deployment.digest),
        position=str(item.number),
        action=Action(
            kind="act",
            target=back.action,
            arguments=known.inverse,
            effect=known.ground.charter.actions[back.action].effect,
            outward=back.outward,
            purpose=f"to take back {known.effect.name}",
        ),
        undoes=undoes,
    )


def _became(outcome: Outcome) -> tuple[str, str]:
    """Return what a compensation's outcome makes of its item, in words without content."""
    match outcome:
        case Done():
            return "undone", ""
        case Refused(decision=decision):
            rules = {reason.rule for reason in decision.reasons}
            if rules & CHANGED:
                return "skipped", "The record was changed since; that stays."
            return "refused", f"It was refused: {', '.join(sorted(rules))}."
        case Failed(fault=fault):
            return "person", f"The other system did not take it back ({fault.code})."


async def _end(boundary: Boundary, undo: Row[Any], item: Row[Any], state: str, why: str) -> None:
    await boundary.ledger.commit(items.end(boundary, undo, item, state, why))
