"""The one function every action passes. A security reviewer reads this file first.

Whatever a run, an agent or a person wants to do outside Bridgehead goes through ``perform``, which
keeps ten promises, in this order:

1.  Who: the principal chain is known, and every link of it is active *now*.
2.  Policy: arguments fit their declaration, facts are read, Cedar permits, asks or refuses. No
    decision, and any fault of the engine, means refused.
3.  Entitlements: a run opened for one subject touches nobody else's records, and hears nothing of them;
    SQL is rewritten to the rows and columns, and a search confined to the documents, that human, agent and
    charter all permit.
4.  Limits: neither the deployment nor the run's release is stopped; crossings, effects and money stay
    within budget, a model's loop within its own; models run where they may, people are asked so often.
    Data that broke their contract hold back what rests on them, as the contract says.
5.  Approval: where people must agree, they are asked, and the run waits outside memory.
6.  Re-check: after the wait steps 1 to 4 have been repeated, and what people approved is compared,
    by digest, with what would happen now. Any difference asks again.
7.  Intent: durable in the ledger, with its inverse, before anything happens; the claim looks at
    stop, release, limits, data, budget and approval once more in the same transaction.
8.  Execute: one call within its deadline; repeated only where that is proven harmless.
9.  Inspect: what came back is looked at before anybody gets it.
10. Outcome: recorded, and returned exactly as every later replay will return it.

Refusals are values, recorded with reasons like everything else. ``Park`` is raised when the run has
to wait; when it is resumed, ``perform`` is called again for the same position.
"""

from __future__ import annotations

from dataclasses import replace

from bridgehead.enforce import (
    approve,
    authorise,
    ending,
    entitle,
    evidence,
    execute,
    health,
    identity,
    inspection,
    journal,
    limits,
    loops,
    rows,
    undo,
)
from bridgehead.enforce.boundary import Boundary, Crossing
from bridgehead.enforce.claim import claim
from bridgehead.kernel.decision import Ask, Permit, Refuse
from bridgehead.kernel.outcome import Outcome


async def perform(boundary: Boundary, crossing: Crossing) -> Outcome:
    """Take one action through the boundary and return how it ended.

    Raises ``Park`` when the run has to wait, ``LedgerError`` or ``StoreError`` when nothing can be
    recorded (then nothing was done), ``EngineError`` when somebody else has claimed, settled or changed the
    effect. One that may have happened is repeated with its key or left to a person, never refused.
    """
    observe = boundary.observer.step
    with boundary.store.reading() as connection:
        earlier = rows.find(connection, crossing.run.id, crossing.position)
        standing = limits.standing(connection, boundary, crossing)
        journal.require_current(crossing, earlier)
        granted = approve.look_up(connection, boundary, earlier)
    if isinstance(granted, Refuse):
        return await ending.refuse(boundary, crossing, granted)

    observe(1)  # who
    who = identity.establish(boundary, crossing)
    if isinstance(who, Refuse):
        return await ending.refuse(boundary, crossing, who)

    observe(2)  # policy
    found = await evidence.gather(boundary, crossing, perform)
    if isinstance(found, Refuse):
        return await ending.refuse(boundary, crossing, found)
    named = limits.named(boundary, crossing, standing, found.facts)
    if isinstance(named, Refuse):
        return await ending.refuse(boundary, crossing, named)
    agreed = granted.rules if granted else ()
    decision = authorise.decide(boundary, crossing, who, found, agreed, named.record_changes)
    confined = entitle.confine(boundary, crossing, found)
    if isinstance(decision, Refuse):  # of somebody else's record nothing is told but that
        return await ending.refuse(boundary, crossing, decision if confined is None else confined)

    observe(3)  # entitlements
    if confined is not None:
        return await ending.refuse(boundary, crossing, confined)
    statement = entitle.narrow(boundary, crossing)
    if isinstance(statement, Refuse):
        return await ending.refuse(boundary, crossing, statement)

    observe(4)  # limits
    boundary.store.look(lambda connection: limits.heed_stop(connection, crossing))
    limited = limits.check(boundary, crossing, named, begun=journal.begun(earlier))
    if limited is None:
        limited = loops.look(boundary, crossing, found)
    if limited is not None:
        return await ending.refuse(boundary, crossing, limited)
    sound = health.heed(boundary, crossing, decision, statement, agreed)
    if isinstance(sound, Refuse):
        return await ending.refuse(boundary, crossing, sound)
    decision, evident = sound.decision, replace(found, sick=sound.sick)
    limited = limits.check_questions(boundary, crossing, decision)
    if limited is not None:
        return await ending.refuse(boundary, crossing, limited)
    inverse = undo.inverse(boundary, crossing, evident)
    if isinstance(inverse, Refuse):
        return await ending.refuse(boundary, crossing, inverse)

    observe(5)  # approval
    decision = approve.heed_edit(boundary, crossing, decision, granted)
    if isinstance(decision, Ask):
        await approve.ask(boundary, crossing, decision, evident, inverse, granted)

    observe(6)  # re-check
    if granted is not None and not approve.still_fits(crossing, evident, granted):
        again = Ask(approvals=granted.rules, reasons=sound.reasons)
        await approve.ask(boundary, crossing, again, evident, inverse, granted)

    observe(7)  # intent
    assert isinstance(decision, Permit)
    await execute.connect(boundary, crossing)
    who = identity.establish(boundary, crossing)  # that may have taken long
    if isinstance(who, Refuse):
        return await ending.refuse(boundary, crossing, who)
    claimed = await claim(boundary, crossing, decision, evident, granted, inverse, named, statement)
    if isinstance(claimed, Refuse):
        return await ending.refuse(boundary, crossing, claimed)

    observe(8)  # execute
    outcome = await execute.call(boundary, crossing, granted, claimed, statement)

    observe(9)  # inspect
    seen = inspection.look(boundary, crossing, outcome, statement)
    if isinstance(seen, Refuse):
        return await ending.refuse(boundary, crossing, seen)

    observe(10)  # outcome
    ended = await ending.finish(boundary, crossing, seen, called_at=claimed.at, repeats=claimed.repeats)
    observe(0)
    return ended
