"""An effect nobody heard back from: wait, probe, then adopt it, send it again, or ask a person.

Never guessed. The wait is the send budget plus how late the other system may still apply a call,
counted from the claim; it is a due time on a row, not a thread (``windows``). What only a person can tell
waits for one (``hand_over``, ``settlement``); whoever settles it first, person or probe, has settled it.
"""

from __future__ import annotations

from bridgehead.declare.model import ActionRule
from bridgehead.enforce import ending, equals, found, incidents, probe, unseen
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.hand_over import to_a_person
from bridgehead.enforce.journal import SettledElsewhere
from bridgehead.enforce.park import Park
from bridgehead.enforce.windows import PATIENCE, ask_again_at, may_repeat, ready_at
from bridgehead.kernel.outcome import Done, Outcome
from bridgehead.store.statement import Row


async def settle(boundary: Boundary, crossing: Crossing, row: Row) -> Outcome | None:
    """Return the adopted outcome, or None where it may be sent again: it is proven that nothing happened, or
    its key lets it be repeated. In the second case it stays unclear until the claim has it.

    Raises ``Park`` while the settle window runs, when only a person can tell, and when somebody has
    told meanwhile: then the run looks again at once.
    """
    try:
        return await _settle(boundary, crossing, row)
    except SettledElsewhere as settled:
        raise Park(f"settle:{crossing.position}", until=boundary.clock.now()) from settled


async def _settle(boundary: Boundary, crossing: Crossing, row: Row) -> Outcome | None:
    rule = crossing.rule(boundary)
    if rule is None:
        raise Park(await to_a_person(boundary, crossing, "its declaration is gone"))
    ready, now = ready_at(rule, row.called_at), boundary.clock.now()
    if now < ready:
        raise Park(f"settle:{crossing.position}", until=ready)
    repeatable = may_repeat(rule, row.first_called_at, now, row.attempt)
    asked = repeatable and _somebody_is_asked(boundary, crossing)
    if repeatable and not asked:
        return None
    if rule.probe is None:
        raise Park(await to_a_person(boundary, crossing, _why_a_person(rule, row, asked)))
    return await _probe(boundary, crossing, row, rule)


async def _probe(boundary: Boundary, crossing: Crossing, row: Row, rule: ActionRule) -> Outcome | None:
    run = crossing.run
    place = f"{crossing.position}.p{run.segment}-{run.attempt}"
    with boundary.store.reading() as connection:
        known = equals.known(connection, boundary, crossing, rule)
    answer = await probe.ask(boundary, crossing, row.effect_key, place)
    if answer.landed is None:
        again = ask_again_at(rule, row.called_at, boundary.clock.now()) if answer.silent else None
        if again is not None:
            raise Park(f"settle:{crossing.position}", until=again)
        raise Park(await to_a_person(boundary, crossing, answer.problem))
    with boundary.store.reading() as connection:
        before = unseen.since(connection, boundary, crossing, row, rule)
        others = equals.others(connection, boundary, crossing, rule, known, before)
    answers = found.answered(answer.landed)
    match found.verdict(answer.landed, others):
        case "landed":
            note = "adopted: the probe found it"
            adopted = Done(value=answer.value)
            return await ending.finish(
                boundary, crossing, adopted, kind="action.settled", note=note, answers=answers
            )
        case "absent" if rule.probe is not None and rule.probe.strength == "strong":
            await ending.reopen(boundary, crossing, "the probe proves that it did not happen", answers)
            return None
        case "absent":
            why = "the probe did not find it, which proves nothing"
            raise Park(await to_a_person(boundary, crossing, why))
        case "ambiguous":
            why = "the probe cannot tell it from equal effects on record"
            raise Park(await to_a_person(boundary, crossing, why))
        case "duplicate":
            extra = int(answer.landed) - others.done - others.unclear
            raise Park(await to_a_person(boundary, crossing, "", found_of_it=extra))


def _why_a_person(rule: ActionRule, row: Row, asked: bool) -> str:
    if asked:
        return "somebody is asked about it already"
    if not rule.key_argument or rule.repeats != "dropped":
        return "it can be neither asked about nor repeated"
    if row.attempt > PATIENCE:
        return f"it was sent {row.attempt} times with its key"
    return f"the other side has forgotten its key after {rule.key_lifetime}"


def _somebody_is_asked(boundary: Boundary, crossing: Crossing) -> bool:
    """Say whether a person was told about it: then it is theirs, and is not changed under their eyes."""
    with boundary.store.reading() as connection:
        return bool(incidents.open_about(connection, crossing.run.id, crossing.position))
