"""The flow of an undo: rest, look, plan, ask, take back, certify. Each step is on record before the next.

This is a workflow of the house itself: an engine carries it like any other run, so a process that dies
in the middle loses nothing. The undo's own run does everything but the compensations; those are made by one
saga for each run that is taken back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, insert, or_, select, update

from bridgehead.declare.given import UNDO
from bridgehead.enforce.boundary import Boundary, Crossing, RunState
from bridgehead.enforce.park import Park
from bridgehead.enforce.question import DECIDE
from bridgehead.enforce.stop import wake
from bridgehead.kernel.action import Action
from bridgehead.kernel.canonical import canonical_bytes
from bridgehead.kernel.clock import stamp
from bridgehead.kernel.entry import Draft, Written
from bridgehead.kernel.outcome import Done
from bridgehead.kernel.undoing import GROUPS, TAKEN_BACK
from bridgehead.record import Work
from bridgehead.rollout import certificate, items
from bridgehead.rollout.halt import bring_to_rest
from bridgehead.rollout.listing import compare
from bridgehead.rollout.look import look
from bridgehead.rollout.plan import Plan, Seen, plan
from bridgehead.rollout.population import Known, Population, population
from bridgehead.rollout.releases import Releases
from bridgehead.rollout.saga import take_back
from bridgehead.run.journal import cross
from bridgehead.store import tables as t
from bridgehead.store.overtaken import overtaken

AT_ONCE = 16
"""Records read side by side; sagas put on the list in one transaction."""
LOOKS, PAUSE = 5, timedelta(seconds=1)
"""How often a record is looked at whose system does not answer, and the first pause, doubled each time."""
LOOK_ROUND = timedelta(minutes=10)
"""How often it is looked whether a run that takes effects back was stopped, so that nobody will end them."""


class Undo:
    """The house's own workflow for runs of kind ``undo``."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases

    async def __call__(self, boundary: Boundary, run: RunState, /) -> dict[str, Any]:
        """Carry the undo, or one saga of it, as far as it goes. Raises ``Park`` to wait."""
        # Whatever is recorded on the way goes through the segment's own ledger, which a lost worker has not.
        releases = Releases(
            active=lambda: boundary,
            boundary_of=lambda digest: replace(self._releases.boundary_of(digest), ledger=boundary.ledger),
        )
        undo = _undo(boundary, run)
        if undo is None:
            return await take_back(releases, boundary, run)
        if undo.state == "looking" and _overtaken(boundary, undo):
            return {"undo": undo.id}  # nobody waits for this plan any more
        if undo.state == "stopping":
            await bring_to_rest(releases, undo.scope, undo.target)
        if undo.state in ("stopping", "looking"):
            await _plan(releases, boundary, run, undo)
            undo = _undo(boundary, run) or undo
        if undo.state == "asking":
            agreed = await _agreed(boundary, run, undo)
            await boundary.ledger.commit(items.move(undo, "running" if agreed else "refused"))
            undo = _undo(boundary, run) or undo
        if undo.state == "running":
            await _begin_sagas(boundary, undo)
            await _hand_over_the_stopped(boundary, undo)
            with boundary.store.reading() as connection:
                if items.left(connection, undo.id):
                    raise Park(f"undo:{undo.id}", until=boundary.clock.now() + LOOK_ROUND)
        if undo.state in ("running", "refused"):
            await boundary.ledger.commit(certificate.issue(boundary, undo, final=True))
        return {"undo": undo.id}


def carried(undo: str) -> Select[Any]:
    """Return the query for the runs an undo needs carried: its own, its sagas, and, until they are at rest,
    those it takes back."""
    own = select(t.undo.c.run).where(t.undo.c.id == undo)
    sagas = select(t.undo_item.c.saga).where(t.undo_item.c.undo == undo)
    coming_to_rest = exists().where(
        t.undo.c.id == undo,
        t.undo.c.state == "stopping",
        or_(t.undo.c.target == t.run.c.id, t.undo.c.target == t.run.c.release),
    )
    return select(t.run.c.id).where(or_(t.run.c.id.in_(own), t.run.c.id.in_(sagas), coming_to_rest))


