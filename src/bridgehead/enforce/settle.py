"""An effect nobody heard back from: wait, probe, then adopt it, send it again, or ask a person.

Never guessed. The wait is the send budget plus how late the other system may still apply a call,
counted from the claim; it is a due time on a row, not a thread.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from bridgehead.declare.model import ActionRule, Probe, seconds
from bridgehead.enforce import arguments, journal
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.park import Park
from bridgehead.enforce.perform import perform
from bridgehead.kernel.action import Action
from bridgehead.kernel.clock import stamp, unstamp
from bridgehead.kernel.entry import Draft
from bridgehead.kernel.ids import new_id
from bridgehead.kernel.outcome import Done, Outcome
from bridgehead.record import Work
from bridgehead.store import tables as t


async def settle(boundary: Boundary, crossing: Crossing, row: journal.Found) -> Outcome | None:
    """Return the adopted outcome, or None where it is proven that nothing happened (send again).

    Raises ``Park`` while the settle window runs, or when only a person can tell.
    """
    rule = crossing.rule(boundary)
    if rule is None:
        raise Park(await to_a_person(boundary, crossing, "its declaration is gone"))
    ready = unstamp(row.called_at) + timedelta(seconds=seconds(rule.send_budget) + seconds(rule.settle))
    if boundary.clock.now() < ready:
        raise Park(f"settle:{crossing.position}", until=ready)
    if rule.key_argument:
        await journal.reopen(boundary, crossing, "sent again with the same key")
        return None
    if rule.probe is None:
        raise Park(await to_a_person(boundary, crossing, "it can be neither asked about nor repeated"))
    return await _probe(boundary, crossing, row, rule, rule.probe)


async def _probe(
    boundary: Boundary, crossing: Crossing, row: journal.Found, rule: ActionRule, probe: Probe
) -> Outcome | None:
    answer = await perform(boundary, _question(boundary, crossing, row, probe))
    if not isinstance(answer, Done):
        raise Park(await to_a_person(boundary, crossing, "the probe could not be made"))
    try:
        landed = boundary.function(probe.landed)(*deepcopy((dict(crossing.action.arguments), answer.value)))
    except (Exception, SystemExit) as error:
        raise Park(
            await to_a_person(boundary, crossing, f"the probe broke ({type(error).__name__})")
        ) from error
    if landed is True:
        adopted = Done(value=answer.value)
        return await journal.finish(
            boundary, crossing, adopted, kind="action.settled", note="adopted: the probe found it"
        )
    if landed is False and probe.strength == "strong":
        await journal.reopen(boundary, crossing, "the probe proves that it did not happen")
        return None
    raise Park(await to_a_person(boundary, crossing, "the probe did not find it, which proves nothing"))


def _question(boundary: Boundary, crossing: Crossing, row: journal.Found, probe: Probe) -> Crossing:
    values: dict[str, Any] = {
        name: row.effect_key if path == "key" else arguments.follow(path, arguments=crossing.action.arguments)
        for name, path in probe.arguments.items()
    }
    rule = boundary.charter.actions[probe.action]
    run = crossing.run
    return Crossing(
        run=run,
        position=f"{crossing.position}.p{run.segment}-{run.attempt}",
        action=Action(
            kind="act",
            target=probe.action,
            arguments=values,
            effect=rule.effect,
            outward=rule.outward,
            purpose=f"to settle {crossing.action.target}",
        ),
        evidence_of=crossing.position,
        settles=True,
    )


async def to_a_person(boundary: Boundary, crossing: Crossing, why: str) -> str:
    """Open an incident, once, and return what the run waits for."""
    waiting = f"person:{crossing.position}"
    words = f"Nobody knows whether {crossing.action.label()} happened: {why}."

    def work(connection: Connection) -> Work:
        known = connection.execute(
            select(t.incident.c.id).where(
                t.incident.c.run == crossing.run.id,
                t.incident.c.kind == f"unknown:{crossing.position}",
                t.incident.c.closed_at.is_(None),
            )
        ).first()
        if known is not None:
            return Work(drafts=())
        connection.execute(
            insert(t.incident).values(
                id=new_id("inc", boundary.clock),
                run=crossing.run.id,
                kind=f"unknown:{crossing.position}",
                words=words,
                opened_at=stamp(boundary.clock.now()),
            )
        )
        raised = Draft(
            kind="finding.raised",
            actor="service:settle",
            run=crossing.run.id,
            fields={"position": crossing.position},
            body={"words": words, "owner": boundary.directory().owner.person},
            subject=crossing.run.subject,
        )
        return Work(drafts=(raised,))

    await boundary.ledger.commit(work)
    return waiting