async def _plan(releases: Releases, boundary: Boundary, run: RunState, undo: Row[Any]) -> None:
    with boundary.store.reading() as connection:
        found = population(connection, undo.scope, undo.target, boundary, releases.boundary_of)
        maker = maker_of(connection, undo.scope, undo.target)
    listed = await compare(run, found.known)
    seen = await _seen(boundary, run, found) | listed.seen
    made = plan(undo.scope, undo.target, found.effects(), seen, found.later)
    state = "planned" if undo.state == "looking" else _next(made)
    person = items.answers_for(boundary.directory(), maker)
    sights: dict[str, int] = dict(Counter(one.sight for one in seen.values()))
    if listed.only_there:
        sights["only-there"] = len(listed.only_there)
    await boundary.ledger.commit(
        items.write_plan(boundary, undo, made, state, person, sights, listed.only_there)
    )


def _next(made: Plan) -> str:
    """People are asked where there is something to take back."""
    return "asking" if any(item.group in TAKEN_BACK for item in made.items) else "running"


async def _seen(boundary: Boundary, run: RunState, found: Population) -> dict[str, Seen]:
    """Look at every effect that another one on the same record does not hide.

    A system that does not answer is asked again, in rounds. Raises ``Park`` between two of them.
    """
    known = [one for one in found.known.values() if _visible(one, found)]
    before, seen = _looked_at(boundary, run), dict[str, Seen]()
    for number in range(1, LOOKS + 1):
        places = {one.effect.name: f"see.{one.effect.entry}" + f".{number}" * (number > 1) for one in known}
        seen |= await _look_at(run, known, places)
        known = [one for one in known if seen[one.effect.name].silent]
        if not known:
            break
        if number < LOOKS and not before.issuperset(places.values()):  # it was only just made
            raise Park("undo:look", until=boundary.clock.now() + PAUSE * 2 ** (number - 1))
    return seen


def _looked_at(boundary: Boundary, run: RunState) -> set[str]:
    """Return at which positions looks were made before."""
    looks = (t.crossing.c.run == run.id, t.crossing.c.position.startswith("see."))
    with boundary.store.reading() as connection:
        return set(connection.execute(select(t.crossing.c.position).where(*looks)).scalars())


async def _look_at(run: RunState, known: list[Known], places: Mapping[str, str]) -> dict[str, Seen]:
    seen: dict[str, Seen] = {}
    for start in range(0, len(known), AT_ONCE):
        part = known[start : start + AT_ONCE]
        looks = await asyncio.gather(
            *(look(run, one, places[one.effect.name]) for one in part), return_exceptions=True
        )
        for one, sight in zip(part, looks, strict=True):
            if isinstance(sight, BaseException):
                raise sight
            seen[one.effect.name] = sight
    return seen


def _visible(known: Known, found: Population) -> bool:
    effect = known.effect
    hidden = any(entry > effect.entry for entry, _ in found.later.get(effect.record, ()))
    return not effect.taken_back and effect.fate != "unclear" and not (effect.record and hidden)


async def _agreed(boundary: Boundary, run: RunState, undo: Row[Any]) -> bool:
    """Ask people about exactly this plan; return whether they agreed. Raises ``Park`` while they are asked.

    Whoever made the release active is not let to decide about taking it back (``enforce.separation``).
    """
    with boundary.store.reading() as connection:
        counts = dict(
            Counter(
                connection.execute(select(t.undo_item.c.group).where(t.undo_item.c.undo == undo.id)).scalars()
            )
        )
    number = sum(counts.get(group, 0) for group in TAKEN_BACK)
    what = f"{undo.scope} {undo.target[:12]}"
    evidence = {
        undo.scope: undo.target,
        "effects": {group: counts[group] for group in GROUPS if counts.get(group)},
        "at_most": undo.rate or "as fast as it goes",
        "plan_digest": undo.plan_digest,
    }
    if undo.expected and undo.expected != undo.plan_digest:
        evidence["ordered_on_another_plan"] = undo.expected
    asked = Action(
        kind="act",
        target=f"{DECIDE}{UNDO}",
        arguments={
            "question": f"Take back {number} effect{'' if number == 1 else 's'} of {what}?",
            "evidence": evidence,
        },
        effect="read",
    )
    outcome = await cross(boundary, Crossing(run=run, position="agree", action=asked))
    return isinstance(outcome, Done)


async def _hand_over_the_stopped(boundary: Boundary, undo: Row[Any]) -> None:
    """Leave to a person what a run was to take back that was stopped: nobody else will come to it."""
    with boundary.store.reading() as connection:
        stopped = connection.execute(
            select(t.undo_item)
            .join(t.run, t.run.c.id == t.undo_item.c.saga)
            .where(
                t.undo_item.c.undo == undo.id,
                t.undo_item.c.state.in_(items.OPEN),
                t.run.c.status.in_(("failed", "stopped")),
            )
        ).all()
    for item in stopped:
        await boundary.ledger.commit(
            items.end(boundary, undo, item, "person", "The run that was to take it back was stopped.")
        )


async def _begin_sagas(boundary: Boundary, undo: Row[Any]) -> None:
    """Put a run on the list for each run that is taken back. Harmless when repeated."""
    with boundary.store.reading() as connection:
        rows = connection.execute(
            select(t.undo_item.c.saga, t.run)
            .join(t.run, t.run.c.id == t.undo_item.c.run)
            .where(t.undo_item.c.undo == undo.id, t.undo_item.c.saga != "")
            .order_by(t.undo_item.c.number)
        ).all()
        begun = set(
            connection.execute(
                select(t.run.c.id).where(t.run.c.id.in_(select(t.undo_item.c.saga).distinct()))
            ).scalars()
        )
    missing = list({row.saga: row for row in rows if row.saga not in begun}.values())
    for start in range(0, len(missing), AT_ONCE):
        await boundary.ledger.commit(_sagas(boundary, undo, missing[start : start + AT_ONCE]))


def _sagas(boundary: Boundary, undo: Row[Any], rows: list[Row[Any]]) -> Any:
    now, release = stamp(boundary.clock.now()), boundary.deployment.digest

    def work(connection: Connection) -> Work:
        for row in rows:
            connection.execute(
                insert(t.run).values(
                    id=row.saga,
                    kind="undo",
                    release=release,
                    workflow=row.workflow,
                    title=f"Undo of {row.title}",
                    agent="",
                    on_behalf=undo.ordered_by,
                    bindings=canonical_bytes({}).decode(),
                    subject=row.subject,
                    input_entry=-1,  # set once the entry has its index
                    status="running",
                    created_at=now,
                )
            )
        wake(connection, [row.saga for row in rows], now)
        drafts = tuple(
            Draft(
                kind="run.started",
                actor=f"human:{undo.ordered_by}",
                run=row.saga,
                fields={"release": release, "note": "undo", "undo": {"id": undo.id, "target": row.id}},
                body={"input": {"undo": undo.id, "run": row.id}, "title": f"Undo of {row.title}"},
                subject=row.subject,
            )
            for row in rows
        )

        def then(connection: Connection, written: tuple[Written, ...]) -> None:
            for row, entry in zip(rows, written, strict=True):
                connection.execute(
                    update(t.run).where(t.run.c.id == row.saga).values(input_entry=entry.index)
                )

        return Work(drafts=drafts, then=then)

    return work


def maker_of(connection: Connection, scope: str, target: str) -> str:
    """Return the id of who made the release active."""
    release = target
    if scope == "run":
        release = connection.execute(select(t.run.c.release).where(t.run.c.id == target)).scalar_one()
    label = connection.execute(
        select(t.release.c.activated_by).where(t.release.c.digest == release)
    ).scalar_one()
    return str(label).partition(" ")[0].partition(":")[2]


def _overtaken(boundary: Boundary, undo: Row[Any]) -> bool:
    with boundary.store.reading() as connection:
        return overtaken(connection, undo)


def _undo(boundary: Boundary, run: RunState) -> Row[Any] | None:
    with boundary.store.reading() as connection:
        return items.of_run(connection, run.id)
